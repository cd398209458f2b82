//! The block log on disk: one redb file, every block durable before anybody sees it.
//!
//! ```text
//! DIR/LOCK          held by the process that uses the directory
//! DIR/ledger.redb   meta | blocks | receipts | hashes | transactions     (mode 0600: it holds the sealer's key)
//! ```
//! The file is made under another name and renamed when complete, so a kill at any moment leaves no chain or a whole one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use alloy_consensus::{Block, ReceiptEnvelope, TxEnvelope};
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableDefinition};

use super::reopening::{Reopen, Reopening};
use crate::{LedgerError, Result};

/// A block with its transactions.
pub(crate) type FullBlock = Block<TxEnvelope>;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
const RECEIPTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("receipts");
const HASHES: TableDefinition<'_, [u8; 32], u64> = TableDefinition::new("hashes");
const TRANSACTIONS: TableDefinition<'_, [u8; 32], (u64, u64)> =
    TableDefinition::new("transactions");

const FORMAT: &[u8] = b"iotchain-ledger/1";
const FILE: &str = "ledger.redb";
const UNFINISHED: &str = "ledger.redb.unfinished";
const LOCK: &str = "LOCK";
/// A process that is just ending, or one that is just starting a child, holds a lock a moment longer than it means to.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(20);
/// The log is read in order or by index; more memory would buy nothing.
const CACHE_BYTES: usize = 16 << 20;

/// What the chain's founder chose.
pub(super) struct Founding {
    pub(super) chain_id: u64,
    /// Secret scalar of the sealer.
    pub(super) sealer: zeroize::Zeroizing<[u8; 32]>,
    pub(super) genesis: FullBlock,
}

/// An open block log.
pub(super) struct Store {
    database: Reopening,
    /// Keeps other processes out while it lives; absent for a log in memory.
    _lock: Option<File>,
}

impl Store {
    /// Opens the log in a directory, founding one if the directory is absent or empty.
    pub(super) fn open(directory: &Path, found: impl Fn() -> Result<Founding>) -> Result<Self> {
        let start = Instant::now();
        loop {
            match Self::try_open(directory, &found) {
                Err(LedgerError::InUse(_)) if start.elapsed() < LOCK_PATIENCE => sleep(LOCK_POLL),
                result => return result,
            }
        }
    }

    fn try_open(directory: &Path, found: impl Fn() -> Result<Founding>) -> Result<Self> {
        let name = directory.display();
        fs::create_dir_all(directory)
            .map_err(|e| LedgerError::Storage(format!("cannot create {name}: {e}")))?;
        let file = directory.join(FILE);
        if !file.exists() && holds_other_files(directory)? {
            return Err(LedgerError::Foreign(format!(
                "{name} holds other files and no ledger; nothing was written"
            )));
        }
        let lock = lock(directory)?;
        if !file.exists() {
            let unfinished = directory.join(UNFINISHED);
            remove_if_present(&unfinished)?;
            create_private(&unfinished)?;
            let database = builder().create(&unfinished).map_err(storage)?;
            Self::found(&database, &found()?)?;
            drop(database);
            fs::rename(&unfinished, &file).map_err(storage)?;
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(storage)?;
        }
        let database = builder().open(&file).map_err(|e| match e {
            redb::DatabaseError::DatabaseAlreadyOpen => LedgerError::InUse(name.to_string()),
            e => storage(e),
        })?;
        let store = Self {
            database: Reopening::new(
                database,
                Some(Box::new(move || builder().open(&file).map_err(storage))),
            ),
            _lock: Some(lock),
        };
        store.check_format().map_err(|e| match e {
            LedgerError::Storage(e) => {
                LedgerError::Foreign(format!("{name} holds a file that is no ledger: {e}"))
            }
            e => e,
        })?;
        Ok(store)
    }

    /// A log that lives as long as this.
    pub(super) fn in_memory(found: impl FnOnce() -> Result<Founding>) -> Result<Self> {
        let database = builder().create_with_backend(InMemoryBackend::new());
        Self::over(database.map_err(storage)?, None, found)
    }

    /// A log over any storage.
    #[cfg(test)]
    pub(super) fn with_backend(
        backend: impl redb::StorageBackend + Clone,
        found: impl FnOnce() -> Result<Founding>,
    ) -> Result<Self> {
        let open = move || {
            let database = builder().create_with_backend(backend.clone());
            database.map_err(storage)
        };
        Self::over(open()?, Some(Box::new(open)), found)
    }

    /// A log in a database, founded there if it is empty.
    fn over(
        database: Database,
        reopen: Option<Reopen>,
        found: impl FnOnce() -> Result<Founding>,
    ) -> Result<Self> {
        let store = Self {
            database: Reopening::new(database, reopen),
            _lock: None,
        };
        if store.check_format().is_err() {
            let founding = found()?;
            store
                .database
                .with(|database| Self::found(database, &founding))?;
        }
        Ok(store)
    }

    fn found(database: &Database, founding: &Founding) -> Result<()> {
        let write = database.begin_write().map_err(storage)?;
        {
            let mut meta = write.open_table(META).map_err(storage)?;
            meta.insert("format", FORMAT).map_err(storage)?;
            meta.insert("chain_id", founding.chain_id.to_be_bytes().as_slice())
                .map_err(storage)?;
            meta.insert("sealer", founding.sealer.as_slice())
                .map_err(storage)?;
            write.open_table(RECEIPTS).map_err(storage)?;
            write.open_table(TRANSACTIONS).map_err(storage)?;
        }
        insert_block(
            &write,
            &founding.genesis,
            founding.genesis.header.hash_slow(),
            &[],
        )?;
        write.commit().map_err(storage)
    }

    fn check_format(&self) -> Result<()> {
        let format = self.meta("format")?;
        if format != FORMAT {
            return Err(LedgerError::Foreign(format!(
                "has format {:?}, expected {:?}",
                String::from_utf8_lossy(&format),
                String::from_utf8_lossy(FORMAT)
            )));
        }
        Ok(())
    }

    pub(super) fn chain_id(&self) -> Result<u64> {
        let bytes = self.meta("chain_id")?;
        Ok(u64::from_be_bytes(
            bytes.try_into().map_err(|_| corrupt("chain id"))?,
        ))
    }

    pub(super) fn sealer(&self) -> Result<zeroize::Zeroizing<[u8; 32]>> {
        let bytes = zeroize::Zeroizing::new(self.meta("sealer")?);
        let key = bytes
            .as_slice()
            .try_into()
            .map_err(|_| corrupt("sealer key"))?;
        Ok(zeroize::Zeroizing::new(key))
    }

    fn meta(&self, name: &str) -> Result<Vec<u8>> {
        self.database.with(|database| {
            let read = database.begin_read().map_err(storage)?;
            let table = read.open_table(META).map_err(storage)?;
            let value = table
                .get(name)
                .map_err(storage)?
                .ok_or_else(|| corrupt(name))?;
            Ok(value.value().to_vec())
        })
    }

    /// Number of blocks, the genesis block counted.
    pub(super) fn len(&self) -> Result<u64> {
        self.database.with(|database| {
            let read = database.begin_read().map_err(storage)?;
            let blocks = read.open_table(BLOCKS).map_err(storage)?;
            blocks.len().map_err(storage)
        })
    }

    /// Appends a block; when this returns it is on the disk.
    pub(super) fn append(
        &self,
        block: &FullBlock,
        hash: B256,
        receipts: &[ReceiptEnvelope],
    ) -> Result<()> {
        self.database.with(|database| {
            let write = database.begin_write().map_err(storage)?;
            insert_block(&write, block, hash, receipts)?;
            write.commit().map_err(storage)
        })
    }

    pub(super) fn block(&self, number: u64) -> Result<Option<FullBlock>> {
        self.database.with(|database| {
            let read = database.begin_read().map_err(storage)?;
            let table = read.open_table(BLOCKS).map_err(storage)?;
            let bytes = table.get(number).map_err(storage)?;
            bytes.map(|bytes| decode(bytes.value(), number)).transpose()
        })
    }

    /// The receipts of a block; none if it is unknown or empty.
    pub(super) fn receipts(&self, number: u64) -> Result<Vec<ReceiptEnvelope>> {
        self.database.with(|database| {
            let read = database.begin_read().map_err(storage)?;
            let table = read.open_table(RECEIPTS).map_err(storage)?;
            let bytes = table.get(number).map_err(storage)?;
            bytes.map_or_else(|| Ok(Vec::new()), |bytes| decode(bytes.value(), number))
        })
    }

    pub(super) fn number_of(&self, hash: B256) -> Result<Option<u64>> {
        self.database.with(|database| {
            let read = database.begin_read().map_err(storage)?;
            let table = read.open_table(HASHES).map_err(storage)?;
            let number = table.get(hash.0).map_err(storage)?;
            Ok(number.map(|number| number.value()))
        })
    }

    /// Block and position of a transaction.
    pub(super) fn position_of(&self, transaction: B256) -> Result<Option<(u64, usize)>> {
        let position = self.database.with(|database| {
            let read = database.begin_read().map_err(storage)?;
            let table = read.open_table(TRANSACTIONS).map_err(storage)?;
            let position = table.get(transaction.0).map_err(storage)?;
            Ok(position.map(|position| position.value()))
        })?;
        position
            .map(|(number, index)| {
                Ok((
                    number,
                    usize::try_from(index).map_err(|_| corrupt("transaction index"))?,
                ))
            })
            .transpose()
    }
}

fn insert_block(
    write: &redb::WriteTransaction,
    block: &FullBlock,
    hash: B256,
    receipts: &[ReceiptEnvelope],
) -> Result<()> {
    let number = block.header.number;
    write
        .open_table(BLOCKS)
        .map_err(storage)?
        .insert(number, alloy_rlp::encode(block).as_slice())
        .map_err(storage)?;
    write
        .open_table(HASHES)
        .map_err(storage)?
        .insert(hash.0, number)
        .map_err(storage)?;
    if receipts.is_empty() {
        return Ok(());
    }
    let mut encoded = Vec::new();
    alloy_rlp::encode_list(receipts, &mut encoded);
    write
        .open_table(RECEIPTS)
        .map_err(storage)?
        .insert(number, encoded.as_slice())
        .map_err(storage)?;
    let mut transactions = write.open_table(TRANSACTIONS).map_err(storage)?;
    for (index, transaction) in (0..).zip(&block.body.transactions) {
        transactions
            .insert(transaction.tx_hash().0, (number, index))
            .map_err(storage)?;
    }
    Ok(())
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    // Replaying reads everything anyway, so every page's checksum may as well be verified first.
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true);
    builder
}

fn lock(directory: &Path) -> Result<File> {
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join(LOCK))
        .map_err(|e| LedgerError::Storage(format!("cannot lock {}: {e}", directory.display())))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse(directory.display().to_string())),
        Err(TryLockError::Error(e)) => Err(storage(e)),
    }
}

fn holds_other_files(directory: &Path) -> Result<bool> {
    for entry in fs::read_dir(directory).map_err(storage)? {
        let name = entry.map_err(storage)?.file_name();
        if name != LOCK && name != UNFINISHED {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An empty file that only its owner can read.
fn create_private(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) => Err(LedgerError::Storage(format!(
            "cannot create {}: {e}",
            path.display()
        ))),
    }
}

fn remove_if_present(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(storage(e)),
        _ => Ok(()),
    }
}

fn decode<T: Decodable>(bytes: &[u8], number: u64) -> Result<T> {
    alloy_rlp::decode_exact(bytes).map_err(|e| LedgerError::Corrupt(format!("block {number}: {e}")))
}

fn corrupt(what: &str) -> LedgerError {
    LedgerError::Corrupt(format!("no usable {what}"))
}

/// Bytes that no intact log holds are corruption; everything else is the disk's affair.
fn storage(error: impl Into<redb::Error>) -> LedgerError {
    match error.into() {
        redb::Error::Corrupted(what) => LedgerError::Corrupt(what),
        redb::Error::Io(e)
            if matches!(
                e.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            LedgerError::Corrupt(e.to_string())
        }
        e => LedgerError::Storage(e.to_string()),
    }
}
