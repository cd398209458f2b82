//! Proofs of accounts and storage words against a state root (EIP-1186).

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_trie::TrieAccount;

use super::state::{View, absent_account, word};

/// An account with the nodes that lead to it, and so for some of its storage words.
pub(crate) struct AccountProof {
    pub(crate) account: TrieAccount,
    pub(crate) nodes: Vec<Bytes>,
    pub(crate) storage: Vec<StorageProof>,
}

/// A storage word with the nodes that lead to it.
pub(crate) struct StorageProof {
    pub(crate) slot: U256,
    pub(crate) value: U256,
    pub(crate) nodes: Vec<Bytes>,
}

/// Proves an account and storage words of it, present or absent.
pub(super) fn prove(view: &View<'_>, address: Address, slots: &[U256]) -> AccountProof {
    let mut trie = view.storage_trie(address);
    let mut prove_word = |slot: &U256| {
        let key = keccak256(slot.to_be_bytes::<32>());
        StorageProof {
            slot: *slot,
            value: word(&trie, key),
            nodes: trie.prove(key),
        }
    };
    AccountProof {
        storage: slots.iter().map(&mut prove_word).collect(),
        account: view.account(address).unwrap_or_else(absent_account),
        nodes: view.account_trie().prove(keccak256(address)),
    }
}
