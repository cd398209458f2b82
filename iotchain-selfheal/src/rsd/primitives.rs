//! The pseudorandom function of the scheme with a tag per use (spec 3.4.2), and its beacon chain.

use super::tree::Node;
use crate::prf::TaggedPrf;
#[cfg(feature = "manager")]
use iotchain_core::aes::Aes128;
use iotchain_core::hash::sha256;
use iotchain_core::{Gid, GroupKey, Secret};
use zeroize::Zeroize;

/// A 16-byte secret of the scheme: a label, a class secret Z_c or a chain state C_j.
pub(crate) type State = Secret<16>;
/// A value v_j of a beacon chain; public once disclosed.
pub(crate) type ChainValue = [u8; 16];
/// The public nonce of an event.
pub(crate) type EventNonce = [u8; 7];

/// What a block is for; no two uses share a block under one key.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    #[cfg(feature = "manager")]
    Root = 1,
    Child = 2,
    Pad = 3,
    NextClass = 4,
    Link = 5,
    Chain = 6,
    Ratchet = 7,
    GroupKey = 8,
    KeyCheck = 9,
    Beacon = 10,
}

/// The function family of one (gid, epoch).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prf(TaggedPrf);

impl Prf {
    /// The family of no group.
    pub(crate) const NONE: Self = Self(TaggedPrf::NONE);

    pub(crate) fn new(gid: Gid, epoch: u32) -> Self {
        Self(TaggedPrf::new(b"IoTChain-SH2", gid, epoch))
    }

    /// LABEL_i of a node; `master` is the expanded mk of the group manager.
    #[cfg(feature = "manager")]
    pub(crate) fn root_label(&self, master: &Aes128, node: Node) -> State {
        self.0
            .derive_expanded(master, Tag::Root as u8, node.heap_index(), 0)
    }

    /// One STEP: the label of a node with respect to `top` turns into that of `child`.
    pub(crate) fn child_label(&self, label: &mut State, top: Node, child: Node) {
        self.step(label, Tag::Child, top.heap_index(), child.heap_index());
    }

    /// The label of `to` with respect to `top`, from the one of its ancestor at depth `from`.
    pub(crate) fn descend(&self, mut label: State, top: Node, from: u8, to: Node) -> State {
        for depth in from.saturating_add(1)..=to.depth() {
            self.child_label(&mut label, top, to.ancestor(depth));
        }
        label
    }

    /// What covers Z of `class` in a cover entry; `label` belongs to its subset.
    pub(crate) fn pad(&self, label: &State, nonce: &EventNonce, class: u8) -> State {
        let [n0, n1, n2, n3, n4, n5, n6] = *nonce;
        let x = u32::from_be_bytes([n0, n1, n2, n3]);
        let y = u32::from_be_bytes([n4, n5, n6, class]);
        self.f(label, Tag::Pad, x, y)
    }

    /// Z_class of event `k` turns into Z_{class+1}.
    pub(crate) fn next_class(&self, z: &mut State, k: u32, class: u32) {
        self.step(z, Tag::NextClass, k, class.wrapping_add(1));
    }

    /// What covers the chain state in link `class` of event `k`.
    pub(crate) fn link_mask(&self, z: &State, k: u32, class: u32) -> State {
        self.f(z, Tag::Link, k, class)
    }

    /// The fresh chain state of event `k` at `session`, from Z of the last class.
    pub(crate) fn chain(&self, z: &State, k: u32, session: u32) -> State {
        self.f(z, Tag::Chain, k, session)
    }

    /// C_to from C_from; `to` is not below `from`.
    pub(crate) fn ratchet(&self, state: &State, from: u32, to: u32) -> State {
        let mut state = state.clone();
        for session in from..to {
            self.step(&mut state, Tag::Ratchet, 0, session.wrapping_add(1));
        }
        state
    }

    /// K_j from C_j.
    pub(crate) fn group_key(&self, state: &State, session: u32) -> GroupKey {
        GroupKey::new(*self.f(state, Tag::GroupKey, 0, session).expose())
    }

    /// K_j and C_{j+1} from C_j: one expansion of the key gives both.
    pub(crate) fn session(&self, state: &State, session: u32) -> (GroupKey, State) {
        let inputs = [
            self.0.input(Tag::GroupKey as u8, 0, session),
            self.0.input(Tag::Ratchet as u8, 0, session.wrapping_add(1)),
        ];
        let blocks = TaggedPrf::derive_pair(state, inputs);
        let [key, next] = &*blocks;
        (GroupKey::new(*key), State::new(*next))
    }

    /// The key check value of event `k` that starts at `session` with chain state `state`.
    pub(crate) fn key_check(&self, state: &State, k: u32, session: u32) -> State {
        self.f(state, Tag::KeyCheck, k, session)
    }

    /// v_to from v_from of the beacon chain of event `k`; `to` is not above `from`.
    pub(crate) fn beacon_back(&self, value: &ChainValue, k: u32, from: u32, to: u32) -> ChainValue {
        let mut value = *value;
        for session in (to..from).rev() {
            let j = session.wrapping_add(1);
            let hash = sha256(&[&self.0.input(Tag::Beacon as u8, k, j), &value]);
            #[cfg(test)]
            crate::prf::count::hash();
            value = hash.first_chunk().copied().unwrap_or_default();
        }
        value
    }

    fn step(&self, key: &mut State, tag: Tag, x: u32, y: u32) {
        self.0.step(key, tag as u8, x, y);
    }

    fn f(&self, key: &State, tag: Tag, x: u32, y: u32) -> State {
        self.0.derive(key, tag as u8, x, y)
    }
}

/// `a` xor `b`: masks and unmasks a state.
pub(crate) fn xor(a: &[u8; 16], b: &State) -> State {
    let mut out = *a;
    for (byte, mask) in out.iter_mut().zip(b.expose()) {
        *byte ^= mask;
    }
    let state = State::new(out);
    out.zeroize();
    state
}
