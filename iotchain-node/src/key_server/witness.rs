//! A witness beside the store that tells when the store was put back from a backup (spec 8, A7).
//!
//! ```text
//! witness    "<commits> <inode> <nanoseconds of its birth>\n"
//! ```
//! The store counts its commits, and the witness repeats the count: a store with fewer commits than its witness is an old
//! one. The witness also names itself, the file that it is: copied back together with the store it is another file, or has
//! the name of one that is gone. What remains unseen is a snapshot of the whole file system or machine.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::{NodeError, keyfile};

/// The witness of one store.
#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
}

impl Witness {
    /// The witness at `path`, whether it is there or not.
    pub(super) const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Whether a store with this many commits may be the newest there was.
    ///
    /// # Errors
    /// [`NodeError::Io`].
    pub(super) fn believes(&self, commits: u64) -> Result<bool, NodeError> {
        let Some(text) = keyfile::read_if_present(&self.path)? else {
            // The witness is written before the first commit.
            return Ok(commits == 0);
        };
        let metadata = fs::metadata(&self.path).map_err(|source| self.failure(source))?;
        let (witnessed, name) = parse(&text).unwrap_or((u64::MAX, String::new()));
        Ok(name == name_of(&metadata) && commits >= witnessed)
    }

    /// Witnesses that the store has this many commits. Until the next time, older stores with as many are not told apart.
    ///
    /// # Errors
    /// [`NodeError::Io`]; the former witness is then in force.
    pub(super) fn attest(&self, commits: u64) -> Result<(), NodeError> {
        let part = self.path.with_extension("part");
        let write = || {
            remove_if_present(&part)?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&part)?;
            let name = name_of(&file.metadata()?);
            writeln!(file, "{commits} {name}")?;
            file.sync_all()?;
            fs::rename(&part, &self.path)?;
            File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(|source| self.failure(source))
    }

    fn failure(&self, source: io::Error) -> NodeError {
        NodeError::io(self.path.display(), source)
    }
}

/// What tells a file from every copy of it. Systems that do not know when a file was made leave the inode alone.
fn name_of(metadata: &Metadata) -> String {
    let born = metadata
        .created()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("{} {}", metadata.ino(), born.unwrap_or_default().as_nanos())
}

fn parse(text: &[u8]) -> Option<(u64, String)> {
    let (commits, name) = std::str::from_utf8(text)
        .ok()?
        .strip_suffix('\n')?
        .split_once(' ')?;
    Some((commits.parse().ok()?, name.to_owned()))
}

fn remove_if_present(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a7_an_older_store_or_a_copied_witness_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let witness = Witness::at(directory.path().join("witness"));
        assert!(witness.believes(0).unwrap() && !witness.believes(1).unwrap());
        witness.attest(7).unwrap();
        assert!(
            witness.believes(7).unwrap()
                && witness.believes(8).unwrap()
                && !witness.believes(6).unwrap()
        );

        let backup = directory.path().join("backup");
        fs::copy(directory.path().join("witness"), &backup).unwrap();
        assert!(
            !Witness::at(backup.clone()).believes(7).unwrap(),
            "restored elsewhere"
        );
        witness.attest(9).unwrap();
        fs::copy(&backup, directory.path().join("witness")).unwrap();
        assert!(!witness.believes(9).unwrap(), "restored in place");
        fs::write(directory.path().join("witness"), "nonsense").unwrap();
        assert!(!witness.believes(u64::MAX - 1).unwrap());
    }
}
