//! The bytes that are authenticated but not transmitted (spec 2.2, 2.3).
//!
//! ```text
//! external_aad  = [1, mode, code, rs, [*path], [*query], bind, signer]
//! Enc_structure = ["Encrypt0", protected, external_aad]                              (RFC 9052, 5.3)
//! ToBeSigned    = ["CounterSignature0", protected, external_aad, ciphertext]         (RFC 9338, 3.3)
//! ```
//! The Enc_structure is written in one piece, because AES-CCM takes one piece fastest; the second structure is handed
//! on in parts, so that the ciphertext is never copied.

use crate::frame::{ARRAY, BYTES, Frame, UINT, head_len};
use crate::header::MAX_PROTECTED;
use crate::name::{Name, texts};
use crate::resource::{MAX_ARGUMENTS, MAX_SEGMENTS, MAX_URI_BYTES};
use crate::{Method, Mode};
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
pub(crate) struct Aad {
    data: AdditionalData<BLOCKS>,
    external: usize,
}

impl Aad {
    /// Not yet written.
    pub(crate) const EMPTY: Self = Self {
        data: AdditionalData::EMPTY,
        external: 0,
    };

    /// Writes it, for an object of the resource with this `name` and `query`.
    #[inline]
    pub(crate) fn write(
        &mut self,
        protected: &[u8],
        name: &Name,
        query: &[&str],
        binding: Binding<'_>,
    ) -> Result<()> {
        let Binding {
            mode,
            code,
            bind,
            signer,
        } = binding;
        let string_len = |len: usize| head_len(len).wrapping_add(len);
        let code_len = if code < 24 { 1 } else { 2 };
        let queries = query.iter().map(|text| string_len(text.len()));
        let external_len = [
            // the outer head, version, mode, and the head of the query
            4,
            code_len,
            name.as_bytes().len(),
            queries.fold(0, usize::wrapping_add),
            string_len(bind.len()),
            string_len(signer.len()),
        ];
        let external_len = external_len.into_iter().fold(0, usize::wrapping_add);

        let external = &mut self.external;
        self.data.write(|room| {
            let mut frame = Frame::new(room);
            frame
                .put(ENCRYPT0)
                .bytes(protected)
                .head(BYTES, external_len);
            *external = frame.position();
            frame.put([EXTERNAL, VERSION, mode.number()]);
            frame.head(UINT, code.into()).extend(name.as_bytes());
            texts(&mut frame, query);
            frame.bytes(bind).bytes(signer);
            frame.finish()
        })
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
