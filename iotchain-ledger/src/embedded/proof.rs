//! Proofs of accounts and storage words against a state root (EIP-1186).

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::proof::ProofRetainer;
use alloy_trie::{HashBuilder, Nibbles, TrieAccount};

use super::state::{View, absent_account};

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

/// Proves an account, present or absent, and storage words of it.
pub(super) fn prove(view: &View<'_>, address: Address, slots: &[U256]) -> AccountProof {
    let accounts = view
        .accounts()
        .into_iter()
        .map(|(key, account)| (key, alloy_rlp::encode(account)))
        .collect();
    let values = view.storage_of(address);
    let leaves: BTreeMap<_, _> = values
        .iter()
        .map(|(key, value)| (*key, alloy_rlp::encode_fixed_size(value).to_vec()))
        .collect();
    let storage = slots
        .iter()
        .map(|slot| {
            let key = keccak256(slot.to_be_bytes::<32>());
            StorageProof {
                slot: *slot,
                value: values.get(&key).copied().unwrap_or_default(),
                nodes: path(&leaves, key),
            }
        })
        .collect();
    AccountProof {
        account: view.account(address).unwrap_or_else(absent_account),
        nodes: path(&accounts, keccak256(address)),
        storage,
    }
}

/// The nodes from the root towards `key`. A node shorter than a hash stands inside its parent and is no node of its own.
fn path(leaves: &BTreeMap<B256, Vec<u8>>, key: B256) -> Vec<Bytes> {
    const HASH: usize = 32;
    if leaves.is_empty() {
        return Vec::new();
    }
    let target = Nibbles::unpack(key);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root();
    let nodes = builder.take_proof_nodes().matching_nodes_sorted(&target);
    nodes
        .into_iter()
        .filter(|(path, node)| path.is_empty() || node.len() >= HASH)
        .map(|(_, node)| node)
        .collect()
}
