//! Membership while the token lives: the check repeated at each session change (spec 5.4, A8, A14).

use crate::validate::{
    LedgerView, Policy, Publications, Query, Words, check_content, check_source,
};
use iotchain_core::{Error, Result, Roles, UnixTime};

/// What becomes of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The token still grants every right the member holds.
    Keep,
    /// The token was renewed with smaller rights: the member keeps these, from the next session on (A2, A8).
    Narrowed(Roles),
    /// The token is void: the member gets no key of the next session.
    Revoke(Error),
    /// The ledger cannot tell: nobody is revoked for that. If it does not answer at all, membership stays for at most
    /// two sessions, then no session starts until it does (A8).
    Unknown(Error),
}

/// Judges a member whose rights are `query.scope.roles`. `view` is the ledger's answer, or why there is none.
///
/// A renewal makes the two words differ for n blocks: the member stays if each word, alone, passes steps 5 to 8.
#[must_use]
pub fn revalidate(
    query: &Query,
    policy: &Policy,
    published: &(impl Publications + ?Sized),
    view: Result<&LedgerView<'_>>,
    now: UnixTime,
) -> Standing {
    let view = match view {
        Ok(view) => view,
        Err(error) => return Standing::Unknown(error),
    };
    match remaining_rights(query, policy, published, view, now) {
        Ok(roles) if roles == query.scope.roles => Standing::Keep,
        Ok(roles) if roles.bits() == 0 => Standing::Revoke(Error::Scope),
        Ok(roles) => Standing::Narrowed(roles),
        Err(error) if is_no_answer(error) => Standing::Unknown(error),
        Err(error) => Standing::Revoke(error),
    }
}

/// Words of a wrong length are no state of any contract, so they say as little as silence.
const fn is_no_answer(error: Error) -> bool {
    matches!(
        error,
        Error::LedgerStale | Error::Unconfirmed | Error::Truncated | Error::Trailing
    )
}

fn remaining_rights(
    query: &Query,
    policy: &Policy,
    published: &(impl Publications + ?Sized),
    view: &LedgerView<'_>,
    now: UnixTime,
) -> Result<Roles> {
    check_source(query, policy, published, view.head_age)?;
    let words = Words::parse(view)?;
    words.check_head()?;
    let head = check_content(&words.head, query, policy, published, now)?;
    let roles = intersection(query.scope.roles, head.mask());
    if words.head == words.confirmed {
        words.check_depth(policy, view.head)?;
        return Ok(roles);
    }
    if words.confirmed.is_absent() || words.confirmed.is_tombstone() {
        return Err(Error::Unconfirmed);
    }
    let confirmed = check_content(&words.confirmed, query, policy, published, now)?;
    Ok(intersection(roles, confirmed.mask()))
}

const fn intersection(a: Roles, b: Roles) -> Roles {
    Roles::new(a.bits() & b.bits())
}
