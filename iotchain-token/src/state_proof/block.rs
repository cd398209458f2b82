//! Blocks that lead to a trusted one by their hashes.

use super::rlp::{self, Items};
use super::sealers::{self, Sealer};
use iotchain_core::hash::keccak256;
use iotchain_core::{Error, Result, UnixTime};

/// Keccak-256 of a block's header, 32 bytes.
pub type BlockHash = [u8; 32];

/// Fewest fields of a header; each fork of the rules added some at the end.
const LEAST_FIELDS: u8 = 15;

/// A block of the chain that the caller trusts.
///
/// The first comes from a hash that the caller knows to be good: from a node of its own, from several nodes that agree, or from
/// its key server. Others follow from it, backward by the hash of the parent or forward by the seals of known sealers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedBlock {
    hash: BlockHash,
    fields: Fields,
}

/// The fields of a header that decisions rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fields {
    parent: BlockHash,
    state_root: [u8; 32],
    number: u64,
    timestamp: UnixTime,
}

impl TrustedBlock {
    /// The block whose hash is trusted, from its RLP header.
    ///
    /// # Errors
    /// [`Error::Proof`] if `header` has another hash or is no header.
    pub fn at(hash: &BlockHash, header: &[u8]) -> Result<Self> {
        let block = Self::read(header)?;
        if block.hash == *hash {
            Ok(block)
        } else {
            Err(Error::Proof)
        }
    }

    /// The block before this one, from its RLP header.
    ///
    /// # Errors
    /// [`Error::Proof`] if it is not the parent.
    pub fn parent(&self, header: &[u8]) -> Result<Self> {
        let parent = Self::at(&self.fields.parent, header)?;
        if parent.fields.number.checked_add(1) == Some(self.fields.number) {
            Ok(parent)
        } else {
            Err(Error::Proof)
        }
    }

    /// A block after this one, from its RLP header, because one of `sealers` sealed it (EIP-225). They are all sealers of
    /// the network, and remember whose turn it was.
    ///
    /// # Errors
    /// [`Error::Proof`] if it is not a child of this block; [`Error::Sig`] if its seal is malformed; [`Error::Signer`] if
    /// another account sealed it, or one whose turn it cannot be.
    pub fn sealed_child(&self, header: &[u8], sealers: &mut [Sealer]) -> Result<Self> {
        let child = Self::read(header)?;
        if child.fields.parent != self.hash
            || self.fields.number.checked_add(1) != Some(child.fields.number)
            || child.fields.timestamp < self.fields.timestamp
        {
            return Err(Error::Proof);
        }
        sealers::check(sealers, child.fields.number, header)?;
        Ok(child)
    }

    fn read(header: &[u8]) -> Result<Self> {
        Ok(Self {
            hash: keccak256(&[header]),
            fields: Fields::read(rlp::list(header)?)?,
        })
    }

    /// Its hash.
    #[must_use]
    pub const fn hash(&self) -> &BlockHash {
        &self.hash
    }

    /// Hash of the block before it.
    #[must_use]
    pub const fn parent_hash(&self) -> &BlockHash {
        &self.fields.parent
    }

    /// Its height; the genesis block is 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.fields.number
    }

    /// Its time.
    #[must_use]
    pub const fn timestamp(&self) -> UnixTime {
        self.fields.timestamp
    }

    /// Root of the trie of all accounts after this block.
    #[must_use]
    pub const fn state_root(&self) -> &[u8; 32] {
        &self.fields.state_root
    }
}

impl Fields {
    /// Parent, state root, number and time are the fields 0, 3, 8 and 11.
    fn read(mut items: Items<'_>) -> Result<Self> {
        let mut fields = Self {
            parent: [0; 32],
            state_root: [0; 32],
            number: 0,
            timestamp: UnixTime::new(0),
        };
        let mut place = 0u8;
        while !items.is_empty() {
            match place {
                0 => fields.parent = items.array()?,
                3 => fields.state_root = items.array()?,
                8 => fields.number = items.uint()?,
                11 => fields.timestamp = UnixTime::new(items.uint()?),
                _ => {
                    items.string()?;
                }
            }
            place = place.saturating_add(1);
        }
        if place < LEAST_FIELDS {
            return Err(Error::Proof);
        }
        Ok(fields)
    }
}
