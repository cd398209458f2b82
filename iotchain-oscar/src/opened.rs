//! What opening an object tells beside its plaintext.

use crate::Mode;
use crate::header::Claims;
use crate::object::Object;
use crate::origin::Origin;
use iotchain_core::{Kid, Piv, Session, Thumbprint};

/// What is known of an object after all steps passed. The plaintext is in the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Length of the plaintext in bytes, at the front of the output buffer.
    pub len: usize,
    /// CoAP Content-Format of the plaintext; absent means 42, octet-stream.
    pub content_format: Option<u16>,
    /// Session j under whose key it was sealed.
    pub session: Session,
    /// Sender context.
    pub kid: Kid,
    /// Number of the object within session and kid.
    pub piv: Piv,
    /// Time of signing, and the end if there is one; mode S only.
    pub claims: Option<Claims>,
    /// Protection it arrived with.
    pub mode: Mode,
    /// Key that signed it; mode S only.
    pub signer: Option<Thumbprint>,
}

impl Opened {
    /// What will be known of `object` once it is open; the length of its plaintext is not yet.
    pub(crate) fn of(
        object: &Object<'_>,
        origin: &Origin,
        signed: Option<(Claims, Thumbprint)>,
    ) -> Self {
        Self {
            len: 0,
            content_format: object.header.content_format,
            session: origin.context.session,
            kid: origin.kid,
            piv: origin.piv,
            claims: signed.map(|(claims, _)| claims),
            mode: object.seal.mode(),
            signer: signed.map(|(_, signer)| signer),
        }
    }
}
