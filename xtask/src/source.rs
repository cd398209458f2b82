//! Rules of the source that no compiler checks.

use std::path::Path;

use crate::run::{Outcome, none};
use crate::tree::{is_test, product_lines, text, tracked};

/// A file holds one idea; with more product lines than this it deserves a second look.
const MAX_LINES: usize = 400;
/// Folders in which people work; a path below them belongs to one machine.
const MACHINE_FOLDERS: &[&str] = &["work", "root", "home", "Users"];
/// Marks of unfinished work, in halves so that this file does not find itself.
const UNFINISHED: &[(&str, &str)] = &[
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X:"),
    ("#[ign", "ore"),
    ("todo", "!("),
    ("unimplemented", "!("),
];

/// Looks through every tracked file.
pub(crate) fn source() -> Outcome {
    let mut findings = Vec::new();
    for path in tracked()? {
        let generated = path.extension().is_some_and(|end| end == "lock")
            || path.ends_with("package-lock.json");
        let Some(text) = text(&path).filter(|_| !generated) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            if let Some(mark) = fault(line) {
                findings.push(format!("{}:{}: {mark}", path.display(), index + 1));
            }
        }
        if let Some(length) = too_long(&path, &text) {
            println!("  note: {length}");
        }
    }
    none("places that break a rule of the source", &findings)
}

fn fault(line: &str) -> Option<String> {
    let folder = MACHINE_FOLDERS
        .iter()
        .find(|folder| names_folder(line, folder));
    if let Some(folder) = folder {
        return Some(format!("a path of one machine, below /{folder}"));
    }
    let unfinished = UNFINISHED
        .iter()
        .map(|(a, b)| format!("{a}{b}"))
        .find(|mark| line.contains(mark));
    unfinished.map(|mark| format!("unfinished: {mark}"))
}

/// Whether the line holds an absolute path into `folder`: a slash before it that follows no word.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(&format!("/{folder}/")).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~>}/*".contains(c))
    })
}

fn too_long(path: &Path, text: &str) -> Option<String> {
    if path.extension().is_none_or(|end| end != "rs") || is_test(path) {
        return None;
    }
    let lines = product_lines(text).count();
    (lines > MAX_LINES)
        .then(|| format!("{}: {lines} lines without tests; one idea?", path.display()))
}
