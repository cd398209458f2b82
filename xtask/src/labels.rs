//! Rules with a label, such as `[A5]`: listed in `docs/spec/CHANGES.md`, marked in the text, and
//! guarded by tests named after them.

use std::path::Path;

use crate::run::{Outcome, none};
use crate::tree::{text, tracked};

/// Checks that each listed label stands in a document and has a test in each crate named there.
pub(crate) fn labels() -> Outcome {
    let changes =
        text(Path::new("docs/spec/CHANGES.md")).ok_or("docs/spec/CHANGES.md is missing")?;
    let files = tracked()?;
    let texts = |folder: &str, end: &str| -> Vec<String> {
        let wanted = |path: &&std::path::PathBuf| {
            path.starts_with(folder) && path.extension().is_some_and(|e| e == end)
        };
        files
            .iter()
            .filter(wanted)
            .filter_map(|path| text(path))
            .collect()
    };
    let spec = texts("docs/spec", "md");
    let mut findings = Vec::new();
    let rows: Vec<Row<'_>> = changes.lines().filter_map(Row::parse).collect();
    for row in &rows {
        let mark = format!("[{}]", row.label);
        if !spec.iter().any(|document| document.contains(&mark)) {
            findings.push(format!("{mark} stands nowhere in the text"));
        }
        for name in &row.crates {
            let sources = texts(name, "rs");
            if !sources
                .iter()
                .any(|source| row.test_names().iter().any(|test| source.contains(test)))
            {
                findings.push(format!("{mark} has no test named after it in {name}"));
            }
        }
    }
    println!("{} labels", rows.len());
    none("labels without text or tests", &findings)
}

/// One row of a table: `| A5 | rule | sections | iotchain-oscar, iotchain-selfheal |`.
struct Row<'a> {
    label: &'a str,
    letter: char,
    number: u32,
    crates: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [label, _, _, crates] = cells[..] else {
            return None;
        };
        let letter = label
            .chars()
            .next()
            .filter(|letter| "AC".contains(*letter))?;
        let number = label.get(1..)?.parse().ok()?;
        // A dash: known answers decide, or the part to which the rule belongs is not built.
        let crates = crates
            .split(", ")
            .filter(|name| !name.starts_with('-'))
            .collect();
        Some(Self {
            label,
            letter,
            number,
            crates,
        })
    }

    /// How tests of this rule begin: `a5_`, or `a05_` where they should sort.
    fn test_names(&self) -> [String; 2] {
        let (letter, number) = (self.letter.to_ascii_lowercase(), self.number);
        [
            format!("fn {letter}{number}_"),
            format!("fn {letter}{number:02}_"),
        ]
    }
}
