//! Scheme 1, masked polynomials over GF(2^128) (spec 3.5).
//!
//! ```text
//!  P_a(x) = g_a(x) K_a + h_a(x)      h_a: random mask of session a, degree t; S_i has the share h_a(x_i) of each session
//!                                    g_a: has the revoked members of session a as roots, degree t
//!  member:  K_a = (P_a(x_i) + h_a(x_i)) / g_a(x_i)         revoked: g_a(x_i) = 0, P_a(x_i) tells nothing
//!  message of session j: P_a for a = j-w..j                one message heals the w sessions before it
//! ```
//!
//! For small closed groups: at most t members are revoked in one session, each member's sessions are fixed when it
//! joins, and one signed message per session carries everything. The arithmetic is perfectly secret up to the key check
//! values. A second, different P_a for one session would give K_a to everybody, so the group manager computes each once
//! and repeats it verbatim (spec 3.6).

mod field;
mod known;
mod member;
mod message;
mod personal_key;
mod primitives;
mod receive;
mod recover;
mod release;
mod revocation;

#[cfg(feature = "manager")]
mod manager;

pub use field::Element;
#[cfg(feature = "manager")]
pub use manager::{Announcement, GroupManager, Parameters, Plan};
pub use member::{HighWater, Member};
pub use personal_key::PersonalKey;
pub use receive::Received;
#[cfg(feature = "manager")]
pub use revocation::revocation_polynomial;

/// Largest t: the most revoked members of one session, and the degree of its polynomial.
pub(crate) const MAX_DEGREE: u32 = 1024;
/// Ids from here on pad the roots of g_a; members have 1..PADDING.
pub(crate) const PADDING: u32 = 1 << 31;
