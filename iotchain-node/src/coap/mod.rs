//! CoAP (RFC 7252) with blocks (RFC 7959), Observe (RFC 7641) and Echo (RFC 9175).
//!
//! [`Endpoint`] is the server without sockets or clock: datagrams and instants go in, datagrams come out, and a
//! [`Service`] sees whole requests. [`Client`] is the blocking other end.

mod block;
mod client;
mod code;
mod deferred;
mod dice;
mod echo;
mod endpoint;
mod exchanges;
mod limits;
mod message;
mod observers;
pub mod option;
mod outbox;
mod service;
mod shelf;

pub use block::{Block, MAX_SZX, ReservedSize};
pub use client::{Call, Client, Observation, Reply, Settings};
pub use code::Code;
pub use deferred::Ticket;
pub(crate) use dice::Dice;
pub use endpoint::{Endpoint, Outgoing};
pub use limits::{Limits, Transmission};
pub use message::{Message, ParseError, Token, Type};
pub use option::{Options, content_format};
pub use service::{Link, Outcome, Peer, Request, Response, Service};
