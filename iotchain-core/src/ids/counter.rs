//! Which object it is: Partial IV and kid context.

use super::short::{Short, minimal};
use super::{Gid, Session};
use crate::error::{Error, Result};

/// Partial IV: 0..=2^23-1, minimal big-endian, 1 to 3 bytes; 0 is h'00' (spec 1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piv(u32);

impl Piv {
    /// The first Partial IV of a context.
    pub const ZERO: Self = Self(0);
    /// The last one, 2^23 - 1 (RFC 9053, 4.2.1).
    pub const MAX: Self = Self((1 << 23) - 1);

    /// From a number.
    ///
    /// # Errors
    /// [`Error::Piv`] above [`Piv::MAX`].
    pub const fn new(value: u32) -> Result<Self> {
        if value <= Self::MAX.0 {
            Ok(Self(value))
        } else {
            Err(Error::Piv)
        }
    }

    /// From the header.
    ///
    /// # Errors
    /// [`Error::Piv`] if empty, too long, not minimal or out of range.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = match *bytes {
            [a] => u32::from(a),
            [a @ 1..=255, b] => u32::from_be_bytes([0, 0, a, b]),
            [a @ 1..=255, b, c] => u32::from_be_bytes([0, a, b, c]),
            _ => return Err(Error::Piv),
        };
        Self::new(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The next one, or `None` after the last.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::new(self.0.wrapping_add(1)).ok()
    }

    /// Calls `f` with the wire form.
    pub fn with_bytes<T>(self, f: impl FnOnce(&[u8]) -> T) -> T {
        f(minimal(&self.0.to_be_bytes()))
    }
}

/// kid context (COSE label 10): gid and the session in minimal big-endian form, 5 to 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KidContext {
    /// The group instance.
    pub gid: Gid,
    /// The session j.
    pub session: Session,
}

impl KidContext {
    /// Longest form in bytes.
    pub const MAX_LEN: usize = 8;

    /// From the header.
    ///
    /// # Errors
    /// [`Error::Header`] unless 5 to 8 bytes with a session that has no leading zero.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (gid, j) = bytes.split_first_chunk::<4>().ok_or(Error::Header)?;
        if !matches!((j.len(), j.first()), (1..=4, Some(1..))) {
            return Err(Error::Header);
        }
        let session = j
            .iter()
            .fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        Ok(Self {
            gid: Gid(*gid),
            session: Session(session),
        })
    }

    /// Calls `f` with the wire form.
    pub fn with_bytes<T>(&self, f: impl FnOnce(&[u8]) -> T) -> T {
        let j = self.session.0.to_be_bytes();
        let bytes = Short::<8>::new(&[&self.gid.0, minimal(&j)]).unwrap_or(Short::EMPTY);
        f(bytes.as_bytes())
    }
}
