//! A sender context that no earlier boot had (spec 2.4).
//!
//! Key and context IV are bound to the kid, and the PIV restarts at every boot, so the kid has to be unique per boot
//! within (gid, j). A sender uses exactly one of:
//!
//! | way | boot salt | costs |
//! |---|---|---|
//! | (a) [`Boot::persisted`] | none | the PIV itself is kept in flash, rule K + F of RFC 8613, B.1.1 |
//! | (b) [`BootCounter`] | 1 to 4 bytes | one flash write per boot |
//! | (c) [`Boot::random`] | 8 bytes | nothing; 1024 boots in one session collide with 2^-45 |
//! | (d) [`Boot::assigned`] | as the key server says | a join at every boot |
//!
//! A [`Boot`] cannot be copied: one boot makes one [`Sender`](crate::Sender).

use crate::nonces::{Checkpoint, Nonces, Reserve};
use iotchain_core::{BootSalt, Error, Result, TryCryptoRng};

/// The right to one sender context.
#[derive(Debug)]
pub struct Boot {
    pub(crate) salt: BootSalt,
    pub(crate) nonces: Nonces,
}

impl Boot {
    /// (a): no boot salt. `last` is the newest checkpoint in flash, if any was ever written.
    #[must_use]
    pub const fn persisted(reserve: Reserve, last: Option<Checkpoint>) -> Self {
        Self {
            salt: BootSalt::NONE,
            nonces: Nonces::reserved(reserve, last),
        }
    }

    /// (c): 8 bytes drawn from a generator that is seeded at boot.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails.
    pub fn random(rng: &mut impl TryCryptoRng) -> Result<Self> {
        let mut salt = [0; 8];
        rng.try_fill_bytes(&mut salt).map_err(|_| Error::Random)?;
        Ok(Self {
            salt: BootSalt::from_slice(&salt)?,
            nonces: Nonces::free(),
        })
    }

    /// (d): the boot salt of the join response (key-map label 8), used for this boot only.
    ///
    /// # Errors
    /// [`Error::Kid`] if it is empty or no valid boot salt.
    pub fn assigned(salt: &[u8]) -> Result<Self> {
        if salt.is_empty() {
            return Err(Error::Kid);
        }
        Ok(Self {
            salt: BootSalt::from_slice(salt)?,
            nonces: Nonces::free(),
        })
    }
}

/// (b): a boot counter that is used only after it was seen in flash.
///
/// A lost write makes the counter jump, never repeat: write [`BootCounter::value`], read it back, and hand what was
/// read to [`BootCounter::written`]; if it differs, go on with [`BootCounter::skip`].
///
/// ```
/// use iotchain_oscar::BootCounter;
/// let mut flash = 41u32;
/// let counter = BootCounter::after(Some(flash))?;
/// flash = counter.value();
/// let boot = counter.written(flash)?;
/// # let _ = boot;
/// # Ok::<(), iotchain_core::Error>(())
/// ```
#[derive(Debug)]
pub struct BootCounter(u32);

impl BootCounter {
    /// The counter of this boot; `stored` is what flash holds, `None` at the very first boot. Counters start at 1.
    ///
    /// # Errors
    /// [`Error::SeqExhausted`] after 2^32 - 1 boots.
    pub fn after(stored: Option<u32>) -> Result<Self> {
        stored
            .unwrap_or_default()
            .checked_add(1)
            .map(Self)
            .ok_or(Error::SeqExhausted)
    }

    /// The number to write to flash.
    #[must_use]
    pub const fn value(&self) -> u32 {
        self.0
    }

    /// The counter after this one, if flash did not take this one.
    ///
    /// # Errors
    /// As [`BootCounter::after`].
    pub fn skip(self) -> Result<Self> {
        Self::after(Some(self.0))
    }

    /// The boot, once flash gave back what was written.
    ///
    /// # Errors
    /// [`Error::Kid`] if `read_back` is another number: this counter may come again and must not be used.
    pub fn written(self, read_back: u32) -> Result<Boot> {
        if read_back != self.0 {
            return Err(Error::Kid);
        }
        Ok(Boot {
            salt: BootSalt::counter(self.0)?,
            nonces: Nonces::free(),
        })
    }
}
