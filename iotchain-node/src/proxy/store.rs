//! The objects on disk, by path. A put is durable before it is acknowledged; a kill at any moment loses nothing that was.

use std::path::{Path, PathBuf};

use iotchain::UnixTime;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::NodeError;

/// Path to (iat, exp or 0, object).
const OBJECTS: TableDefinition<'_, &str, (u64, u64, &[u8])> = TableDefinition::new("objects");

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, if it says so.
    pub exp: Option<UnixTime>,
    /// The object, verbatim.
    pub object: Vec<u8>,
}

/// The proxy's memory.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`NodeError::State`] if it is damaged, foreign or in use; nothing is changed then.
    pub fn open(path: &Path) -> Result<Self, NodeError> {
        let database = Database::create(path).map_err(|error| failure(path, &error))?;
        let store = Self {
            path: path.to_owned(),
            database,
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

    /// Removes what ended before `now`; how many that were.
    ///
    /// The `iat` of a removed object is forgotten with it, so that the path can be used again; its own end keeps the
    /// object from coming back.
    ///
    /// # Errors
    /// [`NodeError::State`] if the file cannot be written.
    pub fn sweep(&self, now: UnixTime) -> Result<usize, NodeError> {
        let ended = |exp: u64| exp != 0 && exp <= now.get();
        let any = self.read(|objects| {
            for entry in objects.iter()? {
                if ended(entry?.1.value().1) {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        if !any {
            return Ok(0);
        }
        self.write(|objects| Ok(objects.extract_if(|_, (_, exp, _)| ended(exp))?.filter_map(Result::ok).count()))
    }

    /// How many objects there are.
    ///
    /// # Errors
    /// [`NodeError::State`] if the file cannot be read.
    pub fn len(&self) -> Result<u64, NodeError> {
        self.read(|objects| Ok(objects.len()?))
    }

    fn read<T>(
        &self,
        f: impl FnOnce(&redb::ReadOnlyTable<&'static str, (u64, u64, &'static [u8])>) -> Result<T, redb::Error>,
    ) -> Result<T, NodeError> {
        let run = || f(&self.database.begin_read()?.open_table(OBJECTS)?);
        run().map_err(|error: redb::Error| failure(&self.path, &error))
    }

    fn write<T>(
        &self,
        f: impl FnOnce(&mut redb::Table<'_, &'static str, (u64, u64, &'static [u8])>) -> Result<T, redb::Error>,
    ) -> Result<T, NodeError> {
        let run = || {
            let transaction = self.database.begin_write()?;
            let value = f(&mut transaction.open_table(OBJECTS)?)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|error: redb::Error| failure(&self.path, &error))
    }
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
    fn only_what_ended_is_swept() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("objects.redb")).unwrap();
        store.put("a", &stored(5, Some(9))).unwrap();
        store.put("b", &stored(5, Some(10))).unwrap();
        store.put("c", &stored(5, None)).unwrap();
        assert_eq!(store.sweep(UnixTime::new(9)).unwrap(), 1);
        assert_eq!(store.len().unwrap(), 2);
        assert_eq!(store.get("a").unwrap(), None);
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
}
