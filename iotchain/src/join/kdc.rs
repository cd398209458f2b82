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
    let (payload, len) = payload_of(cnonce, kdc_nonce)?;
    sign_bound(signer, KeyUse::Kdc, payload.get(..len).unwrap_or_default())
}

/// Verifies what [`kdc_proof`] makes.
pub(super) fn verify_kdc_proof(
    key: &PublicKey,
    cnonce: &[u8],
    kdc_nonce: &[u8],
    proof: &Signature,
) -> Result<()> {
    let (payload, len) = payload_of(cnonce, kdc_nonce)?;
    verify_bound(
        key,
        KeyUse::Kdc,
        payload.get(..len).unwrap_or_default(),
        proof,
    )
}

fn payload_of(cnonce: &[u8], kdc_nonce: &[u8]) -> Result<([u8; MAX_PAYLOAD], usize)> {
    let mut payload = [0; MAX_PAYLOAD];
    let mut writer = Writer::new(&mut payload);
    writer
        .bytes(check_nonce(cnonce)?)
        .bytes(check_nonce(kdc_nonce)?);
    let len = writer.finish()?;
    Ok((payload, len))
}
