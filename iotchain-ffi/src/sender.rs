//! The right to seal: one sender context for each boot, and the counter that must not go back (spec 2.4).
//!
//! | at boot | boot salt | needs |
//! |---|---|---|
//! | `iotchain_sender_init_persisted` | none | the counter in flash, written once per `every` objects |
//! | `iotchain_sender_init_counted` | 1 to 4 bytes | one flash write per boot |
//! | `iotchain_sender_init_random` | 8 bytes | a source of randomness |
//! | `iotchain_sender_init_assigned` | as the key server says | a join at every boot |

use crate::iotchain_err;
use crate::member::iotchain_member;
use crate::memory::{Outcome, bytes, optional_result, outcome, result, value};
use crate::object::{self, object};
use crate::opened::iotchain_origin;
use crate::random::{iotchain_rng, rng};
use iotchain::oscar::{Checkpoint, MAX_OBJECT_LIMIT, Reserve};
use iotchain::{Boot, BootCounter, Piv, Sender, Session, UnixTime};

/// What a node seals with between two boots in one group, for all its resources. It has secrets in it: `iotchain_sender_wipe` wipes
/// them.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_sender {
    opaque: [u64; 208],
}

object!(iotchain_sender: Sender, b"sender");

/// How often the counter is written to flash (RFC 8613, B.1.1). What a checkpoint covers follows from both numbers, so their sum must
/// never be less than in an earlier boot: a firmware update that lowers it would seal under numbers that were used.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_reserve {
    /// Objects between two writes, at least 1.
    pub every: u32,
    /// Further objects that may be sealed while a write is under way.
    pub pending: u32,
}

/// What stands in flash of the counter.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_checkpoint {
    /// The session it belongs to; 0 for none.
    pub session: u32,
    /// The number reached.
    pub piv: u32,
}

/// `sizeof (struct iotchain_sender)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_sender_size() -> usize {
    size_of::<iotchain_sender>()
}

/// Sets a sender up whose counter is kept in flash. It seals nothing before the first checkpoint is stored.
///
/// @param sender  room for it
/// @param member  who seals
/// @param reserve  how often the counter is written
/// @param last  the newest checkpoint in flash; null, or session 0, only if none was ever written
/// @param signed_until  the latest `iat` that an earlier boot may have given to a representation: the Unix time of this boot, or 0
///   for a sender that never signed
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_init_persisted(
    sender: *mut iotchain_sender,
    member: *const iotchain_member,
    reserve: iotchain_reserve,
    last: *const iotchain_checkpoint,
    signed_until: u64,
) -> iotchain_err {
    let iotchain_reserve { every, pending } = reserve;
    outcome(|| {
        // SAFETY: the caller's promise.
        let last = unsafe { last.as_ref() }.filter(|last| last.session != 0);
        let last = last.copied().map(iotchain_checkpoint::read);
        let boot = || Ok(Boot::persisted(Reserve { every, pending }, last));
        // SAFETY: the caller's promise.
        unsafe { init(sender, member, boot, signed_until) }
    })
}

/// The number of this boot, for `iotchain_sender_init_counted`: write it to flash and read it back. A second sender in the same boot,
/// after another join or a deep sleep, takes another number.
///
/// @param stored  the number in flash, 0 at the very first boot
/// @param next  the number to write
/// @return 0, `IOTCHAIN_ERR_SEQ_EXHAUSTED` after 2^32 - 1 boots
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_boot_count(stored: u32, next: *mut u32) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { result(next)? };
        out.write(BootCounter::after(Some(stored))?.value());
        Ok(())
    })
}

/// Sets a sender up whose key ids carry the number of this boot.
///
/// @param sender  room for it
/// @param member  who seals
/// @param written  the number of this boot, as `iotchain_boot_count` gave it. It is good for one sender: a second one with this number
///   would repeat nonces, whether the first is wiped or not
/// @param read_back  what flash holds after it was written
/// @param signed_until  as for `iotchain_sender_init_persisted`
/// @return 0, `IOTCHAIN_ERR_KID` if the two numbers differ: flash did not take it; go on with the number after it,
///   `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_init_counted(
    sender: *mut iotchain_sender,
    member: *const iotchain_member,
    written: u32,
    read_back: u32,
    signed_until: u64,
) -> iotchain_err {
    let boot = || {
        let before = written.checked_sub(1).ok_or(iotchain_err::Kid)?;
        Ok(BootCounter::after(Some(before))?.written(read_back)?)
    };
    // SAFETY: the caller's promise.
    outcome(|| unsafe { init(sender, member, boot, signed_until) })
}

/// Sets a sender up whose key ids carry 8 random bytes.
///
/// @param sender  room for it
/// @param member  who seals
/// @param random  where they come from; it must be seeded anew at every boot
/// @param signed_until  as for `iotchain_sender_init_persisted`
/// @return 0, `IOTCHAIN_ERR_RANDOM` if the source fails, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_init_random(
    sender: *mut iotchain_sender,
    member: *const iotchain_member,
    random: *const iotchain_rng,
    signed_until: u64,
) -> iotchain_err {
    // SAFETY: the caller's promise.
    let boot = || Ok(Boot::random(&mut unsafe { rng(random)? })?);
    // SAFETY: the caller's promise.
    outcome(|| unsafe { init(sender, member, boot, signed_until) })
}

/// Sets a sender up with the boot salt of the join response. It is good for one sender: a second one with this salt, in this boot or
/// another, would repeat nonces.
///
/// @param sender  room for it
/// @param member  who seals
/// @param salt  1 to 4 bytes, as `iotchain_join_info` has them
/// @param signed_until  as for `iotchain_sender_init_persisted`
/// @return 0, `IOTCHAIN_ERR_KID` for what is no boot salt, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_init_assigned(
    sender: *mut iotchain_sender,
    member: *const iotchain_member,
    salt: *const u8,
    salt_len: usize,
    signed_until: u64,
) -> iotchain_err {
    // SAFETY: the caller's promise.
    let boot = || Ok(Boot::assigned(unsafe { bytes(salt, salt_len)? })?);
    // SAFETY: the caller's promise.
    outcome(|| unsafe { init(sender, member, boot, signed_until) })
}

/// # Safety
/// The pointers are as the functions above describe them.
unsafe fn init(
    sender: *mut iotchain_sender,
    member: *const iotchain_member,
    boot: impl FnOnce() -> Outcome<Boot>,
    signed_until: u64,
) -> Outcome {
    // SAFETY: the caller's promise.
    let member = unsafe { object::get(member)? };
    let start = member.sender_start(boot()?, UnixTime::new(signed_until))?;
    // SAFETY: the caller's promise.
    unsafe { object::put(sender, || Sender::from(start)) }
}

/// Brings a sender to the session that may be sealed in. Call it before sealing, whenever time has passed or a broadcast came.
///
/// @param member  the member it was set up for
/// @param now  Unix time
/// @param session  that session, or null
/// @return 0, `IOTCHAIN_ERR_SESSION_EXPIRED` if no announced session is in force (the sender stays in its old one: seal nothing,
///   ask the key server); `IOTCHAIN_ERR_GROUP` or `IOTCHAIN_ERR_KID` if the sender is that of another member, or the key server gave
///   this one another sender id: set a new sender up; `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_enter(
    sender: *mut iotchain_sender,
    member: *const iotchain_member,
    now: u64,
    session: *mut u32,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (sender, member) = unsafe { (object::get_mut(sender)?, object::get(member)?) };
        let entered = member.enter(sender, UnixTime::new(now))?;
        // SAFETY: the caller's promise.
        if let Some(out) = unsafe { optional_result(session) } {
            out.write(entered.get());
        }
        Ok(())
    })
}

/// Sets the longest object that is sealed, in bytes; 2048 unless it is set. Receivers and proxies must allow as much.
///
/// @param max_object  at most 65535
/// @return 0, `IOTCHAIN_ERR_SIZE` above that, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_set_max_object(
    sender: *mut iotchain_sender,
    max_object: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let sender = unsafe { object::get_mut(sender)? };
        if max_object > MAX_OBJECT_LIMIT {
            return Err(iotchain_err::Size.into());
        }
        sender.set_max_object(max_object);
        Ok(())
    })
}

/// The key id of this boot, and the session that is sealed in.
///
/// @param origin  key id and session, which is 0 before the first; `piv` is 0
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_origin(
    sender: *const iotchain_sender,
    origin: *mut iotchain_origin,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (sender, out) = unsafe { (object::get(sender)?, result(origin)?) };
        let session = sender.session().unwrap_or(Session::new(0));
        out.write(iotchain_origin::of(session, &sender.kid(), Piv::ZERO));
        Ok(())
    })
}

/// What to write to flash before, or while, further objects are sealed; asked after `iotchain_sender_enter` and after sealing.
/// Only a sender of `iotchain_sender_init_persisted` ever has something.
///
/// @param due  what to write; session 0 if there is nothing
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_checkpoint_due(
    sender: *const iotchain_sender,
    due: *mut iotchain_checkpoint,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (sender, out) = unsafe { (object::get(sender)?, result(due)?) };
        let due = sender.checkpoint_due();
        let none = iotchain_checkpoint { session: 0, piv: 0 };
        out.write(due.map_or(none, iotchain_checkpoint::of));
        Ok(())
    })
}

/// A checkpoint, as `iotchain_sender_checkpoint_due` gave it, is in flash for good.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_checkpoint_stored(
    sender: *mut iotchain_sender,
    stored: *const iotchain_checkpoint,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (sender, stored) = unsafe { (object::get_mut(sender)?, value(stored)?) };
        sender.checkpoint_stored(stored.read());
        Ok(())
    })
}

/// Ends a sender: nothing of its keys stays in the storage. Zeroed storage is left alone.
///
/// # Safety
/// `sender` is null, or points to a sender or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sender_wipe(sender: *mut iotchain_sender) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(sender) }
}

impl iotchain_checkpoint {
    const fn read(self) -> Checkpoint {
        Checkpoint {
            session: Session::new(self.session),
            piv: self.piv,
        }
    }

    const fn of(checkpoint: Checkpoint) -> Self {
        Self {
            session: checkpoint.session.get(),
            piv: checkpoint.piv,
        }
    }
}
