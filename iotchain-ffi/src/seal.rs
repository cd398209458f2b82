//! Sealing objects (spec 2.3 to 2.7).
//!
//! Every function that seals takes the plaintext, and the buffer for the object. The plaintext may lie anywhere in that buffer: a
//! handler writes it into the payload of the message and has it sealed there.

use crate::iotchain_err;
use crate::memory::{Outcome, array, bytes, input, outcome, written};
use crate::object;
use crate::opened::plaintext;
use crate::pair::iotchain_pair_request;
use crate::resource::{iotchain_resource, with_resource};
use crate::sender::iotchain_sender;
use crate::sign::{iotchain_signer, signer};
use iotchain::core::AccessKey;
use iotchain::oscar::Plaintext;
use iotchain::{Claims, Method, ResourceId, UnixTime};

/// Content-Format and bytes of a plaintext, the buffer for the object, and where its length goes.
pub(crate) type Sealing = (i32, (*const u8, usize), (*mut u8, usize), *mut usize);

/// Seals a plaintext of C by `seal`.
///
/// # Safety
/// The pointers are as the functions that seal describe them.
pub(crate) unsafe fn sealing(
    resource: *const iotchain_resource,
    (content_format, bytes, out, out_len): Sealing,
    seal: impl FnOnce(&ResourceId<'_>, Plaintext<'_>, &mut [u8]) -> Outcome<usize>,
) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe {
        with_resource(resource, |resource| {
            written(out, out_len, |out| {
                let plaintext = plaintext(content_format, input(bytes, out)?)?;
                seal(resource, plaintext, out)
            })
        })
    }
}

/// Seals the response to a GET, for all members of the group; Content-Format of the message is 16.
///
/// A retransmission resends the same bytes: sealing again makes another object.
///
/// @param sender  of a resource server
/// @param resource  what was asked for
/// @param code  of the response, e.g. 69 for 2.05
/// @param token  of the request, 4 to 8 bytes
/// @param content_format  of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`
/// @param bytes  the plaintext; it may lie in `out`
/// @param out  room for the object: `IOTCHAIN_GROUP_OVERHEAD` more than the plaintext is always enough
/// @param out_len  length of the object
/// @return 0; `IOTCHAIN_ERR_SIGNER` for the sender of a client, `IOTCHAIN_ERR_BINDING` for another length of Token,
///   `IOTCHAIN_ERR_SESSION` before `iotchain_sender_enter`, `IOTCHAIN_ERR_SEQ_EXHAUSTED` when the numbers are used up, or those that
///   a checkpoint in flash covers, `IOTCHAIN_ERR_SIZE` above the longest object, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_TYPE` for
///   another Content-Format, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`. Nothing is written then, and no number is used up
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_seal_response(
    sender: *mut iotchain_sender,
    resource: *const iotchain_resource,
    code: u8,
    token: *const u8,
    token_len: usize,
    content_format: i32,
    bytes: *const u8,
    bytes_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (sender, token) = unsafe { (object::get_mut(sender)?, self::bytes(token, token_len)?) };
        let of = (content_format, (bytes, bytes_len), (out, out_cap), out_len);
        // SAFETY: the caller's promise.
        unsafe {
            sealing(resource, of, |resource, plaintext, out| {
                Ok(sender.seal_response(resource, code, token, plaintext, out)?)
            })
        }
    })
}

/// Seals an object and signs it, for whatever proxies store it: a representation if the sender is a resource server's, else a
/// command to one. Content-Format of the message is 16.
///
/// @param sender  of a resource server, or of a client
/// @param resource  the resource at its server, not at the proxy
/// @param iat  the present, Unix time
/// @param exp  first instant at which the object is no longer valid; 0 for none, which only a representation may have
/// @param content_format  of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`
/// @param bytes  the plaintext; it may lie in `out`
/// @param by  who signs, with the algorithm of the group. While its function runs, `sender` is `IOTCHAIN_ERR_NOT_READY`
/// @param out  room for the object: `IOTCHAIN_SIGNED_OVERHEAD` more than the plaintext is always enough
/// @param out_len  length of the object
/// @return 0; `IOTCHAIN_ERR_ALG` for a key of another algorithm, `IOTCHAIN_ERR_TYPE` for times of 2^40 and above or another
///   Content-Format, `IOTCHAIN_ERR_STALE` for an `exp` not after `iat`, `IOTCHAIN_ERR_ROLLBACK` for a representation not after every
///   earlier boot or older than the last, `IOTCHAIN_ERR_HEADER` for a command without `exp`, `IOTCHAIN_ERR_FORBIDDEN` for a client
///   that may neither POST nor PUT, and those of `iotchain_sender_seal_response` for session, numbers, lengths and path. Nothing is
///   written then, and no number is used up. `IOTCHAIN_ERR_SIG` if the signer fails: a number is used up, and the front of `out` is
///   wiped
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_seal_signed(
    sender: *mut iotchain_sender,
    resource: *const iotchain_resource,
    iat: u64,
    exp: u64,
    content_format: i32,
    bytes: *const u8,
    bytes_len: usize,
    by: *const iotchain_signer,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let signer = unsafe { signer(by)? };
        let claims = Claims {
            iat: UnixTime::new(iat),
            exp: (exp != 0).then(|| UnixTime::new(exp)),
        };
        let of = (content_format, (bytes, bytes_len), (out, out_cap), out_len);
        // SAFETY: the caller's promise.
        unsafe {
            object::lend(sender, |sender| {
                sealing(resource, of, |resource, plaintext, out| {
                    Ok(sender.seal_signed(resource, claims, plaintext, &signer, out)?)
                })
            })
        }
    })
}

/// Seals the payload of a request to a resource server, which it alone can open; Content-Format of the message is 16.
///
/// A client that is challenged (4.01 with an Echo option) seals the request again with that Echo; at most twice.
///
/// @param sender  of a client
/// @param resource  what is asked for
/// @param method  CoAP code of the request: 2 POST, 3 PUT, 5 FETCH, 6 PATCH, 7 iPATCH
/// @param echo  the value of the Echo option that this request carries, at most 40 bytes; of length 0 without one
/// @param access_key  the access key at the resource server, 32 bytes
/// @param content_format  of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`
/// @param bytes  the plaintext; it may lie in `out`
/// @param out  room for the object: `IOTCHAIN_GROUP_OVERHEAD` more than the plaintext is always enough
/// @param out_len  length of the object
/// @param request  room for what opens the response
/// @return 0; `IOTCHAIN_ERR_SIGNER` for the sender of a resource server, `IOTCHAIN_ERR_FORBIDDEN` if the client has not the right to
///   `method`, `IOTCHAIN_ERR_MODE` for another method, `IOTCHAIN_ERR_ECHO` for a longer value, and those of
///   `iotchain_sender_seal_response` for session, numbers, lengths and path. Nothing is written then, and no number is used up
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_seal_request(
    sender: *mut iotchain_sender,
    resource: *const iotchain_resource,
    method: u8,
    echo: *const u8,
    echo_len: usize,
    access_key: *const u8,
    content_format: i32,
    bytes: *const u8,
    bytes_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
    request: *mut iotchain_pair_request,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (sender, echo, access) = unsafe {
            (
                object::get_mut(sender)?,
                self::bytes(echo, echo_len)?,
                AccessKey::new(*array(access_key)?),
            )
        };
        let method = Method::from_code(method).ok_or(iotchain_err::Mode)?;
        if request.is_null() {
            return Err(iotchain_err::NullArgument.into());
        }
        let of = (content_format, (bytes, bytes_len), (out, out_cap), out_len);
        // SAFETY: the caller's promise.
        unsafe {
            sealing(resource, of, |resource, plaintext, out| {
                let sealed =
                    sender.seal_request(resource, method, echo, &access, plaintext, out)?;
                object::put(request, || sealed.1)?;
                Ok(sealed.0)
            })
        }
    })
}
