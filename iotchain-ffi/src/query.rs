//! What a token is asked for, and within which limits.

use crate::memory::{Outcome, array, value};
use crate::token::{iotchain_scope, iotchain_token_ref, scope};
use iotchain::Address;
use iotchain::token::{Policy, Query};

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_query {
    /// Where the token lives and who holds it.
    pub token: *const iotchain_token_ref,
    /// Address of the resource server, 20 bytes.
    pub rs: *const u8,
    /// Group and rights asked for.
    pub scope: *const iotchain_scope,
}

/// As Rust sees it.
///
/// # Safety
/// Unless they are null, `query` and everything it points to is as its documentation says.
pub(crate) unsafe fn query(query: *const iotchain_query) -> Outcome<Query> {
    // SAFETY: the caller's promise.
    unsafe {
        let query = value(query)?;
        Ok(Query {
            token: value(query.token)?.read(),
            rs: Address::new(*array(query.rs)?),
            scope: scope(query.scope)?,
        })
    }
}

/// Limits that every token has to keep.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_token_limits {
    /// Oldest acceptable block in seconds; the specification has 60.
    pub max_head_age: u64,
    /// How far a time of issuance may lie ahead, seconds; the specification has 60.
    pub leeway: u64,
    /// How far an expiry may lie ahead, seconds; the specification has 366 days.
    pub max_life: u64,
    /// How many blocks deep a token must lie; the specification has 12.
    pub confirmations: u32,
}

/// As Rust sees it; those of the specification for null.
///
/// # Safety
/// `limits` is null, or points to an `iotchain_token_limits`.
pub(crate) unsafe fn policy(limits: *const iotchain_token_limits) -> Policy {
    // SAFETY: the caller's promise.
    unsafe { limits.as_ref() }.map_or_else(Policy::default, |limits| Policy {
        max_head_age: limits.max_head_age,
        confirmations: limits.confirmations,
        leeway: limits.leeway,
        max_life: limits.max_life,
    })
}
