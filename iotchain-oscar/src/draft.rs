//! Writing an object in place (spec 2.1): its content is encrypted where it is sent from.
//!
//! ```text
//! 83 | bstr protected | a0                    | bstr ciphertext ‖ tag      modes G and P
//! 83 | bstr protected | a1 0c 58 40 signature | bstr ciphertext ‖ tag      mode S
//! ```

use crate::Mode;
use crate::content::Content;
use crate::frame::{ARRAY, BYTES, Frame, MAP, head_len};
use crate::header::Protected;
use crate::object::COUNTER_SIGNATURE0;
use crate::structure::Aad;
use iotchain_core::{Error, Result, Signature};

const SIGNATURE_LEN: usize = size_of::<Signature>();
/// Map of one label and the head of its signature.
const SIGNED: [u8; 4] = [MAP | 1, COUNTER_SIGNATURE0, BYTES | 24, SIGNATURE_LEN as u8];

/// An object about to be written.
pub(crate) struct Draft<'p> {
    pub(crate) mode: Mode,
    pub(crate) protected: Protected,
    pub(crate) plaintext: &'p [u8],
    pub(crate) tag_len: usize,
}

/// The parts of a signed object that the signature covers, and its place.
pub(crate) struct Sealed<'a> {
    pub(crate) aad: &'a Aad,
    pub(crate) protected: &'a [u8],
    pub(crate) ciphertext: &'a [u8],
    pub(crate) signature: &'a mut Signature,
}

impl Draft<'_> {
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

    /// Writes the object, which fills `out`, and lets `sign` fill in the signature.
    pub(crate) fn write(
        &self,
        content: &Content<'_>,
        out: &mut [u8],
        sign: impl FnOnce(Sealed<'_>) -> Result<()>,
    ) -> Result<()> {
        let protected = self.protected.as_bytes();
        let mut aad = Aad::EMPTY;
        content.bind(&mut aad, protected)?;
        let mut frame = Frame::new(out);
        frame.put([ARRAY | 3]).bytes(protected);
        let mut signature = 0;
        match self.mode {
            Mode::Group | Mode::Pairwise => frame.put([MAP]),
            Mode::Signed => {
                frame.put(SIGNED);
                signature = frame.position();
                frame.put([0; SIGNATURE_LEN])
            }
        };
        frame.head(BYTES, self.sealed_len());
        let front = frame.position();
        frame.extend(self.plaintext).finish()?;
        let (front, sealed) = out.split_at_mut_checked(front).ok_or(Error::Size)?;
        content.seal(&aad, sealed)?;
        if self.mode != Mode::Signed {
            return Ok(());
        }
        let signature = front.get_mut(signature..).and_then(<[u8]>::first_chunk_mut);
        let parts = Sealed {
            aad: &aad,
            protected,
            ciphertext: sealed,
            signature: signature.ok_or(Error::Size)?,
        };
        sign(parts).inspect_err(|_| out.fill(0))
    }
}
