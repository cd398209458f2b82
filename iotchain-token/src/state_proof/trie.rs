//! One path through a Merkle Patricia trie, node by node (Yellow Paper, appendix D).

use super::nibbles::{Key, Path};
use super::rlp::{self, Item, Items};
use iotchain_core::hash::keccak256;
use iotchain_core::{Error, Result};

/// Root of the trie without keys: the hash of the empty string's encoding.
const EMPTY_ROOT: [u8; 32] = [
    0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
    0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21,
];
/// A node shorter than this stands inside its parent instead of being referred to by hash.
const HASH: usize = 32;
const CHILDREN: u8 = 16;

/// The way to a key, as far as it was walked. Holds 66 bytes and no node.
#[derive(Clone, Copy, Debug)]
pub struct TriePath {
    key: Key,
    /// Hash of the next node.
    expected: [u8; 32],
}

/// Where a walk stands.
#[derive(Clone, Copy, Debug)]
pub enum TrieStep<'a> {
    /// On the way: another node is needed.
    Onward(TriePath),
    /// Proven present, with this value.
    Present(&'a [u8]),
    /// Proven absent.
    Absent,
}

/// Where a node leads.
enum Lead<'a> {
    Hash([u8; 32]),
    Inside(Items<'a>),
    Value(&'a [u8]),
    Nowhere,
}

impl TriePath {
    /// Starts at the root hash. `key` is the hashed key: Keccak-256 of an address or of a storage slot.
    #[must_use]
    pub fn start(root: &[u8; 32], key: [u8; 32]) -> TrieStep<'static> {
        if *root == EMPTY_ROOT {
            return TrieStep::Absent;
        }
        TrieStep::Onward(Self {
            key: Key::new(key),
            expected: *root,
        })
    }

    /// Takes the next node, at most 532 bytes in a real trie.
    ///
    /// # Errors
    /// [`Error::Proof`] if it is not the node that was expected, or no node of a trie over 32-byte keys.
    pub fn push<'a>(mut self, node: &'a [u8]) -> Result<TrieStep<'a>> {
        if keccak256(&[node]) != self.expected {
            return Err(Error::Proof);
        }
        let mut items = rlp::list(node)?;
        loop {
            match lead(items, &mut self.key)? {
                Lead::Inside(inner) => items = inner,
                Lead::Hash(hash) => {
                    self.expected = hash;
                    return Ok(TrieStep::Onward(self));
                }
                Lead::Value(value) => return Ok(TrieStep::Present(value)),
                Lead::Nowhere => return Ok(TrieStep::Absent),
            }
        }
    }
}

/// Where a node leads the key. Two items are a leaf or an extension, seventeen a branch.
fn lead<'a>(items: Items<'a>, key: &mut Key) -> Result<Lead<'a>> {
    let mut rest = items;
    let (first, second) = (rest.next()?, rest.next()?);
    if !rest.is_empty() {
        return branch(items, key);
    }
    let Item::String(path) = first else {
        return Err(Error::Proof);
    };
    let path = Path::parse(path, key)?;
    let follows = key.follow(&path);
    match second {
        Item::String(value) if path.is_leaf => Ok(if follows {
            Lead::Value(value)
        } else {
            Lead::Nowhere
        }),
        _ if path.is_leaf => Err(Error::Proof),
        child => match child_of(child)? {
            // An extension without a child is no node.
            Lead::Nowhere => Err(Error::Proof),
            lead if follows => Ok(lead),
            _ => Ok(Lead::Nowhere),
        },
    }
}

fn branch<'a>(mut items: Items<'a>, key: &mut Key) -> Result<Lead<'a>> {
    let chosen = key.step().ok_or(Error::Proof)?;
    let mut lead = Lead::Nowhere;
    for nibble in 0..CHILDREN {
        let child = child_of(items.next()?)?;
        if nibble == chosen {
            lead = child;
        }
    }
    // No key ends at a branch, since all have one length.
    match items.string()? {
        [] if items.is_empty() => Ok(lead),
        _ => Err(Error::Proof),
    }
}

/// A child as its parent refers to it.
fn child_of(item: Item<'_>) -> Result<Lead<'_>> {
    match item {
        Item::String([]) => Ok(Lead::Nowhere),
        Item::String(hash) => hash.try_into().map(Lead::Hash).map_err(|_| Error::Proof),
        Item::List { items, encoded_len } if encoded_len < HASH => Ok(Lead::Inside(items)),
        Item::List { .. } => Err(Error::Proof),
    }
}
