//! What a client has accepted of a signed resource (spec 2.9).

use crate::iotchain_err;
use crate::member::iotchain_member;
use crate::memory::{bytes, outcome, result, written};
use crate::object::{self, object};
use iotchain::StoredState;

/// Longest state that `iotchain_stored_export` writes, in bytes.
pub const IOTCHAIN_MAX_STORED: usize = 80;

/// The newest signed object of one resource that was accepted, so that no older one is accepted after it. Keep one for each
/// resource, and export it to flash after every accepted object: without it, the first object after a boot is accepted on its time
/// alone.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_stored {
    opaque: [u64; 12],
}

object!(iotchain_stored: StoredState, b"stored");

/// `sizeof (struct iotchain_stored)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_stored_size() -> usize {
    size_of::<iotchain_stored>()
}

/// Nothing accepted so far.
///
/// @param stored  room for it
/// @return 0
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_stored_init(stored: *mut iotchain_stored) -> iotchain_err {
    // SAFETY: the caller's promise.
    outcome(|| unsafe { object::put(stored, StoredState::new) })
}

/// What was exported before.
///
/// @param stored  room for it
/// @param member  the member that accepted the objects, or one of the same group
/// @param state  as `iotchain_stored_export` wrote it; nothing proves that it is genuine, so it belongs where only the device writes
/// @return 0, `IOTCHAIN_ERR_NOT_READY`, an error of format, `IOTCHAIN_ERR_TYPE`, `_HEADER`, `_KID` or `_PIV` for what is no state
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_stored_import(
    stored: *mut iotchain_stored,
    member: *const iotchain_member,
    state: *const u8,
    state_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, state) = unsafe { (object::get(member)?, bytes(state, state_len)?) };
        let value = StoredState::import(state, member.group().sid_len)?;
        // SAFETY: the caller's promise.
        unsafe { object::put(stored, || value) }
    })
}

/// Writes the state for flash.
///
/// @param out  `IOTCHAIN_MAX_STORED` bytes are always enough
/// @return 0, `IOTCHAIN_ERR_NOT_READY`, `IOTCHAIN_ERR_BUFFER`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_stored_export(
    stored: *const iotchain_stored,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let stored = unsafe { object::get(stored)? };
        // SAFETY: the caller's promise.
        unsafe { written((out, out_cap), out_len, |out| Ok(stored.export(out)?)) }
    })
}

/// Time of signing of the newest accepted object, Unix time; 0 if there is none.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_stored_iat(
    stored: *const iotchain_stored,
    iat: *mut u64,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (stored, out) = unsafe { (object::get(stored)?, result(iat)?) };
        out.write(stored.iat().unwrap_or_default().get());
        Ok(())
    })
}

/// Ends a state in memory. Zeroed storage is left alone.
///
/// # Safety
/// `stored` is null, or points to a state or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_stored_wipe(stored: *mut iotchain_stored) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(stored) }
}
