//! Problem details, Content-Format 257: how an error of the registry travels (RFC 9290; spec 4.6).
//!
//! ```text
//! {? 0: {0: ace-groupcomm-error}, -1: title, -4: CoAP code, "tag:iotchain,2026:e": {0: number}}
//! ```

use super::parameter::{Unknown, each_pair};
use iotchain_core::cbor::{self, Reader, Writer};
use iotchain_core::{Error, Result};

const GROUP_COMM: i64 = 0;
const TITLE: i64 = -1;
const RESPONSE_CODE: i64 = -4;
const ENTRY: &str = "tag:iotchain,2026:e";
/// Both nested maps hold their value under label 0.
const VALUE: i64 = 0;
/// 5.00, for an error that has no code because it should never leave its node.
const INTERNAL: u8 = 0xa0;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemDetails<'a> {
    /// The error; `None` if the sender gave a number this version does not know, or none.
    pub error: Option<Error>,
    /// A short text for people.
    pub title: &'a str,
}

impl<'a> ProblemDetails<'a> {
    /// The problem of `error`, with a short text for people.
    #[must_use]
    pub const fn new(error: Error, title: &'a str) -> Self {
        Self {
            error: Some(error),
            title,
        }
    }

    /// The CoAP response code byte it travels with (`0x83` = 4.03).
    #[must_use]
    pub fn code(&self) -> u8 {
        self.error.and_then(Error::coap).unwrap_or(INTERNAL)
    }

    /// From its encoding. Entries of other specifications are skipped.
    ///
    /// # Errors
    /// The CBOR errors 1 to 11; [`Error::Type`] for ill-typed entries.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        let (mut title, mut number) = ("", None);
        for _ in 0..reader.map()? {
            let key = reader.skip()?;
            if Reader::new(key).int() == Ok(TITLE) {
                title = reader.text()?;
            } else if Reader::new(key).text() == Ok(ENTRY) {
                number = entry(&mut reader)?;
            } else {
                reader.skip()?;
            }
        }
        Ok(Self {
            error: number.and_then(Error::from_number),
            title,
        })
    }

    /// Writes the encoding and returns its length.
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let group_comm = self.error.and_then(Error::group_comm);
        let pairs = 2u64
            .wrapping_add(group_comm.is_some().into())
            .wrapping_add(self.error.is_some().into());
        let mut writer = Writer::new(out);
        writer.map(pairs);
        if let Some(group_comm) = group_comm {
            writer
                .int(GROUP_COMM)
                .map(1)
                .int(VALUE)
                .int(group_comm.into());
        }
        writer.int(TITLE).text(self.title);
        writer.int(RESPONSE_CODE).uint(self.code().into());
        if let Some(error) = self.error {
            writer
                .text(ENTRY)
                .map(1)
                .int(VALUE)
                .uint(error.number().into());
        }
        writer.finish()
    }
}

fn entry(reader: &mut Reader<'_>) -> Result<Option<u16>> {
    let mut number = None;
    each_pair(reader, Unknown::Skip, |label, reader| {
        if label == VALUE {
            number = u16::try_from(reader.uint()?).ok();
        }
        Ok(label == VALUE)
    })?;
    Ok(number)
}
