//! The clients of a resource server: whose requests are fresh, and the one response to each (spec 2.7, 2.9).
//!
//! ```text
//! PUT, object              --> iotchain_member_open_request --> IOTCHAIN_ERR_ECHO
//!                          <-- 4.01, Echo of iotchain_clients_challenge
//! PUT, Echo, object        --> iotchain_member_open_request --> plaintext, iotchain_reply
//!                          <-- 2.04, object of iotchain_reply_seal
//! ```

use crate::iotchain_err;
use crate::member::iotchain_member;
use crate::memory::{array, bytes, outcome, result, value};
use crate::object::{self, object};
use crate::open::opening;
use crate::opened::iotchain_opened;
use crate::random::{iotchain_rng, rng};
use crate::reply::iotchain_reply;
use crate::resource::iotchain_resource;
use iotchain::oscar::{Clients, EchoRule, Uptime};
use iotchain::{EchoKey, Error, Method, PairContexts, Secret, Sid, UnixTime};

/// How many clients may have sent a request within the lifetime of an Echo.
pub const IOTCHAIN_CLIENTS: usize = 8;
/// How many retired senders are refused by name.
pub const IOTCHAIN_CLIENTS_RETIRED: usize = 16;
/// Length of an Echo value that the library issues, in bytes.
pub const IOTCHAIN_ECHO: usize = 12;

/// What a resource server knows of its clients in one boot. It has secrets in it: `iotchain_clients_wipe` wipes them.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_clients {
    opaque: [u64; 62],
}

object!(iotchain_clients: Known, b"clients");

/// The Rust value.
///
/// cbindgen:ignore
#[derive(Debug)]
pub(crate) struct Known {
    secret: Secret<32>,
    /// [`Sid::NONE`] where there is none.
    retired: [Sid; IOTCHAIN_CLIENTS_RETIRED],
    contexts: PairContexts<IOTCHAIN_CLIENTS>,
    echo: EchoKey,
}

/// A request as it reached the resource server, beside its payload.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_request {
    /// CoAP code: 2 POST, 3 PUT, 5 FETCH, 6 PATCH, 7 iPATCH.
    pub method: u8,
    /// 1 if the resource demands that every request carries an Echo, 0 if the first one of a client is enough.
    pub every_echo: u8,
    /// Value of the Echo option; null if there is none.
    pub echo: *const u8,
    /// Its length in bytes.
    pub echo_len: usize,
    /// Whom it came from: address and port, in any form that stays the same.
    pub endpoint: *const u8,
    /// Length of that in bytes.
    pub endpoint_len: usize,
    /// Seconds since boot, of a clock that never goes back.
    pub uptime: u32,
    /// Unix time.
    pub now: u64,
}

/// `sizeof (struct iotchain_clients)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_clients_size() -> usize {
    size_of::<iotchain_clients>()
}

/// No client is known, as after a boot, and after the key server changed RSK.
///
/// @param clients  room for it
/// @param server_secret  RSK of the join response, 32 bytes (`iotchain_join_response_server_secret`)
/// @param random  where the key of the Echo values comes from
/// @param echo_lifetime  how long an Echo value is valid, seconds; 0 for 10
/// @return 0, `IOTCHAIN_ERR_RANDOM` if the source fails
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_clients_init(
    clients: *mut iotchain_clients,
    server_secret: *const u8,
    random: *const iotchain_rng,
    echo_lifetime: u32,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (secret, mut random) = unsafe { (array(server_secret)?, rng(random)?) };
        let lifetime = match echo_lifetime {
            0 => EchoKey::LIFETIME,
            seconds => seconds,
        };
        let echo = EchoKey::random(&mut random)?.with_lifetime(lifetime);
        let known = || Known {
            secret: Secret::new(*secret),
            retired: [Sid::NONE; IOTCHAIN_CLIENTS_RETIRED],
            contexts: PairContexts::new(),
            echo,
        };
        // SAFETY: the caller's promise.
        unsafe { object::put(clients, known) }
    })
}

/// Refuses a sender id from then on, because the key server retired it without a change of RSK.
///
/// @param sid  2 or 3 bytes
/// @return 0, `IOTCHAIN_ERR_KID` for another length, `IOTCHAIN_ERR_CAPACITY` above `IOTCHAIN_CLIENTS_RETIRED`: have the key server
///   change RSK by joining again, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_clients_retire(
    clients: *mut iotchain_clients,
    sid: *const u8,
    sid_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (clients, sid) = unsafe { (object::get_mut(clients)?, bytes(sid, sid_len)?) };
        let sid = Sid::from_slice(sid)?;
        let place = |place: &&mut Sid| **place == sid || **place == Sid::NONE;
        let place = clients.retired.iter_mut().find(place);
        *place.ok_or(Error::Capacity)? = sid;
        Ok(())
    })
}

/// The Echo value to challenge a client with, in a 4.01 after `IOTCHAIN_ERR_ECHO`. Nothing is kept of it.
///
/// @param endpoint  whom the request came from, as in `iotchain_request`
/// @param uptime  seconds since boot
/// @param echo  room for `IOTCHAIN_ECHO` bytes
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_clients_challenge(
    clients: *const iotchain_clients,
    endpoint: *const u8,
    endpoint_len: usize,
    uptime: u32,
    echo: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (clients, endpoint, out) = unsafe {
            (
                object::get(clients)?,
                bytes(endpoint, endpoint_len)?,
                result(echo.cast::<[u8; IOTCHAIN_ECHO]>())?,
            )
        };
        out.write(clients.echo.issue(endpoint, Uptime::new(uptime)));
        Ok(())
    })
}

/// Opens the object in a request of one client, each once. Carry the request out, then answer with `iotchain_reply_seal`; a
/// retransmission of the request gets the same bytes again.
///
/// @param resource  the resource at this server
/// @param clients  who is known so far
/// @param request  how it came
/// @param object  the payload
/// @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
///   left alone then, after that it is gone
/// @param out_len  length of the plaintext
/// @param opened  what is known of the object, or null
/// @param reply  room for the right to answer
/// @return 0; `IOTCHAIN_ERR_ECHO`: challenge the client; `IOTCHAIN_ERR_SESSION`, `IOTCHAIN_ERR_SESSION_EXPIRED`,
///   `IOTCHAIN_ERR_SIGNER` for a sender that is retired or no client, `IOTCHAIN_ERR_REPLAY`, `IOTCHAIN_ERR_CAPACITY` while
///   `IOTCHAIN_CLIENTS` others have just sent requests, `IOTCHAIN_ERR_FORGERY_LIMIT`, `IOTCHAIN_ERR_AEAD`,
///   `IOTCHAIN_ERR_FORBIDDEN` if the client has not the right to the method, `IOTCHAIN_ERR_MODE` for a code that is no such method,
///   `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and the errors of format 1 to 27. No plaintext is in `out` then, and, but for
///   `IOTCHAIN_ERR_FORBIDDEN`, the request may come again
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_member_open_request(
    member: *mut iotchain_member,
    resource: *const iotchain_resource,
    clients: *mut iotchain_clients,
    request: *const iotchain_request,
    object: *const u8,
    object_len: usize,
    out: *mut u8,
    out_cap: usize,
    out_len: *mut usize,
    opened: *mut iotchain_opened,
    reply: *mut iotchain_reply,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (member, known, request) = unsafe {
            (
                object::get_mut(member)?,
                object::get_mut(clients)?,
                value(request)?,
            )
        };
        // SAFETY: the caller's promise.
        let (endpoint, option) = unsafe {
            (
                bytes(request.endpoint, request.endpoint_len)?,
                bytes(request.echo, request.echo_len)?,
            )
        };
        let method = Method::from_code(request.method).ok_or(iotchain_err::Mode)?;
        if reply.is_null() {
            return Err(iotchain_err::NullArgument.into());
        }
        let uptime = Uptime::new(request.uptime);
        let option = (!request.echo.is_null()).then_some(option);
        let echo = known.echo.judge(option, endpoint, uptime);
        let mut clients = Clients {
            secret: &known.secret,
            retired: &known.retired,
            contexts: &mut known.contexts,
            rule: match request.every_echo {
                0 => EchoRule::First,
                _ => EchoRule::Every,
            },
            now: uptime,
        };
        let of = ((object, object_len), (out, out_cap), out_len, opened);
        // SAFETY: the caller's promise.
        unsafe {
            opening(resource, of, |resource, object, out| {
                let now = UnixTime::new(request.now);
                let (opened, right) =
                    member.open_request(object, resource, method, echo, &mut clients, now, out)?;
                object::put(reply, || right)?;
                Ok(opened)
            })
        }
    })
}

/// Forgets all clients, with RSK. Zeroed storage is left alone.
///
/// # Safety
/// `clients` is null, or points to such a memory or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_clients_wipe(clients: *mut iotchain_clients) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(clients) }
}
