//! What the key server reads to validate a token (spec 5.3, step 3; spec 8, A20).

use iotchain_core::Address;

use super::{AccessToken, resource_slot, token_slot};
use crate::{Header, Ledger, Result, Word};

/// A token as two blocks of one chain show it. Not validated: that is `iotchain-token`'s part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// The newest block.
    pub head: Header,
    /// Its ancestor `confirmations` blocks below, or the genesis block.
    pub confirmed: Header,
    /// The token word at the head.
    pub word_head: Word,
    /// The token word at `confirmed`.
    pub word_confirmed: Word,
    /// The resource word at the head.
    pub resource_head: Word,
}

impl AccessToken {
    /// Reads the token word of `client` at `res` at the head and `confirmations` blocks below, and the resource word, all
    /// by block hash of one chain with checked ancestry, after checking the contract's pinned code.
    ///
    /// # Errors
    /// [`crate::LedgerError::WrongCode`], or the ledger's own.
    pub fn read_token(
        &self,
        ledger: &dyn Ledger,
        client: Address,
        res: Address,
        confirmations: u64,
    ) -> Result<TokenView> {
        let head = ledger.head()?;
        self.check_code(ledger, head.hash)?;
        let confirmed = ledger.ancestor(&head, confirmations)?;
        let slot = token_slot(client, res);
        Ok(TokenView {
            head,
            confirmed,
            word_head: ledger.storage_at(self.address(), slot, head.hash)?,
            word_confirmed: ledger.storage_at(self.address(), slot, confirmed.hash)?,
            resource_head: ledger.storage_at(self.address(), resource_slot(res), head.hash)?,
        })
    }
}
