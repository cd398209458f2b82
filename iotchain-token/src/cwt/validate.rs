//! Validation of a signed CWT in the order of spec 5.5.

use super::claims::Items;
use super::{Aif, Confirmation, CwtTrust, SignedCwt};
use crate::account::AccountId;
use crate::validate::{Policy, Query, check_expiry};
use iotchain_core::cbor::{self, Major, Reader};
use iotchain_core::{Error, PublicKey, Result, Roles, UnixTime};

/// The claims of a CWT whose signature is that of a trusted issuer. Only [`SignedCwt::verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedCwt<'a> {
    subject: &'a str,
    audience: &'a str,
    expires_at: UnixTime,
    not_before: Option<UnixTime>,
    issued_at: Option<UnixTime>,
    key: PublicKey,
    scope: &'a [u8],
}

/// A CWT that passed validation. Only [`VerifiedCwt::grant`] and [`validate_cwt`] make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CwtGrant {
    query: Query,
    mask: Roles,
    expires_at: UnixTime,
    key: PublicKey,
}

impl CwtGrant {
    /// The query it answers.
    #[must_use]
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// Everything the token grants in this group.
    #[must_use]
    pub const fn mask(&self) -> Roles {
        self.mask
    }

    /// End of the token's validity, exclusive. No ledger ends it sooner, so an issuer keeps it near.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// The client's key, from cnf.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl<'a> SignedCwt<'a> {
    /// Verifies the signature, then reads the claims. The issuer must be one that the owner of `query.rs` published.
    ///
    /// # Errors
    /// In this order: [`Error::Alg`]; for the claims the CBOR errors 1 to 11 and [`Error::Type`] unless a map;
    /// [`Error::Issuer`]; [`Error::CwtKey`]; [`Error::Sig`]; [`Error::Type`] for a missing claim or a wrong type;
    /// [`Error::Cti`]; [`Error::Cnf`] unless cnf is the secp256k1 key of the subject.
    pub fn verify(&self, query: &Query, trust: &CwtTrust<'_>) -> Result<VerifiedCwt<'a>> {
        self.check_alg(trust.alg)?;
        cbor::check(self.payload)?;
        let items = Items::find(self.payload)?;
        let issuer = items
            .get(1)
            .ok_or(Error::Issuer)
            .and_then(|item| Reader::new(item).text())
            .and_then(AccountId::parse)
            .map_err(|_| Error::Issuer)?;
        self.check_signature(trust.issuer(self, &issuer, &query.rs)?, trust.alg)?;

        let reader = |label| items.get(label).map(Reader::new).ok_or(Error::Type);
        let optional_time = |label| {
            items
                .get(label)
                .map(|item| time(&mut Reader::new(item)))
                .transpose()
        };
        let (subject, audience) = (reader(2)?.text()?, reader(3)?.text()?);
        let expires_at = expiry(&mut reader(4)?)?;
        let token_id = reader(7)?.bytes()?;
        let mut confirmation = reader(8)?;
        confirmation.map()?;
        let scope = reader(9)?.bytes()?;
        let (not_before, issued_at) = (optional_time(5)?, optional_time(6)?);
        if !(1..=32).contains(&token_id.len()) {
            return Err(Error::Cti);
        }
        let confirmation = Confirmation::parse(reader(8)?.remaining())?;
        let Confirmation::Key(key) = confirmation else {
            return Err(Error::Cnf);
        };
        let account = confirmation.account()?;
        if AccountId::parse(subject).map(|subject| subject.address) != Ok(account) {
            return Err(Error::Cnf);
        }
        Ok(VerifiedCwt {
            subject,
            audience,
            expires_at,
            not_before,
            issued_at,
            key,
            scope,
        })
    }
}

impl VerifiedCwt<'_> {
    /// Checks the claims for what was asked: who presents it, then steps 4 to 8 of spec 5.3.
    ///
    /// # Errors
    /// In this order: [`Error::Subject`]; [`Error::Audience`]; for the scope the CBOR errors 1 to 11 and
    /// [`Error::Claims`]; [`Error::TtlRange`], [`Error::Expired`]; [`Error::NotYet`]; [`Error::Iat`]; [`Error::Scope`].
    pub fn grant(&self, query: &Query, policy: &Policy, now: UnixTime) -> Result<CwtGrant> {
        let is = |text, address| {
            AccountId::parse(text)
                == Ok(AccountId {
                    chain: query.token.chain,
                    address,
                })
        };
        if !is(self.subject, query.token.client) {
            return Err(Error::Subject);
        }
        if !is(self.audience, query.rs) {
            return Err(Error::Audience);
        }
        let scope = Aif::parse(self.scope)?;
        if self
            .not_before
            .is_some_and(|begin| self.expires_at <= begin)
        {
            return Err(Error::TtlRange);
        }
        check_expiry(self.expires_at, policy, now)?;
        let latest = now.saturating_add(policy.leeway);
        if self.not_before.is_some_and(|begin| begin > latest) {
            return Err(Error::NotYet);
        }
        if self.issued_at.is_some_and(|issued| issued > latest) {
            return Err(Error::Iat);
        }
        if query.scope.roles.bits() == 0 {
            return Err(Error::Scope);
        }
        Ok(CwtGrant {
            query: *query,
            mask: scope.grants(&query.scope).ok_or(Error::Scope)?,
            expires_at: self.expires_at,
            key: self.key,
        })
    }
}

/// Validates a signed CWT, all of spec 5.5. Proof of possession of [`CwtGrant::key`] is the caller's next step, or was
/// the one before ([`crate::Proven::authorize_cwt`]).
///
/// # Errors
/// In this order: those of [`SignedCwt::parse`], [`SignedCwt::verify`] and [`VerifiedCwt::grant`].
pub fn validate_cwt(
    cwt: &[u8],
    query: &Query,
    policy: &Policy,
    trust: &CwtTrust<'_>,
    now: UnixTime,
) -> Result<CwtGrant> {
    SignedCwt::parse(cwt)?
        .verify(query, trust)?
        .grant(query, policy, now)
}

/// exp: an integer; a time before 1970 is a date too, and plausible nowhere.
fn expiry(reader: &mut Reader<'_>) -> Result<UnixTime> {
    match reader.peek() {
        Some(Major::Negative) => Ok(UnixTime::new(0)),
        _ => reader.uint().map(UnixTime::new),
    }
}

/// nbf and iat: a time below 2^40.
fn time(reader: &mut Reader<'_>) -> Result<UnixTime> {
    let time = UnixTime::new(reader.uint()?);
    time.is_encodable().then_some(time).ok_or(Error::Type)
}
