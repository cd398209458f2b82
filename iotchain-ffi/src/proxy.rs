//! What a proxy checks without any key of the group before it stores a signed object (spec 2.8).

use crate::iotchain_err;
use crate::memory::{Outcome, array, bytes, optional_result, outcome, result, value};
use crate::object::{self, object};
use crate::opened::{iotchain_origin, times};
use crate::resource::{iotchain_resource, with_resource};
use crate::sign::iotchain_public_key;
use crate::status::iotchain_policy;
use iotchain::join::Peer;
use iotchain::oscar::{self, Purpose};
use iotchain::{
    Address, AeadAlg, Credentials, Gid, ProxyCheck, ResourceId, Sid, SignAlg, Suite, UnixTime,
};

/// AES-CCM with a tag of 8 bytes (COSE 10).
pub const IOTCHAIN_AES_CCM_16_64_128: i32 = 10;
/// AES-CCM with a tag of 16 bytes (COSE 30).
pub const IOTCHAIN_AES_CCM_16_128_128: i32 = 30;

/// A signed object is the state of a resource, signed by its server.
pub const IOTCHAIN_REPRESENTATION: i32 = 0;
/// A signed object is an order to a server that sleeps, signed by a client.
pub const IOTCHAIN_COMMAND: i32 = 1;

/// How many senders a proxy knows of one group.
pub const IOTCHAIN_PROXY_SENDERS: usize = 8;

/// The check of one group's signed objects. No secret is in it.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_proxy {
    opaque: [u64; 98],
}

object!(iotchain_proxy: Proxy, b"proxy");

/// The Rust value.
///
/// cbindgen:ignore
#[derive(Debug)]
pub(crate) struct Proxy {
    gid: Option<Gid>,
    suite: Suite,
    sid_len: usize,
    senders: Credentials<IOTCHAIN_PROXY_SENDERS>,
    policy: oscar::Policy,
}

impl Proxy {
    const fn check(&self) -> ProxyCheck<'_, Credentials<IOTCHAIN_PROXY_SENDERS>> {
        ProxyCheck {
            gid: self.gid,
            suite: self.suite,
            sid_len: self.sid_len,
            directory: &self.senders,
            policy: self.policy,
        }
    }
}

/// What a group has in common, as far as a proxy is told.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_proxy_group {
    /// The group instance, 4 bytes; null for any.
    pub gid: *const u8,
    /// `IOTCHAIN_AES_CCM_16_64_128` or `IOTCHAIN_AES_CCM_16_128_128`.
    pub aead: i32,
    /// `IOTCHAIN_ES256K` or `IOTCHAIN_ESP256`.
    pub sign: i32,
    /// Length of its sender ids in bytes, 2 or 3.
    pub sid_len: usize,
}

/// A signed object whose signature is right. Its content stays closed to the proxy.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_verified {
    /// Which object it is.
    pub origin: iotchain_origin,
    /// Time of signing, Unix time: keep it for the next check of the resource.
    pub iat: u64,
    /// First instant at which it is no longer valid; 0 if it says none.
    pub exp: u64,
}

/// `sizeof (struct iotchain_proxy)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_proxy_size() -> usize {
    size_of::<iotchain_proxy>()
}

/// Sets the check of a group up. No sender is known yet.
///
/// @param proxy  room for it
/// @param group  what it has in common
/// @param policy  what is tolerated; `max_age` is not looked at. Null for 2048 bytes and 60 seconds
/// @return 0, `IOTCHAIN_ERR_ALG` for other algorithms, `IOTCHAIN_ERR_KID` for another length of sender ids, `IOTCHAIN_ERR_SIZE` for
///   a longest object above 65535 bytes
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proxy_init(
    proxy: *mut iotchain_proxy,
    group: *const iotchain_proxy_group,
    policy: *const iotchain_policy,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (group, policy) = unsafe { (value(group)?, policy.as_ref()) };
        // SAFETY: the caller's promise.
        let gid = unsafe { group.gid.cast::<[u8; 4]>().as_ref() };
        let suite = Suite {
            aead: AeadAlg::from_cose(group.aead.into())?,
            sign: SignAlg::from_cose(group.sign.into())?,
        };
        if !suite.is_allowed() || suite.sign == SignAlg::Ed25519 {
            return Err(iotchain_err::Alg.into());
        }
        if !matches!(group.sid_len, 2 | 3) {
            return Err(iotchain_err::Kid.into());
        }
        let check = Proxy {
            gid: gid.copied().map(Gid::new),
            suite,
            sid_len: group.sid_len,
            senders: Credentials::NONE,
            policy: match policy {
                Some(policy) => policy.read()?,
                None => oscar::Policy::default(),
            },
        };
        // SAFETY: the caller's promise.
        unsafe { object::put(proxy, || check) }
    })
}

/// Learns a sender of the group, or its new key.
///
/// @param sid  sender id, of the length of the group
/// @param subject  address of the resource server, or of the client, 20 bytes
/// @param key  what it signs with
/// @return 0, `IOTCHAIN_ERR_KID` for another length, `IOTCHAIN_ERR_ALG` for a key of another algorithm than the group's,
///   `IOTCHAIN_ERR_CAPACITY` for more than `IOTCHAIN_PROXY_SENDERS`, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proxy_learn(
    proxy: *mut iotchain_proxy,
    sid: *const u8,
    sid_len: usize,
    subject: *const u8,
    key: *const iotchain_public_key,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (proxy, sid, subject, key) = unsafe {
            (
                object::get_mut(proxy)?,
                bytes(sid, sid_len)?,
                Address::new(*array(subject)?),
                value(key)?.read()?,
            )
        };
        let sid = Sid::from_slice(sid)?;
        if sid_len != proxy.sid_len {
            return Err(iotchain_err::Kid.into());
        }
        if key.alg() != proxy.suite.sign {
            return Err(iotchain_err::Alg.into());
        }
        Ok(proxy.senders.insert(Peer { sid, subject, key })?)
    })
}

/// Forgets a sender that was retired: nothing that it signed is stored any more.
///
/// @return 0, whether it was known or not; `IOTCHAIN_ERR_KID` for another length than 2 or 3, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proxy_forget(
    proxy: *mut iotchain_proxy,
    sid: *const u8,
    sid_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (proxy, sid) = unsafe { (object::get_mut(proxy)?, bytes(sid, sid_len)?) };
        proxy.senders.remove(&Sid::from_slice(sid)?);
        Ok(())
    })
}

/// Checks a signed object before it replaces the one that is stored. Store and serve the bytes as they came.
///
/// @param object  the payload
/// @param resource  the resource at its server, not at the proxy
/// @param purpose  `IOTCHAIN_REPRESENTATION` or `IOTCHAIN_COMMAND`
/// @param now  Unix time
/// @param stored_iat  time of signing of the object held so far; 0 for none
/// @param verified  what is known of it, or null
/// @return 0; `IOTCHAIN_ERR_SIG_REQUIRED` for an unsigned object, `IOTCHAIN_ERR_SIGNER` unless the sender may sign for the resource,
///   `IOTCHAIN_ERR_STALE`, `IOTCHAIN_ERR_ROLLBACK` unless it was signed after `stored_iat`, `IOTCHAIN_ERR_SIG`, `IOTCHAIN_ERR_TYPE`
///   for another purpose, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and the errors of format 1 to 27
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proxy_check(
    proxy: *const iotchain_proxy,
    object: *const u8,
    object_len: usize,
    resource: *const iotchain_resource,
    purpose: i32,
    now: u64,
    stored_iat: u64,
    verified: *mut iotchain_verified,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (proxy, object) = unsafe { (object::get(proxy)?, bytes(object, object_len)?) };
        let purpose = self::purpose(purpose)?;
        let stored = (stored_iat != 0).then(|| UnixTime::new(stored_iat));
        let check = |resource: &ResourceId<'_>| {
            Ok(proxy
                .check()
                .check(object, resource, purpose, UnixTime::new(now), stored)?)
        };
        // SAFETY: the caller's promise.
        let known = unsafe { with_resource(resource, check)? };
        // SAFETY: the caller's promise.
        if let Some(out) = unsafe { optional_result(verified) } {
            let (iat, exp) = times(Some(known.claims));
            let origin = iotchain_origin::of(known.session, &known.kid, known.piv);
            out.write(iotchain_verified { origin, iat, exp });
        }
        Ok(())
    })
}

/// Judges two signed objects of one resource: whoever signs two different ones under one number is caught by them. Times are not
/// looked at.
///
/// A member that gets `IOTCHAIN_ERR_EQUIVOCATION` has such a pair if it keeps the bytes of the object that it accepted last.
///
/// @param first, second  the two objects
/// @param resource  the resource at its server
/// @param purpose  `IOTCHAIN_REPRESENTATION` or `IOTCHAIN_COMMAND`
/// @param contradicts  1 if they contradict each other, else 0
/// @param origin  what was signed twice, or null; left alone unless they contradict each other
/// @return 0, and as `iotchain_proxy_check` up to `IOTCHAIN_ERR_SIGNER` and `IOTCHAIN_ERR_SIG`: what is not signed proves nothing
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proxy_contradiction(
    proxy: *const iotchain_proxy,
    first: *const u8,
    first_len: usize,
    second: *const u8,
    second_len: usize,
    resource: *const iotchain_resource,
    purpose: i32,
    contradicts: *mut i32,
    origin: *mut iotchain_origin,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (proxy, objects, out) = unsafe {
            (
                object::get(proxy)?,
                [bytes(first, first_len)?, bytes(second, second_len)?],
                result(contradicts)?,
            )
        };
        let purpose = self::purpose(purpose)?;
        let judge = |resource: &ResourceId<'_>| {
            Ok(proxy.check().contradiction(objects, resource, purpose)?)
        };
        // SAFETY: the caller's promise.
        let (evidence, origin) =
            unsafe { (with_resource(resource, judge)?, optional_result(origin)) };
        out.write(evidence.is_some().into());
        if let (Some(twice), Some(origin)) = (evidence, origin) {
            origin.write(iotchain_origin::of(twice.session, &twice.kid, twice.piv));
        }
        Ok(())
    })
}

fn purpose(purpose: i32) -> Outcome<Purpose> {
    match purpose {
        IOTCHAIN_REPRESENTATION => Ok(Purpose::Representation),
        IOTCHAIN_COMMAND => Ok(Purpose::Command),
        _ => Err(iotchain_err::Type.into()),
    }
}

/// Ends a check. Zeroed storage is left alone.
///
/// # Safety
/// `proxy` is null, or points to a check or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proxy_wipe(proxy: *mut iotchain_proxy) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(proxy) }
}
