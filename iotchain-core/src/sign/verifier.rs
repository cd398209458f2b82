//! Who does the arithmetic of a verification.

use super::{PublicKey, SignAlg, Signature, is_low_s};
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
        if alg != self.alg() || (alg == SignAlg::Es256k && !is_low_s(signature)) {
            return Err(Error::Sig);
        }
        verifier.verify(self, message, signature)
    }
}
