//! Sockets and threads around the sans-IO parts.
//!
//! ```text
//!  coap  socket -- thread --\                 /-> Endpoint -> Service
//!  coaps socket -- thread ----> one queue ---<
//!  tickets, Notifier -------/                 \-> Listener (DTLS)
//! ```
//!
//! One thread owns all state of a role, so a [`crate::coap::Service`] needs no locks of its own.
//!
//! ```
//! use iotchain_node::{
//!     coap::{Client, Code, Outcome, Request, Response, Settings, content_format},
//!     runtime::Server,
//! };
//!
//! let service = |request: &Request<'_>| -> Outcome {
//!     match (request.code, request.path) {
//!         (Code::GET, ["uptime"]) => Response::content(content_format::TEXT_PLAIN, "12.5").into(),
//!         _ => Code::NOT_FOUND.into(),
//!     }
//! };
//! let server = Server::builder(service).coap(([127, 0, 0, 1], 0).into()).spawn()?;
//! let mut client = Client::udp(server.coap_addr().unwrap(), Settings::default())?;
//! assert_eq!(client.get("uptime")?.payload, b"12.5");
//! server.shutdown();
//! # Ok::<(), iotchain_node::runtime::NetError>(())
//! ```

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
