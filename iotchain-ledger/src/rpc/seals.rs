//! A head that a majority of known sealers vouches for (spec 5.7, step 1).
//!
//! ```text
//!   ... <- confirmed <- ... <- base <- [ sealed <- sealed <- head ]     floor(N/2) + 1 blocks, each by another sealer
//! ```
//! So many sealers are a majority, and each of them sealed on top of everything before. No block has to be known
//! beforehand, and nothing is kept but the last head that passed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_consensus::Header;
use iotchain_core::{Address, Error};
use iotchain_token::{Sealer, TrustedBlock};

use super::client::JsonRpcLedger;
use crate::{Hash, LedgerError, Result};

/// The sealers of a network by proof of authority.
pub(super) struct Seals {
    sealers: Vec<Sealer>,
    /// The head that passed last: many questions are asked about the same one.
    passed: Mutex<Option<Hash>>,
}

impl Seals {
    pub(super) fn of(accounts: &[Address]) -> Self {
        Self {
            sealers: accounts.iter().copied().map(Sealer::new).collect(),
            passed: Mutex::default(),
        }
    }

    /// Checks the newest block that a node names.
    ///
    /// # Errors
    /// [`LedgerError::Answer`] if too few sealers vouch for it, [`LedgerError::UnknownBlock`] if a block before it is gone.
    pub(super) fn check(&self, node: &JsonRpcLedger, head: Hash) -> Result<()> {
        if *self.passed() == Some(head) {
            return Ok(());
        }
        let (mut hash, mut newest_first) = (head, Vec::new());
        for _ in 0..=self.sealers.len() / 2 {
            let header = at(node, hash)?;
            newest_first.push(alloy_rlp::encode(&header));
            hash = header.parent_hash.into();
        }
        let base = alloy_rlp::encode(at(node, hash)?);
        let mut sealers = self.sealers.clone();
        TrustedBlock::at(hash.as_bytes(), &base)
            .and_then(|base| {
                let mut headers = newest_first.iter().rev();
                headers.try_fold(base, |block, header| {
                    block.sealed_child(header, &mut sealers)
                })
            })
            .map_err(unsealed)?;
        *self.passed() = Some(head);
        Ok(())
    }

    fn passed(&self) -> MutexGuard<'_, Option<Hash>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at(node: &JsonRpcLedger, hash: Hash) -> Result<Header> {
    node.full_header(hash)?
        .ok_or(LedgerError::UnknownBlock(hash))
}

fn unsealed(error: Error) -> LedgerError {
    LedgerError::Answer(format!("seals of the newest block: {error}"))
}
