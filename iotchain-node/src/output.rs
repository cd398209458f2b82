//! What a command prints on stdout, where whoever reads may be gone or the disk full.

use std::fmt::Display;
use std::io::{self, Write};

use crate::NodeError;

/// Prints one line.
///
/// # Errors
/// [`NodeError::Io`] if it cannot be written.
pub(crate) fn line(text: impl Display) -> Result<(), NodeError> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes as they are.
///
/// # Errors
/// [`NodeError::Io`] if they cannot be written.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), NodeError> {
    let mut stdout = io::stdout();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|source| NodeError::io("stdout", source))
}
