//! A group manager together with its store: nothing is told before it is durable (spec 3.4.5, A7).

use super::journal::Journaled;
use alloc::vec::Vec;
use iotchain_core::{Error, Result};
use zeroize::Zeroizing;

/// A journal shorter than this is not worth a snapshot, in bytes.
const SMALL: usize = 4096;

/// Where a state is stored: a snapshot and the records since, all of it secret.
///
/// The two belong together. With files, keep both in one: [`Storage::replace`] writes another file and renames it,
/// [`Storage::append`] adds to its end.
pub trait Storage {
    /// What may go wrong, errors of the manager included.
    type Error: From<Error>;

    /// What is stored, `None` if nothing ever was.
    ///
    /// # Errors
    /// Those of the store.
    fn load(&mut self) -> core::result::Result<Option<Stored>, Self::Error>;

    /// Adds records to the end of the journal; they are durable when it returns. If the key server dies meanwhile, a
    /// first part of them may be found later, but nothing else.
    ///
    /// # Errors
    /// Those of the store. The records may then be stored, or a first part of them.
    fn append(&mut self, records: &[u8]) -> core::result::Result<(), Self::Error>;

    /// Puts a snapshot in the place of all that is stored and empties the journal, both or neither; durable when it
    /// returns.
    ///
    /// # Errors
    /// Those of the store. The snapshot may then be stored.
    fn replace(&mut self, snapshot: &[u8]) -> core::result::Result<(), Self::Error>;
}

/// What a store holds.
#[derive(Clone)]
pub struct Stored {
    /// What [`Storage::replace`] got last.
    pub snapshot: Zeroizing<Vec<u8>>,
    /// What [`Storage::append`] got since, in order.
    pub journal: Zeroizing<Vec<u8>>,
}

/// A group manager that stores every change before it tells anything of it.
///
/// After a failure to store, memory and store may differ: every call is [`Error::Rollback`] then until
/// [`Keeper::reload`] has taken up what is stored. There is one keeper per store at a time.
pub struct Keeper<M, S> {
    manager: M,
    storage: S,
    /// Length of the stored snapshot in bytes.
    snapshot: usize,
    /// Length of the stored journal in bytes.
    journal: usize,
    /// Whether the manager is what is stored.
    sound: bool,
}

impl<M: Journaled, S: Storage> Keeper<M, S> {
    /// Stores a manager in an empty store.
    ///
    /// # Errors
    /// [`Error::Rollback`] for a store that is not empty, or those of the store.
    pub fn create(manager: M, mut storage: S) -> core::result::Result<Self, S::Error> {
        if storage.load()?.is_some() {
            return Err(Error::Rollback.into());
        }
        let mut keeper = Self {
            manager,
            storage,
            snapshot: 0,
            journal: 0,
            sound: true,
        };
        keeper.compact()?;
        Ok(keeper)
    }

    /// Takes up what is stored, `None` if nothing is.
    ///
    /// # Errors
    /// Those of [`Journaled::import`] and [`Journaled::replay`], or those of the store.
    pub fn open(mut storage: S) -> core::result::Result<Option<Self>, S::Error> {
        let Some(stored) = storage.load()? else {
            return Ok(None);
        };
        let mut keeper = Self {
            manager: M::import(&stored.snapshot)?,
            storage,
            snapshot: 0,
            journal: 0,
            sound: false,
        };
        keeper.take_up(&stored)?;
        Ok(Some(keeper))
    }

    /// Takes up what is stored in place of what is in memory.
    ///
    /// # Errors
    /// As [`Keeper::open`], and [`Error::Rollback`] if the store is empty.
    pub fn reload(&mut self) -> core::result::Result<(), S::Error> {
        self.sound = false;
        let stored = self.storage.load()?.ok_or(Error::Rollback)?;
        self.manager = M::import(&stored.snapshot)?;
        self.take_up(&stored)
    }

    /// Makes the stored changes on top of the stored snapshot, and cuts off what was never stored whole.
    fn take_up(&mut self, stored: &Stored) -> core::result::Result<(), S::Error> {
        let replayed = self.manager.replay(&stored.journal)?;
        self.snapshot = stored.snapshot.len();
        self.journal = stored.journal.len();
        if replayed.torn == 0 {
            self.sound = true;
            Ok(())
        } else {
            self.compact()
        }
    }

    /// The manager, all of whose changes are stored.
    ///
    /// # Errors
    /// [`Error::Rollback`] after a failure to store.
    pub fn manager(&self) -> Result<&M> {
        if self.sound {
            Ok(&self.manager)
        } else {
            Err(Error::Rollback)
        }
    }

    /// Changes the manager, stores what changed and only then gives what `change` gave: a slot with its personal key, an
    /// announcement. What `change` changed before it failed is stored too. Calls that belong together may be made in one
    /// `change`, but a key server that dies may leave the first of them only.
    ///
    /// # Errors
    /// Those of `change`, [`Error::Rollback`] after a failure to store, or those of the store.
    pub fn change<T>(
        &mut self,
        change: impl FnOnce(&mut M) -> Result<T>,
    ) -> core::result::Result<T, S::Error> {
        self.manager()?;
        if self.journal > self.snapshot.max(SMALL) {
            self.compact()?;
        }
        // Should `change` or the store never return, memory is not to be trusted.
        self.sound = false;
        let told = change(&mut self.manager);
        let records = self.manager.unsaved();
        if !records.is_empty() {
            self.storage.append(records)?;
            self.journal = self.journal.saturating_add(records.len());
            self.manager.saved();
        }
        self.sound = true;
        Ok(told?)
    }

    /// Puts a snapshot in place of the journal.
    fn compact(&mut self) -> core::result::Result<(), S::Error> {
        self.sound = false;
        let snapshot = self.manager.export()?;
        self.storage.replace(&snapshot)?;
        self.snapshot = snapshot.len();
        self.journal = 0;
        self.manager.saved();
        self.sound = true;
        Ok(())
    }
}
