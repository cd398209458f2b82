//! The one key of a client, as the ledger and as the key server know it.

use iotchain::Address;
use iotchain::token::ClientKey;
use iotchain_ledger::Account;

use crate::data_dir::DataDir;
use crate::{NodeError, keyfile};

/// The client's account.
#[derive(Debug)]
pub struct ClientAccount {
    /// For transactions.
    pub ledger: Account,
    /// For proofs of possession.
    pub proof: ClientKey,
}

impl ClientAccount {
    /// The account in a client's directory, made at the first start.
    ///
    /// # Errors
    /// [`NodeError::Io`], [`NodeError::Config`] for a file that holds no key.
    pub fn open(data: &DataDir) -> Result<Self, NodeError> {
        let key = keyfile::read_or_create_key(&data.file("client.key"))?;
        Ok(Self {
            ledger: Account::from_bytes(&key)?,
            proof: ClientKey::from_bytes(&key)?,
        })
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.ledger.address()
    }
}
