//! The authorization ledger of IoTChain (paper, II-C, II-D): one trait for any Ethereum-like chain, a chain of one's own
//! inside this process, and a client for the nodes of every other one. On the chain stands the `AccessToken` contract,
//! which says who may use which resource server, how, and until when.
//!
//! ```text
//!   resource owner          client             key server
//!        | deploy,            | addToken            | read_token: the token's word at the head and n blocks below,
//!        | revoke             |                     | by block hash of one chain
//!        v                    v                     v
//!   +------------------------------------------------------+
//!   |  AccessToken       calls, events, slots, code hash   |
//!   +------------------------------------------------------+
//!   |  Ledger            head, storage, call, logs, send   |
//!   +--------------------------+---------------------------+
//!   |  EmbeddedLedger          |  JsonRpcLedger            |
//!   |  EVM, seals, disk        |  any Ethereum node        |
//!   |  `- rpc::Server ---------+--> is one, too            |
//!   +--------------------------+---------------------------+
//! ```
//!
//! Who only wants to see it run:
//!
//! ```
//! # #[cfg(feature = "embedded")]
//! # fn main() -> iotchain_ledger::Result<()> {
//! use std::time::Duration;
//! use iotchain_core::Address;
//! use iotchain_ledger::contract::ResourcePolicy;
//! use iotchain_ledger::embedded::{Config, Sealing};
//! use iotchain_ledger::{AccessToken, Account, EmbeddedLedger, Ledger, Sender};
//!
//! let sealing = Sealing::every(Duration::from_millis(20));
//! let ledger = EmbeddedLedger::in_memory(&Config { sealing, ..Config::default() })?;
//!
//! // The owner deploys the contract and opens a resource server to all clients.
//! let owner = Account::generate()?;
//! let by_owner = Sender::new(&ledger, &owner);
//! let contract = AccessToken::deploy(&by_owner, owner.address())?;
//! let policy = AccessToken::deploy_open_policy(&by_owner)?;
//! let res = Address::new([0xA5; 20]);
//! contract.set_resource(&by_owner, res, &ResourcePolicy { policy, max_ttl: 86_400, policy_gas: 50_000 })?;
//!
//! // A client without any ether asks for a token: GET, layout 1, class 7, for an hour.
//! let client = Account::generate()?;
//! let receipt = contract.add_token(&Sender::new(&ledger, &client), res, [0x01, 0x10, 0x00, 0x07], 3600, &[])?;
//! ledger.wait_confirmed(receipt.transaction, 12, Duration::from_secs(30))?;
//!
//! // The key server reads what it needs to validate it (spec 5.3).
//! let view = contract.read_token(&ledger, client.address(), res, 12)?;
//! assert_eq!(view.word_head, view.word_confirmed);
//! assert_ne!(view.word_head, [0; 32]);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "embedded"))]
//! # fn main() {}
//! ```
//!
//! | Feature | Default | Brings |
//! |---|---|---|
//! | `embedded` | yes | [`EmbeddedLedger`]: revm under London rules, Clique seals, base fee 0, a durable block log |
//! | `rpc` | yes | [`JsonRpcLedger`] over any node; with `embedded` also [`rpc::Server`] |
//!
//! Without features the port, the contract and the accounts remain, for a ledger of one's own.
//!
//! Everything blocks and nothing needs an async runtime. Reading a token from the embedded chain takes microseconds; a
//! durable block a few milliseconds.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(feature = "embedded", feature = "rpc")),
    allow(rustdoc::broken_intra_doc_links)
)]

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
