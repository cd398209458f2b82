//! Evidence against a sender that signed two things where one is allowed (spec 2.8 step 10, E_EQUIVOCATION).
//!
//! A sender uses each (gid, j, kid, PIV) once. Two signed objects of one resource that share it and differ in what is
//! signed prove that it did not; whoever has its credential can check them, without any key.

use crate::object::{Object, Position, Seal};
use crate::origin::Origin;
use crate::{Directory, ProxyCheck, Purpose, ResourceId};
use iotchain_core::{Error, Kid, Piv, Result, Session};

/// What was signed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// Session j.
    pub session: Session,
    /// Sender context.
    pub kid: Kid,
    /// The number that stands in both objects.
    pub piv: Piv,
}

impl<D: Directory + ?Sized> ProxyCheck<'_, D> {
    /// Judges two signed objects of `resource`: `None` if they do not contradict each other. Times are not looked at.
    ///
    /// Keep the bytes of the last accepted object beside its [`StoredState`](crate::StoredState) to have both at hand
    /// when opening fails with [`Error::Equivocation`]. Two signatures of the same content are no contradiction: over
    /// P-256 anybody can make the second one out of the first.
    ///
    /// # Errors
    /// Those of [`ProxyCheck::check`] up to [`Error::Signer`], and [`Error::Sig`]: what is not signed proves nothing.
    pub fn contradiction(
        &self,
        objects: [&[u8]; 2],
        resource: &ResourceId<'_>,
        purpose: Purpose,
    ) -> Result<Option<Equivocation>> {
        let [first, second] = objects.map(|object| self.signed(object, resource, purpose));
        let ((first, origin), (second, other)) = (first?, second?);
        let differs = first.protected != second.protected || first.ciphertext != second.ciphertext;
        Ok((origin == other && differs).then_some(Equivocation {
            session: origin.context.session,
            kid: origin.kid,
            piv: origin.piv,
        }))
    }

    /// An object whose signature is right, whatever the time.
    fn signed<'o>(
        &self,
        object: &'o [u8],
        resource: &ResourceId<'_>,
        purpose: Purpose,
    ) -> Result<(Object<'o>, Origin)> {
        let parsed = Object::parse(object, Position::Stored, self.policy.max_object)?;
        let Seal::Signed { claims, signature } = parsed.seal else {
            return Err(Error::SigRequired);
        };
        claims.suit(purpose)?;
        let origin = self.origin(&parsed.header)?;
        let credential = purpose.credential(&origin.sid, resource.rs(), self.directory)?;
        self.verify(&parsed, resource, credential, signature)?;
        Ok((parsed, origin))
    }
}
