//! Validation of a ledger record in the order of spec 5.3, steps 1 to 8. Step 9 is the proof of possession.

use crate::claims::{Claims, Class};
use crate::scope::Scope;
use crate::slot::resource_epoch;
use crate::token_ref::TokenRef;
use crate::word::TokenWord;
use iotchain_core::{Address, Error, Result, Roles, UnixTime};

/// An expiry before this is a duration mistaken for a time: 10^9 s is the year 2001.
const EARLIEST_EXPIRY: UnixTime = UnixTime::new(1_000_000_000);

/// Who asks for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Where the token lives and who holds it.
    pub token: TokenRef,
    /// The resource server, as its full address.
    pub rs: Address,
    /// Group and rights asked for.
    pub scope: Scope,
}

/// Limits a key server applies to every token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Oldest acceptable head of the chain, seconds (60, or 5 block times).
    pub max_head_age: u64,
    /// Depth n of the confirmed state, blocks.
    pub confirmations: u32,
    /// How far notBefore may lie ahead, seconds.
    pub leeway: u64,
    /// How far expiresAt may lie ahead, seconds.
    pub max_life: u64,
}

impl Default for Policy {
    /// The values of spec 5.3: 60 s, 12 blocks, 60 s, 366 days.
    fn default() -> Self {
        Self {
            max_head_age: 60,
            confirmations: 12,
            leeway: 60,
            max_life: 366 * 24 * 60 * 60,
        }
    }
}

/// What the owners of resource servers have published.
pub trait Publications {
    /// Whether the owner of `rs` published the contract `contract` on `chain` as the one that speaks for it.
    fn publishes(&self, chain: u64, contract: &Address, rs: &Address) -> bool;

    /// Whether the owner of `rs` defined the access class.
    fn defines(&self, rs: &Address, class: Class) -> bool;
}

/// One owner's publication for one resource server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication<'a> {
    /// EIP-155 chain id.
    pub chain: u64,
    /// The token contract.
    pub contract: Address,
    /// The resource server.
    pub rs: Address,
    /// The access classes it defines.
    pub classes: &'a [Class],
}

impl Publications for [Publication<'_>] {
    fn publishes(&self, chain: u64, contract: &Address, rs: &Address) -> bool {
        self.iter()
            .any(|p| p.chain == chain && p.contract == *contract && p.rs == *rs)
    }

    fn defines(&self, rs: &Address, class: Class) -> bool {
        self.iter()
            .any(|p| p.rs == *rs && p.classes.contains(&class))
    }
}

/// What a ledger answered, all of it read by block hash on one chain (A20).
#[derive(Clone, Copy, Debug)]
pub struct LedgerView<'a> {
    /// Number of the head block.
    pub head: u64,
    /// Age of the head block in seconds, either way: one dated ahead would be fresh for as long as it is ahead.
    pub head_age: u64,
    /// The token word at the head.
    pub word_head: &'a [u8],
    /// The token word n blocks below the head.
    pub word_confirmed: &'a [u8],
    /// The word of the resource at the head.
    pub resource_head: &'a [u8],
}

/// A token that passed validation: only [`validate_record`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    query: Query,
    claims: Claims,
    expires_at: UnixTime,
    serial: u64,
}

impl Grant {
    /// The query it answers.
    #[must_use]
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// The client that holds the token.
    #[must_use]
    pub const fn client(&self) -> &Address {
        &self.query.token.client
    }

    /// The resource server it is for.
    #[must_use]
    pub const fn rs(&self) -> &Address {
        &self.query.rs
    }

    /// The rights asked for; all of them are granted.
    #[must_use]
    pub const fn roles(&self) -> Roles {
        self.query.scope.roles
    }

    /// Everything the token grants.
    #[must_use]
    pub const fn mask(&self) -> Roles {
        self.claims.mask()
    }

    /// The access class.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.claims.class()
    }

    /// End of the token's validity, exclusive.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Serial of the token, never reused by its contract.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.serial
    }
}

/// Validates a ledger record for admission: steps 1 to 8 of spec 5.3 with A14, in that order.
///
/// ```
/// use iotchain_core::{Address, Error, Roles, UnixTime};
/// use iotchain_token::{Claims, Class, LedgerView, Policy, Publication, Query, Scope, TokenRef, TokenWord, validate_record};
///
/// let (contract, client, rs) = (Address::new([1; 20]), Address::new([2; 20]), Address::new([3; 20]));
/// let class = Class::new(7);
/// let word = TokenWord {
///     extra: 0, issued_at: 1000, serial: 41, epoch: 0,
///     claims: Claims::new(Roles::GET, class)?.encode(),
///     expires_at: UnixTime::new(1_769_817_600), not_before: UnixTime::new(1_767_225_000),
/// }.encode()?;
/// let view = LedgerView { head: 1012, head_age: 5, word_head: &word, word_confirmed: &word, resource_head: &[0; 32] };
/// let published = [Publication { chain: 1337, contract, rs, classes: &[class] }];
/// let token = TokenRef { chain: 1337, contract, client };
/// let now = UnixTime::new(1_767_225_600);
///
/// let read = Query { token, rs, scope: Scope { group: class.group(&rs), roles: Roles::GET } };
/// assert_eq!(validate_record(&read, &Policy::default(), &published[..], &view, now)?.mask(), Roles::GET);
///
/// let write = Query { token, rs, scope: Scope { group: class.group(&rs), roles: Roles::PUT } };
/// assert_eq!(validate_record(&write, &Policy::default(), &published[..], &view, now), Err(Error::Scope));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// [`Error::LedgerStale`], [`Error::Issuer`], [`Error::Truncated`], [`Error::Trailing`], [`Error::TokenAbsent`],
/// [`Error::TokenRevoked`], [`Error::Unconfirmed`], [`Error::Claims`], [`Error::TtlRange`], [`Error::Expired`],
/// [`Error::NotYet`], [`Error::Scope`].
pub fn validate_record(
    query: &Query,
    policy: &Policy,
    published: &(impl Publications + ?Sized),
    view: &LedgerView<'_>,
    now: UnixTime,
) -> Result<Grant> {
    check_source(query, policy, published, view.head_age)?;
    let word = Words::parse(view)?.standing(policy, view.head)?;
    let claims = check_content(&word, query, policy, published, now)?;
    if !claims.mask().contains(query.scope.roles) {
        return Err(Error::Scope);
    }
    Ok(Grant {
        query: *query,
        claims,
        expires_at: word.expires_at,
        serial: word.serial,
    })
}

/// Steps 1 and 2: the ledger is in sync and the owner named it.
pub(crate) fn check_source(
    query: &Query,
    policy: &Policy,
    published: &(impl Publications + ?Sized),
    head_age: u64,
) -> Result<()> {
    if head_age > policy.max_head_age {
        return Err(Error::LedgerStale);
    }
    if !published.publishes(query.token.chain, &query.token.contract, &query.rs) {
        return Err(Error::Issuer);
    }
    Ok(())
}

/// The words of a view, read but not judged.
pub(crate) struct Words {
    pub(crate) head: TokenWord,
    pub(crate) confirmed: TokenWord,
    epoch: u32,
}

impl Words {
    pub(crate) fn parse(view: &LedgerView<'_>) -> Result<Self> {
        Ok(Self {
            head: TokenWord::parse(view.word_head)?,
            confirmed: TokenWord::parse(view.word_confirmed)?,
            epoch: resource_epoch(view.resource_head)?,
        })
    }

    /// The part of step 3 that acts at once: whether the head still holds a token of the current epoch.
    pub(crate) fn check_head(&self) -> Result<()> {
        if self.head.is_absent() && self.confirmed.is_absent() {
            return Err(Error::TokenAbsent);
        }
        if self.head.is_absent() || self.head.is_tombstone() || self.head.epoch != self.epoch {
            return Err(Error::TokenRevoked);
        }
        Ok(())
    }

    /// An independent depth check: one word alone tells the block of its issuance.
    pub(crate) fn check_depth(&self, policy: &Policy, head: u64) -> Result<()> {
        let confirmed_at =
            u64::from(self.head.issued_at).saturating_add(policy.confirmations.into());
        if confirmed_at > head {
            Err(Error::Unconfirmed)
        } else {
            Ok(())
        }
    }

    /// Step 3: the token both blocks agree on.
    fn standing(self, policy: &Policy, head: u64) -> Result<TokenWord> {
        self.check_head()?;
        if self.confirmed != self.head {
            return Err(Error::Unconfirmed);
        }
        self.check_depth(policy, head)?;
        Ok(self.head)
    }
}

/// Steps 5 to 7 and the group of step 8; the rights are the caller's to compare. Step 4 holds because the word was
/// read from the slot of `rs`.
pub(crate) fn check_content(
    word: &TokenWord,
    query: &Query,
    policy: &Policy,
    published: &(impl Publications + ?Sized),
    now: UnixTime,
) -> Result<Claims> {
    let claims = check_claims(word.claims, query, published)?;
    if word.expires_at <= word.not_before {
        return Err(Error::TtlRange);
    }
    check_expiry(word.expires_at, policy, now)?;
    if word.not_before > now.saturating_add(policy.leeway) {
        return Err(Error::NotYet);
    }
    check_group(&claims, query)?;
    Ok(claims)
}

/// Step 5: the layout is known and the class is one of the owner's.
pub(crate) fn check_claims(
    claims: [u8; 4],
    query: &Query,
    published: &(impl Publications + ?Sized),
) -> Result<Claims> {
    let claims = Claims::parse(claims)?;
    if published.defines(&query.rs, claims.class()) {
        Ok(claims)
    } else {
        Err(Error::Claims)
    }
}

/// Step 6 without notBefore: the expiry is plausible and lies ahead.
pub(crate) fn check_expiry(expires_at: UnixTime, policy: &Policy, now: UnixTime) -> Result<()> {
    if expires_at < EARLIEST_EXPIRY || !expires_at.is_encodable() {
        return Err(Error::TtlRange);
    }
    if now >= expires_at {
        return Err(Error::Expired);
    }
    if expires_at > now.saturating_add(policy.max_life) {
        return Err(Error::TtlRange);
    }
    Ok(())
}

/// Step 8 but for the mask: the group is the one of class and resource server, and something is asked for.
pub(crate) fn check_group(claims: &Claims, query: &Query) -> Result<()> {
    if claims.class().group(&query.rs) != query.scope.group || query.scope.roles.bits() == 0 {
        return Err(Error::Scope);
    }
    Ok(())
}
