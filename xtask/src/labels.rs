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
    let spec = files
        .iter()
        .filter(|path| path.starts_with("docs/spec") && !path.ends_with("CHANGES.md"));
    let prose: String = spec.filter_map(|path| text(path)).collect();
    let mut findings = Vec::new();
    let mut count = 0;
    for (label, crates) in changes.lines().filter_map(row) {
        count += 1;
        if !prose.contains(&format!("[{label}]")) {
            findings.push(format!("[{label}] stands nowhere in the text"));
        }
        let test = format!("fn {}_", label.to_lowercase());
        for name in crates {
            let folder = format!("iotchain-{name}");
            let mut sources = files
                .iter()
                .filter(|path| path.starts_with(&folder) && is_rust(path));
            if !sources.any(|path| text(path).is_some_and(|source| source.contains(&test))) {
                findings.push(format!("[{label}] has no test `{test}...` in {folder}"));
            }
        }
    }
    println!("{count} labels");
    none("labels without text or tests", &findings)
}

/// Label and crates of one row of a table: `| A5 | rule | sections | oscar, selfheal |`.
fn row(line: &str) -> Option<(&str, Vec<&str>)> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [label, _, _, crates] = cells[..] else {
        return None;
    };
    let number = label.strip_prefix(['A', 'C'])?;
    number.parse::<u32>().ok()?;
    // A dash: the part to which the rule belongs is not built.
    let crates = crates.split(", ").filter(|name| !name.starts_with('-'));
    Some((label, crates.collect()))
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "rs")
}
