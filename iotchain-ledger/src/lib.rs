//! The authorization ledger.
#![forbid(unsafe_code)]

mod account;
pub mod contract;
mod convert;
#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
mod ledger;
#[cfg(feature = "rpc")]
pub mod rpc;
mod sender;

pub use account::{Account, Transaction};
pub use contract::{AccessToken, TokenView};
#[cfg(feature = "embedded")]
pub use embedded::EmbeddedLedger;
pub use error::{LedgerError, Result};
pub use ledger::{Call, Hash, Header, Ledger, Log, Receipt, Word};
#[cfg(feature = "rpc")]
pub use rpc::JsonRpcLedger;
pub use sender::Sender;
