//! Proof of possession: what a client or a resource server answers to the key server's challenge (spec 5.6).

use crate::iotchain_err;
use crate::memory::{Outcome, array, bytes, outcome, result, value};
use crate::sign::{self, iotchain_signer};
use crate::token::{iotchain_scope, iotchain_token_ref, scope};
use iotchain::Thumbprint;
use iotchain::core::Signature;
use iotchain::token::{Challenge, ChannelBinding, PopInput, PopSignature};

/// The value of the TLS exporter `EXPORTER-Channel-Binding` with empty context: binds a proof to the connection (RFC 9266).
pub const IOTCHAIN_BINDING_EXPORTER: u8 = 1;
/// SHA-256 of the key server's certificate in DER: binds a proof to the server, where the DTLS library has no exporter.
pub const IOTCHAIN_BINDING_CERTIFICATE: u8 = 2;

/// What ties a proof to one connection or to one key server.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_binding {
    /// `IOTCHAIN_BINDING_EXPORTER` or `IOTCHAIN_BINDING_CERTIFICATE`.
    pub kind: u8,
    /// The value that both ends know.
    pub value: [u8; 32],
}

/// Everything a proof commits to. The join request carries the same token, scope and nonce.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_pop_input {
    /// The connection.
    pub binding: *const iotchain_binding,
    /// Thumbprint of the key server's key, 32 bytes.
    pub key_server: *const u8,
    /// The token, or the resource server itself.
    pub token: *const iotchain_token_ref,
    /// Group and rights.
    pub scope: *const iotchain_scope,
    /// N_S, the key server's challenge of 28 bytes.
    pub challenge: *const u8,
    /// N_C, fresh random bytes of ours.
    pub cnonce: *const u8,
    /// Their number, 8 to 32.
    pub cnonce_len: usize,
}

/// Calls `f` with the input of a proof.
///
/// # Safety
/// Unless they are null, `input` and everything it points to is as its documentation says, during the call.
pub(crate) unsafe fn with_pop_input<T>(
    input: *const iotchain_pop_input,
    f: impl FnOnce(&PopInput<'_>) -> Outcome<T>,
) -> Outcome<T> {
    // SAFETY: the caller's promise.
    unsafe {
        let input = value(input)?;
        let binding = value(input.binding)?;
        f(&PopInput {
            binding: &ChannelBinding::new(binding.kind, &binding.value)?,
            key_server: &Thumbprint::new(*array(input.key_server)?),
            token: &value(input.token)?.read(),
            scope: &scope(input.scope)?,
            challenge: &Challenge::from_slice(array::<28>(input.challenge)?)?,
            cnonce: bytes(input.cnonce, input.cnonce_len)?,
        })
    }
}

/// The digest that a client's account signs, 32 bytes: Keccak-256 of the text that a wallet shows by `personal_sign` (EIP-191). For a
/// wallet or secure element that gives r, s and v itself; `iotchain_pop_sign_client` does the rest for any other signer.
///
/// @return 0, `IOTCHAIN_ERR_CHANNEL` for an unknown kind of binding, `IOTCHAIN_ERR_SCOPE` for what is no name of a group,
///   `IOTCHAIN_ERR_TYPE` unless the nonce has 8 to 32 bytes
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_pop_digest(
    input: *const iotchain_pop_input,
    digest: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let out = result(digest.cast::<[u8; 32]>())?;
            with_pop_input(input, |input| {
                out.write(input.digest()?);
                Ok(())
            })
        }
    })
}

/// A client's answer to the challenge: r, s and v of its account, 65 bytes. The signer is handed the digest of
/// `iotchain_pop_digest`; v is found by recovering the key, so up to three signatures' worth of time passes.
///
/// @param signer  the key of the client's account, `IOTCHAIN_ES256K`
/// @param answer  room for 65 bytes
/// @return 0, `IOTCHAIN_ERR_POP` if the key is not that of the token's client, `IOTCHAIN_ERR_SIG` if the signer fails, otherwise as
///   `iotchain_pop_digest`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_pop_sign_client(
    input: *const iotchain_pop_input,
    signer: *const iotchain_signer,
    answer: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let out = result(answer.cast::<[u8; PopSignature::LEN]>())?;
            let signer = sign::signer(signer)?;
            with_pop_input(input, |input| {
                let answer = input.sign_as_client(|digest| signer.sign_digest(digest))?;
                out.write(answer.encode());
                Ok(())
            })
        }
    })
}

/// A resource server's answer to the challenge: its signature over the input, 64 bytes.
///
/// @param signer  the resource server's key
/// @param signature  room for 64 bytes
/// @return 0, `IOTCHAIN_ERR_SIG` if the signer fails, otherwise as `iotchain_pop_digest`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_pop_sign_server(
    input: *const iotchain_pop_input,
    signer: *const iotchain_signer,
    signature: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let out = result(signature.cast::<Signature>())?;
            let signer = sign::signer(signer)?;
            with_pop_input(input, |input| {
                out.write(input.sign_as_server(&signer)?);
                Ok(())
            })
        }
    })
}
