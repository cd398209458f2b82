//! Ledger tokens and who may use them. A token is one word in the storage of an Ethereum contract; this crate reads
//! it, validates it in the one order of the specification, and lets a key server prove that whoever asks is the one
//! the word was written for.
//!
//! ```text
//!  word at two blocks -----------------------+
//!                                            v
//!  headers, nodes --> ProvenToken --> validate_record --> Grant ------+
//!  SignedCwt --> VerifiedCwt -------> validate_cwt -----> CwtGrant ---+
//!                                                                     +--> Authorized --> membership
//!  Challenger --> Challenge --> PopSignature --> Proven --------------+
//!  (k_c)          (N_S)         (r || s || v)    (client, group, connection)
//! ```
//!
//! The crate is `no_std`, heap-free and `forbid(unsafe_code)`; words, time and randomness come in, decisions go out.
//!
//! ```
//! use iotchain_core::{Address, Error, GroupName, Roles, Thumbprint, UnixTime};
//! use iotchain_token::{Challenger, ChannelBinding, ClientKey, PopInput, Scope, TokenRef};
//! # use iotchain_core::TryCryptoRng;
//! # fn prove(rng: &mut impl TryCryptoRng) -> Result<(), Error> {
//! let now = UnixTime::new(1_767_225_600);
//! let key = ClientKey::generate(rng)?;
//! let token = TokenRef { chain: 1337, contract: Address::new([1; 20]), client: key.address() };
//! let scope = Scope { group: GroupName::new("0007.fa870181")?, roles: Roles::GET };
//! let binding = ChannelBinding::Exporter([2; 32]); // both ends know it from their DTLS connection
//! let key_server = Thumbprint::new([3; 32]);
//!
//! let mut challenger = Challenger::<64>::new(rng, now)?; // the key server
//! let challenge = challenger.issue(rng, now, &token, &binding)?;
//!
//! let input = PopInput { binding: &binding, key_server: &key_server, token: &token, scope: &scope,
//!                        challenge: &challenge, cnonce: &[4; 8] };
//! let signature = key.sign(&input.digest()?)?.encode(); // the client, or its wallet
//!
//! let proven = challenger.prove_client(&input, &signature, now)?;
//! assert_eq!(proven.client(), &key.address()); // `proven.authorize(..)` asks the ledger next
//! # Ok(())
//! # }
//! # struct Counter(u8);
//! # impl rand_core::TryRng for Counter {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok(0) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { Ok(0) }
//! #     fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
//! #         for byte in out { self.0 = self.0.wrapping_add(1); *byte = self.0; }
//! #         Ok(())
//! #     }
//! # }
//! # impl TryCryptoRng for Counter {}
//! # prove(&mut Counter(0)).unwrap();
//! ```
//!
//! What decides admission is [`validate_record`] over the token word, read by block hash at the head and n blocks
//! below it. [`validate_get_token`] looks at the paper's `getToken` triple, for wallets and quick checks.
//! [`revalidate`] repeats the validation for members at each session change.
//!
//! Whoever does not trust the node that answers asks it for a proof: [`verify_token_proof`], or [`TokenProof`] one
//! node at a time, leads from a block hash that is trusted to the words, and [`ProvenToken::validate`] to the same
//! [`Grant`]. [`TrustedBlock`] follows headers back by their hashes or, with every [`Sealer`], forward by their seals.
//!
//! Off the ledger, [`CwtClaims::issue`] signs a token in any suite and [`validate_cwt`] checks it; [`ClaimsSet`] is a
//! ledger record in the same terms.
//!
//! | operation | cost beside hashing | largest buffer on the stack |
//! |---|---|---|
//! | [`validate_record`], [`revalidate`] | none | the words |
//! | [`Challenger::issue`] | one HMAC | a challenge, 28 bytes |
//! | [`Challenger::prove_client`] | one key recovery | [`PopInput::MAX_LEN`] |
//! | [`validate_cwt`] | one verification; is the point of cnf on its curve | none: claims are read in place |
//! | [`TokenProof::push`] | one Keccak-256 of the node | none: the node is the caller's |
//! | [`TrustedBlock::sealed_child`] | one key recovery | none: the header is the caller's |
//!
//! A proof under way holds about 300 bytes, and the used challenges of a [`Challenger`] take 29 bytes each, for as many as its
//! type says. The crate has no features; `iotchain-core` brings `esp256` and `ed25519` for CWTs of these suites.
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

mod account;
mod bound;
mod challenge;
mod channel;
mod claims;
mod cwt;
mod get_token;
mod pop;
mod proof;
mod revalidate;
mod scope;
mod signature;
mod slot;
mod state_proof;
mod text;
mod token_ref;
mod used;
mod validate;
mod word;

pub use account::AccountId;
pub use bound::{KeyUse, sign_bound, verify_bound};
pub use challenge::{Challenge, ChallengeKey};
pub use channel::ChannelBinding;
pub use claims::{Claims, Class};
pub use cwt::{
    Aif, ClaimsSet, Confirmation, CwtClaims, CwtGrant, CwtIssuer, CwtTrust, SignedCwt, VerifiedCwt,
    validate_cwt,
};
pub use get_token::{GET_TOKEN_LEN, GetToken, GetTokenView, Glance, validate_get_token};
pub use pop::{PopInput, PopText};
pub use proof::{Authorized, Challenger, Proven, ProvenServer};
pub use revalidate::{Standing, revalidate};
pub use scope::Scope;
pub use signature::{ClientKey, PopSignature};
pub use slot::{resource_epoch, resource_slot, token_slot};
pub use state_proof::{
    BlockHash, ContractState, ProvenToken, Sealer, TokenPlace, TokenProof, TriePath, TrieStep,
    TrustedBlock, verify_token_proof,
};
pub use token_ref::TokenRef;
pub use used::UsedChallenges;
pub use validate::{Grant, LedgerView, Policy, Publication, Publications, Query, validate_record};
pub use word::{StorageWord, TokenWord};
