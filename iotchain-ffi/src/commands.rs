//! Signed commands, left at a proxy for a resource server that sleeps (spec 2.7, A3).

use crate::iotchain_err;
use crate::member::iotchain_member;
use crate::memory::outcome;
use crate::object::{self, object};
use crate::open::opening;
use crate::opened::iotchain_opened;
use crate::resource::iotchain_resource;
use iotchain::UnixTime;
use iotchain::oscar::Commands;

/// How many commands may be alive, that is carried out and not yet ended, at one time.
pub const IOTCHAIN_COMMANDS: usize = 8;

/// The commands that a resource server carried out and still has to recognise.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_commands {
    opaque: [u64; 44],
}

object!(iotchain_commands: Commands<IOTCHAIN_COMMANDS>, b"commands");

/// `sizeof (struct iotchain_commands)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_commands_size() -> usize {
    size_of::<iotchain_commands>()
}

/// Empty memory after a boot.
///
/// @param commands  room for it
/// @param booted  Unix time of the boot: only commands that were signed later are accepted, because others may have been carried
///   out before. Add the skew that is tolerated if a command must under no circumstances be carried out twice
/// @return 0
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_commands_init(
    commands: *mut iotchain_commands,
    booted: u64,
) -> iotchain_err {
    // SAFETY: the caller's promise.
    outcome(|| unsafe { object::put(commands, || Commands::new(UnixTime::new(booted))) })
}

/// Opens a signed command of a client for a resource of this server, each once.
///
/// @param resource  the resource at this server
/// @param commands  what was carried out
/// @param now  Unix time
/// @param object  the payload
/// @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
///   left alone then, after that it is gone
/// @param out_len  length of the plaintext
/// @param opened  what is known of the object, or null
/// @return 0; `IOTCHAIN_ERR_SIG_REQUIRED` for an unsigned object, `IOTCHAIN_ERR_HEADER` for one that never ends,
///   `IOTCHAIN_ERR_SESSION_EXPIRED`, `IOTCHAIN_ERR_SIGNER` for an unknown client, `IOTCHAIN_ERR_STALE`, `IOTCHAIN_ERR_REPLAY`,
///   `IOTCHAIN_ERR_CAPACITY` while all places are taken, `IOTCHAIN_ERR_AEAD`, `IOTCHAIN_ERR_SIG`, `IOTCHAIN_ERR_FORBIDDEN` if the
///   client may neither POST nor PUT, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and the errors of format 1 to 27. No plaintext
///   is in `out` then, and `commands` is as before
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_open_command(
    member: *mut iotchain_member,
    resource: *const iotchain_resource,
    commands: *mut iotchain_commands,
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
        let (member, commands) = unsafe { (object::get_mut(member)?, object::get_mut(commands)?) };
        let of = ((object, object_len), (out, out_cap), out_len, opened);
        // SAFETY: the caller's promise.
        unsafe {
            opening(resource, of, |resource, object, out| {
                let now = UnixTime::new(now);
                Ok(member.open_command(object, resource, commands, now, out)?)
            })
        }
    })
}

/// Ends the memory of commands. Zeroed storage is left alone.
///
/// # Safety
/// `commands` is null, or points to such a memory or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_commands_wipe(commands: *mut iotchain_commands) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(commands) }
}
