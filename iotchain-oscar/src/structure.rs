//! The bytes that are authenticated but not transmitted (spec 2.2, 2.3).
//!
//! ```text
//! external_aad  = [1, mode, code, rs, [*path], [*query], bind, signer]
//! Enc_structure = ["Encrypt0", protected, external_aad]                              (RFC 9052, 5.3)
//! ToBeSigned    = ["CounterSignature0", protected, external_aad, ciphertext]         (RFC 9338, 3.3)
//! ```
//! Both structures are handed on in parts, so that the ciphertext is never copied.

use crate::header::MAX_PROTECTED;
use crate::{Method, Mode, ResourceId};
use iotchain_core::cbor::Writer;
use iotchain_core::sign::countersignature0;
use iotchain_core::{Error, Result, Thumbprint};

/// Version in the first place of the additional data.
const VERSION: u64 = 1;
/// Upper bound: 8 heads, rs, 12 texts of together 192 bytes, a bind of 64 bytes, a thumbprint.
const MAX_LEN: usize = 352;

/// The external_aad of one object.
pub(crate) struct ExternalAad {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl ExternalAad {
    /// Of a G response: the code that came with it, and the Token it answers.
    pub(crate) fn of_response(code: u8, resource: &ResourceId<'_>, token: &[u8]) -> Result<Self> {
        Self::new(Mode::Group, code, resource, token, &[])
    }

    /// Of a P request: its method and the Echo it carries, h'' without one.
    pub(crate) fn of_request(
        method: Method,
        resource: &ResourceId<'_>,
        echo: &[u8],
    ) -> Result<Self> {
        Self::new(Mode::Pairwise, method.code(), resource, echo, &[])
    }

    /// Of a P response: its code, and the protected header of the request.
    pub(crate) fn of_answer(code: u8, resource: &ResourceId<'_>, request: &[u8]) -> Result<Self> {
        Self::new(Mode::Pairwise, code, resource, request, &[])
    }

    /// Of an S object: code 0 and no bind, however it travels (C11).
    pub(crate) fn of_signed(resource: &ResourceId<'_>, signer: &Thumbprint) -> Result<Self> {
        Self::new(Mode::Signed, 0, resource, &[], signer.as_bytes())
    }

    fn new(
        mode: Mode,
        code: u8,
        resource: &ResourceId<'_>,
        bind: &[u8],
        signer: &[u8],
    ) -> Result<Self> {
        let mut bytes = [0; MAX_LEN];
        let mut w = Writer::new(&mut bytes);
        w.array(8)
            .uint(VERSION)
            .uint(mode.number())
            .uint(code.into())
            .bytes(resource.rs().as_bytes());
        for texts in [resource.path(), resource.query()] {
            w.array(texts.len() as u64);
            for text in texts {
                w.text(text);
            }
        }
        w.bytes(bind).bytes(signer);
        let len = w.finish()?;
        Ok(Self { bytes, len })
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Calls `f` with the parts of the Enc_structure.
    pub(crate) fn with_enc_structure<T>(
        &self,
        protected: &[u8],
        f: impl FnOnce(&[&[u8]]) -> Result<T>,
    ) -> Result<T> {
        let mut head = [0; MAX_PROTECTED + 16];
        let mut w = Writer::new(&mut head);
        w.array(3)
            .text("Encrypt0")
            .bytes(protected)
            .bytes_head(self.len as u64);
        let len = w.finish().map_err(|_| Error::Size)?;
        f(&[head.get(..len).unwrap_or_default(), self.as_bytes()])
    }

    /// Calls `f` with the parts of the bytes to be signed. The element sign_protected is omitted (spec 2.3).
    pub(crate) fn with_to_be_signed<T>(
        &self,
        protected: &[u8],
        ciphertext: &[u8],
        f: impl FnOnce(&[&[u8]]) -> Result<T>,
    ) -> Result<T> {
        countersignature0(protected, self.as_bytes(), ciphertext, f)
    }
}
