//! DTLS 1.2 over any datagram carrier (RFC 6347), with the profile of constrained devices (RFC 7925).
//!
//! [`Session`] is the seam: bytes from the network go in, bytes for the network come out, and no socket is touched.
//! The one backend is the system's OpenSSL. [`Listener`] keeps the sessions of a server, [`pki`] makes the certificates.
//!
//! ```text
//!  ClientHello              ->  Listener: cookie only, no state   (RFC 6347, 4.2.1)
//!  ClientHello with cookie  ->  tentative session beside a possible old one (RFC 6347, 4.2.8)
//!  Finished                 ->  the tentative session replaces the old one: an Association
//! ```

mod association;
mod config;
mod cookie;
mod ffi;
mod listener;
pub(crate) mod mac;
mod openssl;
pub mod pki;
mod record;

pub use association::{Association, PeerCertificate};
pub use config::{ClientConfig, ServerConfig, ServerName};
pub use listener::{Bounds, Event, Listener};

use std::{sync::Arc, time::Instant};

/// One end of a DTLS association: a state machine between datagrams and application messages.
pub trait Session: Send {
    /// Takes one datagram from the network.
    ///
    /// # Errors
    /// [`SessionError`] when the session is over; what merely fails to authenticate is dropped in silence.
    fn receive(&mut self, now: Instant, datagram: &[u8]) -> Result<(), SessionError>;

    /// Protects one application message.
    ///
    /// # Errors
    /// [`SessionError`] before the handshake is done or after the session is over.
    fn send(&mut self, message: &[u8]) -> Result<(), SessionError>;

    /// The next datagram for the network.
    fn outgoing(&mut self) -> Option<Vec<u8>>;

    /// The next application message.
    fn incoming(&mut self) -> Option<Vec<u8>>;

    /// When [`Session::tick`] wants to be called: the retransmission timer of a handshake.
    fn deadline(&self) -> Option<Instant>;

    /// Lets a due retransmission happen.
    ///
    /// # Errors
    /// [`SessionError`] when the handshake was given up.
    fn tick(&mut self, now: Instant) -> Result<(), SessionError>;

    /// What the handshake established; `None` while it runs.
    fn association(&self) -> Option<&Arc<Association>>;

    /// Says goodbye (close_notify) into [`Session::outgoing`].
    fn close(&mut self);
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// The peer closed it, authenticated.
    Closed,
    /// The library or a check of ours ended it.
    Failed(String),
}

impl core::fmt::Display for SessionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SessionError::Closed => f.write_str("closed by the peer"),
            SessionError::Failed(reason) => f.write_str(reason),
        }
    }
}
