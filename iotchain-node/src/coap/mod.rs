//! CoAP (RFC 7252) with blocks (RFC 7959), Observe (RFC 7641) and Echo (RFC 9175).
//!
//! [`Endpoint`] is the server without sockets or clock: datagrams and instants go in, datagrams come out, and a
//! [`Service`] sees whole requests. [`Client`] is the blocking other end.

mod block;
mod code;
mod deferred;
mod message;
pub mod option;
mod service;

pub use block::{Block, ReservedSize};
pub use code::Code;
pub use deferred::Ticket;
pub use message::{Message, ParseError, Token, Type};
pub use option::{Options, content_format};
pub use service::{Link, Outcome, Peer, Request, Response, Service};
