//! Stands in for an algorithm that this build leaves out.

use super::{PublicKey, Signature};
use crate::error::{Error, Result};

pub(super) const fn public(_: &[u8; 32]) -> Result<PublicKey> {
    Err(Error::Alg)
}

pub(super) const fn check(_: &PublicKey) -> Result<()> {
    Err(Error::Sig)
}

#[cfg(not(feature = "es256k"))]
pub(super) const fn sign_recoverable(_: &[u8; 32], _: &[u8; 32]) -> Result<(Signature, bool)> {
    Err(Error::Sig)
}

#[cfg(not(feature = "es256k"))]
pub(super) const fn recover(_: &[u8; 32], _: &Signature, _: bool) -> Result<PublicKey> {
    Err(Error::Sig)
}

#[cfg(not(feature = "ed25519"))]
pub(super) const fn sign(_: &[u8; 32], _: &PublicKey, _: &[&[u8]]) -> Result<Signature> {
    Err(Error::Sig)
}

#[cfg(not(all(feature = "es256k", feature = "esp256")))]
pub(super) const fn sign_digest(_: &[u8; 32], _: &[u8; 32]) -> Result<Signature> {
    Err(Error::Sig)
}

#[cfg(not(feature = "ed25519"))]
pub(super) const fn verify(_: &PublicKey, _: &[&[u8]], _: &Signature) -> Result<()> {
    Err(Error::Sig)
}

#[cfg(not(all(feature = "es256k", feature = "esp256")))]
pub(super) const fn verify_digest(_: &PublicKey, _: &[u8; 32], _: &Signature) -> Result<()> {
    Err(Error::Sig)
}
