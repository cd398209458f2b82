//! Messages to and from a key server on the way to a join (spec 4.1, 4.2, 4.6). The firmware carries them over CoAP and DTLS.
//!
//! ```text
//! POST /authz-info         iotchain_transfer_request  -->  iotchain_transfer_response: key server, challenge
//! iotchain_pop_sign_client, iotchain_pop_sign_server       the proof over both
//! POST /ace-group/GNAME    iotchain_join_request      -->  iotchain_join_response_verify, iotchain_member_join
//!                                                     -->  iotchain_problem_parse: why not
//! ```

use crate::iotchain_err;
use crate::memory::{bytes, outcome, result, value, written};
use crate::pop::{iotchain_pop_input, with_pop_input};
use crate::sign::iotchain_public_key;
use crate::token::iotchain_token_ref;
use core::ffi::c_char;
use iotchain::core::cbor::{self, Reader};
use iotchain::join::{Ccs, JoinRequest, ProblemDetails, TransferRequest, TransferResponse};
use iotchain::token::AccountId;

/// Room for every token transfer request.
pub const IOTCHAIN_TRANSFER_REQUEST_MAX: usize = 56;
/// Room for every join request of ours.
pub const IOTCHAIN_JOIN_REQUEST_MAX: usize = 448;

/// What a key server says to whoever names a token.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_transfer_response {
    /// The signing key of the key server. That it is its key, the DTLS certificate vouches for.
    pub key: iotchain_public_key,
    /// Thumbprint of the key: what the proof commits to, and what the join response has to prove. Pin it.
    pub key_server: [u8; 32],
    /// N_S, the challenge to answer. It lives for 60 seconds.
    pub challenge: [u8; 28],
}

/// Writes a token transfer request, the body of `POST /authz-info` with Content-Format 19: names the token and asks for a challenge.
///
/// @param token  the token, or the resource server itself
/// @param out  room for at most `IOTCHAIN_TRANSFER_REQUEST_MAX` bytes
/// @return 0, `IOTCHAIN_ERR_BUFFER`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_transfer_request_encode(
    token: *const iotchain_token_ref,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let token = value(token)?.read();
            written((out, out_cap), out_len, |out| {
                Ok(TransferRequest { token }.encode(out)?)
            })
        }
    })
}

/// Reads the answer to a token transfer request.
///
/// @param message  the payload of a 2.01
/// @return 0; `IOTCHAIN_ERR_CHALLENGE`, `IOTCHAIN_ERR_TYPE`, `IOTCHAIN_ERR_ALG` and the errors 1 to 11 for what is none
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_transfer_response_parse(
    message: *const u8,
    message_len: usize,
    response: *mut iotchain_transfer_response,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (message, out) = unsafe { (bytes(message, message_len)?, result(response)?) };
        let response = TransferResponse::parse(message)?;
        out.write(iotchain_transfer_response {
            key: iotchain_public_key::of(&response.key_server)?,
            key_server: *response.key_server.thumbprint().as_bytes(),
            challenge: *response.challenge.as_bytes(),
        });
        Ok(())
    })
}

/// Writes a join request, the body of `POST /ace-group/GNAME` with Content-Format 261.
///
/// @param input  what the proof was made over
/// @param proof  65 bytes of a client, 64 of a resource server
/// @param key  the signing key of a resource server; NULL for a client, whose address the proof tells
/// @param out  room for at most `IOTCHAIN_JOIN_REQUEST_MAX` bytes
/// @return 0; `IOTCHAIN_ERR_POP_FORMAT` for a proof of another length, `IOTCHAIN_ERR_TYPE` unless the nonce has 8 to 32 bytes,
///   `IOTCHAIN_ERR_SCOPE` for what is no name of a group, `IOTCHAIN_ERR_BUFFER`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_join_request_encode(
    input: *const iotchain_pop_input,
    proof: *const u8,
    proof_len: usize,
    key: *const iotchain_public_key,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let (proof, key) = (bytes(proof, proof_len)?, key.as_ref());
            if proof.len() != if key.is_some() { 64 } else { 65 } {
                return Err(iotchain_err::PopFormat.into());
            }
            let key = match key {
                Some(key) => Some(key.read()?),
                None => None,
            };
            with_pop_input(input, |input| {
                if !(8..=32).contains(&input.cnonce.len()) {
                    return Err(iotchain_err::Type.into());
                }
                let request = JoinRequest {
                    scope: *input.scope,
                    credential: key.map(|key| Ccs {
                        subject: Some(AccountId {
                            chain: 0,
                            address: input.token.client,
                        }),
                        key,
                    }),
                    cnonce: input.cnonce,
                    proof,
                    challenge: *input.challenge,
                    token: *input.token,
                };
                written((out, out_cap), out_len, |out| Ok(request.encode(out)?))
            })
        }
    })
}

/// Why a key server refused.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_problem {
    /// The error, negative as everywhere; 0 if the key server gave none that this library knows.
    pub error: i32,
    /// A short text for people: `title_len` bytes of UTF-8 inside the message, with no zero byte at the end.
    pub title: *const c_char,
    /// Its length in bytes.
    pub title_len: usize,
}

/// Reads the payload of a refusal, Content-Format 257. After `IOTCHAIN_ERR_CHALLENGE`, `_CHALLENGE_EXPIRED` or `_CHALLENGE_REPLAY` begin
/// again with a token transfer request; after `IOTCHAIN_ERR_UNCONFIRMED` wait for Max-Age.
///
/// @return 0; `IOTCHAIN_ERR_TYPE` and the errors 1 to 11 for what is none
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_problem_parse(
    message: *const u8,
    message_len: usize,
    problem: *mut iotchain_problem,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (message, out) = unsafe { (bytes(message, message_len)?, result(problem)?) };
        let details = ProblemDetails::parse(message)?;
        out.write(iotchain_problem {
            error: details
                .error
                .map_or(0, |error| iotchain_err::from(error) as i32),
            title: details.title.as_ptr().cast(),
            title_len: details.title.len(),
        });
        Ok(())
    })
}

/// Reads the current session from the answer to `GET /ace-group/GNAME/num`. A session later than `iotchain_status::newest` says that
/// broadcasts were lost: fetch them from `/bc` and `/bn`.
///
/// @return 0; `IOTCHAIN_ERR_TYPE` and the errors 1 to 11 for what is no session
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_num_parse(
    message: *const u8,
    message_len: usize,
    session: *mut u32,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (message, out) = unsafe { (bytes(message, message_len)?, result(session)?) };
        cbor::check(message)?;
        out.write(Reader::new(message).u32()?);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_states_the_room_of_requests() {
        assert_eq!(IOTCHAIN_TRANSFER_REQUEST_MAX, TransferRequest::MAX_LEN);
    }
}
