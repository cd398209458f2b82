//! Suites: which AEAD and which signature go together (spec 1.5). A new suite is a new gid.

use crate::{AeadAlg, SignAlg};

/// The algorithms of one group, announced over DTLS only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// AEAD of every object.
    pub aead: AeadAlg,
    /// Signature of broadcasts and signed objects.
    pub sign: SignAlg,
}

impl Suite {
    /// {10, -47}: AES-CCM-16-64-128 with ES256K, mandatory to implement.
    pub const DEFAULT: Self = Self {
        aead: AeadAlg::AesCcm16_64_128,
        sign: SignAlg::Es256k,
    };

    /// Whether the pair is one of {10, -47}, {30, -47}, {10, -9}, {30, -9}, {10, -19}.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        !matches!(
            (self.aead, self.sign),
            (AeadAlg::AesCcm16_128_128, SignAlg::Ed25519)
        )
    }
}
