//! The key server's proof of its key, kdc_cred_verify (RFC 9594, 4.3.1; spec 4.3).
//!
//! ```text
//! signature, bound to the use "kdc", over bstr(cnonce) || bstr(kdc_nonce)
//! ```

use super::parameter::check_nonce;
use iotchain_core::cbor::Writer;
use iotchain_core::{PublicKey, Result, Signature, Signer};
use iotchain_token::{KeyUse, sign_bound, verify_bound};

/// Two byte strings of at most 32 bytes.
const MAX_PAYLOAD: usize = 2 * (2 + 32);

/// The key server's proof of its key: kdc_cred_verify over both nonces (RFC 9594, 4.3.1).
///
/// # Errors
/// [`iotchain_core::Error::Type`] for a nonce that has not 8 to 32 bytes; [`iotchain_core::Error::Sig`] if the signer cannot sign.
pub fn kdc_proof(signer: &impl Signer, cnonce: &[u8], kdc_nonce: &[u8]) -> Result<Signature> {
    with_payload(cnonce, kdc_nonce, |payload| {
        sign_bound(signer, KeyUse::Kdc, payload)
    })
}

/// Verifies what [`kdc_proof`] makes.
pub(super) fn verify_kdc_proof(
    key: &PublicKey,
    cnonce: &[u8],
    kdc_nonce: &[u8],
    proof: &Signature,
) -> Result<()> {
    with_payload(cnonce, kdc_nonce, |payload| {
        verify_bound(key, KeyUse::Kdc, payload, proof)
    })
}

/// Calls `f` with what is signed.
fn with_payload<T>(
    cnonce: &[u8],
    kdc_nonce: &[u8],
    f: impl FnOnce(&[u8]) -> Result<T>,
) -> Result<T> {
    let mut payload = [0; MAX_PAYLOAD];
    let mut writer = Writer::new(&mut payload);
    writer
        .bytes(check_nonce(cnonce)?)
        .bytes(check_nonce(kdc_nonce)?);
    let len = writer.finish()?;
    f(payload.get(..len).unwrap_or_default())
}
