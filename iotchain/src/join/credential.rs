//! CCS: an unsigned CWT claims set around a public key (RFC 8392, RFC 8747; spec 4.3).
//!
//! ```text
//! CCS = {? 2: "eip155:<chain>:0x<address>", 8: {1: COSE_Key}}
//! ```

use super::list::Element;
use super::parameter::{Unknown, each_pair, each_parameter, wrap};
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Address, Error, PublicKey, Result};
use iotchain_token::AccountId;

const SUBJECT: i64 = 2;
const CONFIRMATION: i64 = 8;
const COSE_KEY: i64 = 1;

/// A public key and, unless it is the key server's, whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ccs {
    /// The owner of the key.
    pub subject: Option<AccountId>,
    /// The key.
    pub key: PublicKey,
}

impl Ccs {
    /// Longest encoding in bytes.
    pub const MAX_LEN: usize = 1 + (1 + 2 + AccountId::MAX_LEN) + 3 + PublicKey::MAX_ENCODED;

    /// From its encoding.
    ///
    /// # Errors
    /// The CBOR errors 1 to 11; [`Error::Type`] for other labels, a subject that is no account, or another key shape.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (mut subject, mut key) = (None, None);
        each_parameter(bytes, Unknown::Refuse, |label, reader| {
            match label {
                SUBJECT => subject = Some(AccountId::parse(reader.text()?)?),
                CONFIRMATION => key = Some(confirmation(reader)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            subject,
            key: key.ok_or(Error::Type)?,
        })
    }

    /// Writes the encoding and returns its length, at most [`Ccs::MAX_LEN`].
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        writer.map(if self.subject.is_some() { 2 } else { 1 });
        if let Some(subject) = &self.subject {
            subject.with_text(|text| {
                writer.int(SUBJECT).text(text);
            });
        }
        writer.int(CONFIRMATION).map(1).int(COSE_KEY);
        self.key.write(&mut writer);
        writer.finish()
    }

    /// The credential of a key server: whose it is, the DTLS certificate tells.
    #[must_use]
    pub const fn key_server(key: PublicKey) -> Self {
        Self { subject: None, key }
    }

    /// Whether the key is that of `address`, on whatever chain.
    #[must_use]
    pub fn is_of(&self, address: &Address) -> bool {
        self.subject
            .is_some_and(|subject| subject.address == *address)
    }
}

impl Element<'_> for Ccs {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::parse(reader.bytes()?)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        wrap::<{ Self::MAX_LEN }>(writer, |out| self.encode(out))
    }
}

fn confirmation(reader: &mut Reader<'_>) -> Result<PublicKey> {
    let mut key = None;
    each_pair(reader, Unknown::Refuse, |label, reader| {
        if label == COSE_KEY {
            key = Some(PublicKey::read(reader)?);
        }
        Ok(label == COSE_KEY)
    })?;
    key.ok_or(Error::Type)
}
