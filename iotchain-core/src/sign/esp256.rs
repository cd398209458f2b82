//! ESP256: ECDSA over P-256 with SHA-256 (RFC 9864), deterministic nonces (RFC 6979); both halves of S are accepted.

use super::{PublicKey, Signature};
use crate::error::{Error, Result};

#[cfg(feature = "esp256")]
mod imp {
    use super::{Error, PublicKey, Result, Signature};
    use crate::hash::sha256;
    use crate::sign::SignAlg;
    use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
    use p256::ecdsa::{self, VerifyingKey};

    fn key(private: &[u8; 32]) -> Result<ecdsa::SigningKey> {
        ecdsa::SigningKey::from_slice(private).map_err(|_| Error::Type)
    }

    pub(crate) fn public(private: &[u8; 32]) -> Result<PublicKey> {
        let point = key(private)?.verifying_key().to_sec1_point(false);
        let (Some(x), Some(y)) = (point.x(), point.y()) else {
            return Err(Error::Type);
        };
        Ok(PublicKey::ec2(SignAlg::Esp256, (*x).into(), (*y).into()))
    }

    pub(crate) fn sign(private: &[u8; 32], message: &[&[u8]]) -> Result<Signature> {
        let digest = sha256(message);
        let signature: ecdsa::Signature = key(private)?
            .sign_prehash(&digest)
            .map_err(|_| Error::Sig)?;
        Ok(signature.to_bytes().into())
    }

    pub(crate) fn verify(key: &PublicKey, message: &[&[u8]], signature: &Signature) -> Result<()> {
        let signature = ecdsa::Signature::from_slice(signature).map_err(|_| Error::Sig)?;
        let key = VerifyingKey::from_sec1_bytes(&key.sec1()).map_err(|_| Error::Sig)?;
        key.verify_prehash(&sha256(message), &signature)
            .map_err(|_| Error::Sig)
    }
}

#[cfg(not(feature = "esp256"))]
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
