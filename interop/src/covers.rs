//! `sd-cover.json`: subset-difference covers.
//!
//! `cls` is what the group manager sends, byte for byte. `exact`, which it does not use, must cover each slot of
//! [lo, hi) that is not revoked once, and no other: told here from the slots of each subset.

use crate::json::Item;
use crate::report::{Checked, Fault, Section, same};
use crate::set::VectorSet;
use iotchain::selfheal::rsd::class_cover;
use std::ops::Range;

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let cases = section
        .read("cases", || set.cases("sd-cover"))
        .unwrap_or_default();
    for (index, case) in cases.iter().enumerate() {
        section.check(format!("case {index} cls"), || {
            let Case {
                depth,
                slots,
                revoked,
            } = Case::read(case)?;
            let cover = class_cover(depth, slots, &revoked)?;
            same(
                "cover",
                cover.iter().map(hex::encode).collect(),
                texts(case, "cls")?,
            )
        });
        section.check(format!("case {index} exact"), || check_exact(case));
    }
}

fn texts(case: &Item<'_>, name: &str) -> Checked<Vec<String>> {
    Ok(case
        .get(name)?
        .texts()?
        .into_iter()
        .map(str::to_owned)
        .collect())
}

struct Case {
    depth: u8,
    slots: Range<u32>,
    revoked: Vec<u32>,
}

impl Case {
    fn read(case: &Item<'_>) -> Checked<Self> {
        Ok(Self {
            depth: case.get("depth")?.int()?,
            slots: case.get("lo")?.int()?..case.get("hi")?.int()?,
            revoked: case.get("revoked")?.ints()?,
        })
    }
}

fn check_exact(case: &Item<'_>) -> Checked {
    let Case {
        depth,
        slots,
        revoked,
    } = Case::read(case)?;
    let mut covered = Vec::new();
    for subset in case.get("exact")?.list()? {
        covered.extend(slots_of(subset.array()?, depth)?);
    }
    let mut expected = Vec::new();
    let mut from = slots.start;
    for out in revoked.into_iter().filter(|slot| slots.contains(slot)) {
        expected.push(from..out);
        from = out.saturating_add(1);
    }
    expected.push(from..slots.end);
    same("slots covered", merged(covered), merged(expected))
}

/// The slots of a packed subset `di(5) | dj(5) | path of j(22)` (spec 3.4.3): those below i, without those below j.
fn slots_of(packed: [u8; 4], depth: u8) -> Checked<[Range<u32>; 2]> {
    let word = u32::from_be_bytes(packed);
    let (di, dj, path) = (word >> 27, word >> 22 & 31, word & 0x003f_ffff);
    let depth = u32::from(depth);
    // unused bits are zero; a path of zeros has no lowest one
    let is_subset = di < dj && dj <= depth && depth <= 22 && path.trailing_zeros() >= 22 - dj;
    if !is_subset {
        return Err(Fault::new(format!(
            "{word:08x} is no subset of a tree of depth {depth}"
        )));
    }
    let below = |node_depth: u32| {
        let node = path >> (22 - node_depth);
        node << (depth - node_depth)..(node + 1) << (depth - node_depth)
    };
    let (top, hole) = (below(di), below(dj));
    Ok([top.start..hole.start, hole.end..top.end])
}

/// Ranges in order, neighbours joined; ranges that overlap stay apart and so equal nothing that is covered once.
fn merged(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => merged.push(range),
        }
    }
    merged
}
