//! The cnf claim: which key the holder of a token must prove (RFC 8747).

use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Address, Error, PublicKey, Result};

const COSE_KEY: u64 = 1;
const KID: u64 = 3;

/// The key behind a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// `{3: address}`: the key of this account, as the ledger knows it (RFC 8747, 3.4).
    Account(Address),
    /// `{1: COSE_Key}`: this key (RFC 8747, 3.2).
    Key(PublicKey),
}

impl Confirmation {
    /// The account whose key it is.
    ///
    /// # Errors
    /// [`Error::Cnf`] for a key that is not a point of secp256k1.
    pub fn account(&self) -> Result<Address> {
        match self {
            Self::Account(address) => Ok(*address),
            Self::Key(key) => {
                let address = key.address().ok_or(Error::Cnf)?;
                key.check().map_err(|_| Error::Cnf)?;
                Ok(address)
            }
        }
    }

    /// From the encoded claim, whose format was checked.
    pub(super) fn parse(item: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(item);
        let pairs = reader.map()?;
        let confirmation = match (pairs, reader.uint()) {
            (1, Ok(COSE_KEY)) => PublicKey::read(&mut reader).map(Self::Key),
            (1, Ok(KID)) => reader
                .bytes()
                .and_then(Address::from_slice)
                .map(Self::Account),
            _ => Err(Error::Cnf),
        };
        confirmation.map_err(|_| Error::Cnf)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.map(1);
        match self {
            Self::Account(address) => {
                writer.uint(KID).bytes(address.as_bytes());
            }
            Self::Key(key) => key.write(writer.uint(COSE_KEY)),
        }
    }
}
