//! ECDSA with SHA-256 and deterministic nonces (RFC 6979), over either curve.

/// One curve: its crate, its algorithm, and whether S must be in the lower half (spec 1.4).
macro_rules! curve {
    ($(#[$doc:meta])* $name:ident, $krate:ident, $curve:ident, $alg:ident, low_s: $low_s:literal) => {
        $(#[$doc])*
        pub(super) mod $name {
            use crate::error::{Error, Result};
            use crate::hash::Sha256;
            use crate::sign::{PublicKey, SignAlg, Signature};
            use ::ecdsa::hazmat::sign_prehashed_rfc6979;
            use $krate::ecdsa::signature::hazmat::PrehashVerifier;
            use $krate::ecdsa::{self, VerifyingKey};
            use $krate::elliptic_curve::scalar::IsHigh;
            use $krate::elliptic_curve::sec1::ToSec1Point;
            use $krate::{$curve, SecretKey};
            use zeroize::Zeroizing;

            pub(in crate::sign) fn key(private: &[u8; 32]) -> Result<SecretKey> {
                SecretKey::from_slice(private).map_err(|_| Error::Type)
            }

            pub(in crate::sign) fn public(private: &[u8; 32]) -> Result<PublicKey> {
                let point = key(private)?.public_key().to_sec1_point(false);
                let (Some(x), Some(y)) = (point.x(), point.y()) else {
                    return Err(Error::Type);
                };
                Ok(PublicKey::ec2(SignAlg::$alg, (*x).into(), (*y).into()))
            }

            pub(in crate::sign) fn check(key: &PublicKey) -> Result<()> {
                let key = VerifyingKey::from_sec1_bytes(&key.sec1());
                key.map(|_| ()).map_err(|_| Error::Sig)
            }

            /// From the scalar alone: the curve's own signing key would compute its public key anew, which costs as
            /// much as the signature.
            pub(in crate::sign) fn sign_digest(
                private: &[u8; 32],
                digest: &[u8; 32],
            ) -> Result<Signature> {
                let scalar = Zeroizing::new(key(private)?.to_nonzero_scalar());
                let (signature, _) = sign_prehashed_rfc6979::<$curve, Sha256>(&scalar, digest, &[]);
                let signature = if $low_s { signature.normalize_s() } else { signature };
                Ok(signature.to_bytes().into())
            }

            pub(in crate::sign) fn verify_digest(
                key: &PublicKey,
                digest: &[u8; 32],
                signature: &Signature,
            ) -> Result<()> {
                let signature = ecdsa::Signature::from_slice(signature).map_err(|_| Error::Sig)?;
                if $low_s && bool::from(signature.s().is_high()) {
                    return Err(Error::Sig);
                }
                let key = VerifyingKey::from_sec1_bytes(&key.sec1()).map_err(|_| Error::Sig)?;
                key.verify_prehash(digest, &signature).map_err(|_| Error::Sig)
            }
        }
    };
}

#[cfg(all(
    feature = "es256k",
    not(iotchain_es256k = "port"),
    any(test, not(feature = "small-ecdsa"))
))]
curve!(
    /// ES256K: secp256k1 (RFC 8812).
    es256k, k256, Secp256k1, Es256k, low_s: true
);
#[cfg(feature = "esp256")]
curve!(
    /// ESP256: P-256 (RFC 9864).
    esp256, p256, NistP256, Esp256, low_s: false
);
