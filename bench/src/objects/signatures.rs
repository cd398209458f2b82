//! Signatures with ES256K: ours, and the arithmetic they are made of.

use super::scene::signer;
use super::verifier::HostVerifier;
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use iotchain_core::hash::sha256;
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

/// Our verification as hosts do it, the arithmetic by libsecp256k1.
pub(crate) fn host(peer: &'static str) -> Outcome<Vec<Case>> {
    let key = signer()?;
    let public = key.public();
    let signature = key.sign(&[&MESSAGE])?;
    let verify = move || public.verify_by(&HostVerifier, SignAlg::Es256k, &[&MESSAGE], &signature);
    verify()?;
    Ok(vec![Case::same(Row::new(peer, "verify"), move || {
        verify().is_ok()
    })])
}

/// The library of the Bitcoin nodes: the same signature, in C.
pub(crate) fn libsecp256k1(peer: &'static str) -> Outcome<Vec<Case>> {
    let key = secp256k1::SecretKey::from_secret_bytes([7; 32])?;
    let public = secp256k1::PublicKey::from_secret_key(&key);
    let digest = || secp256k1::Message::from_digest(sha256(&[&MESSAGE]));
    let signature = secp256k1::ecdsa::sign(digest(), &key);
    secp256k1::ecdsa::verify(&signature, digest(), &public)?;
    Ok(vec![
        Case::same(Row::new(peer, "sign"), move || {
            secp256k1::ecdsa::sign(digest(), &key)
        }),
        Case::same(Row::new(peer, "verify"), move || {
            secp256k1::ecdsa::verify(&signature, digest(), &public).is_ok()
        }),
    ])
}
