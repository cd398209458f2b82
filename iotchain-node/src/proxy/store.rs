//! The objects on disk, by path. A put is durable before it is acknowledged; a kill at any moment loses nothing that was.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use iotchain::UnixTime;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::NodeError;

/// Path to (iat, exp or 0, object). An object past its end is emptied, but its iat stays: an older object with a later end
/// must not come back in its place.
const OBJECTS: TableDefinition<'_, &str, (u64, u64, &[u8])> = TableDefinition::new("objects");

type ReadTable = redb::ReadOnlyTable<&'static str, (u64, u64, &'static [u8])>;
type Table<'t> = redb::Table<'t, &'static str, (u64, u64, &'static [u8])>;

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, if it says so.
    pub exp: Option<UnixTime>,
    /// The object, verbatim; empty once it was swept.
    pub object: Vec<u8>,
}

impl Stored {
    /// Whether there is an object to be served at `now`.
    #[must_use]
    pub fn is_held(&self, now: UnixTime) -> bool {
        !self.object.is_empty() && self.exp.is_none_or(|exp| now < exp)
    }
}

/// The proxy's memory.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Closed after a failure of the disk: an open database serves nothing any more then, not even what it has.
    database: Mutex<Option<Database>>,
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`NodeError::State`] if it is damaged, foreign or in use; nothing is changed then.
    pub fn open(path: &Path) -> Result<Self, NodeError> {
        let store = Self {
            path: path.to_owned(),
            database: Mutex::new(None),
        };
        // the table must exist before the first read
        store.write(|_| Ok(()))?;
        Ok(store)
    }

    /// What is stored under `path`.
    ///
    /// # Errors
    /// [`NodeError::State`] if the file cannot be read.
    pub fn get(&self, path: &str) -> Result<Option<Stored>, NodeError> {
        self.read(|objects| {
            let found = objects.get(path)?;
            Ok(found.map(|entry| {
                let (iat, exp, object) = entry.value();
                Stored {
                    iat: UnixTime::new(iat),
                    exp: (exp != 0).then(|| UnixTime::new(exp)),
                    object: object.to_owned(),
                }
            }))
        })
    }

    /// Stores an object in place of the one before. On the disk when this returns.
    ///
    /// # Errors
    /// [`NodeError::State`] if it could not be written, on a full disk for instance; the one before stays.
    pub fn put(&self, path: &str, stored: &Stored) -> Result<(), NodeError> {
        let exp = stored.exp.map_or(0, UnixTime::get);
        self.write(|objects| {
            objects.insert(path, (stored.iat.get(), exp, stored.object.as_slice()))?;
            Ok(())
        })
    }

    /// Removes the objects that ended before `now`; how many that were.
    ///
    /// # Errors
    /// [`NodeError::State`] if the file cannot be written.
    pub fn sweep(&self, now: UnixTime) -> Result<usize, NodeError> {
        let ended = self.read(|objects| {
            let mut ended = Vec::new();
            for entry in objects.iter()? {
                let (path, value) = entry?;
                let (iat, exp, object) = value.value();
                if exp != 0 && exp <= now.get() && !object.is_empty() {
                    ended.push((path.value().to_owned(), iat, exp));
                }
            }
            Ok(ended)
        })?;
        if !ended.is_empty() {
            self.write(|objects| {
                for (path, iat, exp) in &ended {
                    objects.insert(path.as_str(), (*iat, *exp, &[][..]))?;
                }
                Ok(())
            })?;
        }
        Ok(ended.len())
    }

    /// How many objects there are.
    ///
    /// # Errors
    /// [`NodeError::State`] if the file cannot be read.
    pub fn count(&self) -> Result<usize, NodeError> {
        self.read(|objects| {
            let mut count = 0;
            for entry in objects.iter()? {
                count += usize::from(!entry?.1.value().2.is_empty());
            }
            Ok(count)
        })
    }

    fn read<T>(
        &self,
        f: impl FnOnce(&ReadTable) -> Result<T, redb::Error>,
    ) -> Result<T, NodeError> {
        self.with(|database| f(&database.begin_read()?.open_table(OBJECTS)?))
    }

    fn write<T>(
        &self,
        f: impl FnOnce(&mut Table<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, NodeError> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            let value = f(&mut transaction.open_table(OBJECTS)?)?;
            transaction.commit()?;
            Ok(value)
        })
    }

    fn with<T>(&self, f: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, NodeError> {
        let mut open = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let database = match open.take() {
            Some(database) => database,
            None => builder()
                .create(&self.path)
                .map_err(|error| failure(&self.path, &error))?,
        };
        let outcome = f(&database);
        if !matches!(outcome, Err(redb::Error::Io(_) | redb::Error::PreviousIo)) {
            *open = Some(database);
        }
        outcome.map_err(|error| failure(&self.path, &error))
    }
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    // Otherwise a flipped bit in a time would outlive every newer object.
    builder.set_check_integrity_on_open(true);
    builder
}

fn failure(path: &Path, error: &dyn std::fmt::Display) -> NodeError {
    NodeError::State(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(iat: u64, exp: Option<u64>) -> Stored {
        Stored {
            iat: UnixTime::new(iat),
            exp: exp.map(UnixTime::new),
            object: vec![1, 2, 3],
        }
    }

    #[test]
    fn what_was_put_is_there_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("objects.redb");
        let store = Store::open(&path).unwrap();
        store.put("meter/load", &stored(5, Some(9))).unwrap();
        store.put("meter/load", &stored(6, None)).unwrap();
        assert!(Store::open(&path).is_err(), "two processes on one file");
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.get("meter/load").unwrap(), Some(stored(6, None)));
        assert_eq!(store.get("meter/temp").unwrap(), None);
    }

    #[test]
    fn only_what_ended_is_swept_and_its_iat_stays() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("objects.redb")).unwrap();
        store.put("a", &stored(5, Some(9))).unwrap();
        store.put("b", &stored(5, Some(10))).unwrap();
        store.put("c", &stored(5, None)).unwrap();
        assert_eq!(store.sweep(UnixTime::new(9)).unwrap(), 1);
        assert_eq!(store.sweep(UnixTime::new(9)).unwrap(), 0);
        assert_eq!(store.count().unwrap(), 2);
        let swept = store.get("a").unwrap().unwrap();
        assert_eq!((swept.iat.get(), swept.object.len()), (5, 0));
        store.put("a", &stored(6, None)).unwrap();
        assert_eq!(store.count().unwrap(), 3);
    }

    #[test]
    fn a_damaged_file_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("objects.redb");
        std::fs::write(&path, b"this is no database, but somebody may need it").unwrap();
        let error = Store::open(&path).unwrap_err();
        assert_eq!(error.exit_code(), 6);
        assert!(error.to_string().contains("objects.redb"), "{error}");
        assert!(std::fs::read(&path).unwrap().starts_with(b"this is no"));
    }

    #[test]
    fn a_flipped_bit_is_damage_and_never_another_object() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("objects.redb");
        let entry = stored(0x6b02_0000_1234_5678, None);
        Store::open(&path)
            .unwrap()
            .put("meter/load", &entry)
            .unwrap();
        let whole = std::fs::read(&path).unwrap();
        let iat = entry.iat.get().to_le_bytes();
        let at = whole.windows(8).position(|bytes| bytes == iat).unwrap();
        for bit in 0..64 {
            let mut damaged = whole.clone();
            damaged[at + bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(Store::open(&path).unwrap_err().exit_code(), 6, "bit {bit}");
        }
        std::fs::write(&path, &whole).unwrap();
        let found = Store::open(&path).unwrap().get("meter/load");
        assert_eq!(found.unwrap(), Some(entry));
    }
}
