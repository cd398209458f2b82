//! The compact form of objects, for links with small frames (spec 2.11). What is sealed and opened is the other form.

use crate::iotchain_err;
use crate::memory::{apart, outcome, written};
use iotchain::AeadAlg;
use iotchain::oscar::{compact, expand};

/// CoAP Content-Format of an object.
pub const IOTCHAIN_CONTENT_FORMAT: u16 = 16;
/// CoAP Content-Format of the compact form.
pub const IOTCHAIN_COMPACT_CONTENT_FORMAT: u16 = 65_116;

/// Writes the compact form of an object, which is never longer.
///
/// @param aead  algorithm of the group, `IOTCHAIN_AES_CCM_16_64_128` or `IOTCHAIN_AES_CCM_16_128_128`
/// @param object  it is not opened; apart from `out`
/// @return 0, `IOTCHAIN_ERR_ALG` for another algorithm, `IOTCHAIN_ERR_TYPE` for what the compact form cannot express (times of 2^32
///   and above), the errors of format 1 to 20, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_NULL_ARGUMENT` for an object in `out`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_object_compact(
    aead: i32,
    object: *const u8,
    object_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        let alg = AeadAlg::from_cose(aead.into())?;
        // SAFETY: the caller's promise.
        unsafe {
            written((out, out_cap), out_len, |out| {
                Ok(compact(apart((object, object_len), out)?, alg, out)?)
            })
        }
    })
}

/// Writes the object that a compact form stands for.
///
/// @param aead  algorithm of the group
/// @param form  the compact form; apart from `out`
/// @return 0, `IOTCHAIN_ERR_ALG`, `IOTCHAIN_ERR_TRUNCATED` if it ends inside a field, `IOTCHAIN_ERR_VERSION` for the reserved bit,
///   `IOTCHAIN_ERR_HEADER` for fields that do not go together, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_NULL_ARGUMENT` for a form in `out`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_object_expand(
    aead: i32,
    form: *const u8,
    form_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        let alg = AeadAlg::from_cose(aead.into())?;
        // SAFETY: the caller's promise.
        unsafe {
            written((out, out_cap), out_len, |out| {
                Ok(expand(apart((form, form_len), out)?, alg, out)?)
            })
        }
    })
}
