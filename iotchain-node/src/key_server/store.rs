//! What the key server must not forget: one redb file with the rows of every group.
//!
//! ```text
//! groups.redb    meta: format, ks, commits | rows: (gname, kind, number) -> row | gids: every gid ever used
//! witness        tells an old copy of the above
//! ```
//! A change of a group is one transaction, and on the disk before [`Store::put`] returns, and everything that leaves the key server waits for that
//! (spec 3.4.5: persist, then publish).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use iotchain::{Error, Gid, GroupName, Thumbprint};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::group::Group;
use super::rows::{Change, Row, Rows};
use super::witness::Witness;
use crate::NodeError;
use crate::data_dir::DataDir;
use crate::runtime::random;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const ROWS: TableDefinition<'_, (&str, u8, u64), &[u8]> = TableDefinition::new("rows");
const GIDS: TableDefinition<'_, [u8; Gid::LEN], ()> = TableDefinition::new("gids");

const FORMAT: &[u8] = b"iotchain-key-server/2";
const FILE: &str = "groups.redb";
const WITNESS: &str = "witness";
/// All rows are in memory as groups anyway.
const CACHE_BYTES: usize = 8 << 20;

/// The open store of one key server.
pub(super) struct Store {
    path: PathBuf,
    /// Closed after a failure of the disk: an open database does nothing any more then.
    database: Mutex<Option<Database>>,
    witness: Witness,
}

/// Whether what was found in the store may be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The state that was last stored, or nothing at all.
    Newest,
    /// A state from a backup: its groups were given up, and only the gids they used are still known.
    Restored,
}

impl Store {
    /// Whether a directory has a store.
    pub(super) fn exists(directory: &DataDir) -> bool {
        directory.file(FILE).exists()
    }

    /// Opens the store of the key server with thumbprint `ks`, made first if there is none.
    ///
    /// # Errors
    /// [`NodeError::State`] for a file that is damaged or belongs to another key; [`NodeError::Io`].
    pub(super) fn open(directory: &DataDir, ks: &Thumbprint) -> Result<(Self, Found), NodeError> {
        let path = directory.file(FILE);
        let witness = Witness::at(directory.file(WITNESS));
        if !path.exists() {
            witness.attest(0)?;
            create(&path, ks).map_err(|fault| fault.on(&path))?;
        }
        let store = Self {
            path,
            database: Mutex::default(),
            witness,
        };
        store.check_owner(ks)?;
        let commits = store.commits()?;
        let found = if store.witness.believes(commits)? {
            Found::Newest
        } else {
            store.give_up_groups()?;
            Found::Restored
        };
        store.attest()?;
        Ok((store, found))
    }

    /// Every group.
    ///
    /// # Errors
    /// [`NodeError::State`] for rows that cannot be read.
    pub(super) fn groups(&self) -> Result<Vec<Group>, NodeError> {
        self.with(|database| {
            let table = database.begin_read()?.open_table(ROWS)?;
            let mut groups: BTreeMap<String, Rows> = BTreeMap::new();
            for entry in table.iter()? {
                let (key, row) = entry?;
                let (name, kind, number) = key.value();
                let rows = groups.entry(name.to_owned()).or_default();
                rows.insert((kind.try_into()?, number), Row::new(row.value().to_vec()));
            }
            let read = |(name, rows): (String, Rows)| Group::read(GroupName::new(&name)?, rows);
            Ok(groups.into_iter().map(read).collect::<Result<_, _>>()?)
        })
    }

    /// Stores what changed of a group. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`NodeError::Io`], [`NodeError::State`]. What was told before is not lost then; whether the change is stored is not
    /// known until the group is stored afresh.
    pub(super) fn put(&self, group: &Group, change: &Change) -> Result<(), NodeError> {
        let name = group.name.as_str();
        self.commit(|transaction| {
            let mut rows = transaction.open_table(ROWS)?;
            if change.afresh {
                let (first, last) = ((name, 0, 0), (name, u8::MAX, u64::MAX));
                rows.retain_in(first..=last, |_, _| false)?;
                transaction
                    .open_table(GIDS)?
                    .insert(group.gid().as_bytes(), ())?;
            }
            for ((kind, number), row) in &change.rows {
                let key = (name, *kind as u8, *number);
                match row {
                    Some(row) => drop(rows.insert(key, row.as_slice())?),
                    None => drop(rows.remove(key)?),
                }
            }
            Ok(())
        })
    }

    /// A gid that this key server never used.
    ///
    /// # Errors
    /// [`Error::Random`] as [`NodeError::Protocol`]; otherwise as [`Store::groups`].
    pub(super) fn fresh_gid(&self) -> Result<Gid, NodeError> {
        self.with(|database| {
            let table = database.begin_read()?.open_table(GIDS)?;
            loop {
                let gid = random::<{ Gid::LEN }>().map_err(|_| Error::Random)?;
                if table.get(gid)?.is_none() {
                    return Ok(Gid::new(gid));
                }
            }
        })
    }

    /// Brings the witness up to date. Cheap enough for once a session, too dear for once an answer.
    ///
    /// # Errors
    /// [`NodeError::Io`], [`NodeError::State`].
    pub(super) fn attest(&self) -> Result<(), NodeError> {
        self.witness.attest(self.commits()?)
    }

    fn commits(&self) -> Result<u64, NodeError> {
        self.with(|database| commits_of(&database.begin_read()?.open_table(META)?))
    }

    fn check_owner(&self, ks: &Thumbprint) -> Result<(), NodeError> {
        let name = self.path.display();
        let (format, owner) = self.with(|database| {
            let table = database.begin_read()?.open_table(META)?;
            let value = |key| Ok::<_, Fault>(table.get(key)?.map(|value| value.value().to_vec()));
            Ok((value("format")?, value("ks")?))
        })?;
        if format.as_deref() != Some(FORMAT) {
            let text = format!("{name} is not a key server's store of this version");
            return Err(NodeError::State(text));
        }
        if owner.as_deref() != Some(ks.as_bytes()) {
            return Err(NodeError::State(format!(
                "{name} belongs to another ks.key"
            )));
        }
        Ok(())
    }

    fn give_up_groups(&self) -> Result<(), NodeError> {
        self.commit(|transaction| Ok(transaction.open_table(ROWS)?.retain(|_, _| false)?))
    }

    fn commit(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), Fault>,
    ) -> Result<(), NodeError> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            change(&transaction)?;
            {
                let mut meta = transaction.open_table(META)?;
                let commits = commits_of(&meta)?.saturating_add(1);
                meta.insert("commits", commits.to_be_bytes().as_slice())?;
            }
            Ok(transaction.commit()?)
        })
    }

    fn with<T>(&self, f: impl FnOnce(&Database) -> Result<T, Fault>) -> Result<T, NodeError> {
        let mut open = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = match open.take() {
            Some(database) => Ok(database),
            None => builder().open(&self.path).map_err(Fault::from),
        }
        .and_then(|database| {
            let outcome = f(&database);
            let failed = |fault: &Fault| {
                matches!(
                    fault,
                    Fault::Database(redb::Error::Io(_) | redb::Error::PreviousIo)
                )
            };
            if !outcome.as_ref().is_err_and(failed) {
                *open = Some(database);
            }
            outcome
        });
        outcome.map_err(|fault| fault.on(&self.path))
    }
}

fn commits_of(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u64, Fault> {
    let value = meta.get("commits")?;
    let bytes = value
        .as_ref()
        .and_then(|value| value.value().try_into().ok());
    bytes
        .map(u64::from_be_bytes)
        .ok_or(Fault::Record(Error::Type))
}

/// Makes the file under another name first, so that a kill leaves no store or a whole one.
fn create(path: &Path, ks: &Thumbprint) -> Result<(), Fault> {
    let part = path.with_extension("part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    let database = builder().create(&part)?;
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert("format", FORMAT)?;
        meta.insert("ks", ks.as_bytes().as_slice())?;
        meta.insert("commits", 0u64.to_be_bytes().as_slice())?;
        transaction.open_table(ROWS)?;
        transaction.open_table(GIDS)?;
    }
    transaction.commit()?;
    drop(database);
    fs::rename(&part, path)?;
    Ok(File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?)
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    // A flipped bit in a key would be served as it is; all pages together are read in no time.
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true);
    builder
}

/// What can go wrong with the file.
enum Fault {
    Database(redb::Error),
    Record(Error),
    Io(io::Error),
}

impl Fault {
    /// What the operator is told.
    fn on(self, path: &Path) -> NodeError {
        let name = path.display();
        match self {
            Self::Database(redb::Error::Io(source)) | Self::Io(source)
                if !matches!(
                    source.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ) =>
            {
                NodeError::io(name, source)
            }
            Self::Io(error) => NodeError::State(format!("{name}: {error}")),
            Self::Database(error) => NodeError::State(format!("{name}: {error}")),
            Self::Record(Error::Random) => Error::Random.into(),
            Self::Record(error) => {
                NodeError::State(format!("{name} holds a damaged record ({})", error.name()))
            }
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Record(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

macro_rules! from_redb {
    ($($kind:ident),*) => {
        $(impl From<redb::$kind> for Fault {
            fn from(error: redb::$kind) -> Self {
                Self::Database(error.into())
            }
        })*
    };
}

from_redb!(
    DatabaseError,
    TransactionError,
    TableError,
    StorageError,
    CommitError
);

#[cfg(test)]
mod tests {
    use super::super::group::Terms;
    use super::*;
    use iotchain::{Address, GroupName, SignAlg, Signer, SigningKey, UnixTime};

    #[test]
    fn a_flipped_bit_is_damage_and_never_another_group() {
        let root = tempfile::tempdir().unwrap();
        let directory = DataDir::open(root.path(), "key-server").unwrap();
        let key = SigningKey::from_bytes(SignAlg::Es256k, &[1; 32]).unwrap();
        let ks = key.public().thumbprint();
        let (store, _) = Store::open(&directory, &ks).unwrap();
        let terms = Terms {
            session: 60,
            grace: 5,
            epoch: 1000,
            depth: 4,
            max_event: 4096,
            admissions: 4,
        };
        let name = GroupName::new("0007.abababab").unwrap();
        let owner = (name, Address::new([0xab; 20]));
        let (gid, now) = (store.fresh_gid().unwrap(), UnixTime::new(1_800_000_000));
        let group = Group::found(owner, gid, &terms, &key, now).unwrap();
        let change = group.unsaved().unwrap();
        store.put(&group, &change).unwrap();
        store.attest().unwrap();
        drop(store);

        let path = root.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        let place = |row: &Row| {
            let at = whole
                .windows(row.len())
                .position(|bytes| bytes == row.as_slice());
            at.unwrap()..at.unwrap() + row.len()
        };
        let rows = change.rows.values().flatten();
        for byte in rows.flat_map(|row| place(row).step_by(7)) {
            let mut damaged = whole.clone();
            damaged[byte] ^= 1 << (byte % 8);
            fs::write(&path, damaged).unwrap();
            let opened = Store::open(&directory, &ks).and_then(|(store, _)| store.groups());
            let error = opened.map(|groups| groups.len()).unwrap_err();
            assert_eq!(error.exit_code(), 6, "byte {byte}: {error}");
        }
        fs::write(&path, &whole).unwrap();
        let (store, found) = Store::open(&directory, &ks).unwrap();
        assert_eq!((found, store.groups().unwrap().len()), (Found::Newest, 1));
    }
}
