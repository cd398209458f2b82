//! A Merkle Patricia trie (Ethereum Yellow Paper, appendix D) that remembers its hashes: a change costs its path, not the
//! whole trie. Keys are 32-byte hashes, so that no key is a prefix of another and branches carry no values.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieMask};

/// A node shorter than this stands inside its parent instead of being referred to by hash.
const HASH: usize = 32;

/// A trie from hashed keys to RLP values.
#[derive(Clone, Debug, Default)]
pub(super) struct Trie(Option<Node>);

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    /// How the parent refers to it: its hash, or itself if short. `None` since it changed.
    reference: Option<RlpNode>,
}

#[derive(Clone, Debug)]
enum Kind {
    Leaf {
        path: Nibbles,
        value: Vec<u8>,
    },
    /// Its child is a branch.
    Extension {
        path: Nibbles,
        child: Box<Node>,
    },
    /// It has at least two children.
    Branch(Box<[Option<Node>; 16]>),
}

impl Trie {
    /// The value of a key.
    pub(super) fn get(&self, key: B256) -> Option<&[u8]> {
        let key = Nibbles::unpack(key);
        let mut at = 0;
        let mut node = self.0.as_ref()?;
        loop {
            match &node.kind {
                Kind::Leaf { path, value } => return (key.slice(at..) == *path).then_some(value),
                Kind::Extension { path, child } => {
                    if !key.slice(at..).starts_with(path) {
                        return None;
                    }
                    at += path.len();
                    node = child;
                }
                Kind::Branch(children) => {
                    node = children.get(usize::from(key.get(at)?))?.as_ref()?;
                    at += 1;
                }
            }
        }
    }

    /// Sets the value of a key.
    pub(super) fn insert(&mut self, key: B256, value: Vec<u8>) {
        self.0 = Some(insert(self.0.take(), Nibbles::unpack(key), value));
    }

    /// Removes a key.
    pub(super) fn remove(&mut self, key: B256) {
        self.0 = self
            .0
            .take()
            .and_then(|node| remove(node, Nibbles::unpack(key)));
    }

    /// The root hash.
    pub(super) fn root(&mut self) -> B256 {
        let Some(root) = &mut self.0 else {
            return EMPTY_ROOT_HASH;
        };
        root.refer();
        // The root is hashed however short it is.
        root.reference
            .as_ref()
            .and_then(RlpNode::as_hash)
            .unwrap_or_else(|| keccak256(root.encode()))
    }

    /// The nodes from the root towards a key, whether it is there or not (EIP-1186).
    pub(super) fn prove(&mut self, key: B256) -> Vec<Bytes> {
        self.root();
        let key = Nibbles::unpack(key);
        let mut nodes = Vec::new();
        let mut at = 0;
        let mut next = self.0.as_ref();
        while let Some(node) = next {
            let encoded = node.encode();
            if at == 0 || encoded.len() >= HASH {
                nodes.push(encoded.into());
            }
            next = match &node.kind {
                Kind::Extension { path, child } if key.slice(at..).starts_with(path) => {
                    at += path.len();
                    Some(child)
                }
                Kind::Branch(children) => {
                    let child = key
                        .get(at)
                        .and_then(|nibble| children.get(usize::from(nibble)));
                    at += 1;
                    child.and_then(Option::as_ref)
                }
                Kind::Leaf { .. } | Kind::Extension { .. } => None,
            };
        }
        nodes
    }
}

impl Node {
    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            reference: None,
        }
    }

    const fn leaf(path: Nibbles, value: Vec<u8>) -> Self {
        Self::new(Kind::Leaf { path, value })
    }

    /// Computes the references that changes have invalidated, from the leaves up.
    fn refer(&mut self) {
        if self.reference.is_some() {
            return;
        }
        match &mut self.kind {
            Kind::Leaf { .. } => {}
            Kind::Extension { child, .. } => child.refer(),
            Kind::Branch(children) => children.iter_mut().flatten().for_each(Self::refer),
        }
        self.reference = Some(RlpNode::from_rlp(&self.encode()));
    }

    /// Its RLP encoding. The children's references are up to date.
    fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::new();
        match &self.kind {
            Kind::Leaf { path, value } => LeafNodeRef::new(path, value).encode(&mut encoded),
            Kind::Extension { path, child } => {
                let child = child.reference.as_ref().map_or(&[][..], RlpNode::as_slice);
                ExtensionNodeRef::new(path, child).encode(&mut encoded);
            }
            Kind::Branch(children) => {
                let mask = (0..)
                    .zip(children.iter())
                    .filter(|(_, child)| child.is_some())
                    .fold(0, |mask, (i, _)| mask | 1u16 << i);
                let references: Vec<_> = children
                    .iter()
                    .flatten()
                    .filter_map(|child| child.reference.clone())
                    .collect();
                BranchNodeRef::new(&references, TrieMask::new(mask)).encode(&mut encoded);
            }
        }
        encoded
    }
}

fn insert(node: Option<Node>, path: Nibbles, value: Vec<u8>) -> Node {
    let Some(node) = node else {
        return Node::leaf(path, value);
    };
    match node.kind {
        Kind::Leaf { path: old, .. } if old == path => Node::leaf(path, value),
        Kind::Leaf {
            path: old,
            value: old_value,
        } => {
            let common = old.common_prefix_length(&path);
            let old_rest = Node::leaf(old.slice(common + 1..), old_value);
            let rest = Node::leaf(path.slice(common + 1..), value);
            fork(
                path.slice(..common),
                [(old.get(common), old_rest), (path.get(common), rest)],
            )
        }
        Kind::Extension { path: old, child } => {
            let common = old.common_prefix_length(&path);
            if common == old.len() {
                let child = Box::new(insert(Some(*child), path.slice(common..), value));
                return Node::new(Kind::Extension { path: old, child });
            }
            let old_rest = prefix(old.slice(common + 1..), *child);
            let rest = Node::leaf(path.slice(common + 1..), value);
            fork(
                path.slice(..common),
                [(old.get(common), old_rest), (path.get(common), rest)],
            )
        }
        Kind::Branch(mut children) => {
            if let Some(child) = path
                .first()
                .and_then(|nibble| children.get_mut(usize::from(nibble)))
            {
                *child = Some(insert(child.take(), path.slice(1..), value));
            }
            Node::new(Kind::Branch(children))
        }
    }
}

fn remove(node: Node, path: Nibbles) -> Option<Node> {
    match node.kind {
        Kind::Leaf { path: ref own, .. } => (*own != path).then_some(node),
        Kind::Extension { path: own, child } => {
            if !path.starts_with(&own) {
                return Some(Node {
                    kind: Kind::Extension { path: own, child },
                    reference: node.reference,
                });
            }
            remove(*child, path.slice(own.len()..)).map(|child| prefix(own, child))
        }
        Kind::Branch(mut children) => {
            if let Some(child) = path
                .first()
                .and_then(|nibble| children.get_mut(usize::from(nibble)))
            {
                *child = child
                    .take()
                    .and_then(|child| remove(child, path.slice(1..)));
            }
            let mut left = (0u8..)
                .zip(children.iter_mut())
                .filter(|(_, child)| child.is_some());
            match (left.next(), left.next()) {
                // A branch with one child is no branch: the child takes its place.
                (Some((nibble, only)), None) => only
                    .take()
                    .map(|only| prefix(Nibbles::from_nibbles([nibble]), only)),
                _ => Some(Node::new(Kind::Branch(children))),
            }
        }
    }
}

/// `node` with `path` before it.
fn prefix(path: Nibbles, node: Node) -> Node {
    match node.kind {
        _ if path.is_empty() => node,
        Kind::Leaf { path: rest, value } => Node::leaf(path.join(&rest), value),
        Kind::Extension { path: rest, child } => Node::new(Kind::Extension {
            path: path.join(&rest),
            child,
        }),
        Kind::Branch(_) => Node::new(Kind::Extension {
            path,
            child: Box::new(node),
        }),
    }
}

/// A branch with two children, and the path before it.
fn fork(path: Nibbles, children: [(Option<u8>, Node); 2]) -> Node {
    let mut branch = Box::new([const { None }; 16]);
    for (nibble, child) in children {
        if let Some(place) = nibble.and_then(|nibble| branch.get_mut(usize::from(nibble))) {
            *place = Some(child);
        }
    }
    prefix(path, Node::new(Kind::Branch(branch)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_trie::HashBuilder;
    use alloy_trie::proof::verify_proof;

    use super::*;

    fn expected_root(leaves: &BTreeMap<B256, Vec<u8>>) -> B256 {
        let mut builder = HashBuilder::default();
        for (key, value) in leaves {
            builder.add_leaf(Nibbles::unpack(key), value);
        }
        builder.root()
    }

    /// Random bytes that are the same in every run.
    fn random(seed: u32) -> B256 {
        keccak256(seed.to_be_bytes())
    }

    /// Thousands of random changes against alloy-trie, over keys that share long prefixes and keys that do not.
    #[test]
    fn agrees_with_alloy() {
        for (round, spread) in (0u32..).zip([1usize, 2, 31, 32]) {
            let mut trie = Trie::default();
            let mut leaves = BTreeMap::new();
            for step in 0..1_500 {
                let dice = random(round << 16 | step);
                // Only `spread` bytes vary: the first ones or the last, so that short nodes stand inside others.
                let mut key = B256::repeat_byte(0xAB);
                let place = if dice[0] < 128 {
                    0..spread
                } else {
                    32 - spread..32
                };
                key[place.clone()].copy_from_slice(&keccak256([dice[1] & 63])[place]);
                if dice[2] < 100 {
                    trie.remove(key);
                    leaves.remove(&key);
                } else {
                    let value = dice[..1 + usize::from(dice[3] % 32)].to_vec();
                    trie.insert(key, value.clone());
                    leaves.insert(key, value);
                }
                assert_eq!(trie.get(key), leaves.get(&key).map(Vec::as_slice));
                if step % 7 == 0 {
                    assert_eq!(
                        trie.root(),
                        expected_root(&leaves),
                        "round {round}, step {step}"
                    );
                    let absent = random(step);
                    for key in [key, absent] {
                        let proof = trie.prove(key);
                        verify_proof(
                            trie.root(),
                            Nibbles::unpack(key),
                            leaves.get(&key).cloned(),
                            &proof,
                        )
                        .unwrap();
                    }
                }
            }
            for key in leaves.into_keys() {
                trie.remove(key);
            }
            assert_eq!(trie.root(), EMPTY_ROOT_HASH);
            assert!(trie.prove(B256::ZERO).is_empty());
        }
    }
}
