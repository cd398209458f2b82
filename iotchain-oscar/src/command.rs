//! Signed commands at a resource server that sleeps behind a proxy (spec 2.7, A3).

use crate::accept::{Accept, Signed};
use crate::{Policy, Purpose};
use iotchain_core::{Error, Kid, KidContext, Piv, Result, Roles, UnixTime};

/// The commands a resource server carried out and still has to recognise: each (gid, j, kid, PIV) until its `exp`.
///
/// `N` bounds the commands that are alive at one time; at 40 bytes each it is the memory of this part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands<const N: usize> {
    booted: UnixTime,
    seen: [Option<Executed>; N],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Executed {
    context: KidContext,
    kid: Kid,
    piv: Piv,
    exp: UnixTime,
}

impl<const N: usize> Commands<N> {
    /// Empty memory after a boot at `booted`: only commands with a later `iat` are accepted, because older ones may
    /// have been carried out before. A signer's clock may run ahead by the skew of the policy: who cannot bear that such
    /// a command is carried out again after a boot passes the time of boot plus this skew.
    #[must_use]
    pub const fn new(booted: UnixTime) -> Self {
        Self {
            booted,
            seen: [None; N],
        }
    }

    /// A place that is empty or whose command has ended.
    fn vacant(&self, now: UnixTime) -> Option<usize> {
        self.seen
            .iter()
            .position(|slot| slot.as_ref().is_none_or(|executed| executed.exp <= now))
    }
}

impl<const N: usize> Accept for Commands<N> {
    const PURPOSE: Purpose = Purpose::Command;

    fn admit(&self, object: &Signed, _policy: &Policy, now: UnixTime) -> Result<()> {
        let origin = &object.origin;
        let known = |executed: &Executed| {
            executed.context == origin.context
                && executed.kid == origin.kid
                && executed.piv == origin.piv
        };
        if object.claims.iat <= self.booted || self.seen.iter().flatten().any(known) {
            return Err(Error::Replay);
        }
        self.vacant(now).map(|_| ()).ok_or(Error::Capacity)
    }

    fn commit(&mut self, object: &Signed, _digest: &[u8; 32], now: UnixTime) -> Result<()> {
        let roles = object.origin.sid.roles();
        if !roles.contains(Roles::POST) && !roles.contains(Roles::PUT) {
            return Err(Error::Forbidden);
        }
        let exp = object.claims.exp.ok_or(Error::Header)?;
        let place = self.vacant(now).ok_or(Error::Capacity)?;
        if let Some(slot) = self.seen.get_mut(place) {
            let origin = &object.origin;
            *slot = Some(Executed {
                context: origin.context,
                kid: origin.kid,
                piv: origin.piv,
                exp,
            });
        }
        Ok(())
    }
}
