//! The join response, verified: everything that a device needs to take part (spec 4.3).

use crate::iotchain_err;
use crate::memory::{array, bytes, outcome, result};
use crate::object::{self, object};
use core::ffi::c_char;
use core::ptr;
use iotchain::core::BootSalt;
use iotchain::join::{AccessResponse, JoinResponse, ServerAccess};
use iotchain::{Address, Thumbprint};

/// A join response whose key server proved its key. It reads in the message, which has to stay where it is and unchanged until the
/// response is wiped. The message has keys in it: wipe it afterwards.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_join_response {
    opaque: [u64; 60],
}

object!(iotchain_join_response: Verified, b"joined");

/// The Rust value.
///
/// cbindgen:ignore
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) response: JoinResponse<'static>,
    /// What it reads in.
    pub(crate) message: &'static [u8],
}

/// What a join response says beside keys and senders.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_join_info {
    /// Unix time at the key server when it answered: a clock for a device that has none.
    pub key_server_time: u64,
    /// End of membership, Unix time.
    pub expires_at: u64,
    /// How often to ask for the current session, seconds.
    pub check_interval: u64,
    /// Grace after the end of membership, seconds.
    pub expiration_delta: u64,
    /// The current session.
    pub session: u32,
    /// In how many sessions at the end of an epoch the personal key of the next one can be had; 0 if it never can.
    pub pre_issue: u32,
    /// Length of the personal key in bytes: the storage that `iotchain_member_join` needs.
    pub personal_key_len: usize,
    /// Length of the personal key of the next epoch; 0 if it is not here yet.
    pub next_personal_key_len: usize,
    /// Broadcasts that came along, at most 2.
    pub broadcasts: usize,
    /// Access keys of a client, one for each resource server.
    pub access_keys: usize,
    /// Where broadcasts are multicast to: `control_uri_len` bytes of UTF-8 inside the message, with no zero byte at the end; NULL if
    /// they are not.
    pub control_uri: *const c_char,
    /// Its length in bytes.
    pub control_uri_len: usize,
    /// Boot salt, if the key server assigned one.
    pub boot_salt: [u8; 4],
    /// Its length in bytes, 1 to 4; 0 if there is none.
    pub boot_salt_len: usize,
}

/// `sizeof (struct iotchain_join_response)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_join_response_size() -> usize {
    size_of::<iotchain_join_response>()
}

/// Reads a join response, or the answer to `GET /ace-group/GNAME/nodes/NAME`, and verifies that the key server holds its key and
/// answered this request.
///
/// @param response  room for the response
/// @param message  the payload of a success, at most 8192 bytes
/// @param cnonce  N_C of the join request
/// @param key_server  thumbprint of the key server's key, 32 bytes, from `iotchain_transfer_response` or pinned before
/// @return 0; `IOTCHAIN_ERR_KID` for another key server, `IOTCHAIN_ERR_SIG` if its proof is not over these nonces; `IOTCHAIN_ERR_TYPE`,
///   `_SCHEME`, `_ALG`, `_GROUP`, `_EPOCH`, `_HEADER`, `_SIZE` and the errors 1 to 11 for what is no join response
///
/// # Safety
/// The pointers are as described; `message` stays unchanged until the response is wiped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_join_response_verify(
    response: *mut iotchain_join_response,
    message: *const u8,
    message_len: usize,
    cnonce: *const u8,
    cnonce_len: usize,
    key_server: *const u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (message, cnonce, key_server) = unsafe {
            (
                bytes(message, message_len)?,
                bytes(cnonce, cnonce_len)?,
                Thumbprint::new(*array(key_server)?),
            )
        };
        let value = JoinResponse::parse(message)?.verify(cnonce, &key_server)?;
        let verified = || Verified {
            response: value,
            message,
        };
        // SAFETY: the caller's promise.
        unsafe { object::put(response, verified) }
    })
}

/// What the response says beside keys and senders.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_join_response_info(
    response: *const iotchain_join_response,
    info: *mut iotchain_join_info,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (response, out) = unsafe { (&object::get(response)?.response, result(info)?) };
        let policies = response.policies.unwrap_or_default();
        let key_map = &response.key_map;
        let salt = key_map.boot_salt.unwrap_or(BootSalt::NONE);
        let mut boot_salt = [0; 4];
        for (to, from) in boot_salt.iter_mut().zip(salt.as_bytes()) {
            *to = *from;
        }
        out.write(iotchain_join_info {
            key_server_time: response.key_server_time().get(),
            expires_at: response.expires_at.get(),
            check_interval: policies.check_interval,
            expiration_delta: policies.expiration_delta,
            session: response.session.get(),
            pre_issue: policies.pre_issue,
            personal_key_len: response.personal_key.len(),
            next_personal_key_len: response.next_personal_key.map_or(0, <[u8]>::len),
            broadcasts: response.broadcasts.len(),
            access_keys: key_map.access_keys.map_or(0, |keys| keys.len()),
            control_uri: response
                .control_uri
                .map_or(ptr::null(), |uri| uri.as_ptr().cast()),
            control_uri_len: response.control_uri.map_or(0, str::len),
            boot_salt,
            boot_salt_len: salt.as_bytes().len(),
        });
        Ok(())
    })
}

/// A broadcast that came along, for `iotchain_member_receive`: event first, then beacon.
///
/// @param index  from 0 to below `iotchain_join_info::broadcasts`
/// @param broadcast  set to its place inside the message
/// @param broadcast_len  set to its length
/// @return 0, `IOTCHAIN_ERR_TYPE` if there is none of this index, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_join_response_broadcast(
    response: *const iotchain_join_response,
    index: usize,
    broadcast: *mut *const u8,
    broadcast_len: *mut usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (response, out, len) = unsafe {
            (
                &object::get(response)?.response,
                result(broadcast)?,
                result(broadcast_len)?,
            )
        };
        let message = response.broadcasts.iter().nth(index);
        let message = message.ok_or(iotchain_err::Type)?;
        out.write(message.as_ptr());
        len.write(message.len());
        Ok(())
    })
}

/// An access key of a client, AK, for pairwise requests to one resource server.
///
/// @param index  from 0 to below `iotchain_join_info::access_keys`
/// @param rs  room for the address of the resource server, 20 bytes
/// @param key  room for 32 bytes; wipe them after use
/// @return 0, `IOTCHAIN_ERR_TYPE` if there is none of this index, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_join_response_access_key(
    response: *const iotchain_join_response,
    index: usize,
    rs: *mut u8,
    key: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (response, rs, key) = unsafe {
            (
                &object::get(response)?.response,
                result(rs.cast::<[u8; 20]>())?,
                result(key.cast::<[u8; 32]>())?,
            )
        };
        let mut keys = response.key_map.access_keys.into_iter().flatten();
        let access = keys.nth(index).ok_or(iotchain_err::Type)?;
        rs.write(*access.rs.as_bytes());
        key.write(*access.key.expose());
        Ok(())
    })
}

/// The secret of a resource server, RSK, from which it derives the access keys of its clients.
///
/// @param secret  room for 32 bytes; wipe them after use
/// @return 0, `IOTCHAIN_ERR_TYPE` for a client, which has none, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_join_response_server_secret(
    response: *const iotchain_join_response,
    secret: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (response, out) = unsafe {
            (
                &object::get(response)?.response,
                result(secret.cast::<[u8; 32]>())?,
            )
        };
        let secret = response.key_map.server_secret.as_ref();
        out.write(*secret.ok_or(iotchain_err::Type)?.expose());
        Ok(())
    })
}

/// Ends a response, so that its message is free. Zeroed storage is left alone.
///
/// # Safety
/// `response` is null, or points to a response or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_join_response_wipe(response: *mut iotchain_join_response) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(response) }
}

/// Finds an access key in the answer to `GET /ace-group/GNAME/ak?rs=HEX40`, by which a member asks for one more resource server.
///
/// @param rs  address of the resource server, 20 bytes
/// @param key  room for 32 bytes; wipe them after use
/// @return 0; `IOTCHAIN_ERR_AUDIENCE` if the key is for another resource server, `IOTCHAIN_ERR_TYPE` and the errors 1 to 11 for
///   another message
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_access_response_key(
    message: *const u8,
    message_len: usize,
    rs: *const u8,
    key: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (message, rs, out) = unsafe {
            (
                bytes(message, message_len)?,
                Address::new(*array(rs)?),
                result(key.cast::<[u8; 32]>())?,
            )
        };
        let mut keys = AccessResponse::parse(message)?.access_keys.into_iter();
        let access = keys.find(|access: &ServerAccess| access.rs == rs);
        out.write(*access.ok_or(iotchain_err::Audience)?.key.expose());
        Ok(())
    })
}
