//! What a token is called and asked for, as a join names it.

use crate::iotchain_err;
use crate::memory::{Outcome, value};
use core::ffi::{CStr, c_char};
use iotchain::token::{Scope, TokenRef};
use iotchain::{Address, GroupName, Roles};

/// The right to GET, a bit of `iotchain_scope::roles`.
pub const IOTCHAIN_ROLE_GET: u8 = 1;
/// The right to POST.
pub const IOTCHAIN_ROLE_POST: u8 = 2;
/// The right to PUT.
pub const IOTCHAIN_ROLE_PUT: u8 = 4;
/// The right to FETCH.
pub const IOTCHAIN_ROLE_FETCH: u8 = 16;
/// The role of a resource server in its own group; it stands alone.
pub const IOTCHAIN_ROLE_PRODUCER: u8 = 0x80;

/// Where a token lives and who claims it. A resource server joins its own group without a token: chain 0, contract zero, its own
/// address as client.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_token_ref {
    /// EIP-155 chain id.
    pub chain: u64,
    /// Address of the token contract.
    pub contract: [u8; 20],
    /// Address of the client.
    pub client: [u8; 20],
}

impl iotchain_token_ref {
    /// As Rust sees it.
    pub(crate) const fn read(&self) -> TokenRef {
        TokenRef {
            chain: self.chain,
            contract: Address::new(self.contract),
            client: Address::new(self.client),
        }
    }
}

/// A group, and the rights in it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_scope {
    /// Name of the group: 1 to 32 characters of `[A-Za-z0-9._-]` and a final zero byte.
    pub group: *const c_char,
    /// Bits of `IOTCHAIN_ROLE_GET` and the others.
    pub roles: u8,
}

/// As Rust sees it: `IOTCHAIN_ERR_SCOPE` for what is no name of a group.
///
/// # Safety
/// Unless it is null, `scope` points to an `iotchain_scope`, whose group is null or a text that ends with zero.
pub(crate) unsafe fn scope(scope: *const iotchain_scope) -> Outcome<Scope> {
    // SAFETY: the caller's promise.
    let scope = unsafe { value(scope)? };
    if scope.group.is_null() {
        return Err(iotchain_err::NullArgument.into());
    }
    // SAFETY: not null; the rest is the caller's promise.
    let group = unsafe { CStr::from_ptr(scope.group) };
    let group = group.to_str().map_err(|_| iotchain_err::Scope)?;
    Ok(Scope {
        group: GroupName::new(group)?,
        roles: Roles::new(scope.roles),
    })
}
