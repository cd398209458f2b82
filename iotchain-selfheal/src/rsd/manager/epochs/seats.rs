//! Seats: members numbered in the order they joined the gid, whatever slot an epoch gives them.
//!
//! An epoch gives its slots to the seats in order and leaves out those that were vacant when it was prepared, so the
//! vacant seats say it all. They are kept as runs, which merge as the members of a time are gone.

use crate::manager::{read_groups, write_groups};
use alloc::vec::Vec;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Result};

/// Which slot of an epoch belongs to which seat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seats {
    vacant: Vec<Run>,
}

/// Seats that have no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    start: u32,
    end: u32,
    /// The slot of the seat `end`.
    slot: u32,
}

impl Seats {
    /// The slot of a seat, given out or not; `None` for a seat that the epoch has no slot for.
    pub(super) fn slot(&self, seat: u32) -> Option<u32> {
        match self.last(|run| run.start <= seat) {
            Some(run) => Some(run.slot.saturating_add(seat.checked_sub(run.end)?)),
            None => Some(seat),
        }
    }

    /// The seat of a slot, given out or not.
    pub(super) fn seat(&self, slot: u32) -> u32 {
        self.last(|run| run.slot <= slot).map_or(slot, |run| {
            run.end.saturating_add(slot.saturating_sub(run.slot))
        })
    }

    fn last(&self, precedes: impl Fn(&Run) -> bool) -> Option<&Run> {
        let after = self.vacant.partition_point(precedes);
        self.vacant.get(after.checked_sub(1)?)
    }

    /// The seats of the next epoch, which leaves out the seats of these slots as well.
    pub(super) fn without(&self, slots: &[u32]) -> Self {
        let mut runs: Vec<(u32, u32)> =
            self.vacant.iter().map(|run| (run.start, run.end)).collect();
        runs.extend(slots.iter().map(|slot| {
            let seat = self.seat(*slot);
            (seat, seat.saturating_add(1))
        }));
        runs.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (start, end) in runs {
            match merged.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => merged.push((start, end)),
            }
        }
        Self::vacating(&merged)
    }

    fn vacating(runs: &[(u32, u32)]) -> Self {
        let mut vacant = Vec::with_capacity(runs.len());
        let mut gone = 0u32;
        for (start, end) in runs.iter().copied() {
            vacant.push(Run {
                start,
                end,
                slot: start.saturating_sub(gone),
            });
            gone = gone.saturating_add(end.saturating_sub(start));
        }
        Self { vacant }
    }

    /// `[* start, end]`.
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        write_groups(writer, self.vacant.iter().map(|run| [run.start, run.end]));
    }

    /// What [`Seats::write`] wrote.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let runs: Vec<[u32; 2]> = read_groups(reader)?;
        let valid = runs.iter().all(|[start, end]| start < end)
            && runs.is_sorted_by(|[_, end], [start, _]| end < start);
        if !valid {
            return Err(Error::Type);
        }
        let runs: Vec<(u32, u32)> = runs.into_iter().map(|[start, end]| (start, end)).collect();
        Ok(Self::vacating(&runs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_and_slots_agree_with_counting() {
        let mut seats = Seats::default();
        let mut vacant = [false; 64];
        for (round, leaving) in [&[0u32, 1, 5][..], &[2, 9, 30], &[], &[0, 1, 2, 3], &[7]]
            .into_iter()
            .enumerate()
        {
            for slot in leaving {
                vacant[seats.seat(*slot) as usize] = true;
            }
            seats = seats.without(leaving);
            let mut slot = 0;
            for (seat, vacant) in (0..).zip(vacant) {
                let expected = (!vacant).then_some(slot);
                assert_eq!(seats.slot(seat), expected, "round {round}, seat {seat}");
                if !vacant {
                    assert_eq!(seats.seat(slot), seat);
                    slot += 1;
                }
            }
        }
        assert!(seats.vacant.is_sorted_by(|a, b| a.end < b.start));
    }
}
