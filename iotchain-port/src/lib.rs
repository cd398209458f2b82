//! The hooks of a platform: the AES of a chip, or ECDSA from a library that the firmware holds already, instead of IoTChain's
//! own. The firmware defines the functions of `include/iotchain_port.h`, and the linker puts them in.
//!
//! ```text
//! iotchain-core ---> this crate ---> iotchain_port_*, defined by the firmware ---> AES engine, micro-ecc, secure element
//! ```
//!
//! Whoever builds the image chooses, by two flags of the compiler:
//!
//! | in `RUSTFLAGS` | what `iotchain-core` does without | functions to define |
//! |---|---|---|
//! | `--cfg iotchain_aes="port"` | the code of the crate `aes` | `iotchain_port_aes128_set_key`, `iotchain_port_aes128_encrypt` |
//! | `--cfg iotchain_es256k="port"` | the crate `k256` | those `iotchain_port_es256k_*` that the image calls |
//!
//! They are no cargo features, because a feature turned on anywhere in a graph of crates would oblige every program of that graph to
//! define the functions. Without the flags this crate is not linked.
//!
//! Bytes that go out of the library are the same with every port that keeps the contracts of these functions.
#![no_std]

pub mod aes128;
pub mod es256k;
