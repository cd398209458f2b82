//! State that the node proves (EIP-1186): each word is verified against the state root of its block, whose header was
//! verified by its hash. A node can then no longer say one thing about a block here and another thing there.
//!
//! It still says which block is the newest. One that is the only source of block hashes can make up a chain of its own,
//! state and all; against that help the seals of known sealers ([`JsonRpcLedger::sealed_by`]), or a node of one's own.

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY};
use iotchain_core::hash::keccak256;
use iotchain_core::{Address, Error};
use iotchain_token::{ContractState, TriePath, TrieStep};
use serde_json::json;

use super::answer::field;
use super::client::{JsonRpcLedger, at};
use crate::convert::to_alloy;
use crate::{Hash, Ledger, LedgerError, Result, Word};

impl JsonRpcLedger {
    /// A storage word of a contract after `block`; zeros if never written.
    pub(super) fn proven_word(&self, contract: Address, slot: Word, block: Hash) -> Result<Word> {
        let words = self.prove(contract, &[slot], block)?;
        Ok(words.map_or([0; 32], |(_, word)| word))
    }

    /// Keccak-256 of the code at an address after `block`; all zeros if there is no code.
    pub(super) fn proven_code_hash(&self, contract: Address, block: Hash) -> Result<Hash> {
        let state = self.prove(contract, &[], block)?;
        let hash = state.map(|(state, _)| state.code_hash);
        let hash = hash.filter(|hash| *hash != KECCAK256_EMPTY.0);
        Ok(hash.map(Hash::new).unwrap_or_default())
    }

    /// A contract with one of its storage words, or none (then zeros); `None` if there is no account.
    fn prove(
        &self,
        contract: Address,
        slot: &[Word],
        block: Hash,
    ) -> Result<Option<(ContractState, Word)>> {
        let header = self
            .header_by_hash(block)?
            .ok_or(LedgerError::UnknownBlock(block))?;
        let slots: Vec<B256> = slot.iter().map(B256::from).collect();
        let params = json!([to_alloy(contract), slots, at(block)]);
        let answer = self.get_at("eth_getProof", &params, block)?;

        let nodes: Vec<Bytes> = field(&answer, "accountProof")?;
        let key = keccak256(&[contract.as_bytes()]);
        let TrieStep::Present(account) = walk(header.state_root.as_bytes(), key, &nodes)? else {
            return Ok(None);
        };
        let state = ContractState::parse(account).map_err(unproven)?;
        let [slot] = slot else {
            return Ok(Some((state, [0; 32])));
        };
        let nodes: Vec<Bytes> = field(&answer["storageProof"][0], "proof")?;
        let end = walk(&state.storage_root, keccak256(&[slot]), &nodes)?;
        Ok(Some((state, end.storage_word().map_err(unproven)?)))
    }
}

/// Walks from a root to a key over exactly these nodes.
fn walk<'a>(root: &[u8; 32], key: [u8; 32], nodes: &'a [Bytes]) -> Result<TrieStep<'a>> {
    let start = TriePath::start(root, key);
    // Some nodes prove the empty trie by the encoding of nothing.
    if matches!((start, nodes), (TrieStep::Absent, [node]) if node[..] == [0x80]) {
        return Ok(start);
    }
    let end = nodes.iter().try_fold(start, |step, node| match step {
        TrieStep::Onward(path) => path.push(node),
        _ => Err(Error::Trailing),
    });
    match end.map_err(unproven)? {
        TrieStep::Onward(_) => Err(unproven(Error::Truncated)),
        end => Ok(end),
    }
}

fn unproven(error: Error) -> LedgerError {
    LedgerError::Answer(format!("eth_getProof: {error}"))
}
