//! The resource that an object belongs to.

use crate::iotchain_err;
use crate::memory::{Outcome, array, value};
use core::ffi::{CStr, c_char};
use core::slice;
use iotchain::core::cbor::is_utf8;
use iotchain::oscar::{MAX_ARGUMENTS, MAX_SEGMENTS};
use iotchain::{Address, ResourceId};

/// A resource at a resource server: Uri-Path and Uri-Query option values in order, as UTF-8 with a final zero byte. The same
/// structure serves every call; firmware keeps it in flash.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_resource {
    /// The address of the resource server, 20 bytes. For an object from a proxy it is the server all the same.
    pub rs: *const u8,
    /// Path segments, e.g. `{"sensors", "temp"}`.
    pub path: *const *const c_char,
    /// Their number, at most 8.
    pub path_count: usize,
    /// Query arguments, e.g. `{"unit=C"}`; null if there are none.
    pub query: *const *const c_char,
    /// Their number, at most 4.
    pub query_count: usize,
}

/// Calls `f` with the resource.
///
/// # Safety
/// Unless they are null, `resource` and everything it points to is as its documentation says, during the call.
pub(crate) unsafe fn with_resource<T>(
    resource: *const iotchain_resource,
    f: impl FnOnce(&ResourceId<'_>) -> Outcome<T>,
) -> Outcome<T> {
    // SAFETY: the caller's promise.
    unsafe {
        let resource = value(resource)?;
        let rs = Address::new(*array(resource.rs)?);
        let (mut path, mut query) = ([""; MAX_SEGMENTS], [""; MAX_ARGUMENTS]);
        let path = texts(resource.path, resource.path_count, &mut path)?;
        let query = texts(resource.query, resource.query_count, &mut query)?;
        f(&ResourceId::new(rs, path, query)?)
    }
}

/// The texts of a list of C, at the front of `room`.
///
/// # Safety
/// Unless it is null, `list` points to `count` texts that end with zero and stay unchanged for `'a`.
unsafe fn texts<'a, 'r>(
    list: *const *const c_char,
    count: usize,
    room: &'r mut [&'a str],
) -> Outcome<&'r [&'a str]> {
    let room = room.get_mut(..count).ok_or(iotchain_err::Path)?;
    if count == 0 {
        return Ok(room);
    }
    if list.is_null() {
        return Err(iotchain_err::NullArgument.into());
    }
    // SAFETY: not null, and short, because `room` is; the rest is the caller's promise.
    let list = unsafe { slice::from_raw_parts(list, count) };
    for (text, to) in list.iter().zip(room.iter_mut()) {
        if text.is_null() {
            return Err(iotchain_err::NullArgument.into());
        }
        // SAFETY: not null; the rest is the caller's promise.
        let text = unsafe { CStr::from_ptr(*text) };
        let text = text.to_bytes();
        if !is_utf8(text) {
            return Err(iotchain_err::Utf8.into());
        }
        // SAFETY: it is UTF-8.
        *to = unsafe { str::from_utf8_unchecked(text) };
    }
    Ok(room)
}
