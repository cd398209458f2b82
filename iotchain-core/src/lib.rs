//! The foundation of IoTChain: ids, time, secrets, strict CBOR, AES-CCM, the key schedule, signatures and the one
//! [`Error`]. Everything above it (group keys, objects, tokens) is built from these parts, and they never see each other.
//!
//! ```text
//!              iotchain-core
//!           /       |        \
//!    selfheal     oscar     token
//!           \       |        /
//!               iotchain
//! ```
//!
//! The crate is `no_std`, heap-free and `forbid(unsafe_code)`. It opens no socket, reads no clock, draws no
//! randomness and keeps no global: bytes, [`UnixTime`] and a random generator come in, bytes and values go out.
//!
//! ```
//! use iotchain_core::{AdditionalData, Address, AeadAlg, BootSalt, Gid, GroupKey, Kid, Piv, Session, SessionSecret, Sid,
//!     Thumbprint};
//! use iotchain_core::kdf::SenderUse;
//!
//! let session = SessionSecret::derive(&GroupKey::new([1; 16]), Gid::new([2; 4]), Session::new(7), &Thumbprint::new([3; 32]));
//! let resource = session.resource(Address::new([4; 20]), &["temp"])?;
//! let kid = Kid::new(&Sid::from_slice(&[0x80, 0])?, &BootSalt::NONE);
//! let content = resource.sender(SenderUse::Group, AeadAlg::AesCcm16_64_128, &kid)?;
//! let mut out = [0; 12];
//! let aad = AdditionalData::<1>::of(&[b"more ", b"data"])?;
//! let len = content.key().seal(&content.nonce(Piv::ZERO), aad.blocks(), b"21.5", &mut out)?;
//! assert_eq!(len, 4 + 8);
//! # Ok::<(), iotchain_core::Error>(())
//! ```
//!
//! | feature | adds |
//! |---|---|
//! | `es256k` (default) | ES256K signatures over secp256k1, mandatory to implement |
//! | `small-ecdsa` | ES256K in 3 kB of stack instead of 15, at half the speed |
//! | `esp256` | ESP256 signatures over P-256 |
//! | `ed25519` | Ed25519 signatures |
//! | `keccak` | Keccak-256 and Ethereum addresses |
//!
//! Whoever builds an image can have AES and ES256K done by functions of the platform, with the same results (`iotchain-port`):
//! `--cfg iotchain_aes="port"` and `--cfg iotchain_es256k="port"` in `RUSTFLAGS`.
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

#[cfg(test)]
extern crate std;

mod additional_data;
pub mod aead;
pub mod aes;
pub mod cbor;
mod ccm;
mod error;
pub mod hash;
mod ids;
pub mod kdf;
pub mod lockstep;
mod secret;
pub mod sign;
pub mod suite;
mod time;

pub use additional_data::{AdditionalData, Blocks, MAX_AAD};
pub use aead::{AeadAlg, AeadKey, Nonce};
pub use error::{Error, Result};
pub use ids::{
    Address, BootSalt, Gid, GroupName, Kid, KidContext, Piv, Roles, Session, Sid, Thumbprint,
};
pub use kdf::{AccessKey, ContentKey, PairKey, ResourceKey, SessionSecret};
pub use rand_core::TryCryptoRng;
pub use secret::{GroupKey, Secret};
pub use sign::{PublicKey, SignAlg, Signature, Signer, SigningKey};
pub use suite::Suite;
pub use time::UnixTime;
