//! Files that are either whole or absent, with the mode they need from their first byte on.

use crate::runtime::NetError;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use zeroize::Zeroizing;

/// Largest PEM file worth reading, in bytes.
const PEM_MAX: u64 = 1 << 20;

pub(super) fn read(path: &Path) -> Result<Vec<u8>, NetError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|f| f.take(PEM_MAX).read_to_end(&mut bytes))
        .map_err(|e| failure(path, e))?;
    Ok(bytes)
}

pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, NetError> {
    read(path).map(Zeroizing::new)
}

pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), NetError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let write = || {
        // A leftover of an interrupted run may have another mode, which opening it would keep.
        match fs::remove_file(part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(part, path)
    };
    write().map_err(|e| failure(path, e))
}

fn failure(path: &Path, source: io::Error) -> NetError {
    NetError::File {
        path: path.to_owned(),
        source,
    }
}
