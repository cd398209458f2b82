//! Who does the arithmetic of a verification.

use super::{PublicKey, SignAlg, Signature};
use crate::error::{Error, Result};

/// Something that verifies signatures: this build ([`Software`]), a secure element, or a library of the platform.
///
/// What the protocol asks of a signature beyond being right (its length, the algorithm of its key, low S) is checked
/// before, in [`PublicKey::verify_by`], so that no implementation has to know of it.
pub trait Verifier {
    /// Verifies a signature of `key` over the concatenation of `message`, with the algorithm of the key.
    ///
    /// # Errors
    /// [`Error::Sig`] if it is not right, or cannot be verified.
    fn verify(&self, key: &PublicKey, message: &[&[u8]], signature: &Signature) -> Result<()>;
}

/// The suites of this build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Software;

impl Verifier for Software {
    fn verify(&self, key: &PublicKey, message: &[&[u8]], signature: &Signature) -> Result<()> {
        key.verify(key.alg(), message, signature)
    }
}

/// Half the order of secp256k1, rounded down: the largest S that ES256K accepts (spec 1.4).
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

impl PublicKey {
    /// As [`PublicKey::verify`], with the arithmetic done by `verifier`.
    ///
    /// # Errors
    /// As [`PublicKey::verify`], and whatever `verifier` says.
    pub fn verify_by(
        &self,
        verifier: &(impl Verifier + ?Sized),
        alg: SignAlg,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<()> {
        let signature: &Signature = signature.try_into().map_err(|_| Error::Sig)?;
        let is_high = signature
            .last_chunk::<32>()
            .is_some_and(|s| *s > HALF_ORDER);
        if alg != self.alg() || (alg == SignAlg::Es256k && is_high) {
            return Err(Error::Sig);
        }
        verifier.verify(self, message, signature)
    }
}
