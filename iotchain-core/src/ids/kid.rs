//! Who sealed an object: sid, boot salt, and the kid made of both.

use super::Roles;
use super::short::{Short, minimal, short_traits};
use crate::error::{Error, Result};
use core::fmt;

/// Sender id: role byte and index, 2 or 3 bytes, of one length per group.
#[derive(Clone, Copy)]
pub struct Sid(Short<3>);
short_traits!(Sid);

impl Sid {
    /// The sid of nobody: no bytes.
    pub const NONE: Self = Self(Short::EMPTY);

    /// From its 2 or 3 bytes.
    ///
    /// # Errors
    /// [`Error::Kid`] for any other length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        match bytes.len() {
            2 | 3 => Short::copied(bytes).map(Self).ok_or(Error::Kid),
            _ => Err(Error::Kid),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The role byte.
    #[must_use]
    pub fn roles(&self) -> Roles {
        Roles(self.as_bytes().first().copied().unwrap_or_default())
    }
}

/// Boot salt `ss`: 0, 1 to 4 (a counter without leading zero) or 8 (random) bytes (spec 2.4).
#[derive(Clone, Copy)]
pub struct BootSalt(Short<8>);
short_traits!(BootSalt);

impl BootSalt {
    /// The empty salt: the PIV itself is persisted.
    pub const NONE: Self = Self(Short::EMPTY);

    /// From its bytes.
    ///
    /// # Errors
    /// [`Error::Kid`] for lengths 5, 6, 7 and above 8, and for a counter with a leading zero (h'00' included).
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        if Self::is_valid(bytes) {
            Short::copied(bytes).map(Self).ok_or(Error::Kid)
        } else {
            Err(Error::Kid)
        }
    }

    fn is_valid(bytes: &[u8]) -> bool {
        matches!(
            (bytes.len(), bytes.first()),
            (0 | 8, _) | (1..=4, Some(1..))
        )
    }

    /// A boot counter; it starts at 1.
    ///
    /// # Errors
    /// [`Error::Kid`] for 0.
    pub fn counter(boots: u32) -> Result<Self> {
        Self::from_slice(minimal(&boots.to_be_bytes()))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// COSE key id of an object: sid and boot salt, 2 to 11 bytes.
#[derive(Clone, Copy)]
pub struct Kid(Short<11>);
short_traits!(Kid);

impl Kid {
    /// Longest kid in bytes.
    pub const MAX_LEN: usize = 11;

    /// `sid || ss`.
    #[must_use]
    pub fn new(sid: &Sid, salt: &BootSalt) -> Self {
        // 3 + 8 bytes always fit
        Self(Short::new(&[sid.as_bytes(), salt.as_bytes()]).unwrap_or(Short::EMPTY))
    }

    /// From the header, in a group whose sids have `sid_len` bytes.
    ///
    /// # Errors
    /// [`Error::Kid`] if the length or the salt has no valid shape.
    pub fn parse(bytes: &[u8], sid_len: usize) -> Result<Self> {
        let (_, salt) = bytes.split_at_checked(sid_len).ok_or(Error::Kid)?;
        if matches!(sid_len, 2 | 3) && BootSalt::is_valid(salt) {
            Short::copied(bytes).map(Self).ok_or(Error::Kid)
        } else {
            Err(Error::Kid)
        }
    }

    /// The sid in front.
    ///
    /// # Errors
    /// [`Error::Kid`] if `sid_len` does not fit.
    pub fn sid(&self, sid_len: usize) -> Result<Sid> {
        Sid::from_slice(self.as_bytes().get(..sid_len).ok_or(Error::Kid)?)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
