//! The C header: written from the crate `iotchain-ffi`, committed, and the list of what the library exports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::run::{Outcome, cargo, root, run, target_dir};
use crate::tree::text;

/// The header, generated and committed.
pub(crate) const HEADER: &str = "include/iotchain.h";

/// What a platform may define, written by hand.
pub(crate) const PORT_HEADER: &str = "include/iotchain_port.h";

/// Writes the header; with `--check`, compares it with the committed one.
pub(crate) fn header(argument: Option<&str>) -> Outcome {
    match argument {
        None => write(&root().join(HEADER)),
        Some("--check") => check(),
        Some(other) => Err(format!("`header` knows `--check`, not `{other}`")),
    }
}

/// The committed header is what the crate gives.
pub(crate) fn check() -> Outcome {
    let fresh = target_dir("c").join("iotchain.h");
    fs::create_dir_all(target_dir("c")).map_err(|error| error.to_string())?;
    write(&fresh)?;
    let fresh = fs::read_to_string(&fresh).map_err(|error| error.to_string())?;
    if text(Path::new(HEADER)).is_some_and(|committed| committed == fresh) {
        Ok(())
    } else {
        Err(format!(
            "{HEADER} is not what the crate gives; run `cargo xtask header`"
        ))
    }
}

/// The functions that the committed header declares.
pub(crate) fn declared() -> Result<BTreeSet<String>, String> {
    declared_in(HEADER)
}

/// The functions that the header for platforms declares.
pub(crate) fn hooks() -> Result<BTreeSet<String>, String> {
    declared_in(PORT_HEADER)
}

fn declared_in(path: &str) -> Result<BTreeSet<String>, String> {
    let header = text(Path::new(path)).ok_or(format!("{path} is missing"))?;
    Ok(functions(&header).map(str::to_owned).collect())
}

/// The functions that C source declares or calls: names with our prefix before an opening parenthesis.
pub(crate) fn functions(source: &str) -> impl Iterator<Item = &str> {
    let before_parenthesis = source.split('(').map(|text| {
        let start = text
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(0, |at| at + 1);
        text.get(start..).unwrap_or_default()
    });
    before_parenthesis.filter(|name| name.starts_with("iotchain_"))
}

fn write(path: &Path) -> Outcome {
    let generate = "run --quiet --locked --manifest-path xtask/header/Cargo.toml --target-dir";
    run(cargo(generate)
        .arg(target_dir("c"))
        .arg("--")
        .arg("iotchain-ffi")
        .arg(path))
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn functions_of_a_header() {
        let header = "uint32_t iotchain_a(void);\nint32_t iotchain_b(const uint8_t *iotchain_p, size_t (*f)(int));\n/* see iotchain_c */";
        assert_eq!(
            functions(header).collect::<Vec<_>>(),
            ["iotchain_a", "iotchain_b"]
        );
    }
}
