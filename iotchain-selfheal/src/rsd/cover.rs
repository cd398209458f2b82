//! Subset-difference covers (spec 3.4.5; Naor, Naor, Lotspiech 2001): few subsets that together hold every required
//! slot and no forbidden one. The walk enters only nodes that hold both kinds, so r exclusions in a tree of N slots
//! cost O(r log N) nodes.

use super::tree::{MAX_DEPTH, Node, Subset};
use alloc::vec::Vec;
use core::ops::Range;
use iotchain_core::{Error, Result};

/// What the slots below a node ask for. A slot that is neither may be covered or not.
#[derive(Clone, Copy)]
struct Census {
    required: u32,
    forbidden: u32,
}

/// A finished part of the tree: all of it is covered except for what `open` still covers, which is the part outside
/// `hole`.
struct Part {
    /// Slots that the open subset leaves out; `None` if nothing has to be left out.
    hole: Option<Node>,
    /// Whether the open subset holds a required slot.
    needed: bool,
}

struct Walk<F> {
    depth: u8,
    census: F,
    subsets: Vec<Subset>,
}

/// The cover of one class of members, each subset packed as on the wire (spec 3.4.3): what [`GroupManager`] sends, for
/// comparison with other implementations. `revoked` is sorted; its slots are left out.
///
/// # Errors
/// [`Error::Type`] for a depth outside 1..=22, slots outside the tree or revoked slots out of order;
/// [`Error::GroupFull`] if the last slot of the tree, which is never assigned, were to be covered.
///
/// [`GroupManager`]: super::GroupManager
pub fn class_cover(
    depth: u8,
    class: Range<u32>,
    revoked: &[u32],
) -> Result<Vec<[u8; Subset::LEN]>> {
    let valid = matches!(depth, 1..=MAX_DEPTH)
        && class.end <= Node::ROOT.slots(depth).end
        && revoked.is_sorted();
    if !valid {
        return Err(Error::Type);
    }
    let subsets = class_subsets(depth, class, revoked)?;
    Ok(subsets.into_iter().map(Subset::pack).collect())
}

/// Covers the slots of `class` that are not revoked. May cover older slots too, which shortens the cover: older classes
/// are entitled to the secrets of younger ones. Never covers a revoked or a later slot. `revoked` is sorted.
///
/// # Errors
/// [`Error::GroupFull`] if the last slot of the tree, which is never assigned, were to be covered.
pub(crate) fn class_subsets(depth: u8, class: Range<u32>, revoked: &[u32]) -> Result<Vec<Subset>> {
    let gone = |slots: Range<u32>| {
        let below = |end: u32| revoked.partition_point(|slot| *slot < end);
        below(slots.end).saturating_sub(below(slots.start)) as u32
    };
    let len = |slots: &Range<u32>| slots.end.saturating_sub(slots.start);
    cover(depth, |slots| {
        let members = slots.start.max(class.start)..slots.end.min(class.end);
        let not_later = slots.start..slots.end.min(class.end);
        let later = slots.start.max(class.end)..slots.end;
        let required = if members.is_empty() {
            0
        } else {
            len(&members).saturating_sub(gone(members))
        };
        let revoked = if not_later.is_empty() {
            0
        } else {
            gone(not_later)
        };
        Census {
            required,
            forbidden: len(&later).saturating_add(revoked),
        }
    })
}

fn cover(depth: u8, census: impl Fn(Range<u32>) -> Census) -> Result<Vec<Subset>> {
    let mut walk = Walk {
        depth,
        census,
        subsets: Vec::new(),
    };
    let whole = walk.part(Node::ROOT);
    let hole = whole.hole.ok_or(Error::GroupFull)?;
    if whole.needed {
        walk.subsets.push(Subset::new(Node::ROOT, hole));
    }
    walk.subsets
        .sort_by_key(|subset| (subset.top().slots(depth).start, subset.top().depth()));
    Ok(walk.subsets)
}

impl<F: Fn(Range<u32>) -> Census> Walk<F> {
    fn part(&mut self, node: Node) -> Part {
        let Census {
            required,
            forbidden,
        } = (self.census)(node.slots(self.depth));
        if forbidden == 0 {
            return Part {
                hole: None,
                needed: required > 0,
            };
        }
        if required == 0 {
            return Part {
                hole: Some(node),
                needed: false,
            };
        }
        let (left, right) = node.children();
        let (left_hole, left_needed) = self.side(left);
        let (right_hole, right_needed) = self.side(right);
        let needed = left_needed || right_needed;
        match (left_hole, right_hole) {
            (Some(left_hole), Some(right_hole)) => {
                self.close(left, left_hole);
                self.close(right, right_hole);
                Part {
                    hole: Some(node),
                    needed: false,
                }
            }
            (hole, None) | (None, hole) if needed => Part { hole, needed },
            _ => Part {
                hole: Some(node),
                needed: false,
            },
        }
    }

    /// A child; where nothing is needed outside its hole, the hole is the whole child.
    fn side(&mut self, child: Node) -> (Option<Node>, bool) {
        let Part { hole, needed } = self.part(child);
        (hole.map(|hole| if needed { hole } else { child }), needed)
    }

    fn close(&mut self, top: Node, hole: Node) {
        if hole != top {
            self.subsets.push(Subset::new(top, hole));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::{fs, string::String};

    fn number(value: &Value) -> u32 {
        value.as_u64().unwrap() as u32
    }

    fn packed(subsets: &[Subset]) -> Vec<String> {
        subsets
            .iter()
            .map(|subset| hex::encode(subset.pack()))
            .collect()
    }

    /// Covers exactly `slots` minus `revoked`: every other slot is forbidden.
    fn exact_cover(depth: u8, slots: Range<u32>, revoked: &[u32]) -> Vec<Subset> {
        cover(depth, |below| {
            let required = below
                .clone()
                .filter(|slot| slots.contains(slot) && !revoked.contains(slot))
                .count() as u32;
            Census {
                required,
                forbidden: below.len() as u32 - required,
            }
        })
        .unwrap()
    }

    #[test]
    fn vectors_sd_cover() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/sd-cover.json");
        let vectors: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert!(cases.len() >= 60);
        for case in cases {
            let depth = number(&case["depth"]) as u8;
            let slots = number(&case["lo"])..number(&case["hi"]);
            let revoked: Vec<u32> = case["revoked"]
                .as_array()
                .unwrap()
                .iter()
                .map(number)
                .collect();
            let texts = |name: &str| -> Vec<String> {
                case[name]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|text| text.as_str().unwrap().into())
                    .collect()
            };
            assert_eq!(
                packed(&exact_cover(depth, slots.clone(), &revoked)),
                texts("exact"),
                "{case}"
            );
            assert_eq!(
                packed(&class_subsets(depth, slots, &revoked).unwrap()),
                texts("cls"),
                "{case}"
            );
        }
    }

    #[test]
    fn every_small_cover_holds_the_required_slots_once_and_no_forbidden_one() {
        let depth = 4;
        for mask in 0u32..1 << 15 {
            let revoked: Vec<u32> = (0..15).filter(|slot| mask >> slot & 1 == 1).collect();
            let class = (mask % 7)..(mask % 7 + mask % 9);
            let subsets = class_subsets(depth, class.clone(), &revoked).unwrap();
            for slot in 0..16 {
                let times = subsets
                    .iter()
                    .filter(|subset| subset.contains(Node::leaf(depth, slot)))
                    .count();
                let allowed = slot < class.end && !revoked.contains(&slot);
                assert!(
                    times <= usize::from(allowed),
                    "{class:?} {revoked:?} {slot}"
                );
                assert!(
                    times == 1 || !allowed || !class.contains(&slot),
                    "{class:?} {revoked:?} {slot}"
                );
            }
            assert!(
                subsets.len() <= 2 * (revoked.len() + 1),
                "{class:?} {revoked:?}"
            );
        }
    }

    #[test]
    fn covers_outside_the_tree_are_refused() {
        assert_eq!(class_cover(2, 0..3, &[1]).map(|cover| cover.len()), Ok(2));
        assert_eq!(class_cover(2, 0..3, &[7]).map(|cover| cover.len()), Ok(1));
        assert_eq!(class_cover(2, 0..4, &[]), Err(Error::GroupFull));
        for (depth, end, revoked) in [
            (0, 1, &[][..]),
            (23, 1, &[]),
            (u8::MAX, 1, &[]),
            (2, 5, &[]),
            (2, 3, &[1, 0]),
        ] {
            assert_eq!(
                class_cover(depth, 0..end, revoked),
                Err(Error::Type),
                "{depth} {end}"
            );
        }
    }

    #[test]
    fn a_hundred_thousand_slots_cost_few_entries() {
        let (depth, members) = (18, 100_000);
        for (revoked, most) in [(0, 5), (1, 8), (10, 30), (100, 220), (1000, 2100)] {
            let revoked: Vec<u32> = (0..revoked)
                .map(|i| i * (members / 1000) + i % 97)
                .collect();
            assert!(class_subsets(depth, 0..members, &revoked).unwrap().len() <= most);
        }
    }
}
