//! Challenge and response at the key server (paper, II-D; spec 4.5 and 5.6).
//!
//! ```text
//! client                        Challenger                          ledger
//!   | -- token reference ----------> |                                 |
//!   | <------- N_S, ks ------------- | issue                           |
//!   | -- N_C, signature -----------> | prove_client -> Proven          |
//!   |                                |   Proven::authorize  <--------- | words at head and head-n
//!   |                                |     -> Authorized               |
//! ```
//!
//! Form, challenge and signature come in this order, so a flood of joins costs one HMAC each.

use crate::challenge::{Challenge, ChallengeKey, LIFE, check_age};
use crate::channel::ChannelBinding;
use crate::cwt::{CwtGrant, CwtTrust, validate_cwt};
use crate::pop::PopInput;
use crate::scope::Scope;
use crate::signature::PopSignature;
use crate::token_ref::TokenRef;
use crate::used::UsedChallenges;
use crate::validate::{Grant, LedgerView, Policy, Publications, Query, validate_record};
use iotchain_core::{Address, Error, PublicKey, Result, Roles, TryCryptoRng, UnixTime};

/// Seconds after which k_c is replaced.
const ROTATION: u64 = 24 * 60 * 60;

/// A key server's side of the proofs: k_c, its predecessor, and up to `N` used challenges of channel binding type 2.
#[derive(Debug)]
pub struct Challenger<const N: usize> {
    current: ChallengeKey,
    since: UnixTime,
    previous: Option<Retired>,
    used: UsedChallenges<N>,
}

#[derive(Debug)]
struct Retired {
    key: ChallengeKey,
    until: UnixTime,
}

impl<const N: usize> Challenger<N> {
    /// With a fresh random k_c.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails.
    pub fn new(rng: &mut impl TryCryptoRng, now: UnixTime) -> Result<Self> {
        let current = ChallengeKey::generate(rng)?;
        Ok(Self {
            current,
            since: now,
            previous: None,
            used: UsedChallenges::new(),
        })
    }

    /// A challenge for `token` on this connection. Replaces k_c when it is a day old.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails; [`Error::ChallengeExpired`] if `now` is beyond 32 bits.
    pub fn issue(
        &mut self,
        rng: &mut impl TryCryptoRng,
        now: UnixTime,
        token: &TokenRef,
        binding: &ChannelBinding,
    ) -> Result<Challenge> {
        if now >= self.since.saturating_add(ROTATION) {
            let fresh = ChallengeKey::generate(rng)?;
            let key = core::mem::replace(&mut self.current, fresh);
            self.previous = Some(Retired {
                key,
                until: now.saturating_add(LIFE),
            });
            self.since = now;
        }
        self.current.issue(rng, now, token, binding)
    }

    /// Verifies a client's proof. `signature` is as received, and the challenge is spent when it succeeds.
    ///
    /// # Errors
    /// In this order: [`Error::PopFormat`]; [`Error::Scope`] if a resource server's role or reference is claimed;
    /// [`Error::Challenge`], [`Error::ChallengeExpired`], [`Error::ChallengeReplay`], [`Error::Rate`];
    /// [`Error::Type`] for an N_C of wrong length; [`Error::Pop`] if another account signed.
    pub fn prove_client(
        &mut self,
        input: &PopInput<'_>,
        signature: &[u8],
        now: UnixTime,
    ) -> Result<Proven> {
        let signature = PopSignature::parse(signature)?;
        if input.scope.roles.is_producer() || input.token.is_resource_server() {
            return Err(Error::Scope);
        }
        self.check_challenge(input, now)?;
        if signature.recover(&input.digest()?)? != input.token.client {
            return Err(Error::Pop);
        }
        self.spend(input, now)?;
        Ok(Proven {
            token: *input.token,
            scope: *input.scope,
            binding: *input.binding,
        })
    }

    /// Verifies a resource server's proof by the key of its credential. Whether the DTLS certificate is authorised for
    /// this address is for the caller to check.
    ///
    /// # Errors
    /// In this order: [`Error::PopFormat`] unless 64 bytes; [`Error::Scope`] unless the role is the producer's alone
    /// and the reference a resource server's; [`Error::Challenge`], [`Error::ChallengeExpired`],
    /// [`Error::ChallengeReplay`], [`Error::Rate`]; [`Error::Type`] for an N_C of wrong length; [`Error::Sig`].
    pub fn prove_server(
        &mut self,
        input: &PopInput<'_>,
        key: &PublicKey,
        signature: &[u8],
        now: UnixTime,
    ) -> Result<ProvenServer> {
        if signature.len() != 64 {
            return Err(Error::PopFormat);
        }
        if input.scope.roles != Roles::PRODUCER || !input.token.is_resource_server() {
            return Err(Error::Scope);
        }
        self.check_challenge(input, now)?;
        input.verify_server(key, signature)?;
        self.spend(input, now)?;
        Ok(ProvenServer {
            rs: input.token.client,
            scope: *input.scope,
            binding: *input.binding,
            key: *key,
        })
    }

    fn check_challenge(&self, input: &PopInput<'_>, now: UnixTime) -> Result<()> {
        let recognises =
            |key: &ChallengeKey| key.recognises(input.challenge, input.token, input.binding);
        let retired = self.previous.as_ref().filter(|retired| now < retired.until);
        if !recognises(&self.current) && !retired.is_some_and(|retired| recognises(&retired.key)) {
            return Err(Error::Challenge);
        }
        check_age(input.challenge, now)?;
        match input.binding {
            ChannelBinding::Exporter(_) => Ok(()),
            ChannelBinding::Certificate(_) => self.used.check(input.challenge, now),
        }
    }

    fn spend(&mut self, input: &PopInput<'_>, now: UnixTime) -> Result<()> {
        match input.binding {
            ChannelBinding::Exporter(_) => Ok(()),
            ChannelBinding::Certificate(_) => self.used.record(input.challenge, now),
        }
    }
}

/// A client that proved to hold the key of its account, on one connection, for one group. Only
/// [`Challenger::prove_client`] makes one.
///
/// ```compile_fail,E0451
/// # use iotchain_token::{ChannelBinding, Proven, Scope, TokenRef};
/// fn forge(token: TokenRef, scope: Scope, binding: ChannelBinding) -> Proven {
///     Proven { token, scope, binding }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Proven {
    token: TokenRef,
    scope: Scope,
    binding: ChannelBinding,
}

impl Proven {
    /// Where its token lives.
    #[must_use]
    pub const fn token(&self) -> &TokenRef {
        &self.token
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &Address {
        &self.token.client
    }

    /// Group and rights asked for.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The connection it proved itself on; later requests of this member must come over the same one (A9).
    #[must_use]
    pub const fn binding(&self) -> &ChannelBinding {
        &self.binding
    }

    /// Checks the ledger for what was asked: steps 1 to 8 of spec 5.3. The proof is used up either way.
    ///
    /// # Errors
    /// As [`validate_record`].
    pub fn authorize(
        self,
        rs: &Address,
        policy: &Policy,
        published: &(impl Publications + ?Sized),
        view: &LedgerView<'_>,
        now: UnixTime,
    ) -> Result<Authorized> {
        let grant = validate_record(&self.query(rs), policy, published, view, now)?;
        Ok(Authorized {
            grant,
            binding: self.binding,
        })
    }

    /// As [`Proven::authorize`], by a signed CWT instead of the ledger (spec 5.5). The proof is used up either way.
    ///
    /// # Errors
    /// As [`validate_cwt`].
    pub fn authorize_cwt(
        self,
        rs: &Address,
        policy: &Policy,
        trust: &CwtTrust<'_>,
        cwt: &[u8],
        now: UnixTime,
    ) -> Result<Authorized<CwtGrant>> {
        let grant = validate_cwt(cwt, &self.query(rs), policy, trust, now)?;
        Ok(Authorized {
            grant,
            binding: self.binding,
        })
    }

    const fn query(&self, rs: &Address) -> Query {
        Query {
            token: self.token,
            rs: *rs,
            scope: self.scope,
        }
    }
}

/// A client with both halves, the proof and the token: what admission into a group takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Authorized<G = Grant> {
    grant: G,
    binding: ChannelBinding,
}

impl<G> Authorized<G> {
    /// The validated token.
    #[must_use]
    pub const fn grant(&self) -> &G {
        &self.grant
    }

    /// The connection of the proof.
    #[must_use]
    pub const fn binding(&self) -> &ChannelBinding {
        &self.binding
    }
}

/// A resource server that proved to hold its signing key. Only [`Challenger::prove_server`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct ProvenServer {
    rs: Address,
    scope: Scope,
    binding: ChannelBinding,
    key: PublicKey,
}

impl ProvenServer {
    /// The resource server.
    #[must_use]
    pub const fn rs(&self) -> &Address {
        &self.rs
    }

    /// Its group and the producer role.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The connection it proved itself on.
    #[must_use]
    pub const fn binding(&self) -> &ChannelBinding {
        &self.binding
    }

    /// Its signing key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}
