//! The newest signed object of one resource that this client accepted (spec 2.8 steps 7 and 10, 2.9).

use crate::accept::{Accept, Signed};
use crate::{Policy, Purpose};
use iotchain_core::cbor::{Reader, Writer, check};
use iotchain_core::{Error, Kid, KidContext, Piv, Result, UnixTime};

/// Per resource: the highest (iat, kid, j, PIV) and the hash of that object.
///
/// Persist [`StoredState::export`] after every accepted object; without it the first object after a reboot is
/// accepted on time alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredState {
    newest: Option<Newest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Newest {
    iat: UnixTime,
    context: KidContext,
    kid: Kid,
    piv: Piv,
    digest: [u8; 32],
}

impl StoredState {
    /// Longest exported form in bytes.
    pub const MAX_LEN: usize = 80;

    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { newest: None }
    }

    /// `iat` of the newest accepted object.
    #[must_use]
    pub fn iat(&self) -> Option<UnixTime> {
        self.newest.as_ref().map(|newest| newest.iat)
    }

    /// Writes the state to the front of `out`: CBOR `[iat, kid context, kid, PIV, SHA-256]`, or `[]`. The length written.
    ///
    /// # Errors
    /// [`Error::Buffer`]; [`StoredState::MAX_LEN`] bytes are always enough.
    pub fn export(&self, out: &mut [u8]) -> Result<usize> {
        let mut w = Writer::new(out);
        match &self.newest {
            None => {
                w.array(0);
            }
            Some(Newest {
                iat,
                context,
                kid,
                piv,
                digest,
            }) => {
                w.array(5).uint(iat.get());
                context.with_bytes(|context| w.bytes(context).position());
                w.bytes(kid.as_bytes()).uint(piv.get().into()).bytes(digest);
            }
        }
        w.finish()
    }

    /// Reads what [`StoredState::export`] wrote, in a group whose sids have `sid_len` bytes.
    ///
    /// # Errors
    /// A format error, or [`Error::Type`], [`Error::Header`], [`Error::Kid`], [`Error::Piv`] for another shape.
    pub fn import(bytes: &[u8], sid_len: usize) -> Result<Self> {
        check(bytes)?;
        let mut r = Reader::new(bytes);
        let newest = match r.array()? {
            0 => None,
            5 => Some(Newest {
                iat: UnixTime::new(r.uint()?),
                context: KidContext::parse(r.bytes()?)?,
                kid: Kid::parse(r.bytes()?, sid_len)?,
                piv: Piv::new(r.u32()?)?,
                digest: *r.array_of()?,
            }),
            _ => return Err(Error::Type),
        };
        r.done()?;
        Ok(Self { newest })
    }
}

impl Accept for StoredState {
    const PURPOSE: Purpose = Purpose::Representation;

    /// The first object of a resource is accepted on time alone, so it must not be older than the policy allows.
    fn admit(&self, object: &Signed, policy: &Policy, now: UnixTime) -> Result<()> {
        match &self.newest {
            None if object.claims.iat.saturating_add(policy.max_age) < now => Err(Error::Stale),
            Some(newest) if object.claims.iat < newest.iat => Err(Error::Rollback),
            _ => Ok(()),
        }
    }

    /// Two objects of one instant: equivocation compares (gid, kid, j, PIV), order compares (j, PIV) (A11).
    fn commit(&mut self, object: &Signed, digest: &[u8; 32], _now: UnixTime) -> Result<()> {
        let origin = &object.origin;
        if let Some(newest) = &self.newest
            && object.claims.iat == newest.iat
            && *digest != newest.digest
        {
            let same_sender = origin.context.gid == newest.context.gid && origin.kid == newest.kid;
            let (position, reached) = (
                (origin.context.session, origin.piv),
                (newest.context.session, newest.piv),
            );
            if same_sender && position == reached {
                return Err(Error::Equivocation);
            }
            if !same_sender || position < reached {
                return Err(Error::Rollback);
            }
        }
        self.newest = Some(Newest {
            iat: object.claims.iat,
            context: origin.context,
            kid: origin.kid,
            piv: origin.piv,
            digest: *digest,
        });
        Ok(())
    }
}
