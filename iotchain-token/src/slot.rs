//! Where the contract keeps its words (Solidity mapping layout; spec 5.1).

use crate::word::{StorageWord, storage_word};
use iotchain_core::{Address, Result, hash::keccak256};

/// Slot number of `issued`, the outer mapping from client to resource to token word.
const ISSUED: StorageWord = number(0);
/// Slot number of `resources`, the mapping from resource to its word.
const RESOURCES: StorageWord = number(1);
const PAD: [u8; 12] = [0; 12];

/// Storage slot of the token word `issued[client][res]`.
#[must_use]
pub fn token_slot(client: &Address, res: &Address) -> StorageWord {
    let inner = keccak256(&[&PAD, client.as_bytes(), &ISSUED]);
    keccak256(&[&PAD, res.as_bytes(), &inner])
}

/// Storage slot of the resource word `resources[res]`.
#[must_use]
pub fn resource_slot(res: &Address) -> StorageWord {
    keccak256(&[&PAD, res.as_bytes(), &RESOURCES])
}

/// The current epoch in a resource word: bits 160 to 191.
///
/// # Errors
/// [`iotchain_core::Error::Truncated`] below and [`iotchain_core::Error::Trailing`] above 32 bytes.
pub fn resource_epoch(resource_word: &[u8]) -> Result<u32> {
    let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = *storage_word(resource_word)?;
    Ok(u32::from_be_bytes([a, b, c, d]))
}

const fn number(slot: u8) -> StorageWord {
    let mut word = [0; 32];
    word[31] = slot;
    word
}
