//! Sockets and threads around the sans-IO parts.

mod error;

pub use error::NetError;
