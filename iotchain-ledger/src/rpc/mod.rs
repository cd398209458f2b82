//! Ethereum JSON-RPC 2.0 over HTTP: a [`JsonRpcLedger`] over any node, and a [`Server`] that makes the embedded chain one.

mod answer;
mod client;
#[cfg(feature = "embedded")]
mod http;
#[cfg(feature = "embedded")]
mod method;
#[cfg(feature = "embedded")]
mod params;
mod prove;
#[cfg(feature = "embedded")]
mod render;
mod seals;
#[cfg(feature = "embedded")]
mod server;

pub use client::JsonRpcLedger;
#[cfg(feature = "embedded")]
pub use server::Server;
