//! Opening the objects that reach a member: direct responses, and what lay at a proxy (spec 2.7, 2.8).
//!
//! Every function that opens takes the object, and the buffer for its plaintext. The object may lie in that buffer: pass the payload
//! of the message as both.

use crate::exchange::iotchain_exchange;
use crate::iotchain_err;
use crate::member::iotchain_member;
use crate::memory::{Outcome, input, optional_result, outcome, written};
use crate::object;
use crate::opened::iotchain_opened;
use crate::resource::{iotchain_resource, with_resource};
use crate::stored::iotchain_stored;
use iotchain::oscar::Input;
use iotchain::{Freshness, Opened, ResourceId, UnixTime};

/// An object, the buffer for its plaintext, and where the length and what is known go.
pub(crate) type Opening = (
    (*const u8, usize),
    (*mut u8, usize),
    *mut usize,
    *mut iotchain_opened,
);

/// Opens an object of C by `open`.
///
/// # Safety
/// The pointers are as the functions that open describe them.
pub(crate) unsafe fn opening(
    resource: *const iotchain_resource,
    (object, out, out_len, opened): Opening,
    open: impl FnOnce(&ResourceId<'_>, Input<'_>, &mut [u8]) -> Outcome<Opened>,
) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe {
        with_resource(resource, |resource| {
            written(out, out_len, |out| {
                let object = input(object, out)?;
                let known = open(resource, object, out)?;
                if let Some(opened) = optional_result(opened) {
                    opened.write(known.into());
                }
                Ok(known.len)
            })
        })
    }
}

/// Opens the object in a response to a GET, with no CoAP proxy in between.
///
/// @param resource  what was asked for
/// @param code  of the response, e.g. 69 for 2.05
/// @param exchange  of the request; it remembers the response, so that no second one counts unless it is newer
/// @param stored  what was accepted of the resource, if an object that was signed earlier will do; null to demand an answer that was
///   made for this request
/// @param now  Unix time
/// @param object  the payload
/// @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
///   left alone then, after that it is gone
/// @param out_len  length of the plaintext
/// @param opened  what is known of the object, or null
/// @return 0; `IOTCHAIN_ERR_MODE` for a signed object without `stored`, `IOTCHAIN_ERR_SESSION` if a broadcast was missed,
///   `IOTCHAIN_ERR_SESSION_EXPIRED`, `IOTCHAIN_ERR_SIGNER` for an unknown sender, `IOTCHAIN_ERR_FORGERY_LIMIT`, `IOTCHAIN_ERR_AEAD`,
///   `IOTCHAIN_ERR_REPLAY`, those of `iotchain_member_open_stored` for a signed one, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`,
///   and the errors of format 1 to 27. No plaintext is in `out` then
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_open_response(
    member: *mut iotchain_member,
    resource: *const iotchain_resource,
    code: u8,
    exchange: *mut iotchain_exchange,
    stored: *mut iotchain_stored,
    now: u64,
    object: *const u8,
    object_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
    opened: *mut iotchain_opened,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, exchange) = unsafe { (object::get_mut(member)?, object::get_mut(exchange)?) };
        let now = UnixTime::new(now);
        let freshness = if stored.is_null() {
            Freshness::Demanded
        } else {
            // SAFETY: the caller's promise.
            let stored = unsafe { object::get_mut(stored)? };
            Freshness::OrSigned { stored, now }
        };
        let of = ((object, object_len), (out, out_cap), out_len, opened);
        // SAFETY: the caller's promise.
        unsafe {
            opening(resource, of, |resource, object, out| {
                Ok(member.open_response(object, resource, code, exchange, freshness, now, out)?)
            })
        }
    })
}

/// Opens a signed object that lay at a proxy or in a cache.
///
/// @param resource  the resource at its server, not at the proxy
/// @param stored  what was accepted of it; export it to flash afterwards
/// @param now  Unix time
/// @param object  the payload
/// @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
///   left alone then, after that it is gone
/// @param out_len  length of the plaintext
/// @param opened  what is known of the object, or null
/// @return 0; `IOTCHAIN_ERR_SIG_REQUIRED` for an unsigned object, `IOTCHAIN_ERR_SESSION` if a broadcast was missed,
///   `IOTCHAIN_ERR_SIGNER` unless its sender is the server of the resource, `IOTCHAIN_ERR_STALE`, `IOTCHAIN_ERR_ROLLBACK` for an
///   object older than the one accepted, `IOTCHAIN_ERR_EQUIVOCATION` if the sender signed two objects where one is allowed (see
///   `iotchain_proxy_contradiction`), `IOTCHAIN_ERR_AEAD`, `IOTCHAIN_ERR_SIG`, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and
///   the errors of format 1 to 27. No plaintext is in `out` then, and `stored` is as before
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_open_stored(
    member: *mut iotchain_member,
    resource: *const iotchain_resource,
    stored: *mut iotchain_stored,
    now: u64,
    object: *const u8,
    object_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
    opened: *mut iotchain_opened,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, stored) = unsafe { (object::get_mut(member)?, object::get_mut(stored)?) };
        let of = ((object, object_len), (out, out_cap), out_len, opened);
        // SAFETY: the caller's promise.
        unsafe {
            opening(resource, of, |resource, object, out| {
                let now = UnixTime::new(now);
                Ok(member.open_stored(object, resource, stored, now, out)?)
            })
        }
    })
}
