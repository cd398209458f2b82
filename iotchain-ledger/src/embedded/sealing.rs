//! When the embedded chain makes blocks.

use std::time::Duration;

/// When a block is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// Only by [`EmbeddedLedger::seal_block`](super::EmbeddedLedger::seal_block).
    Manual,
    /// In the background, by the clock. Empty blocks bring confirmations while they are awaited, then only a heartbeat
    /// that keeps the head fresh, so that an idle chain hardly grows.
    Clock {
        /// Time between two blocks while there is something to do. Whole seconds of it become the Clique period; below
        /// one second blocks can share a timestamp, which Clique with period 0 allows but not every importer accepts.
        block_time: Duration,
        /// Empty blocks that follow the last transaction at full pace.
        idle_blocks: u64,
        /// Time between two blocks after that. Less than the key server's greatest age of a head (spec 5.3: 60 s).
        heartbeat: Duration,
    },
}

impl Sealing {
    /// A block every `block_time`, 16 empty ones after the last transaction (12 confirmations and some), then one every
    /// 20 s: about 1 GB in a year of idleness.
    #[must_use]
    pub const fn every(block_time: Duration) -> Self {
        Self::Clock {
            block_time,
            idle_blocks: 16,
            heartbeat: Duration::from_secs(20),
        }
    }

    /// The Clique period in seconds: the least distance between two timestamps.
    pub(super) const fn period(self) -> u64 {
        match self {
            Self::Manual => 0,
            Self::Clock { block_time, .. } => block_time.as_secs(),
        }
    }
}
