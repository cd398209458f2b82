//! The proof of a token: account of the contract, token word, resource word, in one stream of nodes.

use super::account::ContractState;
use super::block::{BlockHash, TrustedBlock};
use super::trie::{TriePath, TrieStep};
use crate::slot::{resource_slot, token_slot};
use crate::token_ref::TokenRef;
use crate::validate::{Grant, LedgerView, Policy, Publications, Query, validate_record};
use crate::word::StorageWord;
use iotchain_core::hash::keccak256;
use iotchain_core::{Address, Error, Result, UnixTime};

/// Where a token is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPlace {
    /// Chain, contract and client. That the trusted block is one of this chain is the caller's knowledge.
    pub token: TokenRef,
    /// The resource server.
    pub rs: Address,
    /// Keccak-256 of the contract's code: no other code may have written the words.
    pub code_hash: [u8; 32],
}

/// A proof under way: takes nodes in the order account, token word, resource word, each from the root down, and knows itself where
/// one ends and the next begins. Holds no node.
///
/// ```
/// # use iotchain_core::{Error, Result};
/// # use iotchain_token::{ProvenToken, TokenPlace, TokenProof, TrustedBlock};
/// # fn prove<'n>(block: &TrustedBlock, place: &TokenPlace, mut receive: impl FnMut(&mut [u8]) -> Option<usize>) -> Result<ProvenToken> {
/// let mut proof = TokenProof::new(block, place)?;
/// let mut node = [0; 532]; // one node at a time, from a socket or a radio
/// while let Some(len) = receive(&mut node) {
///     proof = proof.push(node.get(..len).ok_or(Error::Size)?)?;
/// }
/// proof.finish()
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TokenProof {
    block: TrustedBlock,
    place: TokenPlace,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Account(TriePath),
    Token {
        path: TriePath,
        storage: [u8; 32],
    },
    Resource {
        path: TriePath,
        word: StorageWord,
    },
    Done {
        word: StorageWord,
        resource: StorageWord,
    },
}

impl TokenProof {
    /// A proof of the state after `block`.
    ///
    /// # Errors
    /// [`Error::Issuer`] if there is no account at all.
    pub fn new(block: &TrustedBlock, place: &TokenPlace) -> Result<Self> {
        let account = keccak256(&[place.token.contract.as_bytes()]);
        match TriePath::start(block.state_root(), account) {
            TrieStep::Onward(path) => Ok(Self {
                block: *block,
                place: *place,
                stage: Stage::Account(path),
            }),
            _ => Err(Error::Issuer),
        }
    }

    /// Takes the next node.
    ///
    /// # Errors
    /// [`Error::Proof`] if it does not lead on; [`Error::Issuer`] if there is no such contract, or one with other code;
    /// [`Error::Trailing`] if the proof is complete.
    pub fn push(self, node: &[u8]) -> Result<Self> {
        let stage = match self.stage {
            Stage::Account(path) => match path.push(node)? {
                TrieStep::Onward(path) => Stage::Account(path),
                TrieStep::Present(account) => {
                    let contract = ContractState::parse(account)?;
                    if contract.code_hash != self.place.code_hash {
                        return Err(Error::Issuer);
                    }
                    Stage::token(contract.storage_root, &self.place)
                }
                TrieStep::Absent => return Err(Error::Issuer),
            },
            Stage::Token { path, storage } => match path.push(node)? {
                TrieStep::Onward(path) => Stage::Token { path, storage },
                end => Stage::resource(storage, end.storage_word()?, &self.place),
            },
            Stage::Resource { path, word } => match path.push(node)? {
                TrieStep::Onward(path) => Stage::Resource { path, word },
                end => Stage::Done {
                    word,
                    resource: end.storage_word()?,
                },
            },
            Stage::Done { .. } => return Err(Error::Trailing),
        };
        Ok(Self { stage, ..self })
    }

    /// Ends the proof.
    ///
    /// # Errors
    /// [`Error::Truncated`] if nodes are missing.
    pub fn finish(self) -> Result<ProvenToken> {
        match self.stage {
            Stage::Done { word, resource } => Ok(ProvenToken {
                block: self.block,
                place: self.place,
                word,
                resource,
            }),
            _ => Err(Error::Truncated),
        }
    }
}

impl Stage {
    fn token(storage: [u8; 32], place: &TokenPlace) -> Self {
        let slot = token_slot(&place.token.client, &place.rs);
        match TriePath::start(&storage, keccak256(&[&slot])) {
            TrieStep::Onward(path) => Self::Token { path, storage },
            _ => Self::resource(storage, [0; 32], place),
        }
    }

    fn resource(storage: [u8; 32], word: StorageWord, place: &TokenPlace) -> Self {
        match TriePath::start(&storage, keccak256(&[&resource_slot(&place.rs)])) {
            TrieStep::Onward(path) => Self::Resource { path, word },
            _ => Self::Done {
                word,
                resource: [0; 32],
            },
        }
    }
}

/// The words of a token, proven to be those after one block. Only [`TokenProof::finish`] and [`verify_token_proof`] make
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenToken {
    block: TrustedBlock,
    place: TokenPlace,
    word: StorageWord,
    resource: StorageWord,
}

impl ProvenToken {
    /// The block after which the words stand.
    #[must_use]
    pub const fn block(&self) -> &TrustedBlock {
        &self.block
    }

    /// Where the words stand.
    #[must_use]
    pub const fn place(&self) -> &TokenPlace {
        &self.place
    }

    /// The token word; zeros if there never was a token.
    #[must_use]
    pub const fn word(&self) -> &StorageWord {
        &self.word
    }

    /// The word of the resource; zeros if there is none.
    #[must_use]
    pub const fn resource(&self) -> &StorageWord {
        &self.resource
    }

    /// What the proof says to a query, for [`validate_record`] and [`crate::revalidate`]. The word counts as confirmed
    /// as well: its own issuedAt tells its depth (spec 5.3, step 3).
    ///
    /// # Errors
    /// [`Error::Issuer`], [`Error::Subject`] or [`Error::Audience`] if the words are of another contract, client or
    /// resource server than the query's.
    pub fn view(&self, query: &Query, now: UnixTime) -> Result<LedgerView<'_>> {
        let (ours, asked) = (&self.place.token, &query.token);
        if (ours.chain, ours.contract) != (asked.chain, asked.contract) {
            return Err(Error::Issuer);
        }
        if ours.client != asked.client {
            return Err(Error::Subject);
        }
        if self.place.rs != query.rs {
            return Err(Error::Audience);
        }
        Ok(LedgerView {
            head: self.block.number(),
            head_age: now.abs_diff(self.block.timestamp()),
            word_head: &self.word,
            word_confirmed: &self.word,
            resource_head: &self.resource,
        })
    }

    /// Validates the token for a query: steps 1 to 8 of spec 5.3 with this block as head.
    ///
    /// # Errors
    /// As [`ProvenToken::view`] and [`validate_record`].
    pub fn validate(
        &self,
        query: &Query,
        policy: &Policy,
        published: &(impl Publications + ?Sized),
        now: UnixTime,
    ) -> Result<Grant> {
        validate_record(query, policy, published, &self.view(query, now)?, now)
    }
}

/// Verifies a whole proof: `headers` lead from the block with the trusted hash `tip` back to the one whose state is
/// proved, newest first and often only one; `nodes` are those of the account, the token word and the resource word.
///
/// # Errors
/// [`Error::Truncated`] without a header or if nodes are missing; otherwise as [`TrustedBlock::at`],
/// [`TrustedBlock::parent`] and [`TokenProof::push`].
pub fn verify_token_proof<'h, 'n>(
    tip: &BlockHash,
    headers: impl IntoIterator<Item = &'h [u8]>,
    place: &TokenPlace,
    nodes: impl IntoIterator<Item = &'n [u8]>,
) -> Result<ProvenToken> {
    let mut headers = headers.into_iter();
    let tip = TrustedBlock::at(tip, headers.next().ok_or(Error::Truncated)?)?;
    let block = headers.try_fold(tip, |block, header| block.parent(header))?;
    nodes
        .into_iter()
        .try_fold(TokenProof::new(&block, place)?, TokenProof::push)?
        .finish()
}
