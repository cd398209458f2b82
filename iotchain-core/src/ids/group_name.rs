//! Names of groups.

use super::Address;
use super::short::Short;
use crate::error::{Error, Result};
use core::fmt;

/// Group name: 1 to 32 characters of `[A-Za-z0-9._-]`.
#[derive(Clone, Copy)]
pub struct GroupName(Short<32>);

impl GroupName {
    /// From text.
    ///
    /// # Errors
    /// [`Error::Scope`] for an empty or too long name or a character outside the set.
    pub fn new(name: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(Error::Scope);
        }
        Short::new(&[name.as_bytes()]).map(Self).ok_or(Error::Scope)
    }

    /// The name of the group of one access class of one resource server: 4 hex digits of the class, ".", the first 8
    /// hex digits of `rs` (spec 5.1).
    #[must_use]
    pub fn of_class(class: u16, rs: &Address) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| HEX.get(usize::from(nibble & 15)).copied().unwrap_or(b'0');
        let mut short = Short::<32>::EMPTY;
        let [high, low] = class.to_be_bytes();
        let head = [high >> 4, high, low >> 4, low].map(digit);
        let tail = rs
            .as_bytes()
            .iter()
            .take(4)
            .flat_map(|b| [digit(b >> 4), digit(*b)]);
        for (slot, byte) in short
            .bytes
            .iter_mut()
            .zip(head.into_iter().chain([b'.']).chain(tail))
        {
            *slot = byte;
            short.len = short.len.wrapping_add(1);
        }
        Self(short)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }
}

impl PartialEq for GroupName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
impl Eq for GroupName {}
impl core::hash::Hash for GroupName {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupName({self})")
    }
}
