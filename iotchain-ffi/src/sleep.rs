//! A member over a deep sleep, in which its memory is off.
//!
//! ```text
//! once per epoch    iotchain_member_personal_key --> protected flash     it does not change
//! before the sleep  iotchain_member_sleep        --> flash               iotchain_member_mark --> where it cannot be set back
//! after the sleep   iotchain_member_wake         <-- all three
//! ```

use crate::iotchain_err;
use crate::member::{Member, iotchain_mark, iotchain_member};
use crate::memory::{array, bytes_mut, copied, outcome, written};
use crate::object;
use crate::personal_key::{PersonalKeyStore, Storage};
use crate::random::{iotchain_rng, rng};
use iotchain::{Membership, Secret};

/// Room for every sealed state of a member.
pub const IOTCHAIN_MEMBER_STATE_MAX: usize = 4096;

/// Writes a personal key that the member holds, to be kept in protected flash: it is secret, and does not change as long as its epoch
/// lasts. A member that sleeps needs it on waking, all that it holds by then.
///
/// @param index  0, or 1 for that of the later epoch while two are held
/// @return 0, `IOTCHAIN_ERR_TYPE` if none of this index is held, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_personal_key(
    member: *const iotchain_member,
    index: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let keys = unsafe { object::get(member)? }.member();
        let held = [keys.previous(), Some(keys.current()), keys.next()];
        let held = held.into_iter().flatten().nth(index);
        let key = held.ok_or(iotchain_err::Type)?.personal_key();
        // SAFETY: the caller's promise.
        unsafe { written((out, out_cap), out_len, |out| copied(out, key.as_bytes())) }
    })
}

/// Seals what the member is and what it learnt, for flash. Afterwards the memory may go off; a member that stays is not changed.
///
/// @param key  16 bytes of the device's own, random and the same on every wake; nobody else knows them
/// @param random  for the nonce
/// @param out  room for at most `IOTCHAIN_MEMBER_STATE_MAX` bytes; one event held costs 100
/// @return 0, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_RANDOM`, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_sleep(
    member: *const iotchain_member,
    key: *const u8,
    random: *const iotchain_rng,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let (member, key) = (object::get(member)?, Secret::new(*array(key)?));
            let mut random = rng(random)?;
            written((out, out_cap), out_len, |out| {
                Ok(member.seal_state(&key, &mut random, out)?)
            })
        }
    })
}

/// Makes the member that was sealed: it goes on as if it had never slept. Sender contexts begin anew (`iotchain_sender_init`), and so do
/// policy and counts of failed openings.
///
/// @param member  room for the member; wipe one that is there before
/// @param storage  a personal key that was held, as `iotchain_member_personal_key` gave it. The storage belongs to the member from
///   then on, as in `iotchain_member_join`; it is wiped if this call fails
/// @param other  the other personal key, in storage of its own, if two were held, in any order; otherwise NULL, with length 0
/// @param key  the key of `iotchain_member_sleep`
/// @param sealed  the sealed state; it is opened in place and wiped
/// @param oldest  a state before this mark is refused; NULL gives that up
/// @return 0; `IOTCHAIN_ERR_AEAD` for a state that is damaged, of another key or with other personal keys,
///   `IOTCHAIN_ERR_VERSION` for one of another library, `IOTCHAIN_ERR_ROLLBACK` for one older than `oldest`: join again then;
///   `IOTCHAIN_ERR_EPOCH` or `IOTCHAIN_ERR_GROUP` for personal keys that do not belong together; `IOTCHAIN_ERR_CAPACITY` if two of
///   the buffers overlap, which are left alone then
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_wake(
    member: *mut iotchain_member,
    storage: *mut u8,
    storage_len: usize,
    other: *mut u8,
    other_len: usize,
    key: *const u8,
    sealed: *mut u8,
    sealed_len: usize,
    oldest: *const iotchain_mark,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let key = Secret::new(*array(key)?);
            let (first, second) = (
                Storage::new(storage, storage_len),
                Storage::new(other, other_len),
            );
            first.check_distinct(sealed, sealed_len)?;
            if !other.is_null() {
                second.check_distinct(sealed, sealed_len)?;
                second.check_distinct(storage, storage_len)?;
            }
            let sealed = bytes_mut(sealed, sealed_len)?;
            let oldest = oldest.as_ref().copied().unwrap_or_default().read();
            let own = PersonalKeyStore::held((storage, storage_len))?;
            let other = match other.is_null() {
                true => None,
                false => Some(PersonalKeyStore::held((other, other_len))?),
            };
            object::put(member, || Membership::VACANT)?;
            let value: &mut Member = object::get_mut(member)?;
            Ok(value
                .wake(own, other, &key, sealed, oldest)
                .inspect_err(|_| object::wipe(member))?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_states_the_room_of_a_state() {
        let needed = Member::MAX_STATE_LEN;
        assert!(needed <= IOTCHAIN_MEMBER_STATE_MAX, "{needed}");
    }
}
