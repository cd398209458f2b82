//! End-to-end authorized access to IoT resources with no trusted authorization server: tokens on a ledger, group keys
//! that heal, objects that untrusted proxies may store. This crate is what a Rust application adds; it runs on a
//! server and, without heap, on a microcontroller.
//!
//! ```text
//!             (1) owner deploys a contract        (2)(3) client gets a token
//!    owner ------------------------->  ledger  <------------------------- client
//!                                        |                                  | |
//!                          tokens read   v      (4)(5) proves its address   | |
//!                                    key server <----------- DTLS ----------' |
//!                              S_i |     |      (6) personal key S_i          |
//!                                  v     `--- B_j, one broadcast a session -->|
//!                             resource server ---- G: direct response ------->| (7)
//!                                  `------ S: signed object --> proxy ------->|
//! ```
//!
//! A member joins, loses broadcasts, heals, and opens objects:
//!
//! ```
//! use iotchain::join::JoinResponse;
//! use iotchain::{Address, Membership, ResourceId, Result, StoredState, Thumbprint, UnixTime, Zeroizing};
//!
//! /// `response` came over DTLS; `broadcasts` are those that arrived, in any order; `object` lay on a proxy.
//! fn read(
//!     (response, cnonce, key_server): (&[u8], &[u8], &Thumbprint),
//!     broadcasts: &[&[u8]],
//!     (object, rs): (&[u8], Address),
//!     now: UnixTime,
//! ) -> Result<Vec<u8>> {
//!     // join: the key server proved its key, and S_i is ours
//!     let joined = JoinResponse::parse(response)?.verify(cnonce, key_server)?;
//!     let mut membership: Membership<_> = Membership::new(&joined, Zeroizing::new(joined.personal_key.to_vec()))?;
//!     // heal: one later broadcast gives the keys of the sessions that were lost
//!     for message in broadcasts {
//!         membership.receive(message, Some(now))?;
//!     }
//!     // open: decrypted, signature checked, neither stale nor rolled back
//!     let (mut seen, mut plaintext) = (StoredState::new(), [0; 2048]);
//!     let resource = ResourceId::new(rs, &["temp"], &[])?;
//!     let opened = membership.open_stored(object, &resource, &mut seen, now, &mut plaintext)?;
//!     Ok(plaintext[..opened.len].to_vec())
//! }
//! ```
//!
//! | module | what it is | crate |
//! |---|---|---|
//! | [`Membership`], [`join`] | a member of one group, and the messages that make one | this one |
//! | [`selfheal`] | group keys that heal | `iotchain-selfheal` |
//! | [`oscar`] | protected objects | `iotchain-oscar` |
//! | [`token`] | ledger tokens and the proof of possession | `iotchain-token` |
//! | [`core`](mod@core) | ids, CBOR, AES-CCM, key schedule, signatures, errors | `iotchain-core` |
//!
//! | feature | adds |
//! |---|---|
//! | `alloc` (default) | `Zeroizing<Vec<u8>>` as the place of S_i; leave it out on devices without heap |
//! | `es256k` (default) | ES256K signatures over secp256k1, mandatory to implement |
//! | `small-ecdsa` | ES256K in 3 kB of stack instead of 15, at half the speed |
//! | `esp256` | ESP256 signatures over P-256 |
//! | `ed25519` | Ed25519 signatures |
//! | `manager` | the group manager of a key server; needs an allocator |
//!
//! Cost: a [`Membership`] is a few kilobytes (16 events in each of two epochs, 4 credentials by default) beside S_i, which
//! has 16 bytes per label, d(d+1)/2 labels for a tree of depth d. A steady session takes one SHA-256 and two AES blocks, an event one
//! signature verification, an object one AES-CCM pass and up to three HMACs.
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

pub mod join;
mod membership;

pub use membership::{Credentials, Membership};

pub use iotchain_core as core;
pub use iotchain_oscar as oscar;
pub use iotchain_selfheal as selfheal;
pub use iotchain_token as token;

pub use iotchain_core::{
    Address, AeadAlg, Error, Gid, GroupKey, GroupName, Kid, Piv, PublicKey, Result, Roles, Secret,
    Session, Sid, SignAlg, Signer, SigningKey, Suite, Thumbprint, TryCryptoRng, UnixTime,
};
pub use iotchain_oscar::{
    Boot, BootCounter, Claims, Echo, EchoKey, Exchange, Freshness, Method, Opened, PairContexts,
    PairRequest, ProxyCheck, Reply, ResourceId, Sender, StoredState,
};
pub use iotchain_selfheal::rsd::{EpochMember, Member, PersonalKey, Received};
pub use zeroize::Zeroizing;

/// The example of the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
