//! The key server over real DTLS on the loopback, with an embedded chain: joins, refusals, sessions, restarts.

mod abuse;
mod epochs;
mod joins;
mod kills;
#[path = "../../../iotchain-ledger/tests/support/node.rs"]
mod node;
mod nodes;
mod refusals;
mod restarts;
mod sessions;
mod world;
