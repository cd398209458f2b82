//! The key server over real DTLS on the loopback, with an embedded chain: joins, refusals, sessions, restarts.

mod abuse;
mod epochs;
mod joins;
mod kills;
mod refusals;
mod restarts;
mod sessions;
mod world;
