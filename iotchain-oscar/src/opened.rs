//! What opening an object tells beside its plaintext.

use crate::Mode;
use crate::header::Claims;
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
    /// Of an object without a signature.
    pub(crate) const fn of(
        origin: &Origin,
        mode: Mode,
        content_format: Option<u16>,
        len: usize,
    ) -> Self {
        Self {
            len,
            content_format,
            session: origin.context.session,
            kid: origin.kid,
            piv: origin.piv,
            claims: None,
            mode,
            signer: None,
        }
    }
}
