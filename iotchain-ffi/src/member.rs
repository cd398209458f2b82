//! A member of one group: what it learns, and what a main loop asks of it.

use crate::iotchain_err;
use crate::join_response::{Verified, iotchain_join_response};
use crate::memory::{array, bytes, outcome, result, value};
use crate::object::{self, object};
use crate::personal_key::{PersonalKeyStore, Storage};
use crate::sign::iotchain_public_key;
use iotchain::core::sign::Software;
use iotchain::selfheal::broadcast::DEFAULT_MAX_LEN;
use iotchain::selfheal::rsd::HighWater;
use iotchain::{Address, Membership, Received, Session, Sid, UnixTime};

/// Events of each epoch whose keys a member keeps.
pub const IOTCHAIN_MEMBER_EVENTS: usize = 16;
/// Senders whose keys a member keeps.
pub const IOTCHAIN_MEMBER_SENDERS: usize = 4;

/// The Rust value of a member.
///
/// cbindgen:ignore
pub(crate) type Member = Membership<
    PersonalKeyStore,
    IOTCHAIN_MEMBER_EVENTS,
    IOTCHAIN_MEMBER_SENDERS,
    Software,
    KEYS_AT_HAND,
>;

/// Few, because each takes 700 bytes: a device reads few resources in turn.
///
/// cbindgen:ignore
const KEYS_AT_HAND: usize = 2;

/// A member of one group: group keys that heal, credentials of the senders, and what opens their objects. It has secrets in it
/// and in the storage of its personal keys: `iotchain_member_wipe` wipes both.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_member {
    opaque: [u64; 780],
}

object!(iotchain_member: Member, b"member");

/// `iotchain_received::kind`: an event, which is signed.
pub const IOTCHAIN_RECEIVED_EVENT: i32 = 1;
/// A beacon.
pub const IOTCHAIN_RECEIVED_BEACON: i32 = 2;
/// An event that is held already, byte for byte. Nothing changed.
pub const IOTCHAIN_RECEIVED_DUPLICATE: i32 = 3;

/// What a broadcast was, once verified.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_received {
    /// `IOTCHAIN_RECEIVED_EVENT`, `_BEACON` or `_DUPLICATE`.
    pub kind: i32,
    /// The session that it announces; 0 for a duplicate.
    pub session: u32,
    /// Start of that session, Unix time; 0 if its event is not known yet.
    pub starts: u64,
}

impl From<Received> for iotchain_received {
    fn from(received: Received) -> Self {
        let (kind, session, starts) = match received {
            Received::Event { session, starts } => (IOTCHAIN_RECEIVED_EVENT, session, Some(starts)),
            Received::Beacon { session, starts } => (IOTCHAIN_RECEIVED_BEACON, session, starts),
            Received::Duplicate => (IOTCHAIN_RECEIVED_DUPLICATE, Session::new(0), None),
        };
        Self {
            kind,
            session: session.get(),
            starts: starts.unwrap_or_default().get(),
        }
    }
}

/// The newest event and session announced so far. It never goes down: a device that keeps it where it cannot be set back knows
/// an old state, and an old broadcast after a boot.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct iotchain_mark {
    /// The epoch of the personal key.
    pub epoch: u32,
    /// Number of the event, 0 before the first.
    pub event: u32,
    /// The session, 0 before the first.
    pub session: u32,
}

impl iotchain_mark {
    /// As Rust sees it.
    pub(crate) const fn read(self) -> HighWater {
        HighWater {
            epoch: self.epoch,
            event: self.event,
            session: Session::new(self.session),
        }
    }
}

impl From<HighWater> for iotchain_mark {
    fn from(mark: HighWater) -> Self {
        Self {
            epoch: mark.epoch,
            event: mark.event,
            session: mark.session.get(),
        }
    }
}

/// `sizeof (struct iotchain_member)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_member_size() -> usize {
    size_of::<iotchain_member>()
}

/// Makes a member of what a verified join response grants. Then hand it the broadcasts that came along
/// (`iotchain_join_response_broadcast`, `iotchain_member_receive`), and, if the response has the personal key of the next epoch,
/// call `iotchain_member_renew` with the same response.
///
/// @param member  room for the member; wipe one that is there before
/// @param response  as it was verified
/// @param storage  room for the personal key, `iotchain_join_info::personal_key_len` bytes. It belongs to the member until that is
///   wiped, or until its epoch is retired; it is wiped then, and also if this call fails
/// @param max_event  longest event that is accepted, in bytes; 0 for 4096
/// @return 0, `IOTCHAIN_ERR_BUFFER` if the storage is too small, `IOTCHAIN_ERR_CAPACITY` for more than `IOTCHAIN_MEMBER_SENDERS`
///   senders or for storage inside the message, which is left alone, `IOTCHAIN_ERR_SCHEME` for a group of another scheme than rsd, or what is wrong with the personal key
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_join(
    member: *mut iotchain_member,
    response: *const iotchain_join_response,
    storage: *mut u8,
    storage_cap: usize,
    max_event: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let Verified { response, message } = unsafe { object::get(response)? };
        let storage = Storage::new(storage, storage_cap);
        storage.check(response.personal_key.len())?;
        storage.check_apart(message)?;
        let max_event = if max_event == 0 {
            DEFAULT_MAX_LEN
        } else {
            max_event
        };
        // SAFETY: the caller's promise; the storage has room, and is apart from the message.
        unsafe {
            object::put(member, || Membership::VACANT)?;
            let personal_key = storage.keep(response.personal_key);
            object::get_mut(member)?
                .join(response, personal_key, max_event)
                .inspect_err(|_| object::wipe(member))?;
        }
        Ok(())
    })
}

/// Takes over what the key server answered when this member asked for its material again, `GET /ace-group/GNAME/nodes/NAME`: the
/// senders of the group, and the personal key of the next epoch, which may have opened in the meantime. A previous epoch that is
/// still held makes room for it.
///
/// @param storage  room for the longer of the two personal keys in the response, not that of a current epoch; it stays untouched
///   if there is no key to take. Two stores taken in turn are enough: that of a previous epoch may be given
/// @param prepared  set to 1 if the next epoch is prepared then, else to 0
/// @return 0; `IOTCHAIN_ERR_GROUP`, `_KID`, `_EPOCH` or `_TYPE` if the response is about another membership or comes more than an
///   epoch late: join again then; `IOTCHAIN_ERR_CAPACITY` for too many senders, or if the storage is in use;
///   `IOTCHAIN_ERR_BUFFER` if the storage is too small; `IOTCHAIN_ERR_EQUIVOCATION` for a second key of the next epoch
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_renew(
    member: *mut iotchain_member,
    response: *const iotchain_join_response,
    storage: *mut u8,
    storage_cap: usize,
    prepared: *mut i32,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, Verified { response, message }, prepared) = unsafe {
            (
                object::get_mut(member)?,
                object::get(response)?,
                result(prepared)?,
            )
        };
        let storage = Storage::new(storage, storage_cap);
        if let Some(next) = member.renewal(response)? {
            storage.check(next.len())?;
            // the storage of a previous epoch is free by the time the key is copied
            storage.check_apart(member.member().current().personal_key().as_bytes())?;
            storage.check_apart(message)?;
        }
        // SAFETY: called only for the key whose room was checked; the rest is the caller's promise.
        let is_prepared = member.renew(response, |next| unsafe { storage.keep(next) })?;
        prepared.write(is_prepared.into());
        Ok(())
    })
}

/// Drops the previous epoch with its keys and wipes the storage of its personal key, once no stored object of it is read any more.
/// Nothing happens if there is none.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_retire(member: *mut iotchain_member) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe { object::get_mut(member)? }.retire();
        Ok(())
    })
}

/// Takes a broadcast in, an event or a beacon, from wherever it came. On failure the member is as before.
///
/// @param message  an event, which is signed, or a beacon
/// @param now  Unix time; 0 if it is not known, which gives up the check that the session has begun
/// @param received  what it was
/// @return 0; `IOTCHAIN_ERR_NEED_EVENT` for a beacon whose event is missing: fetch that (`iotchain_beacon_session`), take it in,
///   then the beacon again; `IOTCHAIN_ERR_BCAST_OLD` for an old one, which is no harm; `IOTCHAIN_ERR_REVOKED_MEMBER` if the key
///   server excluded this member; `IOTCHAIN_ERR_EPOCH` for an epoch whose personal key is missing: renew;
///   `IOTCHAIN_ERR_SIG`, `_BEACON`, `_KID`, `_GROUP`, `_NOT_YET` and the errors 1 to 11 for what is not to be believed
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_receive(
    member: *mut iotchain_member,
    message: *const u8,
    message_len: usize,
    now: u64,
    received: *mut iotchain_received,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, message, out) = unsafe {
            (
                object::get_mut(member)?,
                bytes(message, message_len)?,
                result(received)?,
            )
        };
        out.write(member.receive(message, known(now))?.into());
        Ok(())
    })
}

/// Takes over the position that the key server told over DTLS, or that was persisted before a boot: broadcasts and keys of before
/// are old from then on.
///
/// @return 0; `IOTCHAIN_ERR_EPOCH` for another epoch than those held, `IOTCHAIN_ERR_SESSION_RANGE` beyond the personal key,
///   `IOTCHAIN_ERR_TYPE` for an event without a session or the reverse, `IOTCHAIN_ERR_EQUIVOCATION` for a mark that cannot be true
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_announce(
    member: *mut iotchain_member,
    mark: *const iotchain_mark,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, mark) = unsafe { (object::get_mut(member)?, value(mark)?) };
        Ok(member.announce(mark.read())?)
    })
}

/// Learns the key of another sender, or its new key, beside those that the join response named.
///
/// @param sid  its sender id, 2 or 3 bytes
/// @param subject  its address, 20 bytes
/// @return 0; `IOTCHAIN_ERR_CAPACITY` if `IOTCHAIN_MEMBER_SENDERS` others are known, `IOTCHAIN_ERR_KID` for an id of another length,
///   `IOTCHAIN_ERR_ALG` for a key of another algorithm
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_learn(
    member: *mut iotchain_member,
    sid: *const u8,
    sid_len: usize,
    subject: *const u8,
    key: *const iotchain_public_key,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, sid, subject, key) = unsafe {
            (
                object::get_mut(member)?,
                bytes(sid, sid_len)?,
                array(subject)?,
                value(key)?,
            )
        };
        let sid = Sid::from_slice(sid)?;
        Ok(member.learn(sid, Address::new(*subject), key.read()?)?)
    })
}

/// Forgets a sender whose id was retired: nothing that it signed is accepted any more.
///
/// @param sid  its sender id, 2 or 3 bytes
/// @return 0, also if it was not known; `IOTCHAIN_ERR_KID` for an id of another length
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_forget(
    member: *mut iotchain_member,
    sid: *const u8,
    sid_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, sid) = unsafe { (object::get_mut(member)?, bytes(sid, sid_len)?) };
        member.forget(&Sid::from_slice(sid)?);
        Ok(())
    })
}

/// Ends a member: nothing stays of it, nor of its personal keys in their storage. Zeroed storage is left alone.
///
/// # Safety
/// `member` is null, or points to a member or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_wipe(member: *mut iotchain_member) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(member) }
}

/// The time, unless it is 0.
pub(crate) fn known(now: u64) -> Option<UnixTime> {
    (now != 0).then_some(UnixTime::new(now))
}
