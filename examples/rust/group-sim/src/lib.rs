//! A group of things on a bad radio link, simulated: who can read which session, and what it costs.
//!
//! ```text
//!   Trace (seed)             Strategy                            Outcome
//!   joins, revocations  -->  rsd, polynomial, cover: the real    -->  read[member][session], bytes on air,
//!   sleep, losses            GroupManagers, Members and bytes         bytes and work of each member
//!                            unicast, mls: cost models
//! ```
//!
//! Every strategy meets the same trace. One session is one step: the key server transmits, each member hears it or
//! does not, and afterwards every key that a member can compute is compared with the key server's. A member that was
//! revoked hears everything from then on, whatever the link: it is the adversary.
//!
//! The random generator is predictable so that runs can be repeated. Nothing here protects anything.

pub mod event;
pub mod mls;
pub mod outcome;
pub mod plots;
pub mod polynomial;
pub mod random;
pub mod report;
pub mod rsd;
pub mod script;
pub mod strategy;
pub mod svg;
pub mod trace;
pub mod unicast;

pub use outcome::{Outcome, Summary, Work};
pub use strategy::{Mode, Settings, Strategy};
pub use trace::{Link, Sleep, Trace};
