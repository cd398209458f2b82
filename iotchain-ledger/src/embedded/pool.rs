//! Signed transactions that wait for a block.
//!
//! Every waiting transaction can run: the nonces of an account continue its state without a gap. So each block drains
//! the pool, and nobody can fill it with transactions that never run.

use std::collections::{BTreeMap, HashMap};

use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256};

use crate::{LedgerError, Result};

/// Most waiting transactions in all, and of one account.
const CAPACITY: usize = 4096;
const CAPACITY_PER_ACCOUNT: usize = 256;
/// Longest transaction in bytes, as other nodes have it.
pub(super) const MAX_TRANSACTION: usize = 128 * 1024;

/// A signed transaction whose signature, chain and kind were checked.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) transaction: TxEnvelope,
    pub(super) sender: Address,
}

impl Signed {
    /// Decodes EIP-2718 bytes and recovers the sender.
    pub(super) fn decode(bytes: &[u8], chain_id: u64) -> Result<Self> {
        if bytes.len() > MAX_TRANSACTION {
            return Err(rejected("longer than 128 KiB"));
        }
        let mut rest = bytes;
        let transaction =
            TxEnvelope::decode_2718(&mut rest).map_err(|e| rejected(&format!("malformed: {e}")))?;
        if !rest.is_empty() {
            return Err(rejected("trailing bytes"));
        }
        if !matches!(
            transaction,
            TxEnvelope::Legacy(_) | TxEnvelope::Eip2930(_) | TxEnvelope::Eip1559(_)
        ) {
            return Err(rejected(
                "this kind of transaction is not part of the London rules",
            ));
        }
        if transaction.chain_id() != Some(chain_id) {
            return Err(rejected(&format!(
                "not signed for chain {chain_id} (EIP-155)"
            )));
        }
        let sender = transaction
            .recover_signer()
            .map_err(|_| rejected("invalid signature"))?;
        Ok(Self {
            transaction,
            sender,
        })
    }

    pub(super) fn hash(&self) -> B256 {
        *self.transaction.tx_hash()
    }
}

/// The waiting transactions.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// First come, first served. An account's nonces arrive in order, so this order suits them too.
    arrivals: BTreeMap<u64, Signed>,
    /// Arrival by account and nonce.
    accounts: HashMap<Address, BTreeMap<u64, u64>>,
    next_arrival: u64,
}

impl Pool {
    /// Takes a transaction in, given the account's nonce in the state. The same one twice is no fault.
    pub(super) fn add(&mut self, signed: Signed, state_nonce: u64) -> Result<()> {
        let nonce = signed.transaction.nonce();
        if let Some(waiting) = self.waiting(signed.sender, nonce) {
            return if waiting.hash() == signed.hash() {
                Ok(())
            } else {
                Err(rejected(&format!(
                    "another transaction with nonce {nonce} is waiting"
                )))
            };
        }
        let next = self.next_nonce(signed.sender, state_nonce);
        if nonce != next {
            let what = if nonce < next { "low" } else { "high" };
            return Err(rejected(&format!(
                "nonce too {what}: {nonce}, next is {next}"
            )));
        }
        if self.arrivals.len() >= CAPACITY {
            return Err(rejected("too many transactions are waiting"));
        }
        let nonces = self.accounts.entry(signed.sender).or_default();
        if nonces.len() >= CAPACITY_PER_ACCOUNT {
            return Err(rejected(
                "too many transactions of this account are waiting",
            ));
        }
        nonces.insert(nonce, self.next_arrival);
        self.arrivals.insert(self.next_arrival, signed);
        self.next_arrival += 1;
        Ok(())
    }

    /// The nonce after the account's last waiting transaction.
    pub(super) fn next_nonce(&self, account: Address, state_nonce: u64) -> u64 {
        self.accounts
            .get(&account)
            .and_then(|nonces| nonces.last_key_value())
            .map_or(state_nonce, |(nonce, _)| nonce + 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// All waiting transactions, in the order in which they may run.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Signed> {
        self.arrivals.values()
    }

    /// Forgets the account's transactions with nonces below that of the state: they stand in a block.
    pub(super) fn forget_below(&mut self, account: Address, state_nonce: u64) {
        let Some(nonces) = self.accounts.get_mut(&account) else {
            return;
        };
        let kept = nonces.split_off(&state_nonce);
        for arrival in std::mem::replace(nonces, kept).values() {
            self.arrivals.remove(arrival);
        }
        if nonces.is_empty() {
            self.accounts.remove(&account);
        }
    }

    /// Forgets everything an account is waiting with.
    pub(super) fn forget(&mut self, account: Address) {
        for arrival in self.accounts.remove(&account).unwrap_or_default().values() {
            self.arrivals.remove(arrival);
        }
    }

    fn waiting(&self, account: Address, nonce: u64) -> Option<&Signed> {
        self.arrivals.get(self.accounts.get(&account)?.get(&nonce)?)
    }
}

pub(super) fn rejected(why: &str) -> LedgerError {
    LedgerError::Rejected(why.to_owned())
}
