//! What happened since the last snapshot, as bytes to append (spec 3.4.5, A7).
//!
//! ```text
//! entry  = length(4) | guard(4) | record | check(8)        record = [n, op, ...], strict CBOR; length is the record's
//! guard  = SHA-256("IoTChain-GMG" || length)[0..4]         n counts the changes of the state from 1
//! link_n = SHA-256(link_{n-1} || record_n)[0..16]          check = link_n[0..8]
//! link_0 = SHA-256("IoTChain-GMJ" || gid || epoch)[0..16]
//! ```
//!
//! A snapshot holds n and link_n, so an entry fits one state only: the one it was made in. An entry whose end is missing was
//! being written when the key server died, and nothing that depends on it has left; the guard tells it from an entry whose
//! length is damaged. The chain finds accidents and mix-ups. Against an attacker who can write to the store there is no
//! defence here: it holds every key anyway.

use alloc::vec::Vec;
use iotchain_core::cbor::{self, Reader, Writer, encoded_len};
use iotchain_core::hash::sha256;
use iotchain_core::{Error, Gid, Result};
use zeroize::Zeroizing;

const LEN: usize = 4;
const GUARD: usize = 4;
const CHECK: usize = 8;

type Link = [u8; 16];

/// A state machine whose changes are records: the two group managers.
///
/// Persist what [`Journaled::unsaved`] gives after every change, **before** anything of the change leaves the key
/// server, and call [`Journaled::saved`]. A snapshot and the records after it rebuild the state byte for byte:
///
/// ```
/// # use iotchain_core::{Gid, Secret, Session};
/// use iotchain_selfheal::rsd::{GroupManager, Parameters};
/// use iotchain_selfheal::{Journaled, Replayed};
///
/// let parameters = Parameters::new(Gid::new(*b"gid0"), 1, 50, Session::new(1)..=Session::new(96));
/// let mut manager = GroupManager::new(parameters, Secret::new([7; 16]))?; // a CSPRNG, please
/// let snapshot = manager.export()?;
/// let slot = manager.join()?;
/// let stored = manager.unsaved().to_vec(); // on the disk
/// manager.saved();
/// // the personal key of the slot may leave
///
/// let mut restarted = GroupManager::import(&snapshot)?;
/// assert_eq!(restarted.replay(&stored)?, Replayed { records: 1, torn: 0 });
/// assert_eq!(restarted.personal_key(slot)?, manager.personal_key(slot)?);
/// # Ok::<(), iotchain_core::Error>(())
/// ```
pub trait Journaled: Sized {
    /// The whole state, strict CBOR. Secret: it holds every key of the epoch.
    ///
    /// # Errors
    /// None that can happen; the length is measured first.
    fn export(&self) -> Result<Zeroizing<Vec<u8>>>;

    /// Takes up a state where [`Journaled::export`] left it.
    ///
    /// # Errors
    /// A format error, [`Error::Version`] for a state of another version, [`Error::Type`] for one that contradicts
    /// itself.
    fn import(snapshot: &[u8]) -> Result<Self>;

    #[doc(hidden)]
    fn journal(&self) -> &Journal;

    #[doc(hidden)]
    fn journal_mut(&mut self) -> &mut Journal;

    /// Makes a recorded change once more, without recording it; `fields` of the record are left to read.
    #[doc(hidden)]
    fn redo(&mut self, record: &mut Reader<'_>, fields: usize) -> Result<()>;

    /// Number of the state: grows with every change, never goes back.
    #[must_use]
    fn changes(&self) -> u64 {
        self.journal().number
    }

    /// The records of all changes since [`Journaled::saved`], to be appended to those before them. Secret.
    #[must_use]
    fn unsaved(&self) -> &[u8] {
        &self.journal().unsaved
    }

    /// What [`Journaled::unsaved`] gave, or a snapshot made since, is durable.
    fn saved(&mut self) {
        self.journal_mut().unsaved = Zeroizing::default();
    }

    /// Makes the changes of `records` once more. They continue this state without a gap and may come in several
    /// calls. On failure the state is of no use any more: load what is stored again, or open another gid (spec A7).
    ///
    /// # Errors
    /// [`Error::Rollback`] for a record that the state holds already, [`Error::Type`] for one after a gap or one that
    /// contradicts the state, [`Error::Equivocation`] for one that is damaged or of another history, such as
    /// another group's.
    fn replay(&mut self, records: &[u8]) -> Result<Replayed> {
        let mut rest = records;
        let mut count = 0u64;
        while let Some((record, after)) = self.journal_mut().follow(rest)? {
            let mut reader = Reader::new(record);
            let fields = reader.array()?.saturating_sub(1);
            reader.uint()?;
            self.redo(&mut reader, fields).map_err(|_| Error::Type)?;
            reader.done().map_err(|_| Error::Type)?;
            rest = after;
            count = count.saturating_add(1);
        }
        Ok(Replayed {
            records: count,
            torn: rest.len(),
        })
    }
}

/// What a replay found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Records taken up.
    pub records: u64,
    /// Bytes at the end that belong to a record whose end was never written. Remove them before anything is appended.
    pub torn: usize,
}

/// The number of a state, and the records that led to it since it was last saved.
pub struct Journal {
    number: u64,
    link: Link,
    unsaved: Zeroizing<Vec<u8>>,
}

/// A record on its way into the journal.
pub(crate) struct Entry {
    bytes: Zeroizing<Vec<u8>>,
    link: Link,
}

impl Journal {
    /// Before the first change.
    pub(crate) fn new(gid: Gid, epoch: u32) -> Self {
        Self {
            number: 0,
            link: truncated(&[b"IoTChain-GMJ", gid.as_bytes(), &epoch.to_be_bytes()]),
            unsaved: Zeroizing::default(),
        }
    }

    /// The entry of the next change; `write` gets its number. Nothing is recorded yet.
    pub(crate) fn entry(&self, write: impl Fn(&mut Writer<'_>, u64)) -> Result<Entry> {
        let number = self.number.checked_add(1).ok_or(Error::Size)?;
        let len = encoded_len(|writer| write(writer, number));
        let head = u32::try_from(len).map_err(|_| Error::Size)?.to_be_bytes();
        let size = len.saturating_add(LEN + GUARD + CHECK);
        let mut record = Zeroizing::new(alloc::vec![0; len]);
        let mut writer = Writer::new(&mut record);
        write(&mut writer, number);
        writer.finish()?;
        let link = self.linked(&record);
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&guard(head));
        bytes.extend_from_slice(&record);
        bytes.extend_from_slice(check(&link));
        Ok(Entry { bytes, link })
    }

    /// Records a change that was made.
    pub(crate) fn record(&mut self, entry: &Entry) {
        let len = self.unsaved.len().saturating_add(entry.bytes.len());
        if len > self.unsaved.capacity() {
            // A vector that grows by itself leaves its former content behind.
            let mut wider = Zeroizing::new(Vec::with_capacity(len.saturating_mul(2)));
            wider.extend_from_slice(&self.unsaved);
            self.unsaved = wider;
        }
        self.unsaved.extend_from_slice(&entry.bytes);
        self.link = entry.link;
        self.number = self.number.saturating_add(1);
    }

    /// Steps over the record at the front of `entries`: the record and what comes after it, `None` if its end is missing.
    fn follow<'a>(&mut self, entries: &'a [u8]) -> Result<Option<(&'a [u8], &'a [u8])>> {
        let Some((head, rest)) = entries.split_first_chunk::<LEN>() else {
            return Ok(None);
        };
        let Some((found, rest)) = rest.split_first_chunk::<GUARD>() else {
            return Ok(None);
        };
        if *found != guard(*head) {
            return Err(Error::Equivocation);
        }
        let len = usize::try_from(u32::from_be_bytes(*head)).map_err(|_| Error::Size)?;
        let parts = rest
            .split_at_checked(len)
            .and_then(|(record, rest)| Some((record, rest.split_first_chunk::<CHECK>()?)));
        let Some((record, (found, rest))) = parts else {
            return Ok(None);
        };
        let number = numbered(record)?;
        if number <= self.number {
            return Err(Error::Rollback);
        }
        if Some(number) != self.number.checked_add(1) {
            return Err(Error::Type);
        }
        let link = self.linked(record);
        if found != check(&link) {
            return Err(Error::Equivocation);
        }
        self.number = number;
        self.link = link;
        Ok(Some((record, rest)))
    }

    fn linked(&self, record: &[u8]) -> Link {
        truncated(&[&self.link, record])
    }

    /// `n, link`.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        writer.uint(self.number).bytes(&self.link);
    }

    /// What [`Journal::write`] wrote.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            number: reader.uint()?,
            link: *reader.array_of()?,
            unsaved: Zeroizing::default(),
        })
    }
}

/// n of a record.
fn numbered(record: &[u8]) -> Result<u64> {
    let number = || {
        cbor::check(record)?;
        let mut reader = Reader::new(record);
        reader.array()?;
        reader.uint()
    };
    number().map_err(|_| Error::Equivocation)
}

fn guard(len: [u8; LEN]) -> [u8; GUARD] {
    let hash = sha256(&[b"IoTChain-GMG", &len]);
    hash.first_chunk().copied().unwrap_or_default()
}

fn check(link: &Link) -> &[u8] {
    link.split_at(CHECK).0
}

fn truncated(parts: &[&[u8]]) -> Link {
    let hash = sha256(parts);
    hash.first_chunk().copied().unwrap_or_default()
}
