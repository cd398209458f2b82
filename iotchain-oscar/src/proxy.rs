//! What a proxy without keys verifies before it replaces a stored object (spec 2.8, last paragraph).
//!
//! It stores and serves the bytes verbatim; checking them keeps garbage and old versions out.

use crate::header::{Claims, Header};
use crate::object::{Object, Position, Seal};
use crate::origin::Origin;
use crate::structure::{Aad, Binding, Bound};
use crate::{Credential, Directory, Policy, Purpose, ResourceId};
use iotchain_core::{Error, Gid, Kid, Piv, Result, Session, Suite, UnixTime};

/// The check of one group's signed objects at a proxy.
#[derive(Clone, Copy, Debug)]
pub struct ProxyCheck<'a, D: ?Sized> {
    /// The group instance, where it is configured (C10).
    pub gid: Option<Gid>,
    /// The algorithms of the group.
    pub suite: Suite,
    /// Length of every sid of the group in bytes, 2 or 3.
    pub sid_len: usize,
    /// The credentials of its senders.
    pub directory: &'a D,
    /// What is tolerated; `max_age` is for receivers and not looked at.
    pub policy: Policy,
}

/// A signed object whose countersignature is right. Its content stays closed to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When it was signed and when it ends; keep `iat` for the next check of this resource.
    pub claims: Claims,
    /// Session j under whose key it was sealed.
    pub session: Session,
    /// Sender context.
    pub kid: Kid,
    /// Number of the object within session and kid.
    pub piv: Piv,
}

impl<D: Directory + ?Sized> ProxyCheck<'_, D> {
    /// Checks an object that was put for `resource`, the resource at its server. `stored_iat` is the `iat` of the
    /// object held so far.
    ///
    /// # Errors
    /// In this order: E_SIZE, format and header errors, [`Error::SigRequired`] for an unsigned object, shape errors of
    /// step 5, [`Error::Signer`], [`Error::Stale`], [`Error::Rollback`] unless `iat` is later than `stored_iat`,
    /// [`Error::Sig`].
    pub fn check(
        &self,
        object: &[u8],
        resource: &ResourceId<'_>,
        purpose: Purpose,
        now: UnixTime,
        stored_iat: Option<UnixTime>,
    ) -> Result<Verified> {
        let parsed = Object::parse(object, Position::Stored, self.policy.max_object)?;
        let Seal::Signed { claims, signature } = parsed.seal else {
            return Err(Error::SigRequired);
        };
        claims.suit(purpose)?;
        let origin = self.origin(&parsed.header)?;
        let credential = purpose.credential(&origin.sid, resource.rs(), self.directory)?;
        claims.check(&self.policy, now)?;
        if stored_iat.is_some_and(|stored| claims.iat <= stored) {
            return Err(Error::Rollback);
        }
        self.verify(&parsed, resource, credential, signature)?;
        Ok(Verified {
            claims,
            session: origin.context.session,
            kid: origin.kid,
            piv: origin.piv,
        })
    }

    /// Step 5 as far as it goes without keys.
    pub(crate) fn origin(&self, header: &Header<'_>) -> Result<Origin> {
        let context = Origin::context(header, self.gid)?;
        Origin::parse(header, context, self.suite.aead, self.sid_len)
    }

    /// Step 9.
    pub(crate) fn verify(
        &self,
        object: &Object<'_>,
        resource: &ResourceId<'_>,
        credential: Credential<'_>,
        signature: &[u8],
    ) -> Result<()> {
        let thumbprint = credential.key.thumbprint();
        let mut aad = Aad::EMPTY;
        aad.write(Bound {
            protected: object.protected,
            resource,
            binding: Binding::of_signed(&thumbprint),
        })?;
        aad.with_to_be_signed(object.protected, object.ciphertext, |message| {
            let verifier = self.directory.verifier();
            (credential.key).verify_by(verifier, self.suite.sign, message, signature)
        })
    }
}
