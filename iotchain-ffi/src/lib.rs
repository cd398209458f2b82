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
#[cfg(feature = "member")]
mod pop;
mod random;
mod resource;
mod sign;
#[cfg(feature = "member")]
mod token;
mod version;

pub use error::{iotchain_err, iotchain_strerror};
#[cfg(feature = "member")]
pub use pop::{
    IOTCHAIN_BINDING_CERTIFICATE, IOTCHAIN_BINDING_EXPORTER, iotchain_binding, iotchain_pop_digest,
    iotchain_pop_input, iotchain_pop_sign_client, iotchain_pop_sign_server,
};
pub use random::iotchain_rng;
pub use resource::iotchain_resource;
pub use sign::{
    IOTCHAIN_ES256K, IOTCHAIN_ESP256, iotchain_public_key, iotchain_signer, iotchain_signing_key,
    iotchain_signing_key_export, iotchain_signing_key_generate, iotchain_signing_key_init,
    iotchain_signing_key_signer, iotchain_signing_key_size, iotchain_signing_key_wipe,
};
#[cfg(feature = "member")]
pub use token::{
    IOTCHAIN_ROLE_FETCH, IOTCHAIN_ROLE_GET, IOTCHAIN_ROLE_POST, IOTCHAIN_ROLE_PRODUCER,
    IOTCHAIN_ROLE_PUT, iotchain_scope, iotchain_token_ref,
};
pub use version::{IOTCHAIN_ABI_VERSION, iotchain_abi_version};
