//! How the personal keys in a join response begin, as far as the response has to agree with them. The rest is checked where
//! they are used.
//!
//! ```text
//! [scheme, gid, epoch, ...]        rsd: [2, gid, epoch, depth, slot, join, last, event, ...]   (spec 3.4.4, 3.5.2)
//! ```

use iotchain_core::cbor::{self, Reader};
use iotchain_core::{Error, Gid, Result};

/// The scheme number of rsd.
const RSD: u64 = 2;

/// The beginning of S_i.
pub(super) struct PersonalKeyHead<'a> {
    elements: usize,
    scheme: u64,
    pub(super) gid: Gid,
    rest: Reader<'a>,
}

impl<'a> PersonalKeyHead<'a> {
    pub(super) fn read(personal_key: &'a [u8]) -> Result<Self> {
        cbor::check(personal_key)?;
        let mut rest = Reader::new(personal_key);
        let elements = rest.array()?;
        if elements < 2 {
            return Err(Error::Type);
        }
        Ok(Self {
            elements,
            scheme: rest.uint()?,
            gid: Gid::new(*rest.array_of()?),
            rest,
        })
    }

    /// Whether it was issued for the epoch after that of `own`, before that epoch opened (spec 4.7).
    pub(super) fn check_after(mut self, mut own: Self) -> Result<()> {
        if self.scheme != own.scheme {
            return Err(Error::Scheme);
        }
        let rsd = self.scheme == RSD;
        if own.elements < 3 || self.elements < if rsd { 8 } else { 3 } {
            return Err(Error::Type);
        }
        if own.rest.u32()?.checked_add(1) != Some(self.rest.u32()?) {
            return Err(Error::Epoch);
        }
        if !rsd {
            return Ok(());
        }
        // depth, slot, join, last; then the event that it starts from
        for _ in 0..4 {
            self.rest.skip()?;
        }
        if self.rest.u32()? == 0 {
            Ok(())
        } else {
            Err(Error::Type)
        }
    }
}
