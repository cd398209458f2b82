//! The binary tree of slots and its subsets (spec 3.4.3; Naor, Naor, Lotspiech 2001).
//!
//! ```text
//! node at depth a with path p: heap index 2^a + p; slot s = leaf (d, s)
//! subset S_{i,j}: leaves under i and not under its descendant j
//! on the wire: di(5) | dj(5) | path of j, left-aligned in 22 bits        big-endian, unused bits zero
//! ```

use iotchain_core::{Error, Result};

/// Deepest tree: 2^22 slots.
pub(crate) const MAX_DEPTH: u8 = 22;

/// A node: its depth and the first `depth` bits of the slots below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    depth: u8,
    path: u32,
}

impl Node {
    /// The node of all slots.
    #[cfg(feature = "manager")]
    pub(crate) const ROOT: Self = Self { depth: 0, path: 0 };

    /// The leaf of `slot` in a tree of `depth`.
    pub(crate) const fn leaf(depth: u8, slot: u32) -> Self {
        Self { depth, path: slot }
    }

    pub(crate) const fn depth(self) -> u8 {
        self.depth
    }

    pub(crate) const fn heap_index(self) -> u32 {
        1u32.wrapping_shl(self.depth as u32) | self.path
    }

    /// The node above this one at `depth`, or the node itself if it is not deeper.
    pub(crate) const fn ancestor(self, depth: u8) -> Self {
        let up = self.depth.saturating_sub(depth);
        Self {
            depth: self.depth.saturating_sub(up),
            path: self.path.wrapping_shr(up as u32),
        }
    }

    /// Whether `node` is this node or lies below it.
    #[cfg(any(test, feature = "manager"))]
    pub(crate) fn contains(self, node: Self) -> bool {
        node.depth
            .checked_sub(self.depth)
            .is_some_and(|below| node.path.wrapping_shr(below.into()) == self.path)
    }

    /// The other child of the parent.
    #[cfg(feature = "manager")]
    pub(crate) const fn sibling(self) -> Self {
        Self {
            depth: self.depth,
            path: self.path ^ 1,
        }
    }

    /// Left and right child.
    #[cfg(feature = "manager")]
    pub(crate) const fn children(self) -> (Self, Self) {
        let (depth, left) = (self.depth.saturating_add(1), self.path.wrapping_shl(1));
        (
            Self { depth, path: left },
            Self {
                depth,
                path: left | 1,
            },
        )
    }

    /// The slots below this node in a tree of `depth`.
    #[cfg(feature = "manager")]
    pub(crate) const fn slots(self, depth: u8) -> core::ops::Range<u32> {
        let below = depth.saturating_sub(self.depth) as u32;
        self.path.wrapping_shl(below)..self.path.wrapping_add(1).wrapping_shl(below)
    }
}

/// S_{top,hole}: the leaves under `top` that are not under `hole`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subset {
    top: Node,
    hole: Node,
}

impl Subset {
    /// Length on the wire in bytes.
    pub(crate) const LEN: usize = 4;

    /// `hole` lies strictly below `top`.
    #[cfg(feature = "manager")]
    pub(crate) fn new(top: Node, hole: Node) -> Self {
        debug_assert!(top != hole && top.contains(hole));
        Self { top, hole }
    }

    /// Reads a subset of a tree of `depth`.
    ///
    /// # Errors
    /// [`Error::Type`] unless di < dj <= depth and the unused bits are zero.
    pub(crate) fn parse(bytes: [u8; Self::LEN], depth: u8) -> Result<Self> {
        let word = u32::from_be_bytes(bytes);
        let [top_depth, hole_depth] = [word >> 27, word >> 22 & 31].map(|bits| bits as u8);
        let unused = u32::from(MAX_DEPTH.checked_sub(hole_depth).ok_or(Error::Type)?);
        let path = word & 0x003f_ffff;
        if top_depth >= hole_depth
            || hole_depth > depth
            || path & 1u32.wrapping_shl(unused).wrapping_sub(1) != 0
        {
            return Err(Error::Type);
        }
        let hole = Node {
            depth: hole_depth,
            path: path.wrapping_shr(unused),
        };
        Ok(Self {
            top: hole.ancestor(top_depth),
            hole,
        })
    }

    #[cfg(feature = "manager")]
    pub(crate) fn pack(self) -> [u8; Self::LEN] {
        let left = u32::from(MAX_DEPTH.saturating_sub(self.hole.depth));
        let depths = u32::from(self.top.depth) << 27 | u32::from(self.hole.depth) << 22;
        (depths | self.hole.path.wrapping_shl(left)).to_be_bytes()
    }

    pub(crate) const fn top(self) -> Node {
        self.top
    }

    pub(crate) const fn hole(self) -> Node {
        self.hole
    }

    #[cfg(test)]
    pub(crate) fn contains(self, leaf: Node) -> bool {
        self.top.contains(leaf) && !self.hole.contains(leaf)
    }

    /// The node above or at the hole whose path has just left that of `leaf`: a member holds its label.
    /// `None` if the leaf is not in the subset.
    pub(crate) fn parting(self, leaf: Node) -> Option<Node> {
        // the first bit in which the paths differ, counted from the hole up
        let differ = leaf.ancestor(self.hole.depth).path ^ self.hole.path;
        let up = u8::try_from(differ.checked_ilog2()?).ok()?;
        let node = self.hole.ancestor(self.hole.depth.saturating_sub(up));
        (node.depth > self.top.depth).then_some(node)
    }
}

/// How many labels a member of a tree of `depth` holds: d(d+1)/2.
pub(crate) fn label_count(depth: u8) -> usize {
    let d = usize::from(depth);
    d.wrapping_mul(d.wrapping_add(1)) / 2
}

/// Where a member keeps the label of its path's sibling at depth `b` with respect to its ancestor at depth `a < b`:
/// a*d - a(a-1)/2 + (b-a-1).
pub(crate) fn label_index(depth: u8, a: u8, b: u8) -> usize {
    let (d, a, b) = (usize::from(depth), usize::from(a), usize::from(b));
    let before = a
        .wrapping_mul(d)
        .wrapping_sub(a.wrapping_mul(a.wrapping_sub(1)) / 2);
    before.wrapping_add(b).wrapping_sub(a).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_numbered_without_gaps() {
        for depth in 1..=MAX_DEPTH {
            let mut next = 0;
            for a in 0..depth {
                for b in a + 1..=depth {
                    assert_eq!(label_index(depth, a, b), next);
                    next += 1;
                }
            }
            assert_eq!(next, label_count(depth));
        }
    }

    #[test]
    fn subsets_with_stray_bits_or_depths_are_refused() {
        assert!(Subset::parse([0x00, 0x40, 0, 0], 4).is_ok());
        for bad in [
            [0x00, 0x40, 0, 1],
            [0x10, 0x80, 0, 0],
            [0x01, 0x40, 0, 0],
            [0x07, 0xc0, 0, 0],
            [0, 0, 0, 0],
        ] {
            assert_eq!(Subset::parse(bad, 4), Err(Error::Type), "{bad:?}");
        }
    }

    #[test]
    fn a_leaf_is_in_a_subset_exactly_if_the_paths_part() {
        let depth = 4;
        for word in 0..=u16::MAX {
            let [hi, lo] = word.to_be_bytes();
            let Ok(subset) = Subset::parse([hi, lo, 0, 0], depth) else {
                continue;
            };
            for slot in 0..16 {
                let leaf = Node::leaf(depth, slot);
                let parting = subset.parting(leaf);
                assert_eq!(parting.is_some(), subset.contains(leaf));
                assert!(
                    parting.is_none_or(|node| !node.contains(leaf) && node.contains(subset.hole()))
                );
            }
        }
    }
}
