//! The roles of IoTChain on a host: key server, resource server, proxy, client, owner and ledger, as a library and as the
//! one binary `iotchain`.
//!
//! ```text
//!        owner --- contract, certificates, catalogue
//!          |
//!       ledger <---- token word ---- key-server <==== DTLS ====> client
//!          ^                          ^  | events, beacons         ^
//!          | request-token            |  v                         | G: direct, S: from the proxy
//!        client                      resource-server ---> proxy ---+
//! ```
//!
//! Each role is a module with `Args` (its command line) and `run(args, &stop)`. This crate composes sockets, disks, clocks
//! and the chain with the protocol crates; it holds no cryptography of its own.
//!
//! | module | what it is |
//! |---|---|
//! | [`key_server`], [`resource_server`], [`proxy`], [`client`], [`owner`], [`chain`] | the roles |
//! | [`catalogue`], [`grant`] | what the owner publishes and everybody reads, and what it signs for one client |
//! | [`join`], [`follow`] | becoming a member of a group, and staying current |
//! | [`coap`], [`dtls`], [`runtime`] | the network |
//! | [`keyfile`], [`data_dir`], [`clock`] | files, directories, time and the end |
//! | [`verifier`] | who verifies signatures of objects |
//! | [`demo`] | all of it on one machine |
//!
//! | Feature | Default | Brings |
//! |---|---|---|
//! | `libsecp256k1` | yes | ES256K signatures of objects verified by libsecp256k1, in half the time; without it by k256 |
#![forbid(unsafe_op_in_unsafe_fn)]

pub mod address;
pub mod board;
pub mod catalogue;
pub mod chain;
pub mod cli;
pub mod client;
pub mod clock;
pub mod coap;
pub mod cose_key;
pub mod data_dir;
pub mod demo;
pub mod dtls;
mod error;
pub mod follow;
pub mod grant;
pub mod join;
pub mod key_server;
pub mod keyfile;
pub mod link;
mod output;
pub mod owner;
pub mod proxy;
pub mod ready;
pub mod resource_server;
pub mod roles;
pub mod runtime;
pub mod verifier;

pub use error::NodeError;
