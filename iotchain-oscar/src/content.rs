//! One object's key and everything that the object is bound to.

use crate::name::Name;
use crate::structure::{Aad, Binding};
use iotchain_core::{ContentKey, Piv, Result};

/// What seals an object, and what opens it again.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    pub(crate) key: &'a ContentKey,
    pub(crate) name: &'a Name,
    pub(crate) query: &'a [&'a str],
    pub(crate) binding: Binding<'a>,
    pub(crate) piv: Piv,
}

impl Content<'_> {
    /// Writes what an object with this protected header is bound to.
    #[inline]
    pub(crate) fn bind(&self, aad: &mut Aad, protected: &[u8]) -> Result<()> {
        aad.write(protected, self.name, self.query, self.binding)
    }

    /// Encrypts where it stands; the room for the tag is behind the plaintext.
    pub(crate) fn seal(&self, aad: &Aad, buffer: &mut [u8]) -> Result<()> {
        let nonce = self.key.nonce(self.piv);
        self.key.key().seal_in_place(&nonce, aad.blocks(), buffer)
    }

    /// Step 8. A too small `out` is refused before anything is written to it.
    pub(crate) fn open(&self, aad: &Aad, ciphertext: &[u8], out: &mut [u8]) -> Result<usize> {
        let nonce = self.key.nonce(self.piv);
        self.key.key().open(&nonce, aad.blocks(), ciphertext, out)
    }
}
