//! What operations cost a Cortex-M4 whose platform has AES: the engine's own share is left out, its blocks are counted.

use std::collections::BTreeMap;

use crate::firmware::{self, Figures};
use crate::footprint::{self, has_grown, number, verdict};

/// The name of the table in the page.
const TABLE: &str = "port";
const HEAD: &str =
    "| operation | instructions | blocks of AES | stack, B | goal |\n|---|--:|--:|--:|--:|\n";
/// Bytes of stack that sealing and opening may take.
const GOAL: u64 = 800;

/// Figures above the committed ones.
pub(crate) fn check() -> Result<Vec<String>, String> {
    let fresh = measure()?;
    print!("{}", table(&fresh));
    Ok(grown(&parse(&footprint::section(TABLE)?)?, &fresh))
}

/// Writes the table.
pub(crate) fn write() -> Result<(), String> {
    footprint::write_section(TABLE, &table(&measure()?))
}

/// The operations that encrypt and take no signature.
fn measure() -> Result<BTreeMap<String, Figures>, String> {
    let mut all = firmware::over_port()?;
    all.retain(|name, figures| figures.blocks > 0 && !footprint::is_signed(name));
    Ok(all)
}

fn table(all: &BTreeMap<String, Figures>) -> String {
    let mut text = String::from(HEAD);
    for name in footprint::operations() {
        let Some(figures) = all.get(name) else {
            continue;
        };
        let goal = (name.contains("seal") || name.contains("open")).then_some(GOAL);
        text.push_str(&format!(
            "| `{name}` | {} | {} | {} | {} |\n",
            figures.instructions,
            figures.blocks,
            figures.stack,
            verdict(figures.stack, goal)
        ));
    }
    text
}

fn parse(table: &str) -> Result<BTreeMap<String, Figures>, String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [name, instructions, blocks, stack, ..] = cells[..] else {
            return Err(format!("a row of a table: {row}"));
        };
        let figures = Figures {
            instructions: number(instructions)?,
            stack: number(stack)?,
            blocks: number(blocks)?,
        };
        Ok((name.trim_end_matches('`').to_owned(), figures))
    })
    .collect()
}

fn grown(committed: &BTreeMap<String, Figures>, fresh: &BTreeMap<String, Figures>) -> Vec<String> {
    let mut findings = Vec::new();
    for name in committed.keys().filter(|name| !fresh.contains_key(*name)) {
        findings.push(format!("{name} was not measured"));
    }
    for (name, fresh) in fresh {
        let Some(old) = committed.get(name) else {
            findings.push(format!("{name} is not in the table"));
            continue;
        };
        for (what, old, fresh) in [
            ("instructions", old.instructions, fresh.instructions),
            ("bytes of stack", old.stack, fresh.stack),
        ] {
            if has_grown(old, fresh) {
                findings.push(format!("{name}: {fresh} {what}, committed are {old}"));
            }
        }
        if fresh.blocks > old.blocks {
            findings.push(format!(
                "{name}: {} blocks, committed are {}",
                fresh.blocks, old.blocks
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(instructions: u64, stack: u64, blocks: u64) -> BTreeMap<String, Figures> {
        let figures = Figures {
            instructions,
            stack,
            blocks,
        };
        BTreeMap::from([(String::from("object_open"), figures)])
    }

    #[test]
    fn the_table_is_read_as_written() {
        for stack in [GOAL, GOAL + 1] {
            let all = one(8000, stack, 12);
            assert_eq!(parse(&table(&all)), Ok(all));
        }
    }

    #[test]
    fn what_grows_is_found() {
        let committed = one(8000, 700, 12);
        assert_eq!(grown(&committed, &one(8240, 764, 12)).len(), 0);
        assert_eq!(grown(&committed, &one(8241, 765, 13)).len(), 3);
        assert_eq!(grown(&committed, &BTreeMap::new()).len(), 1);
        assert_eq!(grown(&BTreeMap::new(), &committed).len(), 1);
    }
}
