//! Files that are either whole or absent, and the secp256k1 keys kept in them.
//!
//! ```text
//! NAME.key    64 hex digits and a line feed, mode 0600
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use iotchain::{SignAlg, SigningKey};
use zeroize::Zeroizing;

use crate::NodeError;

/// Largest file of settings or state that is read whole, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// A secp256k1 private key, 32 bytes big-endian.
pub type Key = Zeroizing<[u8; 32]>;

/// Replaces a file by `bytes` so that a crash at any moment leaves the old one or the new one, whole and on the disk.
/// Readable by everybody.
///
/// # Errors
/// [`NodeError::Io`]; the old file is then untouched.
pub fn atomic_write(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    replace(path, bytes, 0o644).map_err(|source| NodeError::io(path.display(), source))
}

/// As [`atomic_write`], readable by its owner alone from the first byte on.
///
/// # Errors
/// [`NodeError::Io`]; the old file is then untouched.
pub fn atomic_write_secret(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    replace(path, bytes, 0o600).map_err(|source| NodeError::io(path.display(), source))
}

/// As [`atomic_write`], but what is there stays as readable as it is, and a link stays a link. Whether there was a file.
///
/// # Errors
/// [`NodeError::Io`], also for what is no regular file; the old file is then untouched.
pub fn atomic_update(path: &Path, bytes: &[u8]) -> Result<bool, NodeError> {
    let update = || match fs::canonicalize(path) {
        Ok(path) => {
            let found = fs::metadata(&path)?;
            if !found.is_file() {
                return Err(io::Error::other("not a regular file"));
            }
            replace(&path, bytes, found.permissions().mode() & 0o777).map(|()| true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace(path, bytes, 0o644).map(|()| false)
        }
        Err(error) => Err(error),
    };
    update().map_err(|source| NodeError::io(path.display(), source))
}

/// A whole file, `None` if there is none.
///
/// # Errors
/// [`NodeError::Io`] for what cannot be read, files above 16 MiB included.
pub fn read_if_present(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, NodeError> {
    match read_bounded(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(NodeError::io(path.display(), source)),
    }
}

/// A whole file.
///
/// # Errors
/// [`NodeError::Io`] for what cannot be read, files above 16 MiB included.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, NodeError> {
    read_bounded(path).map_err(|source| NodeError::io(path.display(), source))
}

/// The key in a file.
///
/// # Errors
/// [`NodeError::Io`] if it cannot be read; [`NodeError::Config`] if others may read it or it holds no key.
pub fn read_key(path: &Path) -> Result<Key, NodeError> {
    let text = read(path)?;
    let mode = fs::metadata(path)
        .map_err(|source| NodeError::io(path.display(), source))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(NodeError::Config(format!(
            "{path}: other users may read this key; run `chmod 600 {path}`"
        )));
    }
    parse_key(&text).ok_or_else(|| {
        NodeError::Config(format!(
            "{}: not a secp256k1 key (64 hex digits below the group order)",
            path.display()
        ))
    })
}

/// Makes a key and its file.
///
/// # Errors
/// [`NodeError::Io`] if the file exists or cannot be written, or the system has no random numbers.
pub fn create_key(path: &Path) -> Result<Key, NodeError> {
    let key = fresh_key()?;
    let mut text = Zeroizing::new(hex::encode(*key));
    text.push('\n');
    create(path, text.as_bytes(), 0o600).map_err(|source| NodeError::io(path.display(), source))?;
    Ok(key)
}

/// The key in a file, made first if there is none.
///
/// # Errors
/// As [`read_key`] and [`create_key`].
pub fn read_or_create_key(path: &Path) -> Result<Key, NodeError> {
    match read_key(path) {
        Err(NodeError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create_key(path)
        }
        result => result,
    }
}

/// A key as an ES256K signer.
///
/// # Errors
/// [`NodeError::Config`] for a value that is no key; those of this module are.
pub fn signing_key(key: &Key) -> Result<SigningKey, NodeError> {
    SigningKey::from_bytes(SignAlg::Es256k, key)
        .map_err(|_| NodeError::Config("not a secp256k1 key".into()))
}

fn fresh_key() -> Result<Key, NodeError> {
    let mut key = Key::default();
    loop {
        getrandom::fill(&mut *key).map_err(|error| {
            NodeError::io("random numbers of the system", io::Error::other(error))
        })?;
        // A value out of range has probability 2^-127.
        if signing_key(&key).is_ok() {
            return Ok(key);
        }
    }
}

fn parse_key(text: &[u8]) -> Option<Key> {
    let digits = text.trim_ascii();
    let mut key = Key::default();
    hex::decode_to_slice(digits.strip_prefix(b"0x").unwrap_or(digits), &mut *key).ok()?;
    signing_key(&key).is_ok().then_some(key)
}

fn read_bounded(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)?;
    if read as u64 > MAX_FILE {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "larger than 16 MiB",
        ));
    }
    Ok(bytes)
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // A device or a pipe is written to, not replaced by a file.
    let special = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if special {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let part = part_of(path);
    // A leftover of an interrupted run may have another mode, which opening it would keep.
    remove_if_present(&part)?;
    write_new(&part, bytes, mode)
        .and_then(|()| fs::rename(&part, path))
        .inspect_err(|_| drop(fs::remove_file(&part)))?;
    sync_parent(path)
}

/// Writes a file that must not exist yet.
fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let part = part_of(path);
    remove_if_present(&part)?;
    // A link, unlike a rename, never takes the place of another file.
    let linked = write_new(&part, bytes, mode).and_then(|()| fs::hard_link(&part, path));
    let removed = remove_if_present(&part);
    linked.and(removed)?;
    sync_parent(path)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn remove_if_present(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// A rename is on the disk only when its directory is.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("client.key");
        let key = read_or_create_key(&path).unwrap();
        assert_eq!(read_or_create_key(&path).unwrap(), key);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(matches!(create_key(&path), Err(NodeError::Io { .. })));
        assert_eq!(read_key(&path).unwrap(), key);
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "no leftovers"
        );
    }

    #[test]
    fn bad_keys_are_refused_with_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("k");
        for text in [
            "",
            "00",
            &"0".repeat(64),
            &"f".repeat(64),
            &"g".repeat(64),
            &"1".repeat(66),
        ] {
            atomic_write_secret(&path, text.as_bytes()).unwrap();
            assert!(
                matches!(read_key(&path), Err(NodeError::Config(_))),
                "{text}"
            );
        }
        atomic_write(&path, "1".repeat(64).as_bytes()).unwrap();
        let error = read_key(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        assert!(matches!(
            read_key(&directory.path().join("none")),
            Err(NodeError::Io { .. })
        ));
    }

    #[test]
    fn a_device_stays_a_device() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("null");
        symlink("/dev/null", &link).unwrap();
        atomic_write(&link, b"gone").unwrap();
        atomic_write_secret(&link, b"gone").unwrap();
        let kind = fs::metadata(&link).unwrap().file_type();
        assert!(kind.is_char_device());
        assert!(read(&link).unwrap().is_empty());
    }

    #[test]
    fn an_update_keeps_mode_and_links_and_spares_what_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (
            directory.path().join("light"),
            directory.path().join("link"),
        );
        assert!(!atomic_update(&path, b"off").unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(atomic_update(&link, b"on").unwrap());
        assert_eq!(*read(&path).unwrap(), b"on");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        for other in [directory.path(), Path::new("/dev/null")] {
            assert!(atomic_update(other, b"x").is_err());
        }
    }

    #[test]
    fn replacing_leaves_one_whole_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        assert!(read_if_present(&path).unwrap().is_none());
        for text in ["first", "second"] {
            atomic_write(&path, text.as_bytes()).unwrap();
            assert_eq!(*read(&path).unwrap(), text.as_bytes());
        }
        assert!(matches!(
            atomic_write(directory.path(), b"x"),
            Err(NodeError::Io { .. })
        ));
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "no leftovers"
        );
    }
}
