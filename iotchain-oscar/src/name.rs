//! The encoded name of a resource: `rs, [*path]` as in the additional data (spec 2.2).

use crate::ResourceId;
use crate::frame::{ARRAY, BYTES, Frame, TEXT};
use crate::resource::{MAX_SEGMENTS, MAX_URI_BYTES};
use iotchain_core::Result;

/// Head and bytes of rs, head of the path, head and bytes of its segments.
const MAX_LEN: usize = 1 + 20 + 1 + 2 * MAX_SEGMENTS + MAX_URI_BYTES;

/// What an object's resource adds to its additional data, but for the query.
#[derive(Clone)]
pub(crate) struct Name {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl Name {
    pub(crate) fn of(resource: &ResourceId<'_>) -> Result<Self> {
        let mut bytes = [0; MAX_LEN];
        let mut frame = Frame::new(&mut bytes);
        frame.bytes(resource.rs().as_bytes());
        texts(&mut frame, resource.path());
        let len = frame.finish()?;
        Ok(Self { bytes, len })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether it is the name of `resource`.
    pub(crate) fn is(&self, resource: &ResourceId<'_>) -> bool {
        let Some(([head, rest @ ..], path)) = self.as_bytes().split_first_chunk::<21>() else {
            return false;
        };
        let Some((count, mut path)) = path.split_first() else {
            return false;
        };
        // rs has 20 bytes and a path at most 8 segments: both heads are one byte
        if *head != BYTES | 20
            || rest != resource.rs().as_bytes()
            || usize::from(*count ^ ARRAY) != resource.path().len()
        {
            return false;
        }
        for segment in resource.path() {
            let Some(behind) = strip_text(path, segment.as_bytes()) else {
                return false;
            };
            path = behind;
        }
        path.is_empty()
    }
}

/// What follows `text`, if the encoding begins with it.
fn strip_text<'a>(encoded: &'a [u8], text: &[u8]) -> Option<&'a [u8]> {
    let (len, rest) = match *encoded {
        [head @ TEXT..0x78, ref rest @ ..] => (usize::from(head ^ TEXT), rest),
        [0x78, len, ref rest @ ..] => (usize::from(len), rest),
        _ => return None,
    };
    if len == text.len() {
        rest.strip_prefix(text)
    } else {
        None
    }
}

/// An array of texts.
#[inline]
pub(crate) fn texts(frame: &mut Frame<'_>, texts: &[&str]) {
    frame.head(ARRAY, texts.len());
    for text in texts {
        frame.head(TEXT, text.len()).extend(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain_core::Address;
    use iotchain_core::cbor::Writer;

    #[test]
    fn a_name_is_its_encoding_and_belongs_to_one_resource() {
        let long = "x".repeat(100);
        let paths: [&[&str]; 8] = [
            &[],
            &[""],
            &["temp"],
            &["tem"],
            &["te", "mp"],
            &["temp", ""],
            &[&long, "a"],
            &["a", &long],
        ];
        for rs in [[1; 20], [2; 20]].map(Address::new) {
            for path in paths {
                let resource = ResourceId::new(rs, path, &["q"]).unwrap();
                let name = Name::of(&resource).unwrap();
                let mut out = [0; 256];
                let mut writer = Writer::new(&mut out);
                writer.bytes(rs.as_bytes()).array(path.len() as u64);
                path.iter().for_each(|text| {
                    writer.text(text);
                });
                let len = writer.finish().unwrap();
                assert_eq!(name.as_bytes(), &out[..len]);
                for other in paths {
                    let other = ResourceId::new(rs, other, &[]).unwrap();
                    assert_eq!(name.is(&other), other.path() == path);
                    let elsewhere = ResourceId::new(Address::new([3; 20]), path, &[]).unwrap();
                    assert!(!name.is(&elsewhere));
                }
            }
        }
    }

    #[test]
    fn the_longest_name_fits() {
        let segment = "x".repeat(24);
        let path = [segment.as_str(); 8];
        let resource = ResourceId::new(Address::ZERO, &path, &[]).unwrap();
        assert_eq!(Name::of(&resource).unwrap().len, MAX_LEN);
    }
}
