//! What a main loop asks a member: sessions and their times, keys, marks.

use crate::iotchain_err;
use crate::member::{iotchain_mark, iotchain_member};
use crate::memory::{Outcome, bytes, copied, outcome, result, value, written};
use crate::object;
use iotchain::oscar;
use iotchain::{Session, UnixTime};

/// Where a member stands.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_status {
    /// Start of the newest session, Unix time; 0 while it is not known.
    pub starts: u64,
    /// Its planned end; 0 while it is not known. When that has passed and no broadcast came, ask the key server.
    pub ends: u64,
    /// The newest session that a broadcast announced; 0 before the first.
    pub newest: u32,
    /// The session to seal in; 0 if none is in force.
    pub sealable: u32,
    /// The epoch in use.
    pub epoch: u32,
    /// Its last session. The personal key of the next epoch should be there before (`iotchain_member_renew`).
    pub last: u32,
    /// Whether the next epoch is prepared.
    pub next_prepared: i32,
    /// Whether the previous epoch is still held, see `iotchain_member_retire`.
    pub previous_held: i32,
}

/// Tells where the member stands at `now`.
///
/// @param now  Unix time
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_status(
    member: *const iotchain_member,
    now: u64,
    status: *mut iotchain_status,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, out) = unsafe { (object::get(member)?, result(status)?) };
        let keys = member.member();
        let time = |time: Option<UnixTime>| time.unwrap_or_default().get();
        let number = |session: Option<Session>| session.map_or(0, Session::get);
        let newest = keys.newest();
        let own = keys.current().personal_key();
        out.write(iotchain_status {
            starts: time(newest.and_then(|newest| keys.starts(newest))),
            ends: time(newest.and_then(|newest| keys.ends(newest))),
            newest: number(newest),
            sealable: number(member.may_seal(UnixTime::new(now))),
            epoch: own.epoch(),
            last: own.last().get(),
            next_prepared: keys.next().is_some().into(),
            previous_held: keys.previous().is_some().into(),
        });
        Ok(())
    })
}

/// Whether a direct response or a request under the keys of `session` may be opened at `now`. The functions that open objects ask
/// this themselves.
///
/// @return 0; `IOTCHAIN_ERR_SESSION_EXPIRED` after its end, `IOTCHAIN_ERR_NOT_ANNOUNCED` before its announcement,
///   `IOTCHAIN_ERR_NEED_EVENT` while its times are not known
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_may_open(
    member: *const iotchain_member,
    session: u32,
    now: u64,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let member = unsafe { object::get(member)? };
        let (session, now) = (Session::new(session), UnixTime::new(now));
        Ok(member.member().may_open(session, now)?)
    })
}

/// The group key K_j of a session, 16 bytes, for a use of your own. Derive your keys from it by a hash with a label of your own, so
/// that they never meet those of the objects. Sessions of which no broadcast came are healed.
///
/// @param key  room for 16 bytes; wipe it after use
/// @return 0; `IOTCHAIN_ERR_NOT_ANNOUNCED`, `_SESSION_RANGE`, `_NEED_EVENT` or `_REVOKED_MEMBER` for a session whose key is not to be had
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_key(
    member: *const iotchain_member,
    session: u32,
    key: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, out) = unsafe { (object::get(member)?, result(key.cast::<[u8; 16]>())?) };
        out.write(*member.member().key(Session::new(session))?.expose());
        Ok(())
    })
}

/// Start and planned end of a session, Unix times; 0 for what is not known.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_times(
    member: *const iotchain_member,
    session: u32,
    starts: *mut u64,
    ends: *mut u64,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, starts, ends) =
            unsafe { (object::get(member)?, result(starts)?, result(ends)?) };
        let (keys, session) = (member.member(), Session::new(session));
        starts.write(keys.starts(session).unwrap_or_default().get());
        ends.write(keys.ends(session).unwrap_or_default().get());
        Ok(())
    })
}

/// The newest event and session announced so far. Keep it where it cannot be set back: it goes to `iotchain_member_announce` after
/// a join, and to `iotchain_member_wake` after a sleep.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_mark(
    member: *const iotchain_member,
    mark: *mut iotchain_mark,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, out) = unsafe { (object::get(member)?, result(mark)?) };
        out.write(member.member().high_water().into());
        Ok(())
    })
}

/// The group id, 4 bytes.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_gid(
    member: *const iotchain_member,
    gid: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, out) = unsafe { (object::get(member)?, result(gid.cast::<[u8; 4]>())?) };
        out.write(*member.group().gid.as_bytes());
        Ok(())
    })
}

/// The own sender id, 2 or 3 bytes.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`, `IOTCHAIN_ERR_BUFFER`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_sid(
    member: *const iotchain_member,
    sid: *mut u8,
    sid_cap: usize,
    sid_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let member = object::get(member)?;
            written((sid, sid_cap), sid_len, |out| {
                copied(out, member.sid().as_bytes())
            })
        }
    })
}

/// What is tolerated of objects.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_policy {
    /// How far the clock of a signer may be ahead, seconds. 60 unless it is set.
    pub skew: u64,
    /// Oldest age of the first signed object of a resource, seconds. 86400 unless it is set.
    pub max_age: u64,
    /// Longest object in bytes, at most 65535. 2048 unless it is set.
    pub max_object: usize,
}

impl iotchain_policy {
    /// As Rust sees it: `IOTCHAIN_ERR_SIZE` for a longest object above 65535 bytes.
    pub(crate) fn read(&self) -> Outcome<oscar::Policy> {
        if self.max_object > oscar::MAX_OBJECT_LIMIT {
            return Err(iotchain_err::Size.into());
        }
        Ok(oscar::Policy {
            max_object: self.max_object,
            skew: self.skew,
            max_age: self.max_age,
        })
    }
}

/// Sets what is tolerated of objects from then on. It is not part of the state that survives a sleep.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`, `IOTCHAIN_ERR_SIZE` for a longest object above 65535 bytes
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_set_policy(
    member: *mut iotchain_member,
    policy: *const iotchain_policy,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, policy) = unsafe { (object::get_mut(member)?, value(policy)?) };
        member.set_policy(policy.read()?);
        Ok(())
    })
}

/// The session that a beacon claims to announce. Nothing of it is verified: it only says which event to ask for
/// (`GET /ace-group/GNAME/bc?j=SESSION`) after `IOTCHAIN_ERR_NEED_EVENT`.
///
/// @return 0; `IOTCHAIN_ERR_VERSION` for another message, `IOTCHAIN_ERR_TYPE` and the errors 1 to 11 for what is no beacon
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_beacon_session(
    message: *const u8,
    message_len: usize,
    session: *mut u32,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (message, out) = unsafe { (bytes(message, message_len)?, result(session)?) };
        out.write(iotchain::selfheal::rsd::beacon_session(message)?.get());
        Ok(())
    })
}
