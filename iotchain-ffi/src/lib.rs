//! The C ABI of IoTChain: every function and type of `include/iotchain.h`, which is generated from this crate.
//!
//! ```text
//! C or C++ application --- include/iotchain.h ---> libiotchain.a (iotchain-ffi/staticlib) ---> this crate ---> iotchain
//! ```
//!
//! Names begin with `iotchain_`. Nothing allocates, nothing is global, and no call panics on its input. State is an opaque structure
//! that the caller allocates; every fallible function returns an [`iotchain_err`] and writes its results only on success.
//!
//! ```
//! use iotchain_ffi::{IOTCHAIN_ABI_VERSION, iotchain_abi_version};
//!
//! assert_eq!(iotchain_abi_version(), IOTCHAIN_ABI_VERSION);
//! ```
//!
//! The only crate of the family that may hold `unsafe`.
#![no_std]
#![allow(dead_code)]

#[cfg(test)]
extern crate std;

mod error;
mod memory;
mod object;
mod random;
mod resource;
mod sign;
mod version;

pub use error::{iotchain_err, iotchain_strerror};
pub use random::iotchain_rng;
pub use resource::iotchain_resource;
pub use sign::{
    IOTCHAIN_ES256K, IOTCHAIN_ESP256, iotchain_public_key, iotchain_signer, iotchain_signing_key,
    iotchain_signing_key_export, iotchain_signing_key_generate, iotchain_signing_key_init,
    iotchain_signing_key_signer, iotchain_signing_key_size, iotchain_signing_key_wipe,
};
pub use version::{IOTCHAIN_ABI_VERSION, iotchain_abi_version};
