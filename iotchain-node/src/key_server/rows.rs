//! What is stored of a group: rows, so that a change writes what it changed and no more.
//!
//! ```text
//! head                 RSK and what else there is one of
//! snapshot             the whole state of the group manager, as of some time
//! journal, by number   what the group manager did since
//! member, by number    who has which slot and sid
//! event, by session    for those who missed it
//! ```
//! The rows of a group are also kept in memory: a change that fails goes back to them, even while the disk is full.

use std::collections::BTreeMap;

use iotchain::{Error, Zeroizing};

/// One row. All of them count as secret.
pub(super) type Row = Zeroizing<Vec<u8>>;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Kind {
    Head = 0,
    Snapshot = 1,
    Journal = 2,
    Member = 3,
    Event = 4,
}

impl TryFrom<u8> for Kind {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        let all = [
            Self::Head,
            Self::Snapshot,
            Self::Journal,
            Self::Member,
            Self::Event,
        ];
        all.get(usize::from(number)).copied().ok_or(Error::Type)
    }
}

/// Names a row within its group. Of a head or a snapshot there is only number 0.
pub(super) type Key = (Kind, u64);

/// The rows of one group.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows(BTreeMap<Key, Row>);

impl Rows {
    /// Puts a row in.
    pub(super) fn insert(&mut self, key: Key, row: Row) {
        self.0.insert(key, row);
    }

    /// One row.
    pub(super) fn get(&self, key: Key) -> Option<&[u8]> {
        self.0.get(&key).map(|row| row.as_slice())
    }

    /// All rows of one kind by number.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = (u64, &[u8])> {
        self.0
            .range((kind, 0)..=(kind, u64::MAX))
            .map(|((_, number), row)| (*number, row.as_slice()))
    }

    /// Does to these rows what the store did to its own.
    pub(super) fn apply(&mut self, change: Change) {
        if change.afresh {
            self.0.clear();
        }
        for (key, row) in change.rows {
            match row {
                Some(row) => _ = self.0.insert(key, row),
                None => _ = self.0.remove(&key),
            }
        }
    }
}

/// What is to become of the rows of a group: one transaction of the store.
#[derive(Debug)]
pub(super) struct Change {
    /// Whether everything goes that was stored of the group.
    pub(super) afresh: bool,
    /// Rows to put, and rows to take out.
    pub(super) rows: BTreeMap<Key, Option<Row>>,
}

impl Change {
    /// A change that leaves everything as it is, or first of all nothing.
    pub(super) const fn new(afresh: bool) -> Self {
        Self {
            afresh,
            rows: BTreeMap::new(),
        }
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        !self.afresh && self.rows.is_empty()
    }

    /// Puts a row, unless it is what `stored` has.
    pub(super) fn put(&mut self, stored: &Rows, key: Key, row: Row) {
        if self.afresh || stored.get(key) != Some(row.as_slice()) {
            self.rows.insert(key, Some(row));
        }
    }

    /// Takes a row out.
    pub(super) fn remove(&mut self, key: Key) {
        self.rows.insert(key, None);
    }
}
