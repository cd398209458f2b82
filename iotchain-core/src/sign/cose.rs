//! What is signed: the structures of COSE, built without copying the content.

use crate::cbor::Writer;
use crate::error::{Error, Result};

/// Longest protected header in bytes (spec 1.2).
const MAX_PROTECTED: usize = 64;
/// Room for the heads: context string, protected header, lengths.
const MAX_HEAD: usize = 128;

/// `["Signature1", protected, external_aad, payload]` (RFC 9052, 4.4), handed to `f` in parts.
///
/// # Errors
/// [`Error::Size`] for a protected header of more than 64 bytes, or the error of `f`.
pub fn sig_structure<T>(
    protected: &[u8],
    external_aad: &[u8],
    payload: &[u8],
    f: impl FnOnce(&[&[u8]]) -> Result<T>,
) -> Result<T> {
    structure("Signature1", protected, external_aad, payload, f)
}

/// `["CounterSignature0", protected, external_aad, ciphertext]`: the abbreviated countersignature of RFC 9338, 3.3,
/// with sign_protected and other_fields absent (spec 2.3).
///
/// # Errors
/// As [`sig_structure`].
pub fn countersignature0<T>(
    protected: &[u8],
    external_aad: &[u8],
    ciphertext: &[u8],
    f: impl FnOnce(&[&[u8]]) -> Result<T>,
) -> Result<T> {
    structure("CounterSignature0", protected, external_aad, ciphertext, f)
}

fn structure<T>(
    context: &str,
    protected: &[u8],
    external_aad: &[u8],
    content: &[u8],
    f: impl FnOnce(&[&[u8]]) -> Result<T>,
) -> Result<T> {
    if protected.len() > MAX_PROTECTED {
        return Err(Error::Size);
    }
    let mut head = [0; MAX_HEAD];
    let mut writer = Writer::new(&mut head);
    writer
        .array(4)
        .text(context)
        .bytes(protected)
        .bytes_head(external_aad.len() as u64);
    let len = writer.finish().map_err(|_| Error::Size)?;
    let mut content_head = [0; 9];
    let mut writer = Writer::new(&mut content_head);
    writer.bytes_head(content.len() as u64);
    let content_len = writer.finish()?;
    f(&[
        head.get(..len).unwrap_or_default(),
        external_aad,
        content_head.get(..content_len).unwrap_or_default(),
        content,
    ])
}
