//! Storage slots of the contract (spec 5.1).

use iotchain_core::Address;
use iotchain_core::hash::keccak256;

use crate::Word;

const PAD: [u8; 12] = [0; 12];

/// Slot of the token word of `client` at `res`: keccak256(pad32(res) ‖ keccak256(pad32(client) ‖ 0)).
#[must_use]
pub fn token_slot(client: Address, res: Address) -> Word {
    let of_client = keccak256(&[&PAD, client.as_bytes(), &[0; 32]]);
    keccak256(&[&PAD, res.as_bytes(), &of_client])
}

/// Slot of the resource word of `res`: keccak256(pad32(res) ‖ 1). Bytes 8..12 of the word are its current epoch.
#[must_use]
pub fn resource_slot(res: Address) -> Word {
    let mut base = [0; 32];
    base[31] = 1;
    keccak256(&[&PAD, res.as_bytes(), &base])
}
