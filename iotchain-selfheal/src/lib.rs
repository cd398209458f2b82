//! Group keys that heal (paper, II-E). A member gets one personal key S_i, once; from then on one public broadcast is
//! enough for the group key K_j of every session it belongs to, whatever was lost before, and revoked members get
//! nothing.
//!
//! ```text
//!   key server                      anyone, any proxy                     member
//!   GroupManager -- S_i over DTLS ---------------------------------------> PersonalKey
//!        |                                                                     |
//!        +------- B_j: beacon, newest event --- multicast, cache, file ---> Member -- K_j --> objects
//! ```
//!
//! Broadcasts are [signed](broadcast) or, between events, beacons of a hash chain that a signature anchors. There are two
//! schemes, with the same calls:
//!
//! | scheme | for | each session | limits |
//! |---|---|---|---|
//! | [`rsd`] (2) | groups of any size; the default | a beacon of 22 bytes; an event on revocation | none on revocations or coalitions |
//! | [`polynomial`] (1) | small closed groups | one message, (w+1)(16(t+1) + 16) + 125 bytes | t revoked members per session |
//!
//! A member is of fixed size and never allocates; only the group managers do, behind the feature `manager`.
//!
//! ```
//! # #[cfg(feature = "manager")] {
//! use iotchain_core::{Error, Gid, Session, SignAlg, Signer, SigningKey, UnixTime};
//! use iotchain_selfheal::rsd::{GroupManager, Member, Parameters, PersonalKey, Plan};
//! use iotchain_selfheal::Authority;
//! # struct Rng(u8);
//! # impl rand_core::TryRng for Rng {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { unreachable!() }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { unreachable!() }
//! #     fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
//! #         out.iter_mut().for_each(|byte| { self.0 = self.0.wrapping_mul(77).wrapping_add(1); *byte = self.0 });
//! #         Ok(())
//! #     }
//! # }
//! # impl rand_core::TryCryptoRng for Rng {}
//! # let mut rng = Rng(1); // a CSPRNG, please
//!
//! // the key server opens a group for about 50 members and a day of 15-minute sessions
//! let signer = SigningKey::generate(SignAlg::Es256k, &mut rng)?;
//! let gid = Gid::new(*b"gid0");
//! let mut parameters = Parameters::new(gid, 1, 50, Session::new(1)..=Session::new(96));
//! parameters.starts = UnixTime::new(1_767_225_600);
//! let mut manager = GroupManager::generate(parameters, &mut rng)?;
//!
//! // two members join; each gets its personal key and pins the key server
//! let authority = Authority::new(gid, signer.public());
//! let (lamp, thief) = (manager.join()?, manager.join()?);
//! let mut lamp = Member::<_, 16>::new(PersonalKey::parse(manager.personal_key(lamp)?)?, authority)?;
//! let mut stolen = Member::<_, 16>::new(PersonalKey::parse(manager.personal_key(thief)?)?, authority)?;
//! let first = manager.advance(Plan::KEEP, &mut rng, &signer)?;
//! let event = first.event.unwrap_or_default();
//! lamp.receive(&event, Some(first.starts))?;
//! stolen.receive(&event, Some(first.starts))?;
//!
//! // three sessions pass, one of them a revocation; the lamp is out of reach
//! manager.advance(Plan::KEEP, &mut rng, &signer)?;
//! manager.revoke(thief)?;
//! manager.advance(Plan::KEEP, &mut rng, &signer)?;
//! let newest = manager.advance(Plan::KEEP, &mut rng, &signer)?;
//!
//! // one event and one beacon later it has every key
//! let now = newest.starts;
//! lamp.receive(manager.event(), Some(now))?;
//! lamp.receive(&newest.beacon, Some(now))?;
//! for j in 1..=4 {
//!     assert!(lamp.key(Session::new(j))?.ct_eq(&manager.group_key(Session::new(j))?));
//! }
//! assert_eq!(lamp.may_seal(now), Some(Session::new(4)));
//!
//! // the revoked one is out, and stops on its own when its session is over
//! assert_eq!(stolen.receive(manager.event(), Some(now)), Err(Error::RevokedMember));
//! assert_eq!(stolen.may_seal(now), None);
//! # }
//! # Ok::<(), iotchain_core::Error>(())
//! ```
//!
//! | feature | adds |
//! |---|---|
//! | `manager` | the key server's side; needs an allocator: [`rsd::GroupManager`](rsd) and [`polynomial::GroupManager`](polynomial) for one epoch, [`rsd::EpochManager`](rsd) for one after the other, [`rsd::Replica`](rsd) for a group that follows from the ledger, `Keeper` for a store |
//!
//! A key server's state grows with what happened, not with the slots: with 2^22 slots, 10^6 joins and 10^4 revocations a
//! snapshot has less than 60 kB; a join adds a record of less than 32 bytes to the journal, and so does a revocation.
//!
//! Cost on a device, scheme `rsd`: S_i of 16 d(d+1)/2 + 50 bytes (0.9 kB for about 700 members), 88 bytes of memory per
//! event held beside 280, no heap. A beacon costs one SHA-256 and one AES block per session, the key of the newest session one AES
//! block, an older key one per session since its event and one more, an event one signature check and at most d + 3 + 2 e AES
//! blocks for a window of e events. An event may come whole or in pieces, as an
//! [`EventStream`](rsd::EventStream) of less than 1 kB beside the member; an [`EpochMember`](rsd::EpochMember) of twice
//! the size goes on from one epoch to the next; a state of at most 126 + 99 W bytes keeps a member over a deep sleep. What to
//! choose for window, session and epoch, with figures, is in `docs/selfheal.md`; the simulator behind them is `group-sim`.
//!
//! Scheme `polynomial`: S_i of 16 bytes per session, about 80 bytes per session held, no heap; a message costs one signature
//! check and 2t + 140 multiplications in GF(2^128) per key. The rules are those of document 3 of the specification with
//! its amendments;
//! "spec 3.4.6" in a comment names the place.
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

mod announced;
pub mod broadcast;
mod incoming;
#[cfg(feature = "manager")]
mod manager;
mod member;
mod policy;
pub mod polynomial;
mod prf;
pub mod rsd;
mod scheme;
mod state;
mod time_base;
mod timing;
mod window;

pub use broadcast::{Authority, Envelope};
#[cfg(feature = "manager")]
pub use manager::{Journal, Journaled, Keeper, Replayed, Storage, Stored};
pub use member::Member;
pub use policy::Policy;
pub use time_base::TimeBase;
