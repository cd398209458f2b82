//! Sockets and threads around the sans-IO parts.
//!
//! ```text
//!  coap  socket -- thread --\                 /-> Endpoint -> Service
//!  coaps socket -- thread ----> one queue ---<
//!  tickets, Notifier -------/                 \-> Listener (DTLS)
//! ```
//!
//! One thread owns all state of a role, so a [`crate::coap::Service`] needs no locks of its own.

mod core;
mod error;
mod loss;
mod server;

pub use error::NetError;
pub(crate) use loss::Gate;
pub use loss::{InvalidLoss, Loss};
pub use server::{Builder, Handle, Notifier, Server};

/// Random bytes of the operating system.
///
/// # Errors
/// [`NetError::Random`].
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NetError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NetError::Random)?;
    Ok(bytes)
}
