//! HMAC-SHA-256 for values that only this process reads back: cookies and Echo values.

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    memcmp,
    pkey::{PKey, Private},
    sign::Signer,
};

/// A key that never leaves the process.
pub(crate) struct MacKey(PKey<Private>);

impl MacKey {
    /// A key of these 32 bytes.
    ///
    /// # Errors
    /// OpenSSL is out of memory.
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, ErrorStack> {
        PKey::hmac(key).map(MacKey)
    }

    /// The MAC over a message.
    ///
    /// # Errors
    /// OpenSSL is out of memory.
    pub(crate) fn mac(&self, message: &[u8]) -> Result<[u8; 32], ErrorStack> {
        let mut out = [0; 32];
        let mut signer = Signer::new(MessageDigest::sha256(), &self.0)?;
        signer.update(message)?;
        signer.sign(&mut out)?;
        Ok(out)
    }
}

/// Whether two values are equal, in time that depends on their lengths alone.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && memcmp::eq(a, b)
}
