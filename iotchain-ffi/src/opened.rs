//! What opening an object tells beside its plaintext.

use crate::iotchain_err;
use crate::memory::Outcome;
use iotchain::oscar::{Claims, Input, Mode, Plaintext};
use iotchain::{Kid, Opened, Piv, Session, Thumbprint};

/// A plaintext without Content-Format: octet-stream.
pub const IOTCHAIN_NO_CONTENT_FORMAT: i32 = -1;

/// `iotchain_opened::mode` of a direct response, under the group key.
pub const IOTCHAIN_MODE_GROUP: i32 = 0;
/// Of a request of one client, and of the response to it.
pub const IOTCHAIN_MODE_PAIRWISE: i32 = 1;
/// Of an object that its sender signed.
pub const IOTCHAIN_MODE_SIGNED: i32 = 2;

/// Which object of which sender it is.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_origin {
    /// Session under whose key it was sealed.
    pub session: u32,
    /// Its number within session and key id, the Partial IV.
    pub piv: u32,
    /// Key id: sender id, then the boot salt.
    pub kid: [u8; 11],
    /// Length of the key id in bytes.
    pub kid_len: u8,
}

impl iotchain_origin {
    /// As C sees it.
    pub(crate) fn of(session: Session, kid: &Kid, piv: Piv) -> Self {
        let mut bytes = [0; Kid::MAX_LEN];
        for (to, from) in bytes.iter_mut().zip(kid.as_bytes()) {
            *to = *from;
        }
        Self {
            session: session.get(),
            piv: piv.get(),
            kid: bytes,
            // at most 11
            kid_len: kid.as_bytes().len() as u8,
        }
    }
}

/// What is known of an object that was opened.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_opened {
    /// Which object it is.
    pub origin: iotchain_origin,
    /// CoAP Content-Format of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`.
    pub content_format: i32,
    /// `IOTCHAIN_MODE_GROUP`, `_PAIRWISE` or `_SIGNED`.
    pub mode: i32,
    /// Time of signing, Unix time; 0 unless it is signed.
    pub iat: u64,
    /// First instant at which it is no longer valid; 0 if it says none.
    pub exp: u64,
    /// Thumbprint of the key that signed it; zeros unless it is signed.
    pub signer: [u8; 32],
}

impl From<Opened> for iotchain_opened {
    fn from(opened: Opened) -> Self {
        let (iat, exp) = times(opened.claims);
        Self {
            origin: iotchain_origin::of(opened.session, &opened.kid, opened.piv),
            content_format: match opened.content_format {
                Some(format) => format.into(),
                None => IOTCHAIN_NO_CONTENT_FORMAT,
            },
            mode: match opened.mode {
                Mode::Group => IOTCHAIN_MODE_GROUP,
                Mode::Pairwise => IOTCHAIN_MODE_PAIRWISE,
                _ => IOTCHAIN_MODE_SIGNED,
            },
            iat,
            exp,
            signer: *opened.signer.unwrap_or(Thumbprint::new([0; 32])).as_bytes(),
        }
    }
}

/// `iat` and `exp` as C sees them: 0 for none.
pub(crate) fn times(claims: Option<Claims>) -> (u64, u64) {
    claims.map_or((0, 0), |Claims { iat, exp }| {
        (iat.get(), exp.unwrap_or_default().get())
    })
}

/// What is sealed, from what C says of it: `IOTCHAIN_ERR_TYPE` for what is no Content-Format.
pub(crate) fn plaintext(content_format: i32, bytes: Input<'_>) -> Outcome<Plaintext<'_>> {
    let content_format = match content_format {
        IOTCHAIN_NO_CONTENT_FORMAT => None,
        format => Some(u16::try_from(format).map_err(|_| iotchain_err::Type)?),
    };
    Ok(Plaintext {
        content_format,
        bytes,
    })
}
