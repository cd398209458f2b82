//! Signatures with ES256K: ours, and the arithmetic they are made of.

use super::scene::signer;
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use iotchain_core::{SignAlg, Signer};
use k256::ecdsa::signature::{Signer as _, Verifier};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};

/// As long as what an object of 16 bytes has signed.
const MESSAGE: [u8; 100] = [6; 100];

/// Ours.
pub(crate) fn cases(peer: &'static str) -> Outcome<Vec<Case>> {
    let key = signer()?;
    let public = key.public();
    let signature = key.sign(&[&MESSAGE])?;
    public.verify(SignAlg::Es256k, &[&MESSAGE], &signature)?;
    Ok(vec![
        Case::same(Row::new(peer, "sign"), move || {
            key.sign(&[&MESSAGE]).is_ok()
        }),
        Case::same(Row::new(peer, "verify"), move || {
            public
                .verify(SignAlg::Es256k, &[&MESSAGE], &signature)
                .is_ok()
        }),
    ])
}

/// Bare k256, with keys that were loaded beforehand.
pub(crate) fn bare(peer: &'static str) -> Outcome<Vec<Case>> {
    let key = SigningKey::from_slice(&[7; 32])?;
    let public: VerifyingKey = *key.verifying_key();
    let signature: Signature = key.sign(&MESSAGE);
    public.verify(&MESSAGE, &signature)?;
    Ok(vec![
        Case::same(Row::new(peer, "sign"), move || {
            let signature: Signature = key.sign(&MESSAGE);
            signature
        }),
        Case::same(Row::new(peer, "verify"), move || {
            public.verify(&MESSAGE, &signature).is_ok()
        }),
    ])
}
