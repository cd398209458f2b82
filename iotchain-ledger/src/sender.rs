//! Signs a transaction, hands it in, and waits until it stands in a block.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use iotchain_core::Address;

use crate::ledger::POLL;
use crate::{Account, Call, Hash, Ledger, LedgerError, Receipt, Result, Transaction};

/// How often a transaction that stands in no block is handed in again: a node may have restarted and lost its pool.
const RESEND: Duration = Duration::from_secs(2);

/// An account at a ledger. Calls from several threads take turns, so that nonces never collide.
pub struct Sender<'a> {
    ledger: &'a dyn Ledger,
    account: &'a Account,
    gas_limit: u64,
    gas_price: u128,
    timeout: Duration,
    turn: Mutex<()>,
}

impl<'a> Sender<'a> {
    /// Enough for every function of `AccessToken`, any policy included, and for deploying it.
    pub const GAS_LIMIT: u64 = 3_000_000;

    /// A sender with gas price 0, as on the embedded chain, that waits up to 30 s for a block.
    #[must_use]
    pub const fn new(ledger: &'a dyn Ledger, account: &'a Account) -> Self {
        Self {
            ledger,
            account,
            gas_limit: Self::GAS_LIMIT,
            gas_price: 0,
            timeout: Duration::from_secs(30),
            turn: Mutex::new(()),
        }
    }

    /// The greatest amount of gas per transaction, and its greatest price in wei.
    #[must_use]
    pub const fn with_gas(mut self, limit: u64, price: u128) -> Self {
        self.gas_limit = limit;
        self.gas_price = price;
        self
    }

    /// How long to wait for a block.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Calls the contract `to` (or deploys `data` if `None`) in a transaction and returns its receipt once it stands in
    /// a block. The call is first tried on the head's state, so that a refusal costs nothing and says why.
    ///
    /// # Errors
    /// [`LedgerError::Reverted`], [`LedgerError::Rejected`], [`LedgerError::Timeout`], or the ledger's own.
    pub fn transact(&self, to: Option<Address>, data: &[u8]) -> Result<Receipt> {
        let from = self.account.address();
        if let Some(to) = to {
            self.ledger
                .call(&Call { from, to, data }, self.ledger.head()?.hash)?;
        }
        let (raw, hash) = self.hand_in(to, data)?;
        let receipt = self.wait(&raw, hash)?;
        if receipt.success {
            return Ok(receipt);
        }
        // Something changed between the trial and the block. Ask again for the reason.
        if let Some(to) = to {
            self.ledger.call(&Call { from, to, data }, receipt.block)?;
        }
        Err(LedgerError::Rejected(format!(
            "transaction {hash} failed in block {}",
            receipt.number
        )))
    }

    fn hand_in(&self, to: Option<Address>, data: &[u8]) -> Result<(Vec<u8>, Hash)> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = self.account.sign(&Transaction {
            chain_id: self.ledger.chain_id()?,
            nonce: self.ledger.nonce(self.account.address())?,
            to,
            data: data.to_vec(),
            gas_limit: self.gas_limit,
            gas_price: self.gas_price,
        });
        let hash = self.ledger.send(&raw)?;
        Ok((raw, hash))
    }

    fn wait(&self, raw: &[u8], hash: Hash) -> Result<Receipt> {
        let start = Instant::now();
        let mut sent = start;
        loop {
            match self.ledger.receipt(hash) {
                Ok(Some(receipt)) => return Ok(receipt),
                Ok(None) | Err(LedgerError::Unavailable(_)) => {}
                Err(error) => return Err(error),
            }
            if start.elapsed() >= self.timeout {
                return Err(LedgerError::Timeout(hash));
            }
            if sent.elapsed() >= RESEND {
                // Refusals are expected here: the node usually still has it.
                let _ = self.ledger.send(raw);
                sent = Instant::now();
            }
            std::thread::sleep(POLL);
        }
    }
}
