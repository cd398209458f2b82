//! Tokens off the ledger: signed CBOR Web Tokens (RFC 8392; spec 5.5).

use crate::iotchain_err;
use crate::memory::{bytes, outcome, result, value};
use crate::query::{iotchain_query, iotchain_token_limits, policy, query};
use crate::sign::iotchain_public_key;
use iotchain::token::{AccountId, CwtIssuer, CwtTrust, validate_cwt};
use iotchain::{Address, UnixTime};

/// Somebody whose tokens the owner of a resource server accepts.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_cwt_issuer {
    /// EIP-155 chain id of the contract in whose place it speaks (iss).
    pub chain: u64,
    /// Address of that contract.
    pub contract: [u8; 20],
    /// The resource server whose owner published this issuer.
    pub rs: [u8; 20],
    /// The issuer's own address, which names its key in a token.
    pub id: [u8; 20],
    /// Its key; the algorithm is that of the group.
    pub key: iotchain_public_key,
}

/// What a token grants.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_cwt_grant {
    /// End of validity in Unix seconds, exclusive. No ledger ends it sooner.
    pub expires_at: u64,
    /// The client's key, which it must prove (cnf).
    pub key: iotchain_public_key,
    /// Everything that is granted in the group: bits of `IOTCHAIN_ROLE_GET` and the others.
    pub roles: u8,
}

/// Validates a signed CWT: its issuer, its signature, its client, resource server, times and rights. That the client holds
/// `grant->key` is proven elsewhere.
///
/// @param cwt  the token
/// @param query  who asks for what
/// @param issuer  whom to believe; with several, try one after the other
/// @param limits  null for those of the specification
/// @param now  Unix seconds
/// @return 0; for its form `IOTCHAIN_ERR_TRUNCATED` to `IOTCHAIN_ERR_ITEM`, `IOTCHAIN_ERR_CWT_TYPE`, `IOTCHAIN_ERR_HEADER`,
///   `IOTCHAIN_ERR_CRIT`, `IOTCHAIN_ERR_ALG`; `IOTCHAIN_ERR_ISSUER`, `IOTCHAIN_ERR_CWT_KEY`, `IOTCHAIN_ERR_SIG`;
///   `IOTCHAIN_ERR_CTI`, `IOTCHAIN_ERR_CNF`, `IOTCHAIN_ERR_SUBJECT`, `IOTCHAIN_ERR_AUDIENCE`, `IOTCHAIN_ERR_CLAIMS`,
///   `IOTCHAIN_ERR_TTL_RANGE`, `IOTCHAIN_ERR_EXPIRED`, `IOTCHAIN_ERR_NOT_YET`, `IOTCHAIN_ERR_IAT`, `IOTCHAIN_ERR_SCOPE`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_cwt_verify(
    cwt: *const u8,
    cwt_len: usize,
    query: *const iotchain_query,
    issuer: *const iotchain_cwt_issuer,
    limits: *const iotchain_token_limits,
    now: u64,
    grant: *mut iotchain_cwt_grant,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (cwt, query, issuer, policy, out) = unsafe {
            (
                bytes(cwt, cwt_len)?,
                self::query(query)?,
                value(issuer)?,
                policy(limits),
                result(grant)?,
            )
        };
        let key = issuer.key.read()?;
        let trust = CwtTrust {
            alg: key.alg(),
            issuers: &[CwtIssuer {
                account: AccountId {
                    chain: issuer.chain,
                    address: Address::new(issuer.contract),
                },
                rs: Address::new(issuer.rs),
                id: Address::new(issuer.id),
                key,
            }],
        };
        let granted = validate_cwt(cwt, &query, &policy, &trust, UnixTime::new(now))?;
        out.write(iotchain_cwt_grant {
            expires_at: granted.expires_at().get(),
            key: iotchain_public_key::of(granted.key())?,
            roles: granted.mask().bits(),
        });
        Ok(())
    })
}
