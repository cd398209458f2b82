//! A private key in memory.

use super::{PublicKey, SignAlg, Signature, Signer, ed25519, es256k, esp256};
use crate::error::{Error, Result};
use crate::hash::sha256;
use crate::secret::Secret;
use core::fmt;
use rand_core::TryCryptoRng;
use zeroize::Zeroize;

/// A private key of any suite that this build holds; wiped on drop.
#[derive(Clone)]
pub struct SigningKey {
    secret: Secret<32>,
    public: PublicKey,
}

impl SigningKey {
    /// From the 32 bytes of the private scalar (ECDSA, big-endian) or seed (Ed25519).
    ///
    /// # Errors
    /// [`Error::Type`] if the scalar is zero or not below the group order; [`Error::Alg`] if this build leaves the
    /// algorithm out.
    pub fn from_bytes(alg: SignAlg, bytes: &[u8; 32]) -> Result<Self> {
        let public = match alg {
            SignAlg::Es256k => es256k::public(bytes),
            SignAlg::Esp256 => esp256::public(bytes),
            SignAlg::Ed25519 => ed25519::public(bytes),
        }?;
        Ok(Self {
            secret: Secret::new(*bytes),
            public,
        })
    }

    /// A fresh key.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails; [`Error::Alg`] as in [`SigningKey::from_bytes`].
    pub fn generate(alg: SignAlg, rng: &mut impl TryCryptoRng) -> Result<Self> {
        // a random string is not below the order with probability 2^-32 at most
        for _ in 0..8 {
            let mut bytes = [0; 32];
            rng.try_fill_bytes(&mut bytes).map_err(|_| Error::Random)?;
            let key = Self::from_bytes(alg, &bytes);
            bytes.zeroize();
            match key {
                Err(Error::Type) => {}
                done => return done,
            }
        }
        Err(Error::Random)
    }

    /// Signs the message whose SHA-256 is `digest`, with the nonce of RFC 6979.
    ///
    /// # Errors
    /// [`Error::Alg`] for Ed25519, which hashes the message twice.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<Signature> {
        match self.public.alg() {
            SignAlg::Es256k => es256k::sign_digest(self.expose(), digest),
            SignAlg::Esp256 => esp256::sign_digest(self.expose(), digest),
            SignAlg::Ed25519 => Err(Error::Alg),
        }
    }

    /// As [`SigningKey::sign_digest`] with ES256K; beside the signature, what [`PublicKey::recover`] asks: whether the y
    /// of its point R is odd.
    ///
    /// # Errors
    /// [`Error::Alg`] for a key of another suite.
    pub fn sign_recoverable(&self, digest: &[u8; 32]) -> Result<(Signature, bool)> {
        match self.public.alg() {
            SignAlg::Es256k => es256k::sign_recoverable(self.expose(), digest),
            _ => Err(Error::Alg),
        }
    }

    /// The 32 private bytes, for storage.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }
}

impl Signer for SigningKey {
    fn public(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[&[u8]]) -> Result<Signature> {
        let (secret, public) = (self.secret.expose(), &self.public);
        match public.alg() {
            SignAlg::Es256k | SignAlg::Esp256 => self.sign_digest(&sha256(message)),
            SignAlg::Ed25519 => ed25519::sign(secret, public, message),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, ..)", self.public.alg())
    }
}
