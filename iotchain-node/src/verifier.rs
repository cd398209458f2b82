//! Who verifies the signatures of objects on a host.
//!
//! A proxy verifies one for each object that is put, a client one for each that it reads. With the feature `libsecp256k1`
//! the C library of the Bitcoin nodes does the arithmetic of ES256K, in half the time. What the protocol asks beyond that
//! is checked before ([`iotchain::PublicKey::verify_by`]), and the other algorithms stay with this build. So do events and
//! joins, of which there is one in many seconds.

use iotchain::core::sign::{Signature, Software, Verifier};
use iotchain::{PublicKey, Result};

/// Verifies with the fastest arithmetic that was compiled in.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostVerifier;

impl Verifier for HostVerifier {
    fn verify(&self, key: &PublicKey, message: &[&[u8]], signature: &Signature) -> Result<()> {
        #[cfg(feature = "libsecp256k1")]
        if key.alg() == iotchain::SignAlg::Es256k {
            return libsecp256k1::verify(key, message, signature);
        }
        Software.verify(key, message, signature)
    }
}

#[cfg(feature = "libsecp256k1")]
mod libsecp256k1 {
    use iotchain::core::hash::sha256;
    use iotchain::core::sign::Signature;
    use iotchain::{Error, PublicKey, Result};
    use secp256k1::{Message, ecdsa};

    /// Refuses on its own what is out of range, off the curve, or high.
    pub(super) fn verify(key: &PublicKey, message: &[&[u8]], signature: &Signature) -> Result<()> {
        let mut point = [4; 65];
        point[1..33].copy_from_slice(key.x());
        point[33..].copy_from_slice(key.y());
        let verify = || {
            let key = secp256k1::PublicKey::from_byte_array_uncompressed(point)?;
            let signature = ecdsa::Signature::from_compact(signature)?;
            ecdsa::verify(&signature, Message::from_digest(sha256(message)), &key)
        };
        verify().map_err(|_| Error::Sig)
    }
}
