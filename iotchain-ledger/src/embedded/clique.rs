//! Clique proof of authority with one sealer (EIP-225).
//!
//! ```text
//! extraData = vanity (32) ‖ [signer (20), only in genesis and every 30000th block] ‖ seal r ‖ s ‖ v (65, v in {0, 1})
//! seal over keccak256(RLP(header with the last 65 bytes of extraData left out))
//! ```

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};

use crate::Account;
use crate::convert::to_alloy;

/// A checkpoint block with the list of signers comes every so many blocks.
const EPOCH: u64 = 30_000;
const VANITY: &[u8; 32] = b"IoTChain embedded ledger\0\0\0\0\0\0\0\0";
const SEAL: usize = 65;

/// The genesis block of a chain sealed by `signer`.
pub(super) fn genesis(signer: Address, gas_limit: u64, timestamp: u64) -> Header {
    Header {
        number: 0,
        difficulty: U256::ONE,
        extra_data: extra_data(0, signer, &[0; SEAL]),
        state_root: EMPTY_ROOT_HASH,
        gas_limit,
        timestamp,
        ..template()
    }
}

/// The header that follows `parent`, without roots, gas and seal.
pub(super) fn successor(
    parent: &Header,
    parent_hash: B256,
    signer: Address,
    timestamp: u64,
) -> Header {
    let number = parent.number + 1;
    Header {
        parent_hash,
        number,
        // A single sealer is always in turn.
        difficulty: U256::from(2),
        extra_data: extra_data(number, signer, &[0; SEAL]),
        gas_limit: parent.gas_limit,
        timestamp,
        ..template()
    }
}

/// Puts the sealer's signature over `header` into its extra data.
pub(super) fn seal(header: &mut Header, sealer: &Account) {
    let signature = sealer.signature(&seal_hash(header).0);
    let mut bytes = signature.as_bytes();
    bytes[64] = signature.v().into();
    header.extra_data = extra_data(header.number, to_alloy(sealer.address()), &bytes);
}

/// Who sealed `header`; `None` if the seal is malformed.
pub(super) fn signer(header: &Header) -> Option<Address> {
    let (_, seal) = header.extra_data.split_last_chunk::<SEAL>()?;
    let signature = Signature::from_raw_array(seal).ok()?;
    // One message has one valid seal only (low s).
    if signature.normalize_s().is_some() {
        return None;
    }
    signature
        .recover_address_from_prehash(&seal_hash(header))
        .ok()
}

/// The signer that a genesis block names; `None` if it is not one of ours.
pub(super) fn genesis_signer(genesis: &Header) -> Option<Address> {
    let signer = Address::from_slice(genesis.extra_data.get(32..52)?);
    let expected = self::genesis(signer, genesis.gas_limit, genesis.timestamp);
    (*genesis == expected).then_some(signer)
}

fn seal_hash(header: &Header) -> B256 {
    let mut unsealed = header.clone();
    unsealed
        .extra_data
        .truncate(header.extra_data.len().saturating_sub(SEAL));
    keccak256(alloy_rlp::encode(&unsealed))
}

fn extra_data(number: u64, signer: Address, seal: &[u8; SEAL]) -> Bytes {
    let mut extra = VANITY.to_vec();
    if number.is_multiple_of(EPOCH) {
        extra.extend_from_slice(signer.as_slice());
    }
    extra.extend_from_slice(seal);
    extra.into()
}

fn template() -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        base_fee_per_gas: Some(0),
        ..Header::default()
    }
}
