//! The page of what devices pay: its tables written, read back and compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::run::{Outcome, root};
use crate::tree::text;

/// The committed figures, written by `cargo xtask footprint`.
const FOOTPRINT: &str = "docs/footprint.md";
/// The section of the cores' tables, each under its name.
const OPERATIONS: &str = "firmware";
/// The section of the table of whole firmwares.
const FIRMWARES: &str = "firmwares";
const CORE: &str = "### ";
const HEAD: &str =
    "| operation | instructions | stack, B | flash, B | panics |\n|---|--:|--:|--:|---|\n";
const HEAD_WITH_GOALS: &str = "| operation | instructions | goal | stack, B | goal | flash, B | goal | panics |\n|---|--:|--:|--:|--:|--:|--:|---|\n";
/// How much a figure may grow before its change needs a commit of the tables, in percent.
const TOLERANCE: u64 = 3;
/// A shorter time or a smaller frame than this many units is noise: a tick of the timer, a spilled register.
const GRAIN: u64 = 64;

/// Goals of an operation: instructions on a Cortex-M4, bytes of stack, bytes of flash.
struct Goal {
    operation: &'static str,
    instructions: Option<u64>,
    stack: u64,
    flash: Option<u64>,
}

const fn goal(
    operation: &'static str,
    instructions: Option<u64>,
    stack: u64,
    flash: Option<u64>,
) -> Goal {
    Goal {
        operation,
        instructions,
        stack,
        flash,
    }
}

/// Stack without signatures: 1.8 kB; with one: 3.5 kB.
const GOALS: &[Goal] = &[
    goal("ccm_seal", Some(45_000), 1800, None),
    goal("ccm_open", Some(50_000), 1800, None),
    goal("hkdf", Some(42_000), 1800, None),
    goal("content_key", None, 1800, None),
    goal("rsd_event", None, 3500, None),
    goal("rsd_session", Some(25_000), 1800, None),
    goal("join", None, 3500, None),
    goal("renew", None, 3500, None),
    goal("prepare", None, 1800, None),
    goal("wake", None, 1800, None),
    goal("object_seal_first", None, 1800, None),
    goal("object_seal", None, 1800, None),
    goal("object_open_first", None, 1800, None),
    goal("object_open", None, 1800, None),
    goal("request_open", None, 1800, None),
    goal("reply_seal", None, 1800, None),
    goal("es256k_sign", Some(4_300_000), 3500, None),
    goal("es256k_verify", Some(3_600_000), 3500, None),
    goal("es256k_public", None, 3500, None),
];

/// The operations in their order.
pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
    GOALS.iter().map(|goal| goal.operation)
}

/// Whether an operation signs or verifies.
pub(crate) fn is_signed(operation: &str) -> bool {
    let goal = GOALS.iter().find(|goal| goal.operation == operation);
    goal.is_some_and(|goal| goal.stack > 1800)
}

/// What one operation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) instructions: u64,
    /// Bytes below the stack pointer of the caller.
    pub(crate) stack: u64,
    /// Bytes of code and constants, linked alone.
    pub(crate) flash: u64,
    /// Whether the linker finds a panic in it.
    pub(crate) can_panic: bool,
}

/// What each operation costs.
pub(crate) type Costs = BTreeMap<String, Cost>;

/// The committed figures of every core.
pub(crate) fn committed() -> Result<BTreeMap<String, Costs>, String> {
    parse(&section(OPERATIONS)?)
}

/// Puts tables into the page.
pub(crate) fn write(tables: &str) -> Outcome {
    write_section(OPERATIONS, tables)
}

/// The committed flash of whole firmwares.
pub(crate) fn committed_firmwares() -> Result<BTreeMap<String, u64>, String> {
    let table = section(FIRMWARES)?;
    let rows = table.lines().skip(2).map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        match (cells.next(), cells.next().map(number)) {
            (Some(name), Some(Ok(flash))) => Ok((name.to_owned(), flash)),
            _ => Err(format!("a row of a table: {row}")),
        }
    });
    rows.collect()
}

/// Puts the table of whole firmwares into the page.
pub(crate) fn write_firmwares(table: &str) -> Outcome {
    write_section(FIRMWARES, table)
}

/// Firmwares above the committed ones by more than the tolerance.
pub(crate) fn grown_firmwares(
    committed: &BTreeMap<String, u64>,
    fresh: &BTreeMap<String, u64>,
) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, fresh) in fresh {
        match committed.get(name) {
            Some(old) if *fresh > old + old * TOLERANCE / 100 => {
                findings.push(format!("{name}: {fresh} B of flash, committed are {old}"));
            }
            Some(_) => {}
            None => findings.push(format!("{name} is not in the table")),
        }
    }
    findings
}

/// What stands between the marks of a section of the page.
pub(crate) fn section(name: &str) -> Result<String, String> {
    let page = page()?;
    let (_, tables, _) = between(&page, name)?;
    Ok(tables.to_owned())
}

/// Puts `tables` between the marks of a section.
pub(crate) fn write_section(name: &str, tables: &str) -> Outcome {
    let page = page()?;
    let (before, _, after) = between(&page, name)?;
    let page = format!("{before}{tables}{after}");
    fs::write(root().join(FOOTPRINT), page).map_err(|error| format!("{FOOTPRINT}: {error}"))
}

fn page() -> Result<String, String> {
    text(Path::new(FOOTPRINT)).ok_or(format!("{FOOTPRINT} is missing"))
}

/// The page before the tables of a section, the tables, and the rest of it.
fn between<'a>(page: &'a str, name: &str) -> Result<(&'a str, &'a str, &'a str), String> {
    let missing = format!("no section `{name}` in {FOOTPRINT}");
    let begin = format!("<!-- {name}: begin -->\n");
    let start = page.find(&begin).ok_or(&missing)? + begin.len();
    let (before, rest) = page.split_at(start);
    let end = rest.find(&format!("<!-- {name}: end -->")).ok_or(missing)?;
    let (tables, after) = rest.split_at(end);
    Ok((before, tables, after))
}

/// Whether a figure is above the committed one by more than the tolerance.
pub(crate) fn has_grown(old: u64, fresh: u64) -> bool {
    fresh > old + (old * TOLERANCE / 100).max(GRAIN)
}

/// Figures above the committed ones by more than the tolerance, operations that are gone, and panics that are back.
pub(crate) fn grown(committed: &Costs, fresh: &Costs) -> Vec<String> {
    let mut findings = Vec::new();
    for name in committed.keys().filter(|name| !fresh.contains_key(*name)) {
        findings.push(format!("{name} was not measured"));
    }
    for (name, fresh) in fresh {
        let Some(old) = committed.get(name) else {
            findings.push(format!("{name} is not in the table"));
            continue;
        };
        let figures = [
            ("instructions", old.instructions, fresh.instructions),
            ("bytes of stack", old.stack, fresh.stack),
            ("bytes of flash", old.flash, fresh.flash),
        ];
        for (what, old, fresh) in figures {
            if has_grown(old, fresh) {
                findings.push(format!("{name}: {fresh} {what}, committed are {old}"));
            }
        }
        if fresh.can_panic && !old.can_panic {
            findings.push(format!("{name} can panic"));
        }
    }
    findings
}

/// The table of a core in the order of the goals, which are those of a Cortex-M4.
pub(crate) fn table(core: &str, costs: &Costs, has_goals: bool) -> String {
    let head = if has_goals { HEAD_WITH_GOALS } else { HEAD };
    let mut text = format!("{CORE}{core}\n\n{head}");
    for goal in GOALS {
        let Some(cost) = costs.get(goal.operation) else {
            continue;
        };
        text.push_str(&format!("| `{}` |", goal.operation));
        for (figure, limit) in [
            (cost.instructions, goal.instructions),
            (cost.stack, Some(goal.stack)),
            (cost.flash, goal.flash),
        ] {
            text.push_str(&format!(" {figure} |"));
            if has_goals {
                text.push_str(&format!(" {} |", verdict(figure, limit)));
            }
        }
        let panics = if cost.can_panic { "some" } else { "none" };
        text.push_str(&format!(" {panics} |\n"));
    }
    text.push('\n');
    text
}

pub(crate) fn verdict(figure: u64, limit: Option<u64>) -> String {
    match limit {
        Some(limit) if figure <= limit => format!("{limit} met"),
        Some(limit) => format!("{limit} missed"),
        None => String::new(),
    }
}

/// The figures of tables, by their cores.
fn parse(tables: &str) -> Result<BTreeMap<String, Costs>, String> {
    let mut cores = BTreeMap::new();
    let sections = tables.split(CORE).skip(1);
    for section in sections {
        let (core, rows) = section.split_once('\n').unwrap_or((section, ""));
        let mut costs = Costs::new();
        for row in rows.lines().filter_map(|line| line.strip_prefix("| `")) {
            let (name, cells) = row.split_once("` |").unwrap_or((row, ""));
            // what is no number is a goal or a word
            let figures = cells.split('|').filter_map(|cell| number(cell.trim()).ok());
            let [instructions, stack, flash] = figures.collect::<Vec<u64>>()[..] else {
                return Err(format!("a row of a table: {row}"));
            };
            let cost = Cost {
                instructions,
                stack,
                flash,
                can_panic: cells.trim_end().ends_with("some |"),
            };
            costs.insert(name.to_owned(), cost);
        }
        cores.insert(core.to_owned(), costs);
    }
    Ok(cores)
}

/// A number in decimal.
pub(crate) fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Cost = Cost {
        instructions: 10_000,
        stack: 1000,
        flash: 20_000,
        can_panic: false,
    };

    fn costs(cost: Cost) -> Costs {
        BTreeMap::from([(String::from("hkdf"), cost)])
    }

    #[test]
    fn tables_are_read_as_written() {
        let all = costs(COST);
        for has_goals in [false, true] {
            let tables = table("A", &all, has_goals) + &table("B", &all, has_goals);
            let cores = ["A", "B"].map(|core| (String::from(core), all.clone()));
            assert_eq!(parse(&tables), Ok(BTreeMap::from(cores)));
        }
    }

    #[test]
    fn what_grows_by_more_than_three_percent_is_found() {
        let grown_by = |fresh| grown(&costs(COST), &costs(fresh)).len();
        assert_eq!(grown_by(COST), 0);
        assert_eq!(
            grown_by(Cost {
                instructions: 10_300,
                stack: 1064,
                flash: 20_600,
                ..COST
            }),
            0
        );
        assert_eq!(
            grown_by(Cost {
                instructions: 10_301,
                ..COST
            }),
            1
        );
        assert_eq!(
            grown_by(Cost {
                stack: 1065,
                ..COST
            }),
            1
        );
        assert_eq!(
            grown_by(Cost {
                flash: 20_601,
                ..COST
            }),
            1
        );
        assert_eq!(
            grown_by(Cost {
                can_panic: true,
                ..COST
            }),
            1
        );
        assert_eq!(grown(&costs(COST), &Costs::new()).len(), 1);
        assert_eq!(grown(&Costs::new(), &costs(COST)).len(), 1);
    }
}
