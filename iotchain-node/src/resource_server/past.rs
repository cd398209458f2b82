//! What earlier senders of this host may have used up, so that no later one uses it again (spec 2.4).
//!
//! ```text
//! sender.json   {"boots": the last boot salt given away, "iat": the last time written into a signed object}
//! ```
//! Both numbers are on the disk before anything is sealed with them. A kill at any moment makes them jump, never repeat.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use getrandom::SysRng;
use iotchain::{Boot, BootCounter, UnixTime};
use serde::{Deserialize, Serialize};

use crate::data_dir::DataDir;
use crate::{NodeError, keyfile};

/// Name of the file.
const FILE: &str = "sender.json";
/// How far, in seconds, a signed object may be ahead of the clock: two in one second get two times.
const AHEAD: u64 = 1;

/// How a sender context becomes unique (spec 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BootSalt {
    /// (b) a number that only goes up, kept in the data directory
    Counter,
    /// (c) 8 random bytes, kept nowhere
    Random,
}

/// The file and the directory it is in.
#[derive(Debug)]
pub(super) struct Past {
    /// Locked for as long as anybody may still write.
    _directory: DataDir,
    path: PathBuf,
    salt: BootSalt,
    marks: Mutex<Marks>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Marks {
    boots: u32,
    iat: u64,
}

impl Past {
    /// Reads what is stored.
    ///
    /// # Errors
    /// [`NodeError::State`] for a damaged file: going on without it could repeat a nonce.
    pub(super) fn open(directory: DataDir, salt: BootSalt) -> Result<Self, NodeError> {
        let path = directory.file(FILE);
        let marks = match keyfile::read_if_present(&path)? {
            None => Marks::default(),
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| NodeError::State(format!("{}: {error}", path.display())))?,
        };
        Ok(Self {
            _directory: directory,
            path,
            salt,
            marks: Mutex::new(marks),
        })
    }

    /// A boot that no sender of this host had before, one for each sender context.
    ///
    /// The counter is at least the present time: a data directory that was lost, or put back from a backup, does not
    /// take it back.
    ///
    /// # Errors
    /// [`NodeError::Io`] if it cannot be stored; [`NodeError::Protocol`] after 2^32 - 1 boots or without randomness.
    pub(super) fn boot(&self, now: UnixTime) -> Result<Boot, NodeError> {
        if self.salt == BootSalt::Random {
            return Ok(Boot::random(&mut SysRng)?);
        }
        let mut marks = self.marks();
        let floor = u32::try_from(now.get()).unwrap_or(0).saturating_sub(1);
        let counter = BootCounter::after(Some(marks.boots.max(floor)))?;
        let next = Marks {
            boots: counter.value(),
            ..*marks
        };
        self.store(&next)?;
        let stored: Marks = serde_json::from_slice(&keyfile::read(&self.path)?)
            .map_err(|error| NodeError::State(format!("{}: {error}", self.path.display())))?;
        let boot = counter.written(stored.boots)?;
        *marks = next;
        Ok(boot)
    }

    /// A time for the signed objects of one round, later than all before; `None` while that would be ahead of the clock.
    ///
    /// # Errors
    /// [`NodeError::Io`] if it cannot be stored.
    pub(super) fn next_iat(&self, now: UnixTime) -> Result<Option<UnixTime>, NodeError> {
        let mut marks = self.marks();
        let iat = now.get().max(marks.iat.saturating_add(1));
        if iat > now.get().saturating_add(AHEAD) {
            return Ok(None);
        }
        let next = Marks { iat, ..*marks };
        self.store(&next)?;
        *marks = next;
        Ok(Some(UnixTime::new(iat)))
    }

    /// The latest time in any signed object so far.
    pub(super) fn signed_until(&self) -> UnixTime {
        UnixTime::new(self.marks().iat)
    }

    fn store(&self, marks: &Marks) -> Result<(), NodeError> {
        let text =
            serde_json::to_string(marks).map_err(|error| NodeError::State(error.to_string()))?;
        keyfile::atomic_write(&self.path, text.as_bytes())
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain::core::{AeadAlg, GroupKey};
    use iotchain::oscar::Group;
    use iotchain::{Gid, Kid, Sender, Session, Sid, Suite, Thumbprint};
    use std::collections::HashSet;

    const NOW: UnixTime = UnixTime::new(1_800_000_000);

    fn open(directory: &tempfile::TempDir, salt: BootSalt) -> Past {
        let directory = DataDir::open(directory.path(), "resource-server").unwrap();
        Past::open(directory, salt).unwrap()
    }

    fn kid(boot: Boot) -> Kid {
        let group = Group {
            gid: Gid::new([1; 4]),
            ks: Thumbprint::new([2; 32]),
            suite: Suite {
                aead: AeadAlg::AesCcm16_64_128,
                ..Suite::DEFAULT
            },
            sid_len: 3,
        };
        let sid = Sid::from_slice(&[0x80, 0, 1]).unwrap();
        let mut sender = Sender::new(group, sid, boot, UnixTime::new(0)).unwrap();
        sender
            .enter(Session::new(1), &GroupKey::new([3; 16]))
            .unwrap();
        sender.kid()
    }

    #[test]
    fn no_kid_ever_comes_again() {
        let directory = tempfile::tempdir().unwrap();
        let mut seen = HashSet::new();
        for restart in 0..20 {
            // the clock stands still, or goes back
            let past = open(&directory, BootSalt::Counter);
            for _ in 0..3 {
                let kid = kid(past.boot(NOW.saturating_sub(restart)).unwrap());
                assert!(seen.insert(kid), "{kid:?} came twice");
            }
        }
        // the directory is lost, or restored from a backup
        std::fs::remove_file(directory.path().join(FILE)).unwrap();
        let past = open(&directory, BootSalt::Counter);
        for later in 100..120 {
            assert!(seen.insert(kid(past.boot(NOW.saturating_add(later)).unwrap())));
        }
        drop(past);
        let past = open(&directory, BootSalt::Random);
        for _ in 0..20 {
            assert!(seen.insert(kid(past.boot(NOW).unwrap())));
        }
    }

    #[test]
    fn a_number_that_cannot_be_stored_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let past = open(&directory, BootSalt::Counter);
        past.boot(NOW).unwrap();
        let marks = *past.marks();
        // something in the way of the file that replaces the old one
        std::fs::create_dir(directory.path().join("sender.json.part")).unwrap();
        std::fs::write(directory.path().join("sender.json.part/x"), "").unwrap();
        assert!(past.boot(NOW).is_err() && past.next_iat(NOW).is_err());
        assert_eq!(*past.marks(), marks);
    }

    #[test]
    fn times_only_rise_and_stay_near_the_clock() {
        let directory = tempfile::tempdir().unwrap();
        let past = open(&directory, BootSalt::Counter);
        assert_eq!(past.next_iat(NOW).unwrap(), Some(NOW));
        assert_eq!(past.next_iat(NOW).unwrap(), Some(NOW.saturating_add(1)));
        assert_eq!(past.next_iat(NOW).unwrap(), None);
        drop(past);
        let past = open(&directory, BootSalt::Counter);
        assert_eq!(past.signed_until(), NOW.saturating_add(1));
        assert_eq!(past.next_iat(NOW).unwrap(), None);
        let later = NOW.saturating_add(2);
        assert_eq!(past.next_iat(later).unwrap(), Some(later));
        // a clock that was set back: nothing is signed until it caught up
        assert_eq!(past.next_iat(NOW.saturating_sub(3600)).unwrap(), None);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        drop(open(&directory, BootSalt::Counter));
        for text in [
            "",
            "{",
            r#"{"boots":1}"#,
            r#"{"boots":-1,"iat":0}"#,
            r#"{"boots":1,"iat":0,"x":0}"#,
        ] {
            std::fs::write(directory.path().join(FILE), text).unwrap();
            let data = DataDir::open(directory.path(), "resource-server").unwrap();
            let error = Past::open(data, BootSalt::Counter).unwrap_err();
            assert_eq!(error.exit_code(), 6, "{error}");
        }
    }
}
