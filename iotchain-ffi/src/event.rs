//! Events that arrive in pieces, e.g. CoAP blocks, on a device that cannot hold a whole one.

use crate::iotchain_err;
use crate::member::{IOTCHAIN_MEMBER_EVENTS, iotchain_member, iotchain_received, known};
use crate::memory::{bytes, outcome, result};
use crate::object::{self, object};
use iotchain::selfheal::rsd::EventStream;

/// An event on its way in. Nothing of it counts before `iotchain_event_finish`, and dropping it at any time changes nothing.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_event {
    opaque: [u64; 132],
}

object!(iotchain_event: EventStream<IOTCHAIN_MEMBER_EVENTS>, b"event");

/// `sizeof (struct iotchain_event)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_event_size() -> usize {
    size_of::<iotchain_event>()
}

/// Begins an event for `member`, which may go on receiving other broadcasts meanwhile.
///
/// @param event  room for the stream
/// @param epoch  the epoch that the event is of; 0 for the one in use. If `iotchain_event_finish` says `IOTCHAIN_ERR_EPOCH` and the
///   next epoch is prepared, take the event in again for that
/// @return 0, `IOTCHAIN_ERR_EPOCH` for an epoch that is not held, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_event_start(
    event: *mut iotchain_event,
    member: *const iotchain_member,
    epoch: u32,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let member = unsafe { object::get(member)? };
        let epoch = if epoch == 0 {
            member.member().current().personal_key().epoch()
        } else {
            epoch
        };
        let stream = member.start(epoch)?;
        // SAFETY: the caller's promise.
        unsafe { object::put(event, || stream) }
    })
}

/// Takes the next bytes, in order and without gaps, in pieces of any size.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`, or what is wrong with the envelope: the rest need not be fetched
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_event_push(
    event: *mut iotchain_event,
    piece: *const u8,
    piece_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (event, piece) = unsafe { (object::get_mut(event)?, bytes(piece, piece_len)?) };
        Ok(event.push(piece)?)
    })
}

/// Ends an event: verifies it and hands it to the member that it was started for. The stream is wiped, whatever the result.
///
/// @param now  Unix time; 0 if it is not known
/// @param received  what it was
/// @return 0, `IOTCHAIN_ERR_NEED_EVENT` if a later event came meanwhile: fetch this one again, `IOTCHAIN_ERR_GROUP` for another member,
///   otherwise as `iotchain_member_receive`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_event_finish(
    event: *mut iotchain_event,
    member: *mut iotchain_member,
    now: u64,
    received: *mut iotchain_received,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, out, stream) = unsafe {
            (
                object::get_mut(member)?,
                result(received)?,
                object::get(event)?,
            )
        };
        let finished = member.finish(stream, known(now));
        // SAFETY: as above.
        unsafe { object::wipe(event) };
        out.write(finished?.into());
        Ok(())
    })
}

/// Gives an event up. Zeroed storage is left alone.
///
/// # Safety
/// `event` is null, or points to an event or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_event_wipe(event: *mut iotchain_event) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(event) }
}
