//! The calls that the `openssl` crate does not wrap. All `unsafe` of this crate is in this file.

use foreign_types::ForeignTypeRef;
use openssl::{
    error::ErrorStack,
    ssl::{SslRef, SslStream},
};
use std::{
    ffi::{c_int, c_long, c_void},
    ptr::{self, NonNull},
    time::Duration,
};

/// `DTLS_CTRL_GET_TIMEOUT` (openssl/ssl.h).
const GET_TIMEOUT: c_int = 73;
/// `DTLS_CTRL_HANDLE_TIMEOUT` (openssl/ssl.h).
const HANDLE_TIMEOUT: c_int = 74;
/// `SSL_CTRL_GET_EXTMS_SUPPORT` (openssl/ssl.h).
const GET_EXTMS_SUPPORT: c_int = 122;

unsafe extern "C" {
    fn DTLSv1_listen(ssl: *mut openssl_sys::SSL, client: *mut c_void) -> c_int;
    fn BIO_ADDR_new() -> *mut c_void;
    fn BIO_ADDR_free(address: *mut c_void);
}

/// What a stateless listen made of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listened {
    /// A ClientHello with a valid cookie: this very object carries the handshake on.
    Verified,
    /// Answered with a HelloVerifyRequest, or not a ClientHello; nothing is kept.
    Nothing,
    /// The object is spoiled.
    Broken,
}

/// Where `DTLSv1_listen` writes the peer's address. Our BIO has none to give; the cookie takes it from elsewhere.
pub(super) struct AddressSink(NonNull<c_void>);

// SAFETY: the object is plain memory without thread affinity, and only one owner ever passes it on.
unsafe impl Send for AddressSink {}

impl AddressSink {
    /// Allocates the address.
    ///
    /// # Errors
    /// OpenSSL is out of memory.
    pub(super) fn new() -> Result<Self, ErrorStack> {
        // SAFETY: takes nothing; null is handled.
        NonNull::new(unsafe { BIO_ADDR_new() })
            .map(AddressSink)
            .ok_or_else(ErrorStack::get)
    }
}

impl Drop for AddressSink {
    fn drop(&mut self) {
        // SAFETY: allocated by BIO_ADDR_new, owned here, freed once.
        unsafe { BIO_ADDR_free(self.0.as_ptr()) }
    }
}

/// The object inside a stream, which the `openssl` crate lends out for reading alone.
pub(super) fn ssl_mut<S>(stream: &mut SslStream<S>) -> &mut SslRef {
    // SAFETY: the pointer is valid as long as the stream, which stays exclusively borrowed with the result.
    unsafe { SslRef::from_ptr_mut(stream.ssl().as_ptr()) }
}

/// Answers a ClientHello without keeping state, or accepts its cookie (RFC 6347, 4.2.1).
pub(super) fn listen(ssl: &mut SslRef, sink: &mut AddressSink) -> Listened {
    // SAFETY: both pointers are valid and exclusively borrowed for the call.
    let result = unsafe { DTLSv1_listen(ssl.as_ptr(), sink.0.as_ptr()) };
    // What the library complained about concerns this datagram alone; left in the queue it would be
    // reported as the failure of somebody else's session on this thread.
    drop(ErrorStack::get());
    match result {
        1.. => Listened::Verified,
        0 => Listened::Nothing,
        _ => Listened::Broken,
    }
}

/// Time until the handshake wants to retransmit; `None` if no timer runs.
pub(super) fn timeout(ssl: &SslRef) -> Option<Duration> {
    let mut left = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    // SAFETY: the command writes one timeval, which lives for the call.
    let set =
        unsafe { openssl_sys::SSL_ctrl(ssl.as_ptr(), GET_TIMEOUT, 0, (&raw mut left).cast()) };
    let seconds = u64::try_from(left.tv_sec).ok()?;
    let micros = u64::try_from(left.tv_usec).ok()?;
    (set == 1).then(|| Duration::from_secs(seconds) + Duration::from_micros(micros))
}

/// Retransmits the last flight if its timer is due; `false` when the library gives up.
pub(super) fn handle_timeout(ssl: &mut SslRef) -> bool {
    control(ssl, HANDLE_TIMEOUT) >= 0
}

/// Whether the association uses the extended master secret (RFC 7627).
pub(super) fn extended_master_secret(ssl: &SslRef) -> bool {
    control(ssl, GET_EXTMS_SUPPORT) == 1
}

fn control(ssl: &SslRef, command: c_int) -> c_long {
    // SAFETY: the commands used take no argument and touch only this object, which is valid.
    unsafe { openssl_sys::SSL_ctrl(ssl.as_ptr(), command, 0, ptr::null_mut()) }
}
