//! A request and the direct responses to it (spec 2.7).

use crate::iotchain_err;
use crate::memory::{bytes, outcome, result};
use crate::object::{self, object};
use crate::random::{iotchain_rng, rng};
use iotchain::Exchange;

/// Longest Token of a request in bytes, and the recommended length.
pub const IOTCHAIN_MAX_TOKEN: usize = 8;

/// The Token of one request, and what was accepted under it so far. Keep one for each outstanding request and for each observation,
/// with the endpoint that was asked.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_exchange {
    opaque: [u64; 8],
}

object!(iotchain_exchange: Exchange, b"exchange");

/// `sizeof (struct iotchain_exchange)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_exchange_size() -> usize {
    size_of::<iotchain_exchange>()
}

/// For a request whose Token the CoAP stack has chosen. It must be unpredictable: a GET is not authenticated, so whoever guesses
/// a Token can fetch a response in advance and play it later.
///
/// @param exchange  room for it
/// @param token  4 to 8 bytes
/// @return 0, `IOTCHAIN_ERR_BINDING` for another length
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_exchange_init(
    exchange: *mut iotchain_exchange,
    token: *const u8,
    token_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let value = Exchange::new(unsafe { bytes(token, token_len)? })?;
        // SAFETY: the caller's promise.
        unsafe { object::put(exchange, || value) }
    })
}

/// For a request to come, with a fresh Token of 8 bytes.
///
/// @param exchange  room for it
/// @param random  where the Token comes from
/// @param token  room for the 8 bytes to send
/// @return 0, `IOTCHAIN_ERR_RANDOM` if the source fails
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_exchange_begin(
    exchange: *mut iotchain_exchange,
    random: *const iotchain_rng,
    token: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (mut random, out) = unsafe {
            (
                rng(random)?,
                result(token.cast::<[u8; IOTCHAIN_MAX_TOKEN]>())?,
            )
        };
        let value = Exchange::random(&mut random)?;
        let token = *value.token().first_chunk().ok_or(iotchain_err::Binding)?;
        // SAFETY: the caller's promise.
        unsafe { object::put(exchange, || value)? };
        out.write(token);
        Ok(())
    })
}

/// Ends an exchange. Zeroed storage is left alone.
///
/// # Safety
/// `exchange` is null, or points to an exchange or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_exchange_wipe(exchange: *mut iotchain_exchange) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(exchange) }
}
