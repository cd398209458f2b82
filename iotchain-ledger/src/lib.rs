//! The authorization ledger.
#![forbid(unsafe_code)]

mod account;
pub mod contract;
mod convert;
mod error;
mod ledger;
mod sender;

pub use account::{Account, Transaction};
pub use contract::{AccessToken, TokenView};
pub use error::{LedgerError, Result};
pub use ledger::{Call, Hash, Header, Ledger, Log, Receipt, Word};
pub use sender::Sender;
