//! What can go wrong between a node of IoTChain and a chain.

use crate::Hash;
use crate::contract::Revert;

/// Result of a ledger operation.
pub type Result<T> = std::result::Result<T, LedgerError>;

/// A failed ledger operation. The texts are for operators; [`LedgerError::registry`] gives what goes on the wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The node cannot be reached or did not answer in time.
    #[error("ledger unavailable: {0}")]
    Unavailable(String),
    /// The node answered, but not with what was asked for: malformed, of another block, or contradicting itself.
    #[error("the ledger node's answer is unusable: {0}")]
    Answer(String),
    /// The block is unknown to the node, was reorganised away, or its state is no longer kept.
    #[error("block {0} is unknown or its state is no longer kept")]
    UnknownBlock(Hash),
    /// The newest block is too old to decide anything, or dated too far ahead (spec 5.3, step 1).
    #[error("the newest block is {age} s from the present, more than {limit} s")]
    Stale {
        /// Age of the head in seconds, either way.
        age: u64,
        /// Greatest age that was allowed, in seconds.
        limit: u64,
    },
    /// The contract refused the call.
    #[error("the contract refused: {0}")]
    Reverted(Revert),
    /// The node refused the transaction: nonce, signature, gas or a full pool.
    #[error("transaction refused: {0}")]
    Rejected(String),
    /// The transaction was not included in time. It may still be.
    #[error("transaction {0} was not included in time")]
    Timeout(Hash),
    /// The code at the address is not the pinned `AccessToken`.
    #[error("the code at the contract's address has hash {found}, expected {expected}")]
    WrongCode {
        /// Hash of the code on the chain; all zeros when there is none.
        found: Hash,
        /// The pinned hash.
        expected: Hash,
    },
    /// Another process holds the data directory.
    #[error("data directory {0} is in use by another process")]
    InUse(String),
    /// The data directory is not one of ours, or of another chain; nothing was written to it.
    #[error("data directory {0}")]
    Foreign(String),
    /// A stored block does not reproduce; nothing was overwritten.
    #[error("the stored chain is corrupt: {0}")]
    Corrupt(String),
    /// Reading or writing the data directory failed. No acknowledged block is lost.
    #[error("storage: {0}")]
    Storage(String),
    /// A key, address or setting that cannot be used.
    #[error("{0}")]
    Config(String),
}

impl LedgerError {
    /// The registry error that a key server answers with (spec 7).
    ///
    /// Everything that leaves the token's state in doubt is `E_LEDGER_UNAVAILABLE`, which revokes nobody (spec 8, A8).
    #[must_use]
    pub const fn registry(&self) -> iotchain_core::Error {
        match self {
            Self::Stale { .. } => iotchain_core::Error::LedgerStale,
            Self::WrongCode { .. } => iotchain_core::Error::Issuer,
            _ => iotchain_core::Error::LedgerUnavailable,
        }
    }
}
