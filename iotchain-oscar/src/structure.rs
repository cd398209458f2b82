//! The bytes that are authenticated but not transmitted (spec 2.2, 2.3).
//!
//! ```text
//! external_aad  = [1, mode, code, rs, [*path], [*query], bind, signer]
//! Enc_structure = ["Encrypt0", protected, external_aad]                              (RFC 9052, 5.3)
//! ToBeSigned    = ["CounterSignature0", protected, external_aad, ciphertext]         (RFC 9338, 3.3)
//! ```
//! The Enc_structure is written in the blocks that AES-CCM reads, and kept beside its key; the second structure is handed
//! on in parts, so that the ciphertext is never copied.

use crate::frame::{ARRAY, BYTES, Frame, UINT, head_len};
use crate::header::MAX_PROTECTED;
use crate::name::{name, strip_name, strip_texts, texts, texts_len};
use crate::resource::{MAX_ARGUMENTS, MAX_SEGMENTS, MAX_URI_BYTES};
use crate::{Method, Mode, ResourceId};
use iotchain_core::sign::countersignature0;
use iotchain_core::{AdditionalData, Blocks, Result, Thumbprint};

/// Version in the first place of the additional data.
const VERSION: u8 = 1;
/// `["Encrypt0", protected`, head of external_aad; then 4 small items, rs, 12 texts of together 192 bytes, and either a
/// bind of at most 64 bytes or a thumbprint.
const MAX_LEN: usize = 10 + 2 + MAX_PROTECTED + 3 + 5 + 21 + 2 * 13 + MAX_URI_BYTES + 66 + 1;
const _: () = assert!(MAX_SEGMENTS + MAX_ARGUMENTS == 12);
/// Blocks of the cipher that it takes, with its length in front.
const BLOCKS: usize = (MAX_LEN + 2).div_ceil(16);

/// `array(3), text(8) "Encrypt0"`.
const ENCRYPT0: [u8; 10] = *b"\x83\x68Encrypt0";
/// `array(8)`.
const EXTERNAL: u8 = ARRAY | 8;

/// What stands in the external_aad of one object beside its resource.
#[derive(Clone, Copy)]
pub(crate) struct Binding<'a> {
    mode: Mode,
    code: u8,
    bind: &'a [u8],
    signer: &'a [u8],
}

impl<'a> Binding<'a> {
    /// Of an object whose key is put away before there is an object.
    pub(crate) const fn of_none(mode: Mode) -> Self {
        Self {
            mode,
            code: 0,
            bind: &[],
            signer: &[],
        }
    }

    /// Of a G response: the code that came with it, and the Token it answers.
    pub(crate) const fn of_response(code: u8, token: &'a [u8]) -> Self {
        Self {
            mode: Mode::Group,
            code,
            bind: token,
            signer: &[],
        }
    }

    /// Of a P request: its method and the Echo it carries, h'' without one.
    pub(crate) const fn of_request(method: Method, echo: &'a [u8]) -> Self {
        Self {
            mode: Mode::Pairwise,
            code: method.code(),
            bind: echo,
            signer: &[],
        }
    }

    /// Of a P response: its code, and the protected header of the request.
    pub(crate) const fn of_answer(code: u8, request: &'a [u8]) -> Self {
        Self {
            mode: Mode::Pairwise,
            code,
            bind: request,
            signer: &[],
        }
    }

    /// Of an S object: code 0 and no bind, however it travels (C11).
    pub(crate) const fn of_signed(signer: &'a Thumbprint) -> Self {
        Self {
            mode: Mode::Signed,
            code: 0,
            bind: &[],
            signer: signer.as_bytes(),
        }
    }
}

/// The Enc_structure of one object, with its external_aad inside.
///
/// Objects of one sender at one resource differ in a few bytes of it, as a rule of the same lengths; only these are
/// written anew then.
#[derive(Clone)]
pub(crate) struct Aad {
    data: AdditionalData<BLOCKS>,
    /// Where the protected header, the external_aad and the query begin.
    protected: usize,
    external: usize,
    query: usize,
    lens: Option<Lens>,
}

/// Lengths of what changes from object to object.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lens {
    protected: usize,
    code: usize,
    bind: usize,
    signer: usize,
}

/// What an object is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) resource: &'a ResourceId<'a>,
    pub(crate) binding: Binding<'a>,
}

impl Bound<'_> {
    const fn lens(&self) -> Lens {
        Lens {
            protected: self.protected.len(),
            code: head_len(self.binding.code as usize),
            bind: self.binding.bind.len(),
            signer: self.binding.signer.len(),
        }
    }
}

impl Aad {
    /// Not yet written.
    pub(crate) const EMPTY: Self = Self {
        data: AdditionalData::EMPTY,
        protected: 0,
        external: 0,
        query: 0,
        lens: None,
    };

    /// Whether it belongs to `resource`, whatever the query.
    pub(crate) fn is_of(&self, resource: &ResourceId<'_>) -> bool {
        let Some(lens) = &self.lens else {
            return false;
        };
        let name = self.external.wrapping_add(3).wrapping_add(lens.code);
        let name = self.data.as_bytes().get(name..);
        name.and_then(|name| strip_name(name, resource)).is_some()
    }

    /// Writes it for an object of the mode and the resource of the one before.
    #[inline]
    pub(crate) fn rewrite(&mut self, bound: Bound<'_>) -> Result<()> {
        if self.lens == Some(bound.lens()) && self.patch(bound).is_some() {
            return Ok(());
        }
        self.write(bound)
    }

    /// Replaces what changes from object to object; `None` if the query changed too.
    #[inline]
    fn patch(&mut self, bound: Bound<'_>) -> Option<()> {
        let Binding {
            code, bind, signer, ..
        } = bound.binding;
        let bytes = self.data.as_bytes_mut();
        let query = bytes.get(self.query..)?;
        let behind = strip_texts(query, bound.resource.query())?.len();
        let behind = bytes.len().wrapping_sub(behind);
        let code_at = self.external.wrapping_add(3);
        Frame::new(bytes.get_mut(self.protected..)?).extend(bound.protected);
        Frame::new(bytes.get_mut(code_at..)?).head(UINT, code.into());
        Frame::new(bytes.get_mut(behind..)?)
            .bytes(bind)
            .bytes(signer);
        Some(())
    }

    /// Writes it. Not inlined: the rule is a patch.
    #[inline(never)]
    pub(crate) fn write(&mut self, bound: Bound<'_>) -> Result<()> {
        let Bound {
            protected,
            resource,
            binding,
        } = bound;
        let Binding {
            mode,
            code,
            bind,
            signer,
        } = binding;
        let string_len = |len: usize| head_len(len).wrapping_add(len);
        let lens = bound.lens();
        let external_len = [
            // the outer head, version, mode; rs with its head
            3 + 21,
            lens.code,
            texts_len(resource.path()),
            texts_len(resource.query()),
            string_len(bind.len()),
            string_len(signer.len()),
        ];
        let external_len = external_len.into_iter().fold(0, usize::wrapping_add);

        self.lens = None;
        self.data.write(|room| {
            let mut frame = Frame::new(room);
            frame.put(ENCRYPT0).head(BYTES, protected.len());
            self.protected = frame.position();
            frame.extend(protected).head(BYTES, external_len);
            self.external = frame.position();
            frame.put([EXTERNAL, VERSION, mode.number()]);
            frame.head(UINT, code.into());
            name(&mut frame, resource);
            self.query = frame.position();
            texts(&mut frame, resource.query());
            frame.bytes(bind).bytes(signer);
            frame.finish()
        })?;
        self.lens = Some(lens);
        Ok(())
    }

    /// The whole Enc_structure, as the cipher reads it.
    pub(crate) fn blocks(&self) -> Blocks<'_> {
        self.data.blocks()
    }

    fn external(&self) -> &[u8] {
        self.data
            .as_bytes()
            .get(self.external..)
            .unwrap_or_default()
    }

    /// Calls `f` with the parts of the bytes to be signed. The element sign_protected is omitted (spec 2.3).
    pub(crate) fn with_to_be_signed<T>(
        &self,
        protected: &[u8],
        ciphertext: &[u8],
        f: impl FnOnce(&[&[u8]]) -> Result<T>,
    ) -> Result<T> {
        countersignature0(protected, self.external(), ciphertext, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain_core::Address;
    use proptest::prelude::*;

    const PATHS: [&[&str]; 3] = [&["temp"], &["temp", "max"], &[]];
    const QUERIES: [&[&str]; 4] = [&[], &["a"], &["b"], &["a", "a"]];

    fn written(bound: Bound<'_>) -> Aad {
        let mut aad = Aad::EMPTY;
        aad.write(bound).unwrap();
        aad
    }

    proptest! {
        /// One that lives on and one made for each object.
        #[test]
        fn what_is_rewritten_is_as_if_written(
            objects in prop::collection::vec(
                (0..3usize, 0..4usize, 20..24usize, 20..28u8, 4..6usize, any::<u8>()), 1..20,
            ),
        ) {
            let mut kept = Aad::EMPTY;
            let mut path_before = None;
            for (path, query, protected, code, token, fill) in objects {
                let resource =
                    ResourceId::new(Address::new([7; 20]), PATHS[path], QUERIES[query]).unwrap();
                let (protected, token) = (std::vec![fill; protected], std::vec![fill; token]);
                let bound = Bound {
                    protected: &protected,
                    resource: &resource,
                    binding: Binding::of_response(code, &token),
                };
                prop_assert_eq!(kept.is_of(&resource), path_before == Some(path));
                if path_before != Some(path) {
                    kept = Aad::EMPTY;
                }
                path_before = Some(path);
                kept.rewrite(bound).unwrap();
                let fresh = written(bound);
                prop_assert_eq!(kept.data.as_bytes(), fresh.data.as_bytes());
                prop_assert_eq!(kept.external(), fresh.external());
            }
        }
    }

    #[test]
    fn the_longest_fits() {
        let (segment, argument) = ("x".repeat(24), [""; 4]);
        let path = [segment.as_str(); 8];
        let resource = ResourceId::new(Address::ZERO, &path, &argument).unwrap();
        let (protected, bind) = ([0; MAX_PROTECTED], [0; 64]);
        let longest = written(Bound {
            protected: &protected,
            resource: &resource,
            binding: Binding::of_answer(68, &bind),
        });
        assert_eq!(longest.data.as_bytes().len(), 386);
    }
}
