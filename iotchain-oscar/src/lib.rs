//! Protected CoAP objects (OSCAR): what a resource server seals once, any number of members opens, and untrusted
//! proxies may store in between. One object is an untagged COSE_Encrypt0 in one of three modes.
//!
//! ```text
//!                          G: bound to the Token of the GET
//!   resource server  ------------------------------------------>  member        open_response
//!       Sender       ---->  proxy  ---------------------------->  member        open_stored
//!                    S: signed, so the proxy can check it (ProxyCheck) and cannot alter it
//!
//!   resource server  <------------------------------------------  client        seal_request
//!     open_request   ------------------------------------------>                open_reply
//!                          P: under a key that these two alone share
//! ```
//!
//! The modes have keys of their own, derived for one (session, resource, sender, boot), so a member that drops out of
//! the next session can neither read on nor have old objects of another kind accepted.
//!
//! ```
//! use iotchain_core::{Address, Gid, GroupKey, PublicKey, Result, Session, Sid, SignAlg, Signer, SigningKey, Suite,
//!     Thumbprint, UnixTime};
//! use iotchain_oscar::{Boot, Claims, Exchange, Failures, Freshness, Group, Keys, Policy, ProxyCheck, Purpose, Receiver,
//!     ResourceId, Sender, Sessions, StoredState};
//!
//! /// A member that holds one session.
//! struct Held(Session, [u8; 16]);
//!
//! impl Sessions for Held {
//!     fn key(&self, session: Session) -> Result<GroupKey> {
//!         if session == self.0 { Ok(GroupKey::new(self.1)) } else { Err(iotchain_core::Error::Session) }
//!     }
//!     fn may_open(&self, _: Session) -> Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! // What both sides learned at join.
//! let group = Group { gid: Gid::new([0xa1; 4]), ks: Thumbprint::new([3; 32]), suite: Suite::DEFAULT, sid_len: 2 };
//! let rs = Address::new([0xfa; 20]);
//! let sid = Sid::from_slice(&[0x80, 0])?;
//! let signing_key = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32])?;
//! let directory: [(Sid, Address, PublicKey); 1] = [(sid, rs, signing_key.public())];
//! let temperature = ResourceId::new(rs, &["temp"], &[])?;
//! let now = UnixTime::new(1_767_225_600);
//!
//! // The resource server boots with an assigned salt and enters session 7.
//! let mut sender = Sender::new(group, sid, Boot::assigned(&[1])?, UnixTime::new(0))?;
//! sender.enter(Session::new(7), &GroupKey::new([9; 16]))?;
//!
//! // G: a GET with a fresh Token and its answer.
//! let mut exchange = Exchange::new(b"8 random")?;
//! let mut object = [0; 128];
//! let len = sender.seal_response(&temperature, 69, exchange.token(), b"21.5", &mut object)?;
//!
//! let held = Held(Session::new(7), [9; 16]);
//! let (mut failures, mut keys) = (Failures::<8>::new(), Keys::<4>::new());
//! let mut receiver = Receiver {
//!     group: &group, sessions: &held, directory: &directory[..], policy: Policy::default(), failures: &mut failures,
//!     keys: &mut keys,
//! };
//! let mut plaintext = [0; 64];
//! let opened = receiver
//!     .open_response(&object[..len], &temperature, 69, &mut exchange, Freshness::Demanded, &mut plaintext)?;
//! assert_eq!(&plaintext[..opened.len], b"21.5");
//!
//! // S: sealed and signed once, checked by the proxy without any key, opened by the member.
//! let claims = Claims { iat: now, exp: Some(now.saturating_add(3600)) };
//! let len = sender.seal_signed(&temperature, claims, b"21.5", &signing_key, &mut object)?;
//!
//! let proxy = ProxyCheck {
//!     gid: Some(group.gid), suite: group.suite, sid_len: 2, directory: &directory[..], policy: Policy::default(),
//! };
//! let verified = proxy.check(&object[..len], &temperature, Purpose::Representation, now, None)?;
//! assert_eq!(verified.claims.iat, now);
//!
//! let mut stored = StoredState::new();
//! let opened = receiver.open_stored(&object[..len], &temperature, &mut stored, now, &mut plaintext)?;
//! assert_eq!(&plaintext[..opened.len], b"21.5");
//! # Ok::<(), iotchain_core::Error>(())
//! ```
//!
//! | part | what it is |
//! |---|---|
//! | [`Sender`], [`Boot`] | sealing; a sender context that no earlier boot had, nonces that only go up |
//! | [`Receiver`] | opening, in the exact order of the specification |
//! | [`Response`] | one of many that a gateway opens at once: [`Receiver::open_batch`] |
//! | [`Exchange`], [`StoredState`], [`Commands`] | what a receiver remembers: of a request, a resource, its commands |
//! | [`EchoKey`], [`PairContexts`], [`Reply`] | a resource server in mode P: challenges, replay windows, one answer each |
//! | [`compact`], [`expand`] | the form for links with small frames |
//! | [`Failures`], [`Keys`] | forgeries tried so far; the keys used last |
//! | [`ProxyCheck`] | what a proxy can check without keys, and evidence against a sender |
//! | [`Sessions`], [`Directory`] | what the crate has to be told |
//!
//! There are no features. The crate is `no_std`, without heap, and panic-free on untrusted bytes. An object costs one
//! AES-CCM pass over it, in place; the first one of a sender and resource adds two HMACs to seal and three to open, and
//! then its key stays in [`Keys`]. Mode P keeps no keys and takes three to five HMACs; mode S adds one signature or its
//! verification. Objects stay in the caller's buffers. A key at hand takes about 700 bytes, 400 of them the
//! additional data of its objects, of which only what changes is written anew; [`Keys`] has one place more than it says, for a
//! key on trial, and a [`Sender`] holds two.
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

mod accept;
mod batch;
mod boot;
mod command;
mod compact;
mod content;
mod draft;
mod echo;
mod evidence;
mod exchange;
mod failures;
mod frame;
mod group;
mod header;
mod input;
mod keys;
mod method;
mod name;
mod nonces;
mod object;
mod opened;
mod origin;
mod pair_contexts;
mod pairwise;
mod proxy;
mod receiver;
mod reply;
mod request;
mod resource;
mod sender;
mod sessions;
mod stored;
mod straight;
mod structure;
mod window;

pub use batch::Response;
pub use boot::{Boot, BootCounter};
pub use command::Commands;
pub use compact::{COMPACT_CONTENT_FORMAT, compact, expand};
pub use echo::{Echo, EchoKey, Uptime};
pub use evidence::Equivocation;
pub use exchange::Exchange;
pub use failures::Failures;
pub use group::{Group, MAX_OBJECT, MAX_OBJECT_LIMIT, Policy};
pub use header::{Claims, MAX_PROTECTED};
pub use input::Input;
pub use keys::Keys;
pub use method::Method;
pub use nonces::{Checkpoint, Reserve};
pub use object::Mode;
pub use opened::Opened;
pub use origin::Purpose;
pub use pair_contexts::{EchoRule, PairContexts};
pub use pairwise::Clients;
pub use proxy::{ProxyCheck, Verified};
pub use receiver::{Freshness, Receiver};
pub use reply::Reply;
pub use request::PairRequest;
pub use resource::{MAX_ARGUMENTS, MAX_SEGMENTS, MAX_URI_BYTES, ResourceId};
pub use sender::{Plaintext, Sender, Start};
pub use sessions::{Credential, Directory, Sessions};
pub use stored::StoredState;
