//! What lies in the source tree.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{command, output, root};

/// The crates that run on devices: `no_std`, no allocation, panic-free.
pub(crate) const DEVICE_CRATES: &[&str] = &[
    "iotchain-core",
    "iotchain-selfheal",
    "iotchain-oscar",
    "iotchain-token",
    "iotchain",
    "iotchain-ffi",
];

/// The files of the tree under version control, relative to its root.
pub(crate) fn tracked() -> Result<Vec<PathBuf>, String> {
    let list = output(&mut command("git", "ls-files"))?;
    Ok(list
        .lines()
        .map(PathBuf::from)
        .filter(|path| root().join(path).is_file())
        .collect())
}

/// The text of a tracked file, or `None` if it is not text.
pub(crate) fn text(path: &Path) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// The lines of Rust source before its test module, numbered from 1.
pub(crate) fn product_lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = source
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    numbered.take_while(|(_, line)| {
        !line.starts_with("#[cfg(test)]") && !line.starts_with("#[cfg(all(test")
    })
}

/// Whether the file holds only tests.
pub(crate) fn is_test(path: &Path) -> bool {
    let in_tests = path.components().any(|part| part.as_os_str() == "tests");
    in_tests || path.file_stem().is_some_and(|stem| stem == "tests")
}
