//! The C ABI of IoTChain: every function and type of `include/iotchain.h`, which is generated from this crate.
//!
//! ```text
//! C or C++ application --- include/iotchain.h ---> libiotchain.a (iotchain-ffi/staticlib) ---> this crate ---> iotchain
//! ```
//!
//! Names begin with `iotchain_`. Nothing allocates, nothing is global, and no call panics on its input.
//!
//! ```
//! use iotchain_ffi::{IOTCHAIN_ABI_VERSION, iotchain_abi_version};
//!
//! assert_eq!(iotchain_abi_version(), IOTCHAIN_ABI_VERSION);
//! ```
//!
//! The only crate of the family that may hold `unsafe`.
#![no_std]

#[cfg(test)]
extern crate std;

mod error;
mod version;

pub use error::{iotchain_err, iotchain_strerror};
pub use version::{IOTCHAIN_ABI_VERSION, iotchain_abi_version};
