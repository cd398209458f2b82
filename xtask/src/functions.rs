//! How much stack every function of the header takes on a Cortex-M4: with the library's own cryptography, and with AES and
//! ES256K of the platform.

use std::collections::BTreeMap;
use std::path::Path;

use crate::dist;
use crate::footprint::{self, has_grown, number, verdict};
use crate::header;
use crate::image::{ON_PANIC, PANICS_OUTSIDE, whole};
use crate::run::{Outcome, none};
use crate::stack::{Depth, Stacks};
use crate::target::{CORTEX_M4, Target};

/// The name of the table in the page.
const TABLE: &str = "stack";
const HEAD: &str = "| function | stack, B | goal | over a port, B | AES at | ES256K at | calls back at |\n|---|--:|--:|--:|--:|--:|--:|\n";
/// How the hooks of the platform begin.
const AES: &str = "iotchain_port_aes128_";
const CURVE: &str = "iotchain_port_es256k_";
/// Bytes of stack that a function may take without signatures, and with.
const PLAIN: u64 = 1800;
const SIGNED: u64 = 3500;

/// What a function takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    /// With the library's own cryptography.
    own: Depth,
    /// With the hooks of the platform, which are outside.
    port: Depth,
}

/// Compares with the committed table.
pub(crate) fn check() -> Outcome {
    let fresh = measure()?;
    println!("  {} functions; above their goals of stack:", fresh.len());
    for (name, row) in fresh.iter().filter(|(_, row)| row.is_above_goal()) {
        println!("    {name}: {} B, goal {}", row.own.stack, row.goal());
    }
    let committed = parse(&footprint::section(TABLE)?)?;
    none(
        "functions that take more stack than the committed table says; if they must, run `cargo xtask footprint`",
        &grown(&committed, &fresh),
    )
}

/// Writes the table.
pub(crate) fn write() -> Outcome {
    footprint::write_section(TABLE, &table(&measure()?))
}

/// `stack [NAME]`: checks all functions, or shows the deepest way through one.
pub(crate) fn stack(name: Option<&str>) -> Outcome {
    let Some(name) = name else {
        return check();
    };
    let target = Target::named(CORTEX_M4)?;
    let mut stacks = read(target, &dist::build(target, PANICS_OUTSIDE)?)?;
    for (at, function) in stacks.deepest_way(name)? {
        println!("{at:>6}  {function}");
    }
    Ok(())
}

/// The depth of every function.
fn measure() -> Result<BTreeMap<String, Row>, String> {
    let target = Target::named(CORTEX_M4)?;
    let mut own = read(target, &dist::build(target, PANICS_OUTSIDE)?)?;
    let mut port = read(target, &dist::build_for_ports(target, PANICS_OUTSIDE)?)?;
    let callers = header::callers_back()?;
    let mut rows = BTreeMap::new();
    for name in header::declared()? {
        let row = Row {
            own: own.depth(&name)?,
            port: port.depth(&name)?,
        };
        if row.own.callback.is_some() && !callers.contains(&name) {
            return Err(format!("{name} calls by a pointer that it was not given"));
        }
        rows.insert(name, row);
    }
    Ok(rows)
}

/// The image of all functions.
fn read(target: &Target, library: &Path) -> Result<Stacks, String> {
    let (declared, hooks) = (header::declared()?, header::hooks()?);
    let names: Vec<&str> = declared.iter().map(String::as_str).collect();
    let outside: Vec<&str> = hooks.iter().map(String::as_str).chain([ON_PANIC]).collect();
    let image = whole(target, library, &names, outside.iter().copied())?;
    let stacks = Stacks::of(target, &image, &outside)?;
    none(
        "functions called by a pointer, nobody knows by whom",
        &stacks.unnamed(target, &image)?,
    )?;
    Ok(stacks)
}

impl Row {
    fn goal(&self) -> u64 {
        match self.hook(CURVE) {
            Some(_) => SIGNED,
            None => PLAIN,
        }
    }

    fn is_above_goal(&self) -> bool {
        self.own.stack > self.goal()
    }

    /// Where the deepest of the hooks is called that begin so.
    fn hook(&self, begin: &str) -> Option<u64> {
        let hooks = self.port.outside.iter();
        hooks
            .filter(|(name, _)| name.starts_with(begin))
            .map(|(_, at)| *at)
            .max()
    }
}

fn table(rows: &BTreeMap<String, Row>) -> String {
    let mut text = String::from(HEAD);
    for (name, row) in rows {
        let verdict = verdict(row.own.stack, Some(row.goal()));
        let [aes, curve, callback] = [row.hook(AES), row.hook(CURVE), row.own.callback]
            .map(|at| at.map_or(String::new(), |at| at.to_string()));
        text.push_str(&format!(
            "| `{name}` | {} | {verdict} | {} | {aes} | {curve} | {callback} |\n",
            row.own.stack, row.port.stack,
        ));
    }
    text
}

/// What a row of the committed table says: bytes of stack with own cryptography, and over a port; whether it keeps the
/// goal.
type Committed = (u64, u64, bool);

fn parse(table: &str) -> Result<BTreeMap<String, Committed>, String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [name, own, goal, port, ..] = cells[..] else {
            return Err(format!("a row of a table: {row}"));
        };
        let name = name.trim_end_matches('`').to_owned();
        Ok((name, (number(own)?, number(port)?, goal.ends_with("met"))))
    })
    .collect()
}

/// Functions that take more than the committed ones by more than the tolerance, or miss a goal that they kept.
fn grown(committed: &BTreeMap<String, Committed>, fresh: &BTreeMap<String, Row>) -> Vec<String> {
    let mut findings = Vec::new();
    for name in committed.keys().filter(|name| !fresh.contains_key(*name)) {
        findings.push(format!("{name} is gone"));
    }
    for (name, row) in fresh {
        let Some((own, port, keeps)) = committed.get(name) else {
            findings.push(format!("{name} is not in the table"));
            continue;
        };
        for (what, old, fresh) in [
            ("of stack", *own, row.own.stack),
            ("of stack over a port", *port, row.port.stack),
        ] {
            if has_grown(old, fresh) {
                findings.push(format!("{name}: {fresh} B {what}, committed are {old}"));
            }
        }
        if *keeps && row.is_above_goal() {
            findings.push(format!("{name}: {} B miss the goal", row.own.stack));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(own: u64, port: u64, hook: &str) -> Row {
        let depth = |stack| Depth {
            stack,
            ..Depth::default()
        };
        let mut row = Row {
            own: depth(own),
            port: depth(port),
        };
        row.port.outside.insert(hook.to_owned(), port / 2);
        row
    }

    fn rows(row: Row) -> BTreeMap<String, Row> {
        BTreeMap::from([(String::from("iotchain_a"), row)])
    }

    #[test]
    fn the_table_is_read_as_written() {
        let signed = table(&rows(row(3500, 900, "iotchain_port_es256k_verify")));
        let plain = table(&rows(row(1801, 900, "iotchain_port_aes128_encrypt")));
        let one = |committed| BTreeMap::from([(String::from("iotchain_a"), committed)]);
        assert_eq!(parse(&signed), Ok(one((3500, 900, true))));
        assert_eq!(parse(&plain), Ok(one((1801, 900, false))));
    }

    #[test]
    fn what_grows_or_misses_its_goal_is_found() {
        let hook = "iotchain_port_aes128_encrypt";
        let committed = parse(&table(&rows(row(1780, 900, hook)))).unwrap();
        let found = |own, port| grown(&committed, &rows(row(own, port, hook))).len();
        assert_eq!(found(1800, 964), 0);
        assert_eq!(found(1801, 900), 1);
        assert_eq!(found(1845, 965), 3);
        assert_eq!(grown(&committed, &BTreeMap::new()).len(), 1);
        let fresh = rows(row(8, 8, hook));
        assert_eq!(grown(&BTreeMap::new(), &fresh).len(), 1);
    }
}
