//! Who sealed an object, in which session: step 5 of opening (spec 2.8).

use crate::header::Header;
use crate::{Credential, Directory, Group};
use iotchain_core::{Address, AeadAlg, Error, Gid, Kid, KidContext, Piv, Result, Sid};

/// The sender context an object claims to come from. Shapes are checked; only opening verifies the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) context: KidContext,
    pub(crate) sid: Sid,
    pub(crate) kid: Kid,
    pub(crate) piv: Piv,
}

impl Origin {
    /// Shape of the kid context, then the gid where the reader is bound to one.
    pub(crate) fn context(header: &Header<'_>, gid: Option<Gid>) -> Result<KidContext> {
        let context = KidContext::parse(header.kid_context)?;
        match gid {
            Some(gid) if gid != context.gid => Err(Error::Group),
            _ => Ok(context),
        }
    }

    /// Algorithm, kid and PIV, in this order.
    pub(crate) fn parse(
        header: &Header<'_>,
        context: KidContext,
        alg: AeadAlg,
        sid_len: usize,
    ) -> Result<Self> {
        if header.alg != alg.cose() {
            return Err(Error::Alg);
        }
        let kid = Kid::parse(header.kid, sid_len)?;
        let piv = Piv::parse(header.piv)?;
        Ok(Self {
            context,
            sid: kid.sid(sid_len)?,
            kid,
            piv,
        })
    }

    /// All of step 5 that needs no session key, for a sender of `group`.
    pub(crate) fn in_group(
        header: &Header<'_>,
        context: KidContext,
        group: &Group,
    ) -> Result<Self> {
        Self::parse(header, context, group.suite.aead, group.sid_len)
    }
}

/// What a signed object says (A4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The state of a resource, signed by its resource server.
    Representation,
    /// An order to a sleeping resource server, signed by a client.
    Command,
}

impl Purpose {
    /// The credential behind a signed object on `rs`, if its sender may sign for this purpose (A4).
    pub(crate) fn credential<'a, D>(
        self,
        sid: &Sid,
        rs: Address,
        directory: &'a D,
    ) -> Result<Credential<'a>>
    where
        D: Directory + ?Sized,
    {
        let credential = directory.credential(sid).ok_or(Error::Signer)?;
        let entitled = match self {
            Self::Representation => sid.roles().is_producer() && credential.subject == rs,
            Self::Command => !sid.roles().is_producer(),
        };
        if entitled {
            Ok(credential)
        } else {
            Err(Error::Signer)
        }
    }
}
