//! A client's requests to one resource server: what it keeps of each until the response is opened (spec 2.2, 2.7).

use crate::iotchain_err;
use crate::member::iotchain_member;
use crate::memory::{array, bytes, outcome, result};
use crate::object::{self, object};
use crate::open::opening;
use crate::opened::{iotchain_opened, iotchain_origin};
use crate::resource::iotchain_resource;
use iotchain::core::AccessKey;
use iotchain::{PairRequest, UnixTime};

/// What a client remembers of a request until it is answered; nothing in it is secret.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_pair_request {
    opaque: [u64; 16],
}

object!(iotchain_pair_request: PairRequest, b"request");

/// `sizeof (struct iotchain_pair_request)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_pair_request_size() -> usize {
    size_of::<iotchain_pair_request>()
}

/// From the object as it was sent, e.g. after a sleep.
///
/// @param request  room for it
/// @param member  who sent it
/// @param object  the payload of the request
/// @return 0, `IOTCHAIN_ERR_NOT_READY`, the errors of format 1 to 27 for what is no request of the group
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_pair_request_parse(
    request: *mut iotchain_pair_request,
    member: *const iotchain_member,
    object: *const u8,
    object_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, object) = unsafe { (object::get(member)?, bytes(object, object_len)?) };
        let value = PairRequest::parse(object, member.group())?;
        // SAFETY: the caller's promise.
        unsafe { object::put(request, || value) }
    })
}

/// Which request it is.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_pair_request_origin(
    request: *const iotchain_pair_request,
    origin: *mut iotchain_origin,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (request, out) = unsafe { (object::get(request)?, result(origin)?) };
        let (session, kid) = (request.session(), request.kid());
        out.write(iotchain_origin::of(session, &kid, request.piv()));
        Ok(())
    })
}

/// Opens the object in the response to a request of this client.
///
/// @param resource  what was asked for
/// @param code  of the response, e.g. 68 for 2.04
/// @param request  what was sent
/// @param access_key  the access key at the resource server, 32 bytes
/// @param now  Unix time
/// @param object  the payload
/// @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
///   left alone then, after that it is gone
/// @param out_len  length of the plaintext
/// @param opened  what is known of the object, or null
/// @return 0; `IOTCHAIN_ERR_GROUP`, `IOTCHAIN_ERR_SESSION` or `IOTCHAIN_ERR_SESSION_EXPIRED` if the session of the request is no
///   longer open, `IOTCHAIN_ERR_FORGERY_LIMIT`, `IOTCHAIN_ERR_AEAD`, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and the errors of
///   format 1 to 20. No plaintext is in `out` then, and a later response may still be opened
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_open_reply(
    member: *mut iotchain_member,
    resource: *const iotchain_resource,
    code: u8,
    request: *const iotchain_pair_request,
    access_key: *const u8,
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
        let (member, request, access) = unsafe {
            (
                object::get_mut(member)?,
                object::get(request)?,
                AccessKey::new(*array(access_key)?),
            )
        };
        let of = ((object, object_len), (out, out_cap), out_len, opened);
        // SAFETY: the caller's promise.
        unsafe {
            opening(resource, of, |resource, object, out| {
                let now = UnixTime::new(now);
                Ok(member.open_reply(object, resource, code, request, &access, now, out)?)
            })
        }
    })
}

/// Ends a request. Zeroed storage is left alone.
///
/// # Safety
/// `request` is null, or points to a request or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_pair_request_wipe(request: *mut iotchain_pair_request) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(request) }
}
