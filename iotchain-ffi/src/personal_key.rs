//! The place of S_i: storage of the caller, wiped as soon as the membership lets go of it.

use crate::iotchain_err;
use crate::memory::{Outcome, bytes_mut};
use core::fmt;
use core::ptr::NonNull;
use core::slice;
use iotchain::Error;
use zeroize::Zeroize;

/// An encoded personal key in storage of the caller, who leaves it alone until the member is wiped or the epoch of the key
/// is retired.
pub(crate) struct PersonalKeyStore {
    at: NonNull<[u8]>,
}

impl PersonalKeyStore {
    /// The key that stands in the storage already, all of it.
    ///
    /// # Safety
    /// Unless it is null, `at` points to `len` initialised bytes that nobody else uses while this value lives.
    pub(crate) unsafe fn held((at, len): (*mut u8, usize)) -> Outcome<Self> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { bytes_mut(at, len)? };
        Ok(Self {
            at: NonNull::from(bytes),
        })
    }
}

impl AsRef<[u8]> for PersonalKeyStore {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the storage is this value's alone, see `held`.
        unsafe { self.at.as_ref() }
    }
}

impl Drop for PersonalKeyStore {
    fn drop(&mut self) {
        // SAFETY: the storage is this value's alone, see `held`.
        unsafe { self.at.as_mut() }.zeroize();
    }
}

impl fmt::Debug for PersonalKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalKeyStore({} bytes, ..)", self.at.len())
    }
}

/// Storage for a key to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage {
    at: *mut u8,
    len: usize,
}

impl Storage {
    /// What C passes as pointer and length.
    pub(crate) const fn new(at: *mut u8, len: usize) -> Self {
        Self { at, len }
    }

    /// Whether a key of `needed` bytes finds room.
    ///
    /// # Errors
    /// `IOTCHAIN_ERR_BUFFER` if not, `IOTCHAIN_ERR_NULL_ARGUMENT` without storage.
    pub(crate) fn check(&self, needed: usize) -> Outcome {
        if self.at.is_null() || isize::try_from(self.len).is_err() {
            return Err(iotchain_err::NullArgument.into());
        }
        if self.len < needed {
            return Err(Error::Buffer { needed }.into());
        }
        Ok(())
    }

    /// Whether no byte of it belongs to `other`.
    ///
    /// # Errors
    /// `IOTCHAIN_ERR_CAPACITY` if one does: a key needs storage of its own.
    pub(crate) fn check_apart(&self, other: &[u8]) -> Outcome {
        self.check_distinct(other.as_ptr(), other.len())
    }

    /// As [`Storage::check_apart`], for bytes that nobody looks at yet.
    pub(crate) fn check_distinct(&self, other: *const u8, len: usize) -> Outcome {
        let (start, other) = (self.at.addr(), other.addr());
        if start < other.saturating_add(len) && other < start.saturating_add(self.len) {
            return Err(iotchain_err::Capacity.into());
        }
        Ok(())
    }

    /// Copies `key` to its front.
    ///
    /// # Safety
    /// [`Storage::check`] found room for the key, the storage points to that many bytes that nobody else uses while the
    /// result lives, and `key` is elsewhere.
    pub(crate) unsafe fn keep(&self, key: &[u8]) -> PersonalKeyStore {
        // SAFETY: the caller's promise. The bytes need not be initialised, because they are written first.
        let place = unsafe {
            self.at.copy_from_nonoverlapping(key.as_ptr(), key.len());
            slice::from_raw_parts_mut(self.at, key.len())
        };
        PersonalKeyStore {
            at: NonNull::from(place),
        }
    }
}
