//! What an rsd event costs a member, read from its bytes (spec 3.2, 3.4.3).
//!
//! The crates have no counters inside. The counts here follow the steps of a member over the same bytes: which entry
//! of which class it opens, how far it steps down from the label it holds, how many links it walks.

use crate::outcome::Work;
use iotchain_core::cbor::Reader;
use iotchain_core::{Error, Result};

/// A cover entry: subset(4) || masked secret (16).
const ENTRY_LEN: usize = 20;

/// The parts of an event that decide what it costs.
#[derive(Clone, Debug)]
pub struct Event {
    len: usize,
    /// First sessions of the events of the window.
    window: Vec<u32>,
    /// Subsets of each class.
    covers: Vec<Vec<u32>>,
}

impl Event {
    /// Reads a signed event.
    ///
    /// # Errors
    /// A format error if it is none.
    pub fn parse(message: &[u8]) -> Result<Self> {
        let mut envelope = Reader::new(message);
        envelope.array()?;
        envelope.skip()?;
        envelope.skip()?;
        let mut payload = Reader::new(envelope.bytes()?);
        payload.array()?;
        // up to and with the key check value
        for _ in 0..10 {
            payload.skip()?;
        }
        let mut history = Vec::new();
        for _ in 0..payload.array()? {
            history.push(payload.u32()?);
        }
        payload.skip()?;
        let mut covers = Vec::new();
        for _ in 0..payload.array()? {
            let (entries, _) = payload.bytes()?.as_chunks::<ENTRY_LEN>();
            let subset = |[a, b, c, d, ..]: &[u8; ENTRY_LEN]| u32::from_be_bytes([*a, *b, *c, *d]);
            covers.push(entries.iter().map(subset).collect());
        }
        let window = history.len().checked_sub(covers.len()).ok_or(Error::Type)?;
        Ok(Self {
            len: message.len(),
            window: history.split_off(window),
            covers,
        })
    }

    /// Cover entries of all classes.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.covers.iter().map(Vec::len).sum()
    }

    /// First session of the newest event: the session of the message.
    #[must_use]
    pub fn session(&self) -> u32 {
        self.window.last().copied().unwrap_or(0)
    }

    /// What the event costs the member at `slot` of a tree of `depth` that joined in session `join`: verifying it, and
    /// the AES blocks to the chain states.
    #[must_use]
    pub fn work(&self, depth: u8, slot: u32, join: u32) -> Work {
        Work {
            aes: self.blocks(depth, slot, join),
            ..Work::verify(self.len)
        }
    }

    /// AES blocks: steps from the label held down to the hole, pad, links and next classes, chain state, key check value.
    fn blocks(&self, depth: u8, slot: u32, join: u32) -> u64 {
        let class = self.window.partition_point(|session| *session <= join);
        let Some(cover) = self.covers.get(class) else {
            // its chain state came with the join; compared only if the event is of that very session
            return u64::from(self.session() == join);
        };
        let leaf = slot << (32 - u32::from(depth));
        let steps = cover.iter().find_map(|subset| steps(*subset, leaf));
        let links = self.covers.len() - 1 - class;
        steps.map_or(0, |steps| u64::from(steps) + 1 + 2 * links as u64 + 2)
    }
}

/// Steps from where the path of `leaf` (left-aligned) leaves the path of the hole down to the hole; `None` if the leaf
/// is not in the subset.
fn steps(subset: u32, leaf: u32) -> Option<u32> {
    let (top, hole, path) = (subset >> 27, subset >> 22 & 31, subset << 10);
    let shared = (leaf ^ path).leading_zeros();
    (top..hole).contains(&shared).then(|| hole - shared - 1)
}
