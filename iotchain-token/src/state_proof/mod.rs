//! Proofs that a word stands in the state of an Ethereum chain, so that the node which answers need not be trusted.
//!
//! ```text
//!  trusted hash --> header --> parent --> ..      (keccak, back in time)     \
//!  trusted block --> sealed child --> ..          (EIP-225, forward)         /--> TrustedBlock
//!                                                                                     | state root
//!  account nodes -----> contract's account (code hash, storage root) <-- TokenProof --+
//!  token word nodes --> token word                                           |
//!  resource nodes ----> resource word                                        +--> ProvenToken --> Grant
//! ```
//!
//! The nodes are those of `eth_getProof` (EIP-1186) for the token slot and the resource slot, from the root down. Everything
//! comes in one piece at a time from a buffer of the caller: one header (about 620 bytes) or one node (at most 532
//! bytes) is in memory at once. The proof is one of the state after one block, and suffices: issuedAt in the token word
//! tells how deep the grant is, and a revocation up to that block is seen (spec 5.3, step 3; 5.7).
//!
//! Whatever does not lead from the trusted hash to the word is [`iotchain_core::Error::Proof`].

mod account;
mod block;
mod nibbles;
mod rlp;
mod sealers;
mod token_proof;
mod trie;

pub use account::ContractState;
pub use block::{BlockHash, TrustedBlock};
pub use sealers::Sealer;
pub use token_proof::{ProvenToken, TokenPlace, TokenProof, verify_token_proof};
pub use trie::{TriePath, TrieStep};
