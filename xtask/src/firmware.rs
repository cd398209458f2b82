//! What devices pay: instructions, stack and flash on a Cortex-M4, compared with the committed figures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::image::alone;
use crate::run::{Outcome, command, none, output, root, run_quietly, target_dir};
use crate::target::{CORTEX_M4, Target};
use crate::tree::text;

/// The committed figures, written by `cargo xtask footprint`.
const FOOTPRINT: &str = "docs/footprint.md";
/// Between these lines the table stands.
const BEGIN: &str = "<!-- firmware: begin -->";
const END: &str = "<!-- firmware: end -->";
/// How much a figure may grow before its change needs a commit of the table, in percent.
const TOLERANCE: u64 = 3;
/// A shorter time or a smaller frame than this many units is noise: a tick of the timer, a spilled register.
const GRAIN: u64 = 64;

/// Goals of an operation: instructions and bytes of stack.
struct Goal {
    operation: &'static str,
    instructions: Option<u64>,
    stack: u64,
}

const fn goal(operation: &'static str, instructions: Option<u64>, stack: u64) -> Goal {
    Goal {
        operation,
        instructions,
        stack,
    }
}

/// Stack without signatures: 1.8 kB; with one: 3.5 kB.
const GOALS: &[Goal] = &[
    goal("ccm_seal", Some(45_000), 1800),
    goal("ccm_open", Some(50_000), 1800),
    goal("hkdf", Some(42_000), 1800),
    goal("content_key", None, 1800),
    goal("rsd_event", None, 3500),
    goal("rsd_session", Some(25_000), 1800),
    goal("join", None, 3500),
    goal("renew", None, 3500),
    goal("prepare", None, 1800),
    goal("wake", None, 1800),
    goal("object_seal_first", None, 1800),
    goal("object_seal", None, 1800),
    goal("object_open_first", None, 1800),
    goal("object_open", None, 1800),
    goal("es256k_sign", Some(4_300_000), 3500),
    goal("es256k_verify", Some(3_600_000), 3500),
    goal("es256k_public", None, 3500),
];

/// What one operation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    instructions: u64,
    /// Bytes below the stack pointer of the caller.
    stack: u64,
    /// Bytes of code and constants, linked alone.
    flash: u64,
    /// Whether the linker finds a panic in it.
    can_panic: bool,
}

/// Measures, and fails if an operation costs more than the committed table says.
pub(crate) fn firmware() -> Outcome {
    let fresh = measure()?;
    print!("{}", table(&fresh));
    let committed = text(Path::new(FOOTPRINT)).ok_or(format!("{FOOTPRINT} is missing"))?;
    none(
        "costs above the committed ones; if they must be, run `cargo xtask footprint`",
        &grown(&parse(&committed)?, &fresh),
    )
}

/// Measures, and writes the table.
pub(crate) fn footprint() -> Outcome {
    let fresh = table(&measure()?);
    let page = text(Path::new(FOOTPRINT)).ok_or(format!("{FOOTPRINT} is missing"))?;
    let (before, _) = page.split_once(BEGIN).ok_or("no table in it")?;
    let (_, after) = page.split_once(END).ok_or("no end of the table in it")?;
    let page = format!("{before}{BEGIN}\n{fresh}{END}{after}");
    fs::write(root().join(FOOTPRINT), page).map_err(|error| format!("{FOOTPRINT}: {error}"))
}

fn measure() -> Result<BTreeMap<String, Cost>, String> {
    let on = Target::named(CORTEX_M4)?;
    let library = build(on)?;
    let image = library.with_extension("elf");
    // an operation with ECDSA may reach a panic of the curve crate; the image ends with a fault then
    let script = "--gc-sections -T firmware/cortex-m.ld --defsym iotchain_on_panic=fault";
    run_quietly(on.linker(script).arg(&library).arg("-o").arg(&image))?;
    let emulator = "60 qemu-system-arm -M mps2-an386 -display none -monitor none -serial none \
        -icount shift=0 -chardev stdio,id=out \
        -semihosting-config enable=on,target=native,chardev=out -kernel";
    let printed = output(command("timeout", emulator).arg(&image))?;
    let mut costs = BTreeMap::new();
    for line in printed.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, instructions, stack] = words[..] else {
            return Err(format!("the image printed `{line}`"));
        };
        let alone = alone(on, &library, name)?;
        let cost = Cost {
            instructions: number(instructions)?,
            stack: number(stack)?,
            flash: alone.flash,
            can_panic: alone.can_panic,
        };
        costs.insert(name.to_owned(), cost);
    }
    Ok(costs)
}

/// The library of all operations, as cargo builds it.
pub(crate) fn build(on: &Target) -> Result<PathBuf, String> {
    let target = target_dir("firmware");
    let arguments = "build --release --locked --manifest-path firmware/Cargo.toml";
    run_quietly(on.cargo(arguments)?.env("CARGO_TARGET_DIR", &target))?;
    Ok(target
        .join(on.triple)
        .join("release/libiotchain_firmware.a"))
}

fn number(word: &str) -> Result<u64, String> {
    word.replace(' ', "")
        .parse()
        .map_err(|_| format!("`{word}` is no number"))
}

/// Figures above those of the table by more than the tolerance, operations that are gone, and panics that are back.
fn grown(committed: &BTreeMap<String, Cost>, fresh: &BTreeMap<String, Cost>) -> Vec<String> {
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
            if fresh > old + (old * TOLERANCE / 100).max(GRAIN) {
                findings.push(format!("{name}: {fresh} {what}, committed are {old}"));
            }
        }
        if fresh.can_panic && !old.can_panic {
            findings.push(format!("{name} can panic"));
        }
    }
    findings
}

/// The table in the order of the goals.
fn table(costs: &BTreeMap<String, Cost>) -> String {
    let mut text = String::from(
        "| operation | instructions | goal | stack, B | goal | flash, B | panics |\n|---|--:|--:|--:|--:|--:|---|\n",
    );
    for goal in GOALS {
        let Some(cost) = costs.get(goal.operation) else {
            continue;
        };
        let instructions = goal
            .instructions
            .map_or(String::new(), |limit| verdict(cost.instructions, limit));
        text.push_str(&format!(
            "| `{}` | {} | {instructions} | {} | {} | {} | {} |\n",
            goal.operation,
            cost.instructions,
            cost.stack,
            verdict(cost.stack, goal.stack),
            cost.flash,
            if cost.can_panic { "some" } else { "none" },
        ));
    }
    text
}

fn verdict(figure: u64, limit: u64) -> String {
    let met = if figure <= limit { "met" } else { "missed" };
    format!("{limit} {met}")
}

/// The figures of a table.
fn parse(page: &str) -> Result<BTreeMap<String, Cost>, String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut costs = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [name, instructions, _, stack, _, flash, panics, ..] = cells[..] else {
            return Err(format!("a row of the table: {row}"));
        };
        let cost = Cost {
            instructions: number(instructions)?,
            stack: number(stack)?,
            flash: number(flash)?,
            can_panic: panics == "some",
        };
        costs.insert(name.trim_end_matches('`').to_owned(), cost);
    }
    Ok(costs)
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

    fn costs(cost: Cost) -> BTreeMap<String, Cost> {
        BTreeMap::from([(String::from("hkdf"), cost)])
    }

    #[test]
    fn a_table_is_read_as_written() {
        let all = costs(COST);
        assert_eq!(parse(&table(&all)), Ok(all));
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
        assert_eq!(grown(&costs(COST), &BTreeMap::new()).len(), 1);
        assert_eq!(grown(&BTreeMap::new(), &costs(COST)).len(), 1);
    }
}
