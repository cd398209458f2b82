//! The proof of a token, one node at a time (spec 5.7): who trusts a block need not trust the node that answers.

use crate::block::iotchain_block;
use crate::iotchain_err;
use crate::memory::{Outcome, array, bytes, outcome, result, value};
use crate::object::{self, object};
use crate::query::{iotchain_query, iotchain_token_limits, policy, query};
use crate::token::iotchain_token_ref;
use core::slice;
use iotchain::token::{Class, Publications, TokenPlace, TokenProof};
use iotchain::{Address, UnixTime};

/// Where a token is to be found.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_token_place {
    /// Chain, contract and client. That the trusted block is one of this chain is your knowledge.
    pub token: *const iotchain_token_ref,
    /// Address of the resource server, 20 bytes.
    pub rs: *const u8,
    /// Keccak-256 of the contract's code, 32 bytes: no other code may have written the token.
    pub code_hash: *const u8,
}

/// A proof under way.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_proof {
    opaque: [u64; 44],
}

object!(iotchain_proof: TokenProof, b"proof");

/// What a token grants, as the ledger has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_grant {
    /// End of validity in Unix seconds, exclusive.
    pub expires_at: u64,
    /// Serial of the token, never reused by its contract.
    pub serial: u64,
    /// The access class.
    pub access_class: u16,
    /// Everything that is granted: bits of `IOTCHAIN_ROLE_GET` and the others.
    pub roles: u8,
}

/// `sizeof (struct iotchain_proof)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_proof_size() -> usize {
    size_of::<iotchain_proof>()
}

/// Starts a proof that a token stands in the state after `block`.
///
/// @param proof  room for the proof
/// @param block  a trusted block; the proof keeps a copy
/// @param place  where the token is; the proof keeps a copy
/// @return 0, `IOTCHAIN_ERR_NOT_READY` for the block, `IOTCHAIN_ERR_ISSUER` if the state is empty
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proof_start(
    proof: *mut iotchain_proof,
    block: *const iotchain_block,
    place: *const iotchain_token_place,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let value = unsafe {
            let place = value(place)?;
            let place = TokenPlace {
                token: value(place.token)?.read(),
                rs: Address::new(*array(place.rs)?),
                code_hash: *array(place.code_hash)?,
            };
            TokenProof::new(object::get(block)?, &place)?
        };
        // SAFETY: the caller's promise.
        unsafe { object::put(proof, || value) }
    })
}

/// Takes the next node of the answer to `eth_getProof` (EIP-1186): those of the account, of the slot of the token and of the slot of
/// the resource, each from the root down.
///
/// @param node  at most 532 bytes in a real trie; nothing of it is kept
/// @return 0; `IOTCHAIN_ERR_PROOF` if it does not lead on, which changes nothing: try the right one; `IOTCHAIN_ERR_ISSUER` if there is
///   no such contract, or one with other code; `IOTCHAIN_ERR_TRAILING` if the proof is complete; `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proof_push(
    proof: *mut iotchain_proof,
    node: *const u8,
    node_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let proof = object::get_mut(proof)?;
            *proof = proof.push(bytes(node, node_len)?)?;
        }
        Ok(())
    })
}

/// The words that were proven, for decisions of your own.
///
/// @param word  the token word, 32 bytes; zeros if there never was a token
/// @param resource  the word of the resource, 32 bytes; zeros if there is none
/// @return 0, `IOTCHAIN_ERR_TRUNCATED` if nodes are missing, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proof_words(
    proof: *const iotchain_proof,
    word: *mut u8,
    resource: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (proof, word, resource) = unsafe {
            (
                object::get(proof)?,
                result(word.cast::<[u8; 32]>())?,
                result(resource.cast::<[u8; 32]>())?,
            )
        };
        let proven = proof.finish()?;
        word.write(*proven.word());
        resource.write(*proven.resource());
        Ok(())
    })
}

/// Validates the proven token for what is asked: steps 1 to 8 of the specification, 5.3, with the block as head. The owner's
/// contract is the one of the proof.
///
/// @param query  who asks for what, of the token that was proven
/// @param limits  null for those of the specification
/// @param classes  the access classes that the owner defined
/// @param class_count  their number
/// @param now  Unix seconds
/// @return 0; `IOTCHAIN_ERR_TRUNCATED` if nodes are missing; `IOTCHAIN_ERR_ISSUER`, `IOTCHAIN_ERR_SUBJECT` or
///   `IOTCHAIN_ERR_AUDIENCE` if another token was proven; `IOTCHAIN_ERR_LEDGER_STALE` for an old block;
///   `IOTCHAIN_ERR_TOKEN_ABSENT`, `IOTCHAIN_ERR_TOKEN_REVOKED`, `IOTCHAIN_ERR_UNCONFIRMED`, `IOTCHAIN_ERR_CLAIMS`,
///   `IOTCHAIN_ERR_TTL_RANGE`, `IOTCHAIN_ERR_EXPIRED`, `IOTCHAIN_ERR_NOT_YET`, `IOTCHAIN_ERR_SCOPE`; `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proof_validate(
    proof: *const iotchain_proof,
    query: *const iotchain_query,
    limits: *const iotchain_token_limits,
    classes: *const u16,
    class_count: usize,
    now: u64,
    grant: *mut iotchain_grant,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (proof, query, classes, out) = unsafe {
            (
                object::get(proof)?,
                self::query(query)?,
                Classes(numbers(classes, class_count)?),
                result(grant)?,
            )
        };
        // SAFETY: the caller's promise.
        let policy = unsafe { policy(limits) };
        let proven = proof.finish()?;
        let granted = proven.validate(&query, &policy, &classes, UnixTime::new(now))?;
        out.write(iotchain_grant {
            expires_at: granted.expires_at().get(),
            serial: granted.serial(),
            access_class: granted.class().get(),
            roles: granted.mask().bits(),
        });
        Ok(())
    })
}

/// The owner's publication: this contract, because the proof is of no other, and these classes.
struct Classes<'a>(&'a [u16]);

impl Publications for Classes<'_> {
    fn publishes(&self, _: u64, _: &Address, _: &Address) -> bool {
        true
    }

    fn defines(&self, _: &Address, class: Class) -> bool {
        self.0.contains(&class.get())
    }
}

/// The numbers in an array of C.
///
/// # Safety
/// Unless it is null, `numbers` points to `count` numbers that stay unchanged for `'a`.
unsafe fn numbers<'a>(numbers: *const u16, count: usize) -> Outcome<&'a [u16]> {
    if count == 0 {
        return Ok(&[]);
    }
    let len = count.checked_mul(size_of::<u16>());
    let fits = len.is_some_and(|len| isize::try_from(len).is_ok());
    if numbers.is_null() || !fits {
        return Err(iotchain_err::NullArgument.into());
    }
    // SAFETY: not null and not too many; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(numbers, count) })
}

/// Ends a proof: nothing of it stays in the storage. Zeroed storage is left alone.
///
/// # Safety
/// `proof` is null, or points to a proof or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_proof_wipe(proof: *mut iotchain_proof) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(proof) }
}
