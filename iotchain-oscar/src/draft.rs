//! Writing an object in place (spec 2.1): its content is encrypted where it is sent from.
//!
//! ```text
//! 83 | bstr protected | a0                    | bstr ciphertext ‖ tag      modes G and P
//! 83 | bstr protected | a1 0c 58 40 signature | bstr ciphertext ‖ tag      mode S
//! ```

use crate::content::Content;
use crate::frame::{ARRAY, BYTES, Frame, MAP, head_len};
use crate::header::Protected;
use crate::object::COUNTER_SIGNATURE0;
use crate::structure::Aad;
use crate::{Input, Mode};
use iotchain_core::{AeadAlg, Error, Result, Signature, Signer};

const SIGNATURE_LEN: usize = size_of::<Signature>();
/// Map of one label and the head of its signature.
const SIGNED: [u8; 4] = [MAP | 1, COUNTER_SIGNATURE0, BYTES | 24, SIGNATURE_LEN as u8];

/// An object about to be written.
pub(crate) struct Draft<'p> {
    pub(crate) mode: Mode,
    pub(crate) protected: Protected,
    pub(crate) plaintext: Input<'p>,
    pub(crate) tag_len: usize,
}

impl<'p> Draft<'p> {
    /// Of a header that is not yet filled in.
    pub(crate) const fn new(mode: Mode, alg: AeadAlg, plaintext: Input<'p>) -> Self {
        Self {
            mode,
            protected: Protected::EMPTY,
            plaintext,
            tag_len: alg.tag_len(),
        }
    }

    const fn sealed_len(&self) -> usize {
        self.plaintext.len().saturating_add(self.tag_len)
    }

    /// Length of the object in bytes.
    ///
    /// # Errors
    /// [`Error::Size`] above `max_object`.
    pub(crate) fn len(&self, max_object: usize) -> Result<usize> {
        let protected = self.protected.as_bytes().len();
        let unprotected = match self.mode {
            Mode::Group | Mode::Pairwise => 1,
            Mode::Signed => SIGNED.len().wrapping_add(SIGNATURE_LEN),
        };
        let sealed = self.sealed_len();
        let heads = head_len(protected).wrapping_add(head_len(sealed));
        let len = [1, heads, protected, unprotected, sealed];
        match len.into_iter().fold(0, usize::saturating_add) {
            len if len <= max_object => Ok(len),
            _ => Err(Error::Size),
        }
    }

    /// The length of the object, for which `out` has to suffice; a plaintext within `out` has to lie there wholly.
    ///
    /// # Errors
    /// [`Error::Size`] above `max_object`, [`Error::Buffer`].
    pub(crate) fn room(&self, max_object: usize, out: &[u8]) -> Result<usize> {
        let needed = self.len(max_object)?;
        self.plaintext.bytes(out)?;
        if needed > out.len() {
            return Err(Error::Buffer { needed });
        }
        Ok(needed)
    }

    /// Writes the object of `len` bytes, see [`Draft::room`], to the front of `out`; the place of a signature is left
    /// zero. `aad` as in [`Content::seal`]. The object.
    pub(crate) fn write<'o>(
        &self,
        content: &Content<'_>,
        aad: &mut Aad,
        len: usize,
        out: &'o mut [u8],
    ) -> Result<&'o mut [u8]> {
        // the plaintext goes first: what is written before it may lie over its old place
        let front = len.saturating_sub(self.sealed_len());
        self.plaintext.bring(out, front)?;
        let out = out.get_mut(..len).ok_or(Error::Size)?;
        let (front, sealed) = out.split_at_mut_checked(front).ok_or(Error::Size)?;
        let protected = self.protected.as_bytes();
        let mut frame = Frame::new(front);
        frame.put([ARRAY | 3]).bytes(protected);
        match self.mode {
            Mode::Group | Mode::Pairwise => frame.put([MAP]),
            Mode::Signed => frame.put(SIGNED).put([0; SIGNATURE_LEN]),
        };
        frame.head(BYTES, self.sealed_len()).finish()?;
        content.seal(aad, protected, sealed)?;
        Ok(out)
    }

    /// As [`Draft::write`], with additional data that are on the stack only here.
    #[inline(never)]
    pub(crate) fn write_once(
        &self,
        content: &Content<'_>,
        len: usize,
        out: &mut [u8],
    ) -> Result<()> {
        self.write(content, &mut { Aad::EMPTY }, len, out)
            .map(|_| ())
    }

    /// Signs the object that was written to `out` with this `aad`; if `signer` fails, `out` becomes zeros.
    pub(crate) fn sign(&self, aad: &Aad, signer: &impl Signer, out: &mut [u8]) -> Result<()> {
        let protected = self.protected.as_bytes();
        let before = [1, head_len(protected.len()), protected.len(), SIGNED.len()];
        let before = before.into_iter().fold(0, usize::wrapping_add);
        let behind = out.len().wrapping_sub(self.sealed_len());
        let (front, ciphertext) = out.split_at_mut_checked(behind).ok_or(Error::Size)?;
        let place = front.get_mut(before..).and_then(<[u8]>::first_chunk_mut);
        let place = place.ok_or(Error::Size)?;
        let signature = aad.with_to_be_signed(protected, ciphertext, |parts| signer.sign(parts));
        match signature {
            Ok(signature) => *place = signature,
            Err(error) => {
                out.fill(0);
                return Err(error);
            }
        }
        Ok(())
    }
}
