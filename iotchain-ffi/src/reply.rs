//! The one response to a request of a client (spec 2.4, A17).

use crate::iotchain_err;
use crate::memory::outcome;
use crate::object::{self, object};
use crate::resource::iotchain_resource;
use crate::seal::sealing;
use iotchain::{Error, Reply};

/// The right to seal the response to one request. It is used up by `iotchain_reply_seal`, because a second response would repeat a
/// nonce. It has secrets in it: wipe it if the request is answered without an object.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_reply {
    opaque: [u64; 21],
}

object!(iotchain_reply: Reply, b"reply");

/// `sizeof (struct iotchain_reply)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_reply_size() -> usize {
    size_of::<iotchain_reply>()
}

/// Seals the response to a request of one client, once; Content-Format of the message is 16.
///
/// @param reply  as `iotchain_member_open_request` gave it; afterwards it is wiped
/// @param resource  what was asked for
/// @param code  of the response, e.g. 68 for 2.04
/// @param content_format  of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`
/// @param bytes  the plaintext; it may lie in `out`
/// @param out  room for the object: `IOTCHAIN_REPLY_OVERHEAD` more than the plaintext is always enough
/// @param out_len  length of the object
/// @return 0; `IOTCHAIN_ERR_NOT_READY` if it is used up, `IOTCHAIN_ERR_SIZE` above 2048 bytes of object, `IOTCHAIN_ERR_BUFFER`,
///   `IOTCHAIN_ERR_TYPE` for another Content-Format, `IOTCHAIN_ERR_PATH`. Nothing is written then, and the right is still there
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_reply_seal(
    reply: *mut iotchain_reply,
    resource: *const iotchain_resource,
    code: u8,
    content_format: i32,
    bytes: *const u8,
    bytes_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        let of = (content_format, (bytes, bytes_len), (out, out_cap), out_len);
        // SAFETY: the caller's promise.
        unsafe {
            sealing(resource, of, |resource, plaintext, out| {
                // all that can fail comes before the right is used up
                let needed = object::get(reply)?.len_of(plaintext)?;
                if needed > out.len() {
                    return Err(Error::Buffer { needed }.into());
                }
                Ok(object::take(reply)?.seal(resource, code, plaintext, out)?)
            })
        }
    })
}

/// Ends the right to answer. Zeroed storage is left alone.
///
/// # Safety
/// `reply` is null, or points to such a right or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_reply_wipe(reply: *mut iotchain_reply) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(reply) }
}
