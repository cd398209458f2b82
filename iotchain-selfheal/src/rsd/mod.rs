//! Scheme 2, ratcheted subset difference with join classes (spec 3.4).
//!
//! ```text
//!  session   1    2    3    4    5    6    7        C: chain state of the interval, K_j = F(C_j)
//!  event     k=1            k=2       k=3           ->: C_{j+1} = F'(C_j), no message needed
//!            C -> C -> C    C -> C    C -> C        a joiner gets C_join and is in from there on
//!            `--- link ----'`- link -'              an event carries the chain states of its window
//!  class 0: joined before 1 | class 1: joined 1..4 | ...   class c opens Z_c, Z_{c+1} = F''(Z_c)
//! ```
//!
//! A revocation is an event: the new chain state goes to the members that remain, under a subset-difference cover.
//! Older classes compute the secrets of later ones and never the reverse, so a member that lost broadcasts heals every
//! interval of the window that it took part in, and a coalition of revoked and later members stays outside.

mod beacon;
mod epochs;
mod event;
mod known;
mod member;
mod payload;
mod personal_key;
mod primitives;
mod receive;
mod recover;
mod release;
mod sleep;
mod state;
mod stream;
mod tree;

#[cfg(test)]
mod cost;
#[cfg(feature = "manager")]
mod cover;
#[cfg(feature = "manager")]
mod manager;

pub use beacon::beacon_session;
#[cfg(feature = "manager")]
pub use cover::class_cover;
pub use epochs::EpochMember;
#[cfg(feature = "manager")]
pub use manager::{
    Announcement, Due, EpochManager, Fact, Former, GroupManager, Parameters, Plan, Position,
    Replica,
};
pub use member::{HighWater, Member};
pub use personal_key::PersonalKey;
pub use receive::Received;
pub use stream::EventStream;

/// First element of a beacon.
const BEACON: u32 = 3;
