//! ES256K by functions of the platform (`iotchain-port`).

use super::low_s::{is_low_s, with_low_s};
use super::{PublicKey, SignAlg, Signature};
use crate::error::{Error, Result};
use iotchain_port::es256k as port;

pub(super) fn public(private: &[u8; 32]) -> Result<PublicKey> {
    port::public(private)
        .map(|xy| read(&xy))
        .map_err(|_| Error::Type)
}

pub(super) fn check(key: &PublicKey) -> Result<()> {
    port::check(&write(key)).map_err(|_| Error::Sig)
}

pub(super) fn sign_digest(private: &[u8; 32], digest: &[u8; 32]) -> Result<Signature> {
    let signature = port::sign(private, digest).map_err(|_| Error::Sig)?;
    Ok(with_low_s(signature))
}

/// The parity is the one that leads back to the key: platforms keep it to themselves.
pub(super) fn sign_recoverable(private: &[u8; 32], digest: &[u8; 32]) -> Result<(Signature, bool)> {
    let (key, signature) = (public(private)?, sign_digest(private, digest)?);
    let odd = [false, true]
        .into_iter()
        .find(|odd| recover(digest, &signature, *odd) == Ok(key));
    Ok((signature, odd.ok_or(Error::Sig)?))
}

pub(super) fn recover(digest: &[u8; 32], signature: &Signature, odd: bool) -> Result<PublicKey> {
    port::recover(digest, signature, odd)
        .map(|xy| read(&xy))
        .map_err(|_| Error::Sig)
}

/// A platform need not care for the form of signatures, nor for keys off the curve.
pub(super) fn verify_digest(
    key: &PublicKey,
    digest: &[u8; 32],
    signature: &Signature,
) -> Result<()> {
    if !is_low_s(signature) {
        return Err(Error::Sig);
    }
    check(key)?;
    port::verify(&write(key), digest, signature).map_err(|_| Error::Sig)
}

fn read(xy: &[u8; 64]) -> PublicKey {
    let [x, y] = xy.as_chunks().0 else {
        return PublicKey::ec2(SignAlg::Es256k, [0; 32], [0; 32]);
    };
    PublicKey::ec2(SignAlg::Es256k, *x, *y)
}

fn write(key: &PublicKey) -> [u8; 64] {
    let mut xy = [0; 64];
    if let [x, y] = xy.as_chunks_mut().0 {
        (*x, *y) = (*key.x(), *key.y());
    }
    xy
}
