//! The source of randomness that the caller passes in.

use crate::iotchain_err;
use crate::memory::{Outcome, value};
use core::ffi::c_void;
use iotchain::Error;
use rand_core::{TryCryptoRng, TryRng};

/// A source of randomness fit for keys, e.g. the generator of the chip. A function that takes one calls it before it returns
/// and keeps nothing of it; meanwhile its own objects are in use and nobody else's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_rng {
    /// Fills `out` with `len` random bytes and returns 0; anything else makes the caller fail with `IOTCHAIN_ERR_RANDOM`.
    pub fill: Option<unsafe extern "C" fn(ctx: *mut c_void, out: *mut u8, len: usize) -> i32>,
    /// Handed to `fill`.
    pub ctx: *mut c_void,
}

/// The generator behind `rng`.
///
/// # Safety
/// Unless it is null, `rng` points to an `iotchain_rng` whose function keeps its contract for `'a`.
pub(crate) unsafe fn rng<'a>(rng: *const iotchain_rng) -> Outcome<Random<'a>> {
    // SAFETY: the caller's promise.
    let rng = unsafe { value(rng)? };
    match rng.fill {
        Some(_) => Ok(Random(rng)),
        None => Err(iotchain_err::NullArgument.into()),
    }
}

/// As Rust sees it.
#[derive(Debug)]
pub(crate) struct Random<'a>(&'a iotchain_rng);

impl TryRng for Random<'_> {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        let fill = self.0.fill.ok_or(Error::Random)?;
        // SAFETY: `out` is writable for its length; the rest is the contract of the function, see `rng`.
        match unsafe { fill(self.0.ctx, out.as_mut_ptr(), out.len()) } {
            0 => Ok(()),
            _ => Err(Error::Random),
        }
    }
}

impl TryCryptoRng for Random<'_> {}
