//! A part of a page that the bench writes: what lies between its two markers.

use crate::Outcome;
use std::fs;
use std::path::Path;

/// Replaces what lies between the markers of `bench` in `file`.
pub(crate) fn replace(file: &Path, bench: &str, text: &str) -> Outcome {
    let page = fs::read_to_string(file)?;
    let replaced = between(&page, bench, text);
    let replaced = replaced.ok_or(format!("{}: no markers of {bench}", file.display()))?;
    fs::write(file, replaced)?;
    Ok(())
}

fn between(page: &str, bench: &str, text: &str) -> Option<String> {
    let [begin, end] = ["begin", "end"].map(|edge| format!("<!-- bench {bench}: {edge} -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_the_markers_changes() {
        let page = "a\n<!-- bench x: begin -->\nold\n<!-- bench x: end -->\nb\n";
        let expected = "a\n<!-- bench x: begin -->\nnew\n<!-- bench x: end -->\nb\n";
        assert_eq!(between(page, "x", "new\n").as_deref(), Some(expected));
        assert_eq!(between(page, "y", "new\n"), None);
    }
}
