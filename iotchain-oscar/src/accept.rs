//! When a signed object is accepted, beyond its signature: time, order and memory (spec 2.8, steps 7, 10 and 11).

use crate::header::Claims;
use crate::origin::Origin;
use crate::{Policy, Purpose};
use iotchain_core::{Error, Result, UnixTime};

/// A signed object on its way through the steps.
pub(crate) struct Signed {
    pub(crate) origin: Origin,
    pub(crate) claims: Claims,
}

/// The receiver's memory of signed objects.
pub(crate) trait Accept {
    /// What the signed objects remembered here are.
    const PURPOSE: Purpose;

    /// Step 7, after [`Claims::check`]: may this object be accepted if it is authentic? Changes nothing.
    fn admit(&self, object: &Signed, policy: &Policy, now: UnixTime) -> Result<()>;

    /// Steps 10 and 11: the object, whose bytes have this SHA-256, is authentic; judge its order and remember it, or
    /// change nothing.
    fn commit(&mut self, object: &Signed, digest: &[u8; 32], now: UnixTime) -> Result<()>;
}

impl Claims {
    /// Step 7: `iat <= now + skew` and `now < exp`; equality passes the first and fails the second (C10).
    pub(crate) fn check(&self, policy: &Policy, now: UnixTime) -> Result<()> {
        let early = self.iat > now.saturating_add(policy.skew);
        let late = self.exp.is_some_and(|exp| now >= exp);
        if early || late {
            Err(Error::Stale)
        } else {
            Ok(())
        }
    }

    /// Step 4 of a command: it must say when it ends (spec 2.7).
    pub(crate) fn suit(&self, purpose: Purpose) -> Result<()> {
        match purpose {
            Purpose::Command if self.exp.is_none() => Err(Error::Header),
            _ => Ok(()),
        }
    }
}
