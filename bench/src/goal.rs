//! Goals, and whether a run meets them.

use crate::format::table;

/// A goal, what was measured, and whether that meets it.
pub(crate) struct Goal {
    pub(crate) goal: String,
    pub(crate) figure: String,
    pub(crate) met: bool,
}

/// All goals of a bench.
pub(crate) fn goal_table(goals: &[Goal]) -> String {
    let line = |goal: &Goal| {
        let met = if goal.met { "yes" } else { "NO" };
        vec![goal.goal.clone(), goal.figure.clone(), met.to_owned()]
    };
    let lines: Vec<_> = goals.iter().map(line).collect();
    table(&["goal", "measured", "met"], &lines)
}
