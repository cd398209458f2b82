//! Ed25519 (RFC 8032), verified strictly: no small-order key or R.

use super::{PublicKey, Signature};
use crate::error::{Error, Result};
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign_byupdate};
use ed25519_dalek::{Sha512, SigningKey, VerifyingKey};

pub(super) fn public(seed: &[u8; 32]) -> Result<PublicKey> {
    Ok(PublicKey::okp(
        SigningKey::from_bytes(seed).verifying_key().to_bytes(),
    ))
}

/// `public` belongs to `seed`; signing under another one would give the private key away.
pub(super) fn sign(seed: &[u8; 32], public: &PublicKey, message: &[&[u8]]) -> Result<Signature> {
    let expanded = ExpandedSecretKey::from(seed);
    let public = VerifyingKey::from_bytes(public.x()).map_err(|_| Error::Sig)?;
    let signature = raw_sign_byupdate::<Sha512, _>(
        &expanded,
        |hash| {
            message
                .iter()
                .for_each(|part| ed25519_dalek::Digest::update(hash, part));
            Ok(())
        },
        &public,
    );
    signature
        .map(|signature| signature.to_bytes())
        .map_err(|_| Error::Sig)
}

pub(super) fn verify(key: &PublicKey, message: &[&[u8]], signature: &Signature) -> Result<()> {
    let key = strong_point(key.x())?;
    let [r, _] = signature.as_chunks::<32>().0 else {
        return Err(Error::Sig);
    };
    strong_point(r)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    let mut verifier = key.verify_stream(&signature).map_err(|_| Error::Sig)?;
    message.iter().for_each(|part| verifier.update(part));
    verifier.finalize_and_verify().map_err(|_| Error::Sig)
}

pub(super) fn check(key: &PublicKey) -> Result<()> {
    strong_point(key.x()).map(|_| ())
}

fn strong_point(bytes: &[u8; 32]) -> Result<VerifyingKey> {
    match VerifyingKey::from_bytes(bytes) {
        Ok(point) if !point.is_weak() => Ok(point),
        _ => Err(Error::Sig),
    }
}
