//! ES256K: ECDSA over secp256k1 with SHA-256 (RFC 8812), deterministic nonces (RFC 6979), low S made and required.

use super::{PublicKey, Signature};
use crate::error::{Error, Result};

#[cfg(feature = "es256k")]
mod imp {
    use super::{Error, PublicKey, Result, Signature};
    use crate::hash::sha256;
    use crate::sign::SignAlg;
    use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
    use k256::ecdsa::{self, VerifyingKey};
    use k256::elliptic_curve::scalar::IsHigh;

    fn key(private: &[u8; 32]) -> Result<ecdsa::SigningKey> {
        ecdsa::SigningKey::from_slice(private).map_err(|_| Error::Type)
    }

    pub(crate) fn public(private: &[u8; 32]) -> Result<PublicKey> {
        let point = key(private)?.verifying_key().to_sec1_point(false);
        let (Some(x), Some(y)) = (point.x(), point.y()) else {
            return Err(Error::Type);
        };
        Ok(PublicKey::ec2(SignAlg::Es256k, (*x).into(), (*y).into()))
    }

    pub(crate) fn sign(private: &[u8; 32], message: &[&[u8]]) -> Result<Signature> {
        let digest = sha256(message);
        let signature: ecdsa::Signature = key(private)?
            .sign_prehash(&digest)
            .map_err(|_| Error::Sig)?;
        let signature = signature.normalize_s();
        Ok(signature.to_bytes().into())
    }

    pub(crate) fn verify(key: &PublicKey, message: &[&[u8]], signature: &Signature) -> Result<()> {
        let signature = ecdsa::Signature::from_slice(signature).map_err(|_| Error::Sig)?;
        if bool::from(signature.s().is_high()) {
            return Err(Error::Sig);
        }
        let key = VerifyingKey::from_sec1_bytes(&key.sec1()).map_err(|_| Error::Sig)?;
        key.verify_prehash(&sha256(message), &signature)
            .map_err(|_| Error::Sig)
    }
}

#[cfg(not(feature = "es256k"))]
mod imp {
    use super::{Error, PublicKey, Result, Signature};

    pub(crate) fn public(_: &[u8; 32]) -> Result<PublicKey> {
        Err(Error::Alg)
    }

    pub(crate) fn sign(_: &[u8; 32], _: &[&[u8]]) -> Result<Signature> {
        Err(Error::Sig)
    }

    pub(crate) fn verify(_: &PublicKey, _: &[&[u8]], _: &Signature) -> Result<()> {
        Err(Error::Sig)
    }
}

pub(super) use imp::{public, sign, verify};
