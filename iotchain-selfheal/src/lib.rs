//! Group keys that heal.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

#[cfg(feature = "manager")]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod broadcast;
mod policy;
pub mod rsd;
mod time_base;

pub use broadcast::{Authority, Envelope};
pub use policy::Policy;
pub use time_base::TimeBase;
