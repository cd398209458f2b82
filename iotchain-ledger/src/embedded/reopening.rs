//! A database that outlives a failure of the disk: after one, an open database does nothing any more, so it is closed, and
//! opened again when it is needed next.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use redb::Database;

use crate::{LedgerError, Result};

/// Opens a database again where it was.
pub(super) type Reopen = Box<dyn Fn() -> Result<Database> + Send + Sync>;

/// A database, closed after a failure.
pub(super) struct Reopening {
    database: RwLock<Option<Database>>,
    /// Absent for a database in memory, which would be gone with its closing.
    reopen: Option<Reopen>,
}

impl Reopening {
    pub(super) const fn new(database: Database, reopen: Option<Reopen>) -> Self {
        Self {
            database: RwLock::new(Some(database)),
            reopen,
        }
    }

    /// Works with the database.
    ///
    /// # Errors
    /// Those of `f`; those of opening it again.
    pub(super) fn with<T>(&self, f: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let open = self.database.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = open.as_ref() {
            let outcome = f(database);
            drop(open);
            if self.reopen.is_some() && is_failure(&outcome) {
                *self.write() = None;
            }
            return outcome;
        }
        drop(open);
        let mut open = self.write();
        let database = match (open.take(), &self.reopen) {
            (Some(database), _) => database,
            (None, Some(reopen)) => reopen()?,
            (None, None) => return Err(LedgerError::Storage("the database is closed".into())),
        };
        let outcome = f(&database);
        if self.reopen.is_none() || !is_failure(&outcome) {
            *open = Some(database);
        }
        outcome
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Database>> {
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the disk failed.
const fn is_failure<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(LedgerError::Storage(_)))
}
