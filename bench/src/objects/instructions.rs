//! Machine instructions of one case, counted in a process of its own.

use super::ours::BATCH;
use super::{SIZES, cases};
use crate::Outcome;
use crate::callgrind::{collected, is_installed};
use crate::measure::Case;
use crate::row::Row;

/// Sizes whose instructions are counted; the largest says nothing more and takes long.
const COUNTED: usize = 1024;
/// A case that does nothing: what the measurement itself costs.
const NOTHING: &str = "nothing";

/// Fills in the instructions of every row that is worth it.
pub(crate) fn count(rows: &mut [Row]) -> Outcome {
    if !is_installed() {
        return Ok(());
    }
    let nothing = collected(&["probe", "objects", "-", NOTHING, "0"])?;
    for row in rows {
        // one object of a batch, alone, would just be opened
        if row.size.is_some_and(|size| size > COUNTED) || row.op == BATCH {
            continue;
        }
        let size = row.size.unwrap_or(0).to_string();
        let count = collected(&["probe", "objects", row.peer, row.op, &size])?;
        row.instructions = Some(count.saturating_sub(nothing));
    }
    Ok(())
}

/// The process that callgrind watches.
pub(crate) fn probe(peer: &str, op: &str, size: &str) -> Outcome {
    if op == NOTHING {
        Case::same(Row::new("-", "nothing"), || ()).probe();
        return Ok(());
    }
    let size: usize = size.parse()?;
    let wanted = |row: &Row| row.peer == peer && row.op == op && row.size.unwrap_or(0) == size;
    let sizes = SIZES.into_iter().filter(|known| *known == size);
    let mut cases = cases(&sizes.collect::<Vec<_>>())?;
    let case = cases.iter_mut().find(|case| wanted(case.row()));
    case.ok_or("no such case")?.probe();
    Ok(())
}
