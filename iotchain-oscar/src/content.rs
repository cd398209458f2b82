//! One object's key and everything that the object is bound to.

use crate::input::Text;
use crate::structure::{Aad, Binding, Bound};
use crate::{Input, ResourceId};
use iotchain_core::{ContentKey, Piv, Result};

/// What seals an object, and what opens it again.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    pub(crate) key: &'a ContentKey,
    pub(crate) resource: &'a ResourceId<'a>,
    pub(crate) binding: Binding<'a>,
    pub(crate) piv: Piv,
}

impl Content<'_> {
    /// Encrypts where it stands; the room for the tag is behind the plaintext. `aad`, of an earlier object of the same
    /// mode and resource, becomes that of this one.
    #[inline]
    pub(crate) fn seal(&self, aad: &mut Aad, protected: &[u8], buffer: &mut [u8]) -> Result<()> {
        aad.rewrite(self.bound(protected))?;
        let nonce = self.key.nonce(self.piv);
        self.key.key().seal_in_place(&nonce, aad.blocks(), buffer)
    }

    /// Step 8. A too small `out` is refused before anything is written to it. `aad` as in [`Content::seal`].
    #[inline]
    pub(crate) fn open(&self, aad: &mut Aad, text: Text<'_>, out: &mut [u8]) -> Result<usize> {
        aad.rewrite(self.bound(text.protected.bytes(out)?))?;
        let nonce = self.key.nonce(self.piv);
        let (key, aad) = (self.key.key(), aad.blocks());
        match text.ciphertext {
            Input::Apart(ciphertext) => key.open(&nonce, aad, ciphertext, out),
            within => key.open_in_place(&nonce, aad, within.bring(out, 0)?),
        }
    }

    /// As [`Content::open`], with additional data that are on the stack only here.
    #[inline(never)]
    pub(crate) fn open_once(&self, text: Text<'_>, out: &mut [u8]) -> Result<usize> {
        self.open(&mut { Aad::EMPTY }, text, out)
    }

    /// All that an object with this protected header is bound to.
    pub(crate) fn bound<'a>(&'a self, protected: &'a [u8]) -> Bound<'a> {
        Bound {
            protected,
            resource: self.resource,
            binding: self.binding,
        }
    }
}
