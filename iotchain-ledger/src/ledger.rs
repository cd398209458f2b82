//! The port: what the key server, the client and the resource owner need from any Ethereum-like chain.
//!
//! State is read at a block *hash*, so that two reads cannot come from two forks, and a block counts as an ancestor only
//! after its chain of parent hashes was walked (spec 8, A20).

use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use iotchain_core::{Address, UnixTime};

use crate::{LedgerError, Result};

/// A 32-byte storage word or slot number, big-endian.
pub type Word = [u8; 32];

/// Pause between two questions while waiting for a block, in milliseconds.
pub(crate) const POLL: Duration = Duration::from_millis(40);

/// A Keccak-256 hash: of a block header, a transaction or a contract's code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash([u8; 32]);

impl Hash {
    /// From its 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The part of a block header that decisions rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Height; the genesis block is 0.
    pub number: u64,
    /// Keccak-256 of the header.
    pub hash: Hash,
    /// Hash of the parent's header.
    pub parent: Hash,
    /// Time of the block.
    pub timestamp: UnixTime,
    /// Root of the state trie, against which EIP-1186 proofs are checked.
    pub state_root: Hash,
}

impl Header {
    /// Checks that this block, as head, is at most `max_age` seconds old, or dated ahead (spec 5.3, step 1).
    ///
    /// # Errors
    /// [`LedgerError::Stale`].
    pub fn check_fresh(&self, now: UnixTime, max_age: u64) -> Result<()> {
        let age = now.abs_diff(self.timestamp);
        if age > max_age {
            return Err(LedgerError::Stale {
                age,
                limit: max_age,
            });
        }
        Ok(())
    }
}

/// A log entry of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The contract.
    pub address: Address,
    /// Indexed values, the event's signature hash first.
    pub topics: Vec<Word>,
    /// ABI-encoded values that are not indexed.
    pub data: Vec<u8>,
    /// Height of the block.
    pub number: u64,
    /// Hash of the block.
    pub block: Hash,
    /// The transaction.
    pub transaction: Hash,
    /// Position among the logs of the block.
    pub index: u64,
}

/// What became of a transaction that stands in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction.
    pub transaction: Hash,
    /// Height of the block.
    pub number: u64,
    /// Hash of the block.
    pub block: Hash,
    /// Whether it took effect; a refused call stands in a block too.
    pub success: bool,
    /// The contract that was created, if it was a deployment.
    pub contract: Option<Address>,
    /// Gas used by this transaction.
    pub gas_used: u64,
    /// Its log entries.
    pub logs: Vec<Log>,
}

/// A read-only call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The account that calls, [`Address::ZERO`] if it does not matter.
    pub from: Address,
    /// The contract.
    pub to: Address,
    /// ABI-encoded function and arguments.
    pub data: &'a [u8],
}

/// An Ethereum-like chain, as seen by one of its users. Blocking; safe to share between threads.
///
/// Every method fails with [`LedgerError::Unavailable`] or [`LedgerError::Answer`] when the chain cannot be asked, besides
/// what its own `# Errors` section says.
pub trait Ledger: Send + Sync {
    /// The chain id (EIP-155).
    ///
    /// # Errors
    /// See the trait.
    fn chain_id(&self) -> Result<u64>;

    /// The newest block.
    ///
    /// # Errors
    /// See the trait.
    fn head(&self) -> Result<Header>;

    /// The block at a height on the present canonical chain, `None` above the head.
    ///
    /// # Errors
    /// See the trait.
    fn header(&self, number: u64) -> Result<Option<Header>>;

    /// The block with a hash, `None` if the node does not know it. It need not be canonical any more.
    ///
    /// # Errors
    /// See the trait.
    fn header_by_hash(&self, hash: Hash) -> Result<Option<Header>>;

    /// A storage word of a contract after `block`; zeros if never written.
    ///
    /// # Errors
    /// [`LedgerError::UnknownBlock`].
    fn storage_at(&self, contract: Address, slot: Word, block: Hash) -> Result<Word>;

    /// Keccak-256 of the code at an address after `block`; all zeros if there is no code.
    ///
    /// # Errors
    /// [`LedgerError::UnknownBlock`].
    fn code_hash(&self, contract: Address, block: Hash) -> Result<Hash>;

    /// Runs a call on the state after `block` and returns its ABI-encoded result.
    ///
    /// # Errors
    /// [`LedgerError::Reverted`], [`LedgerError::UnknownBlock`].
    fn call(&self, call: &Call<'_>, block: Hash) -> Result<Vec<u8>>;

    /// The logs of a contract in a range of heights, in order. Heights above the head are ignored.
    ///
    /// # Errors
    /// See the trait.
    fn logs(&self, contract: Address, blocks: RangeInclusive<u64>) -> Result<Vec<Log>>;

    /// The nonce of the account's next transaction, waiting ones counted.
    ///
    /// # Errors
    /// See the trait.
    fn nonce(&self, account: Address) -> Result<u64>;

    /// Hands in a signed transaction (EIP-2718 bytes) and returns its hash. Sending the same one again does no harm.
    ///
    /// # Errors
    /// [`LedgerError::Rejected`].
    fn send(&self, transaction: &[u8]) -> Result<Hash>;

    /// The receipt of a transaction, `None` while it stands in no block.
    ///
    /// # Errors
    /// See the trait.
    fn receipt(&self, transaction: Hash) -> Result<Option<Receipt>>;

    /// The block `depth` below `head` on the same chain, or the genesis block if there are fewer. Every parent hash on
    /// the way is followed, so a reorganisation in between cannot mix two chains (spec 8, A20).
    ///
    /// # Errors
    /// [`LedgerError::UnknownBlock`] if an ancestor is gone, [`LedgerError::Answer`] if the heights do not descend by one.
    fn ancestor(&self, head: &Header, depth: u64) -> Result<Header> {
        let mut block = *head;
        for _ in 0..depth.min(head.number) {
            let parent = self
                .header_by_hash(block.parent)?
                .ok_or(LedgerError::UnknownBlock(block.parent))?;
            if parent.hash != block.parent || parent.number.checked_add(1) != Some(block.number) {
                return Err(LedgerError::Answer(format!(
                    "block {} does not follow {}",
                    block.hash, parent.hash
                )));
            }
            block = parent;
        }
        Ok(block)
    }

    /// Waits until `transaction` stands in a block with at least `confirmations` blocks on top of it, on one chain.
    ///
    /// # Errors
    /// [`LedgerError::Timeout`].
    fn wait_confirmed(
        &self,
        transaction: Hash,
        confirmations: u64,
        timeout: Duration,
    ) -> Result<Receipt> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.confirmed_receipt(transaction, confirmations) {
                Ok(Some(receipt)) => return Ok(receipt),
                // A fork or an outage in between is a reason to ask again, not to give up.
                Ok(None) | Err(LedgerError::Unavailable(_) | LedgerError::UnknownBlock(_)) => {}
                Err(error) => return Err(error),
            }
            if Instant::now() >= deadline {
                return Err(LedgerError::Timeout(transaction));
            }
            std::thread::sleep(POLL);
        }
    }

    /// The receipt of `transaction` if its block is an ancestor of the head with `confirmations` blocks on top of it.
    ///
    /// # Errors
    /// [`LedgerError::UnknownBlock`] if the chain is reorganised meanwhile.
    fn confirmed_receipt(&self, transaction: Hash, confirmations: u64) -> Result<Option<Receipt>> {
        let Some(receipt) = self.receipt(transaction)? else {
            return Ok(None);
        };
        let head = self.head()?;
        let depth = head.number.saturating_sub(receipt.number);
        if head.number < receipt.number || depth < confirmations {
            return Ok(None);
        }
        let block = self.ancestor(&head, depth)?;
        Ok((block.hash == receipt.block).then_some(receipt))
    }
}
