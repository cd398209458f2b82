//! Access key for one more resource server: the answer to GET /ace-group/GNAME/ak?rs=HEX40 (spec 4.1).
//!
//! ```text
//! {6: [[rs, AK]...]}
//! ```

use super::key_map::{ACCESS_KEYS, ServerAccess};
use super::list::List;
use super::parameter::{Unknown, each_parameter};
use iotchain_core::cbor::Writer;
use iotchain_core::{Error, Result};

/// Access keys that a member asked for after it joined.
#[derive(Clone, Copy, Debug)]
pub struct AccessResponse<'a> {
    /// The keys, one per resource server.
    pub access_keys: List<'a, ServerAccess>,
}

impl<'a> AccessResponse<'a> {
    /// From its encoding. DTLS vouches for the sender.
    ///
    /// # Errors
    /// [`Error::Size`] above the limit of a join response; the CBOR errors 1 to 11; [`Error::Type`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > super::JoinResponse::MAX_LEN {
            return Err(Error::Size);
        }
        let mut access_keys = None;
        each_parameter(bytes, Unknown::Skip, |label, reader| {
            if label == ACCESS_KEYS {
                access_keys = Some(List::read(reader)?);
            }
            Ok(label == ACCESS_KEYS)
        })?;
        Ok(Self {
            access_keys: access_keys.ok_or(Error::Type)?,
        })
    }

    /// Writes the encoding and returns its length.
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small; it is wiped then.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        writer.map(1).int(ACCESS_KEYS);
        self.access_keys.write(&mut writer)?;
        writer.finish()
    }
}
