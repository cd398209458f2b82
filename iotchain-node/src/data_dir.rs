//! The directory in which a role keeps its state: marked as its own, and used by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::NodeError;

/// Holds what the directory is for, and the lock of the process that uses it.
const MARK: &str = "iotchain";
/// A process that is just ending, or one that is just starting a child, holds a lock a moment longer than it means to.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// A role's directory, locked until this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens the directory of a `role`, made first (mode 0700) if it is absent. An empty one becomes the role's; one
    /// that holds other things is left as it is.
    ///
    /// # Errors
    /// [`NodeError::State`] if the directory belongs to something else or another process uses it; [`NodeError::Io`].
    pub fn open(path: &Path, role: &str) -> Result<Self, NodeError> {
        let io = |source| NodeError::io(path.display(), source);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(io)?;
        let mark = path.join(MARK);
        let foreign = !mark.exists() && fs::read_dir(path).map_err(io)?.next().is_some();
        if foreign {
            return Err(NodeError::State(format!(
                "{} is not empty and not a data directory of iotchain; nothing was changed",
                path.display()
            )));
        }
        let lock = open_mark(&mark).map_err(io)?;
        match try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(NodeError::State(format!(
                    "{} is in use by another process",
                    path.display()
                )));
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        claim(&lock, role).map_err(io)?.map_or(Ok(()), |found| {
            Err(NodeError::State(format!(
                "{} belongs to {found:?}, not to `{role}`",
                path.display()
            )))
        })?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Locks the mark, with patience.
fn try_lock(mark: &File) -> Result<(), TryLockError> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match mark.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_POLL),
            outcome => return outcome,
        }
    }
}

fn open_mark(mark: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(mark)
}

/// Writes the role into an empty mark; otherwise what it says if that is something else.
fn claim(mut mark: &File, role: &str) -> io::Result<Option<String>> {
    let wanted = format!("iotchain {role} 1\n");
    let mut found = Vec::new();
    mark.take(256).read_to_end(&mut found)?;
    // A crash in the middle of the first start leaves a beginning.
    if wanted.as_bytes().starts_with(&found) {
        mark.rewind()?;
        mark.write_all(wanted.as_bytes())?;
        mark.sync_all()?;
        return Ok(None);
    }
    Ok(Some(
        String::from_utf8_lossy(found.trim_ascii()).into_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_belongs_to_one_role_and_one_process() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let first = DataDir::open(&path, "client").unwrap();
        assert!(
            matches!(DataDir::open(&path, "client"), Err(NodeError::State(text)) if text.contains("in use"))
        );
        fs::write(first.file("x"), "kept").unwrap();
        drop(first);
        let error = DataDir::open(&path, "proxy").unwrap_err();
        assert!(
            matches!(error, NodeError::State(text) if text.contains("belongs to \"iotchain client 1\""))
        );
        assert_eq!(
            fs::read(DataDir::open(&path, "client").unwrap().file("x")).unwrap(),
            b"kept"
        );
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("letter.txt"), "dear").unwrap();
        assert!(matches!(
            DataDir::open(root.path(), "client"),
            Err(NodeError::State(_))
        ));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert!(matches!(
            DataDir::open(&root.path().join("letter.txt"), "client"),
            Err(NodeError::Io { .. })
        ));
        fs::remove_file(root.path().join("letter.txt")).unwrap();
        fs::write(root.path().join(MARK), "").unwrap();
        DataDir::open(root.path(), "client").unwrap();
    }
}
