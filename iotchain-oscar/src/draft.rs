//! Writing an object in place, without a copy of its content (spec 2.1).
//!
//! ```text
//! 83 | bstr protected | a0                    | bstr ciphertext ‖ tag      modes G and P
//! 83 | bstr protected | a1 0c 58 40 signature | bstr ciphertext ‖ tag      mode S
//! ```

use crate::Mode;
use crate::header::Protected;
use crate::object::COUNTER_SIGNATURE0;
use crate::structure::ExternalAad;
use iotchain_core::cbor::{Writer, encoded_len};
use iotchain_core::{ContentKey, Error, Piv, Result, Signature};

/// Where the parts of an object stand.
pub(crate) struct Layout {
    mode: Mode,
    front: usize,
    signature: usize,
    head: usize,
    sealed: usize,
}

impl Layout {
    pub(crate) fn new(protected: &Protected, mode: Mode, sealed: usize) -> Self {
        let front = encoded_len(|w| Self::write_front(w, protected, mode));
        let signature = if mode == Mode::Signed {
            SIGNATURE_LEN
        } else {
            0
        };
        let head = encoded_len(|w| {
            w.bytes_head(sealed as u64);
        });
        Self {
            mode,
            front,
            signature,
            head,
            sealed,
        }
    }

    /// Up to where the signature or, without one, the head of the ciphertext begins.
    fn write_front(w: &mut Writer<'_>, protected: &Protected, mode: Mode) {
        w.array(3).bytes(protected.as_bytes());
        match mode {
            Mode::Group | Mode::Pairwise => w.map(0),
            Mode::Signed => w
                .map(1)
                .uint(COUNTER_SIGNATURE0.into())
                .bytes_head(SIGNATURE_LEN as u64),
        };
    }

    /// Length of the object in bytes.
    pub(crate) fn len(&self) -> usize {
        [self.front, self.signature, self.head, self.sealed]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

const SIGNATURE_LEN: usize = size_of::<Signature>();

/// An object about to be written.
pub(crate) struct Draft<'p> {
    pub(crate) protected: Protected,
    pub(crate) layout: Layout,
    pub(crate) key: ContentKey,
    pub(crate) piv: Piv,
    pub(crate) plaintext: &'p [u8],
}

/// The parts of a signed object that the signature covers, and its place.
pub(crate) struct Sealed<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) ciphertext: &'a [u8],
    pub(crate) signature: &'a mut Signature,
}

impl Draft<'_> {
    /// Writes the object to the front of `out`, which has room, and lets `sign` fill in the signature.
    pub(crate) fn write(
        &self,
        aad: &ExternalAad,
        out: &mut [u8],
        sign: impl FnOnce(Sealed<'_>) -> Result<()>,
    ) -> Result<usize> {
        let Self {
            protected,
            layout,
            key,
            piv,
            plaintext,
        } = self;
        let needed = layout.len();
        let too_small = Error::Buffer { needed };
        let object = out.get_mut(..needed).ok_or(too_small)?;
        let (front, rest) = object.split_at_mut_checked(layout.front).ok_or(too_small)?;
        let (signature, rest) = rest
            .split_at_mut_checked(layout.signature)
            .ok_or(too_small)?;
        let (head, sealed) = rest.split_at_mut_checked(layout.head).ok_or(too_small)?;

        let mut w = Writer::new(front);
        Layout::write_front(&mut w, protected, layout.mode);
        w.finish()?;
        let mut w = Writer::new(head);
        w.bytes_head(layout.sealed as u64);
        w.finish()?;
        aad.with_enc_structure(protected.as_bytes(), |aad| {
            key.key().seal(&key.nonce(*piv), aad, plaintext, sealed)
        })?;
        if let Ok(signature) = <&mut Signature>::try_from(signature) {
            let parts = Sealed {
                protected: protected.as_bytes(),
                ciphertext: sealed,
                signature,
            };
            sign(parts).inspect_err(|_| object.fill(0))?;
        }
        Ok(needed)
    }
}
