//! Options: their numbers, their formats, and the sorted list a message carries (RFC 7252, 5.4 and 5.10).

/// Option numbers (RFC 7252, 12.2; RFC 7641; RFC 7959; RFC 9175).
pub mod number {
    /// If-Match, critical.
    pub const IF_MATCH: u16 = 1;
    /// Uri-Host, critical.
    pub const URI_HOST: u16 = 3;
    /// ETag, elective, 1 to 8 bytes.
    pub const ETAG: u16 = 4;
    /// If-None-Match, critical.
    pub const IF_NONE_MATCH: u16 = 5;
    /// Observe, elective, 24 bits (RFC 7641).
    pub const OBSERVE: u16 = 6;
    /// Uri-Port, critical.
    pub const URI_PORT: u16 = 7;
    /// Location-Path, elective.
    pub const LOCATION_PATH: u16 = 8;
    /// Uri-Path, critical.
    pub const URI_PATH: u16 = 11;
    /// Content-Format, elective.
    pub const CONTENT_FORMAT: u16 = 12;
    /// Max-Age in seconds, elective.
    pub const MAX_AGE: u16 = 14;
    /// Uri-Query, critical.
    pub const URI_QUERY: u16 = 15;
    /// Accept, critical.
    pub const ACCEPT: u16 = 17;
    /// Location-Query, elective.
    pub const LOCATION_QUERY: u16 = 20;
    /// Block2, critical (RFC 7959).
    pub const BLOCK2: u16 = 23;
    /// Block1, critical (RFC 7959).
    pub const BLOCK1: u16 = 27;
    /// Size2, elective (RFC 7959).
    pub const SIZE2: u16 = 28;
    /// Proxy-Uri, critical.
    pub const PROXY_URI: u16 = 35;
    /// Proxy-Scheme, critical.
    pub const PROXY_SCHEME: u16 = 39;
    /// Size1, elective.
    pub const SIZE1: u16 = 60;
    /// Echo, elective, 1 to 40 bytes (RFC 9175, 2).
    pub const ECHO: u16 = 252;
    /// Request-Tag, elective, up to 8 bytes, repeatable (RFC 9175, 3).
    pub const REQUEST_TAG: u16 = 292;
}

/// Content-Formats this project meets (IANA "CoAP Content-Formats").
pub mod content_format {
    /// text/plain; charset=utf-8.
    pub const TEXT_PLAIN: u16 = 0;
    /// application/cose; cose-type="cose-encrypt0" (RFC 9052).
    pub const COSE_ENCRYPT0: u16 = 16;
    /// application/cose; cose-type="cose-sign1" (RFC 9052).
    pub const COSE_SIGN1: u16 = 18;
    /// application/ace+cbor (RFC 9200).
    pub const ACE_CBOR: u16 = 19;
    /// application/link-format (RFC 6690).
    pub const LINK_FORMAT: u16 = 40;
    /// application/octet-stream.
    pub const OCTET_STREAM: u16 = 42;
    /// application/json.
    pub const JSON: u16 = 50;
    /// application/cbor (RFC 8949).
    pub const CBOR: u16 = 60;
    /// application/concise-problem-details+cbor (RFC 9290).
    pub const PROBLEM_DETAILS: u16 = 257;
    /// application/ace-groupcomm+cbor (RFC 9594).
    pub const ACE_GROUPCOMM: u16 = 261;
}

/// What a value must look like and whether the option may be repeated (RFC 7252, table 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Shortest value in bytes.
    pub(super) min: usize,
    /// Longest value in bytes.
    pub(super) max: usize,
    /// Whether more than one instance is legal.
    pub(super) repeatable: bool,
}

/// The format of an option a request may carry here; `None` for one this endpoint does not implement.
///
/// If-Match and If-None-Match are absent on purpose: objects do not protect them, so acting on them would be wrong
/// (spec 2.7), and a critical option that is not acted on must be refused.
pub(super) fn request_format(option: u16) -> Option<Format> {
    use number::*;
    let (min, max, repeatable) = match option {
        URI_HOST => (1, 255, false),
        ETAG => (1, 8, true),
        OBSERVE | BLOCK1 | BLOCK2 => (0, 3, false),
        URI_PORT | CONTENT_FORMAT | ACCEPT => (0, 2, false),
        URI_PATH | URI_QUERY => (0, 255, true),
        PROXY_URI => (1, 1034, false),
        PROXY_SCHEME => (1, 255, false),
        SIZE1 | SIZE2 => (0, 4, false),
        ECHO => (1, 40, false),
        REQUEST_TAG => (0, 8, true),
        _ => return None,
    };
    Some(Format {
        min,
        max,
        repeatable,
    })
}

/// Whether a receiver that does not know the option must refuse the message (RFC 7252, 5.4.1).
pub const fn is_critical(option: u16) -> bool {
    option & 1 == 1
}

/// The options of one message, sorted by number; equal numbers keep the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options(Vec<(u16, Vec<u8>)>);

impl Options {
    /// No options.
    pub const fn new() -> Self {
        Options(Vec::new())
    }

    /// Adds an option behind those with the same number.
    pub fn add(&mut self, option: u16, value: impl Into<Vec<u8>>) {
        let at = self.0.partition_point(|(n, _)| *n <= option);
        self.0.insert(at, (option, value.into()));
    }

    /// Adds an unsigned number in its shortest form (RFC 7252, 3.2).
    pub fn add_uint(&mut self, option: u16, value: u32) {
        let bytes = value.to_be_bytes();
        let zeros = bytes.iter().take_while(|b| **b == 0).count();
        self.add(option, bytes.get(zeros..).unwrap_or_default());
    }

    /// Replaces every instance of an option.
    pub fn set(&mut self, option: u16, value: impl Into<Vec<u8>>) {
        self.remove(option);
        self.add(option, value);
    }

    /// Replaces every instance of an option by a number.
    pub fn set_uint(&mut self, option: u16, value: u32) {
        self.remove(option);
        self.add_uint(option, value);
    }

    /// Removes every instance of an option.
    pub fn remove(&mut self, option: u16) {
        self.0.retain(|(n, _)| *n != option);
    }

    /// The first value of an option.
    pub fn get(&self, option: u16) -> Option<&[u8]> {
        self.all(option).next()
    }

    /// Every value of an option, in order.
    pub fn all(&self, option: u16) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |(n, _)| *n == option)
            .map(|(_, v)| v.as_slice())
    }

    /// The first value as a number; `None` if absent or longer than four bytes.
    pub fn uint(&self, option: u16) -> Option<u32> {
        let value = self.get(option)?;
        (value.len() <= 4).then(|| value.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
    }

    /// The first value as a 16-bit number, the size of Content-Format and Accept.
    pub fn uint16(&self, option: u16) -> Option<u16> {
        self.uint(option)?.try_into().ok()
    }

    /// Every option with its number, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        self.0.iter().map(|(n, v)| (*n, v.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stay_sorted_and_numbers_short() {
        let mut options = Options::new();
        options.add(number::URI_PATH, *b"a");
        options.add_uint(number::OBSERVE, 0);
        options.add(number::URI_PATH, *b"b");
        options.add_uint(number::SIZE2, 0x0100);
        let all: Vec<_> = options.iter().map(|(n, v)| (n, v.to_vec())).collect();
        assert_eq!(
            all,
            [
                (6, vec![]),
                (11, b"a".to_vec()),
                (11, b"b".to_vec()),
                (28, vec![1, 0])
            ]
        );
        assert_eq!(options.uint(number::OBSERVE), Some(0));
        assert_eq!(options.uint(number::SIZE2), Some(256));
        assert_eq!(options.uint(number::SIZE1), None);
    }
}
