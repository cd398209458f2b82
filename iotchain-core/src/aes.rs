//! AES-128 as a block function: what the self-healing scheme ratchets with.

use aes::cipher::{BlockCipherEncrypt, KeyInit};

/// An expanded AES-128 key, for encryption only; wiped on drop.
pub struct Aes128(aes::Aes128Enc);

impl Aes128 {
    /// Expands a 16-byte key.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self(aes::Aes128Enc::new(key.into()))
    }

    /// Encrypts one block in place.
    pub fn encrypt_block(&self, block: &mut [u8; 16]) {
        self.0.encrypt_block(block.into());
    }

    /// The cipher behind it, for the one-pass CCM.
    pub(crate) const fn cipher(&self) -> &aes::Aes128Enc {
        &self.0
    }
}
