//! The answer of `getToken(client, res)`: `(res, ttl, claims)` in 96 ABI bytes (paper, Fig. 4; spec 5.1).
//!
//! ```text
//! byte  0            12    32              64       68            96
//!       | 0 ... 0    | res | ttl (uint256) | claims | 0 ... 0     |
//! ```
//!
//! It lacks serial, epoch and block of issuance. It serves quick looks and wallets and never admits anybody: its
//! validation gives a [`Glance`], and membership needs a [`crate::Grant`] (A20).

use crate::claims::{Claims, Class};
use crate::validate::{
    Policy, Publications, Query, check_claims, check_expiry, check_group, check_source,
};
use iotchain_core::{Address, Error, Result, Roles, UnixTime};

/// Length of the ABI encoding in bytes.
pub const GET_TOKEN_LEN: usize = 96;

/// The triple that `getToken` returns; all zeros when there is no valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetToken {
    res: Address,
    ttl: [u8; 32],
    claims: [u8; 4],
}

impl GetToken {
    /// What the contract answers for a valid token; `expires_at` is absolute.
    #[must_use]
    pub fn new(res: Address, expires_at: UnixTime, claims: &Claims) -> Self {
        let mut ttl = [0; 32];
        if let Some(low) = ttl.last_chunk_mut() {
            *low = expires_at.get().to_be_bytes();
        }
        Self {
            res,
            ttl,
            claims: claims.encode(),
        }
    }

    /// From its ABI encoding.
    ///
    /// # Errors
    /// [`Error::Truncated`] below and [`Error::Trailing`] above 96 bytes; [`Error::Type`] for padding that is not zero.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bytes: &[u8; GET_TOKEN_LEN] = bytes.try_into().map_err(|_| {
            if bytes.len() < GET_TOKEN_LEN {
                Error::Truncated
            } else {
                Error::Trailing
            }
        })?;
        let (pad, rest) = bytes.split_first_chunk::<12>().ok_or(Error::Truncated)?;
        let (res, rest) = rest.split_first_chunk::<20>().ok_or(Error::Truncated)?;
        let (ttl, rest) = rest.split_first_chunk::<32>().ok_or(Error::Truncated)?;
        let (claims, tail) = rest.split_first_chunk::<4>().ok_or(Error::Truncated)?;
        if pad.iter().chain(tail).any(|byte| *byte != 0) {
            return Err(Error::Type);
        }
        Ok(Self {
            res: Address::new(*res),
            ttl: *ttl,
            claims: *claims,
        })
    }

    /// The ABI encoding.
    #[must_use]
    pub fn encode(&self) -> [u8; GET_TOKEN_LEN] {
        let mut out = [0; GET_TOKEN_LEN];
        let fields = [0; 12]
            .iter()
            .chain(self.res.as_bytes())
            .chain(&self.ttl)
            .chain(&self.claims);
        out.iter_mut()
            .zip(fields)
            .for_each(|(slot, byte)| *slot = *byte);
        out
    }

    /// Whether the contract said "no token".
    #[must_use]
    pub fn is_absent(&self) -> bool {
        *self
            == Self {
                res: Address::ZERO,
                ttl: [0; 32],
                claims: [0; 4],
            }
    }

    /// Absolute expiry, or `None` for a value no time can have (2^40 and above).
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        let (high, low) = self.ttl.split_last_chunk::<8>()?;
        let time = UnixTime::new(u64::from_be_bytes(*low));
        (high.iter().all(|byte| *byte == 0) && time.is_encodable()).then_some(time)
    }
}

/// `getToken` answers at two blocks of one chain.
#[derive(Clone, Copy, Debug)]
pub struct GetTokenView<'a> {
    /// Age of the head block, seconds.
    pub head_age: u64,
    /// The answer at the head.
    pub head: &'a [u8],
    /// The answer n blocks below the head.
    pub confirmed: &'a [u8],
}

/// A plausible token, seen through `getToken`. It admits nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    claims: Claims,
    expires_at: UnixTime,
}

impl Glance {
    /// The methods it grants.
    #[must_use]
    pub const fn mask(&self) -> Roles {
        self.claims.mask()
    }

    /// The access class.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.claims.class()
    }

    /// End of validity, exclusive.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }
}

/// The quick check of spec 5.3 over `getToken` answers.
///
/// # Errors
/// [`Error::LedgerStale`], [`Error::Issuer`], [`Error::Truncated`], [`Error::Trailing`], [`Error::Type`],
/// [`Error::TokenAbsent`], [`Error::TokenRevoked`], [`Error::Unconfirmed`], [`Error::Audience`], [`Error::Claims`],
/// [`Error::TtlRange`], [`Error::Expired`], [`Error::Scope`].
pub fn validate_get_token(
    query: &Query,
    policy: &Policy,
    published: &(impl Publications + ?Sized),
    view: &GetTokenView<'_>,
    now: UnixTime,
) -> Result<Glance> {
    check_source(query, policy, published, view.head_age)?;
    let head = GetToken::parse(view.head)?;
    let confirmed = GetToken::parse(view.confirmed)?;
    match (head.is_absent(), confirmed.is_absent()) {
        (true, true) => return Err(Error::TokenAbsent),
        (true, false) => return Err(Error::TokenRevoked),
        _ if head != confirmed => return Err(Error::Unconfirmed),
        _ => {}
    }
    if head.res != query.rs {
        return Err(Error::Audience);
    }
    let claims = check_claims(head.claims, query, published)?;
    let expires_at = head.expires_at().ok_or(Error::TtlRange)?;
    check_expiry(expires_at, policy, now)?;
    check_group(&claims, query)?;
    if !claims.mask().contains(query.scope.roles) {
        return Err(Error::Scope);
    }
    Ok(Glance { claims, expires_at })
}
