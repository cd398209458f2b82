//! The embedded chain: an Ethereum chain (London rules, Clique seals, base fee 0) inside this process.
//!
//! ```text
//! signed transaction -> pool -> EVM -> block (state, transaction and receipt roots, seal) -> disk -> visible as head
//! ```
//! Its blocks are real ones: independent implementations import them. It is a single node; where several organisations
//! must agree, use a network of Ethereum nodes through [`rpc`](crate::rpc).

mod chain;
mod clique;
mod execute;
#[cfg_attr(not(feature = "rpc"), allow(dead_code))]
mod explore;
mod ledger;
mod pool;
#[cfg_attr(not(feature = "rpc"), allow(dead_code))]
mod proof;
mod reopening;
mod sealing;
mod state;
mod store;
mod trie;

use std::path::Path;
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use iotchain_core::Address;

use self::chain::Chain;
use self::store::Store;
use crate::convert::from_alloy;
use crate::{Header, Ledger, LedgerError, Result};

#[cfg(feature = "rpc")]
pub(crate) use explore::BlockView;
#[cfg(feature = "rpc")]
pub(crate) use proof::AccountProof;
pub use sealing::Sealing;
#[cfg(feature = "rpc")]
pub(crate) use store::FullBlock;

/// How the embedded chain is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Chain id (EIP-155). A data directory belongs to one.
    pub chain_id: u64,
    /// Gas limit of a block; blocks are filled to half of it. Decided when the chain is founded.
    pub gas_limit: u64,
    /// Most gas of one transaction or call.
    pub transaction_gas: u64,
    /// When blocks are made.
    pub sealing: Sealing,
}

impl Default for Config {
    /// Chain 20180, 30 million gas per block, 5 million per transaction, a block per second.
    fn default() -> Self {
        Self {
            chain_id: 20_180,
            gas_limit: 30_000_000,
            transaction_gas: 5_000_000,
            sealing: Sealing::every(Duration::from_secs(1)),
        }
    }
}

/// The embedded chain. Dropping the last handle stops its clock.
pub struct EmbeddedLedger {
    shared: Arc<Shared>,
    clock: Option<JoinHandle<()>>,
}

struct Shared {
    chain: RwLock<Chain>,
    sealing: Sealing,
    stopped: Mutex<bool>,
    stop: Condvar,
}

impl EmbeddedLedger {
    /// Opens the chain in a data directory, or founds it if the directory is absent or empty.
    ///
    /// # Errors
    /// [`LedgerError::InUse`], [`LedgerError::Foreign`] or [`LedgerError::Corrupt`] without writing anything;
    /// [`LedgerError::Storage`] if the disk cannot be read or written.
    pub fn open(directory: impl AsRef<Path>, config: &Config) -> Result<Self> {
        let store = Store::open(directory.as_ref(), || {
            chain::found(config.chain_id, config.gas_limit, now())
        })?;
        Self::start(store, config)
    }

    /// A chain that lives as long as the process.
    ///
    /// # Errors
    /// [`LedgerError::Config`] if the system has no random numbers.
    pub fn in_memory(config: &Config) -> Result<Self> {
        let store = Store::in_memory(|| chain::found(config.chain_id, config.gas_limit, now()))?;
        Self::start(store, config)
    }

    #[cfg(test)]
    fn with_backend(backend: impl redb::StorageBackend + Clone, config: &Config) -> Result<Self> {
        let store = Store::with_backend(backend, || {
            chain::found(config.chain_id, config.gas_limit, now())
        })?;
        Self::start(store, config)
    }

    fn start(store: Store, config: &Config) -> Result<Self> {
        let chain = Chain::open(store, config.chain_id, config.transaction_gas)?;
        let shared = Arc::new(Shared {
            chain: RwLock::new(chain),
            sealing: config.sealing,
            stopped: Mutex::new(false),
            stop: Condvar::new(),
        });
        let clock = match config.sealing {
            Sealing::Manual => None,
            Sealing::Clock {
                block_time,
                idle_blocks,
                heartbeat,
            } => {
                let shared = Arc::clone(&shared);
                let clock = std::thread::Builder::new()
                    .name("ledger-clock".into())
                    .spawn(move || {
                        shared.run_clock(block_time.max(MIN_BLOCK_TIME), idle_blocks, heartbeat)
                    })
                    .map_err(|e| {
                        LedgerError::Config(format!("cannot start the block clock: {e}"))
                    })?;
                Some(clock)
            }
        };
        Ok(Self { shared, clock })
    }

    /// Makes a block at once and returns it, also if no transaction waits.
    ///
    /// # Errors
    /// [`LedgerError::Storage`]: the chain is as before and the transactions still wait.
    pub fn seal_block(&self) -> Result<Header> {
        self.shared.seal()?;
        self.head()
    }

    /// Who seals the blocks.
    #[must_use]
    pub fn sealer(&self) -> Address {
        from_alloy(self.chain().sealer_address())
    }

    fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.shared
            .chain
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn chain_mut(&self) -> RwLockWriteGuard<'_, Chain> {
        self.shared.chain_mut()
    }
}

/// Shorter block times would only burn the disk.
const MIN_BLOCK_TIME: Duration = Duration::from_millis(10);

impl Shared {
    fn chain_mut(&self) -> RwLockWriteGuard<'_, Chain> {
        self.chain.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal(&self) -> Result<()> {
        self.chain_mut().seal(now(), self.sealing.period())
    }

    fn run_clock(&self, block_time: Duration, idle_blocks: u64, heartbeat: Duration) {
        let mut last = Instant::now();
        // After a start, confirmations may still be awaited.
        let mut idle = 0;
        // A trouble that lasts is told once.
        let mut complaint = String::new();
        while self.sleep(block_time) {
            let waiting = !self
                .chain
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .pool
                .is_empty();
            if !waiting && idle >= idle_blocks && last.elapsed() < heartbeat {
                continue;
            }
            match self.seal() {
                Ok(()) => {
                    idle = if waiting { 0 } else { idle.saturating_add(1) };
                    complaint.clear();
                }
                Err(error) => {
                    let text = error.to_string();
                    if text != complaint {
                        tracing::error!(%error, "no block could be made");
                    }
                    complaint = text;
                }
            }
            last = Instant::now();
        }
    }

    /// Sleeps, and tells whether to go on.
    fn sleep(&self, time: Duration) -> bool {
        let stopped = self.stopped();
        let (stopped, _) = self
            .stop
            .wait_timeout_while(stopped, time, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        !*stopped
    }

    fn stopped(&self) -> MutexGuard<'_, bool> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EmbeddedLedger {
    fn drop(&mut self) {
        *self.shared.stopped() = true;
        self.shared.stop.notify_all();
        if let Some(clock) = self.clock.take() {
            let _ = clock.join();
        }
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests;
