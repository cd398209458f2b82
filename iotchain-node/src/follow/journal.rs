//! What a follower heard, for status lines and checks.

use std::collections::VecDeque;

use iotchain::{Error, Received, Session, UnixTime};

use super::beacon_session;
use crate::clock;

/// Entries kept.
const MAX_ENTRIES: usize = 256;

/// Counters, and the newest broadcasts one by one.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Broadcasts that verified, repetitions not counted.
    pub received: u64,
    /// Broadcasts that were held already or are older than what is held.
    pub repeated: u64,
    /// Broadcasts that were refused.
    pub failed: u64,
    /// Events fetched because a beacon needed them.
    pub fetched: u64,
    /// Broadcasts of an epoch whose personal key is missing.
    pub astray: u64,
    /// Personal keys of a next epoch that the key server gave.
    pub prepared: u64,
    /// Times at which the key server could not be reached or refused.
    pub unreachable: u64,
    /// The last refusal.
    pub last_error: Option<Error>,
    /// Whether the newest broadcast was of an epoch whose personal key is missing.
    pub(super) lost: bool,
    entries: VecDeque<Entry>,
}

/// One broadcast.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// When it came in.
    pub at: UnixTime,
    /// Its length in bytes.
    pub len: usize,
    /// What it was.
    pub outcome: Result<Received, Error>,
}

impl Journal {
    /// The newest entries, oldest first; repetitions are left out.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Sessions that a broadcast announced, among the newest entries.
    pub fn sessions(&self) -> impl Iterator<Item = Session> {
        self.entries.iter().filter_map(|entry| match entry.outcome {
            Ok(Received::Event { session, .. } | Received::Beacon { session, .. }) => Some(session),
            _ => None,
        })
    }

    pub(super) fn enter(&mut self, message: &[u8], outcome: Result<Received, Error>) {
        match outcome {
            Ok(Received::Duplicate) | Err(Error::BroadcastOld) => {
                self.repeated += 1;
                return;
            }
            // The event follows, and then the beacon again.
            Err(Error::NeedEvent) => return,
            // Anybody can send a beacon of an epoch that is not held. The event of that epoch is signed, and observed too.
            Err(Error::Epoch) if beacon_session(message).is_some() => return,
            Err(Error::Epoch) => {
                self.astray += 1;
                self.lost = true;
                return;
            }
            Ok(_) => {
                self.received += 1;
                self.lost = false;
            }
            Err(error) => {
                self.failed += 1;
                self.last_error = Some(error);
            }
        }
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            at: clock::now(),
            len: message.len(),
            outcome,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_signed_message_leads_astray() {
        let mut journal = Journal::default();
        let beacon = [&[0x85, 3, 9, 1, 7, 0x50][..], &[0; 16]].concat();
        journal.enter(&beacon, Err(Error::Epoch));
        assert_eq!((journal.astray, journal.lost), (0, false));
        let event = [0x84, 0x58, 0x1b];
        journal.enter(&event, Err(Error::Epoch));
        assert_eq!((journal.astray, journal.lost), (1, true));
    }
}
