//! An MLS-style group (RFC 9420): a commit whenever the group changes, each building on the one before. A cost model.
//!
//! Sizes are those measured with an MLS library, ciphersuite 1, one removal with its path, interpolated between the
//! measured group sizes. What was not measured (Add, Welcome) costs nothing here. A session without a change costs
//! nothing: its key is exported from the epoch. A member that misses a commit understands none of the later ones; two-way, it
//! fetches all it missed, in order. One-way it stays out.

use crate::outcome::{Outcome, Record, Work};
use crate::strategy::{Mode, REQUEST_LEN};
use crate::trace::{Life, Trace};

/// Who has populated the ratchet tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// The key server is the only one that ever commits: the shape of a key server with silent things.
    ServerCommits,
    /// Every member has committed. The best case: no blank node is left, which each removal would leave behind.
    Warm,
}

/// Group size and bytes of a removal commit, measured.
const SERVER_COMMITS: &[(f64, f64)] = &[
    (16.0, 1_449.0),
    (128.0, 10_738.0),
    (1_024.0, 84_321.0),
    (10_000.0, 820_501.0),
];
/// The same for the warm tree: the smaller of the measured values.
const WARM: &[(f64, f64)] = &[(16.0, 629.0), (64.0, 863.0), (128.0, 980.0)];
/// Growth of the warm commit for each doubling of the group.
const WARM_PER_DOUBLING: f64 = 117.0;
/// Bytes of tree per member that each member keeps and a joiner fetches.
const TREE_PER_MEMBER: u64 = 186;

impl Tree {
    /// Bytes of a commit that removes one of `members`.
    #[must_use]
    pub fn commit_len(self, members: usize) -> u64 {
        let n = members as f64;
        let bytes = match self {
            Self::ServerCommits => interpolate(SERVER_COMMITS, n),
            Self::Warm if n > 128.0 => 980.0 + WARM_PER_DOUBLING * (n / 128.0).log2(),
            Self::Warm => interpolate(WARM, n),
        };
        bytes.round() as u64
    }
}

/// Straight lines between the points, the outer ones prolonged.
fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let upper = points
        .partition_point(|(at, _)| *at < x)
        .clamp(1, points.len() - 1);
    let ((x0, y0), (x1, y1)) = (points[upper - 1], points[upper]);
    (y0 + (x - x0) * (y1 - y0) / (x1 - x0)).max(0.0)
}

/// Plays the trace.
#[must_use]
pub fn run(trace: &Trace, mode: Mode, tree: Tree) -> Outcome {
    let commits: Vec<Option<u64>> = trace
        .iter()
        .map(|j| {
            let changed = j > 1 && trace.changes(j);
            changed.then(|| match trace.leaving(j).count() {
                0 => 0,
                _ => tree.commit_len(trace.present(j)),
            })
        })
        .collect();
    let members = trace
        .lives
        .iter()
        .map(|life| member(trace, life, mode, &commits));
    Outcome {
        members: members.collect(),
        broadcast: commits.iter().map(|bytes| bytes.unwrap_or(0)).collect(),
        counts_work: false,
    }
}

fn member(trace: &Trace, life: &Life, mode: Mode, commits: &[Option<u64>]) -> Record {
    let mut record = Record::new(trace.sessions);
    record.joined = TREE_PER_MEMBER * trace.present(life.join.max(1)) as u64;
    let commit = |j: u32| commits.get(j as usize - 1).copied().flatten();
    // the last session up to which every commit is processed
    let mut done = life.join.max(1);
    for j in trace.iter().filter(|j| life.is_member(*j)) {
        let up_to_date = (done + 1..j).all(|missed| commit(missed).is_none());
        let mut processed = 0;
        if j <= done || (up_to_date && commit(j).is_none()) {
            done = done.max(j);
        } else if up_to_date && life.hears(j) {
            record.received += commit(j).unwrap_or(0);
            (done, processed) = (j, 1);
        } else {
            // what is heard and not understood costs energy too
            let heard = commit(j).filter(|_| life.hears(j));
            record.received += heard.unwrap_or(0);
            if let (Mode::TwoWay, Some(attempts)) = (mode, life.arrives(j)) {
                let request = u64::from(attempts) * REQUEST_LEN;
                let missed = (done + 1..=j).filter_map(commit);
                let bytes = missed.clone().sum::<u64>() - heard.unwrap_or(0);
                record.carry(j, request + bytes);
                record.sent += request;
                record.received += bytes;
                (processed, done) = (missed.count() as u64, j);
            }
        }
        record.work += Work {
            verifications: processed,
            ..Work::default()
        };
        (1..=done.min(j))
            .filter(|session| life.is_member(*session))
            .for_each(|session| record.note(session, j));
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_goes_through_the_measured_points() {
        for (members, bytes) in [
            (16, 1_449),
            (128, 10_738),
            (1_024, 84_321),
            (10_000, 820_501),
        ] {
            assert_eq!(Tree::ServerCommits.commit_len(members), bytes);
        }
        for (members, bytes) in [(16, 629), (128, 980), (256, 1_097), (1_024, 1_331)] {
            assert_eq!(Tree::Warm.commit_len(members), bytes);
        }
    }
}
