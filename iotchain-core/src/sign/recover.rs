//! Which key made an ES256K signature: what a ledger asks, because it names accounts and not keys (SEC 1, 4.1.6).

use super::ecdsa::es256k::key;
use super::{PublicKey, SignAlg, Signature};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use ::ecdsa::hazmat::sign_prehashed_rfc6979;
use k256::Secp256k1;
use k256::ecdsa::{self, RecoveryId, VerifyingKey};
use zeroize::Zeroizing;

/// As `sign_digest`, with the parity of R.
pub(super) fn sign_recoverable(private: &[u8; 32], digest: &[u8; 32]) -> Result<(Signature, bool)> {
    let scalar = Zeroizing::new(key(private)?.to_nonzero_scalar());
    let (signature, id) = sign_prehashed_rfc6979::<Secp256k1, Sha256>(&scalar, digest, &[]);
    if id.is_x_reduced() {
        return Err(Error::Sig);
    }
    Ok((signature.to_bytes().into(), id.is_y_odd()))
}

pub(super) fn recover(digest: &[u8; 32], signature: &Signature, odd: bool) -> Result<PublicKey> {
    let signature = ecdsa::Signature::from_slice(signature).map_err(|_| Error::Sig)?;
    let id = RecoveryId::new(odd, false);
    let key = VerifyingKey::recover_from_prehash(digest, &signature, id).map_err(|_| Error::Sig)?;
    let point = key.to_sec1_point(false);
    let (Some(x), Some(y)) = (point.x(), point.y()) else {
        return Err(Error::Sig);
    };
    Ok(PublicKey::ec2(SignAlg::Es256k, (*x).into(), (*y).into()))
}
