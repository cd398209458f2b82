//! The C headers: written from the crates `iotchain-ffi` and `iotchain-port`, committed, and the list of what the library
//! exports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::run::{Outcome, cargo, root, run, target_dir};
use crate::tree::text;

/// The header, generated and committed.
pub(crate) const HEADER: &str = "include/iotchain.h";

/// What a platform may define.
pub(crate) const PORT_HEADER: &str = "include/iotchain_port.h";

/// The crates, and what is written from them: what the library offers, and what a platform may offer to it.
pub(crate) const HEADERS: &[(&str, &str)] =
    &[("iotchain-ffi", HEADER), ("iotchain-port", PORT_HEADER)];

/// Writes the headers; with `--check`, compares them with the committed ones.
pub(crate) fn header(argument: Option<&str>) -> Outcome {
    match argument {
        None => HEADERS
            .iter()
            .try_for_each(|(source, header)| write(source, &root().join(header))),
        Some("--check") => check(),
        Some(other) => Err(format!("`header` knows `--check`, not `{other}`")),
    }
}

/// The committed headers are what the crates give.
pub(crate) fn check() -> Outcome {
    let place = target_dir("c").join("fresh.h");
    fs::create_dir_all(target_dir("c")).map_err(|error| error.to_string())?;
    for (source, header) in HEADERS {
        write(source, &place)?;
        let fresh = fs::read_to_string(&place).map_err(|error| error.to_string())?;
        if text(Path::new(header)).is_none_or(|committed| committed != fresh) {
            return Err(format!(
                "{header} is not what {source} gives; run `cargo xtask header`"
            ));
        }
    }
    Ok(())
}

/// The functions that the committed header declares.
pub(crate) fn declared() -> Result<BTreeSet<String>, String> {
    declared_in(HEADER)
}

/// The functions that the header for platforms declares.
pub(crate) fn hooks() -> Result<BTreeSet<String>, String> {
    declared_in(PORT_HEADER)
}

/// Those of the committed header that take a function of the program: a source of randomness, or a signer.
pub(crate) fn callers_back() -> Result<BTreeSet<String>, String> {
    let header = text(Path::new(HEADER)).ok_or(format!("{HEADER} is missing"))?;
    Ok(callers_back_in(&header))
}

fn callers_back_in(header: &str) -> BTreeSet<String> {
    let mut parts = header.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    let code = parts.fold(first, |code, part| {
        code + part.split_once("*/").map_or("", |(_, behind)| behind)
    });
    let declarations = code.split(';').filter(|declaration| {
        ["rng", "signer"]
            .iter()
            .any(|given| declaration.contains(&format!("const struct iotchain_{given} *")))
    });
    let names = declarations.filter_map(|declaration| functions(declaration).next());
    names.map(str::to_owned).collect()
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

fn write(source: &str, path: &Path) -> Outcome {
    let generate = "run --quiet --locked --manifest-path xtask/header/Cargo.toml --target-dir";
    run(cargo(generate)
        .arg(target_dir("c"))
        .arg("--")
        .arg(source)
        .arg(path))
}

#[cfg(test)]
mod tests {
    use super::{callers_back_in, functions};

    #[test]
    fn functions_of_a_header() {
        let header = "uint32_t iotchain_a(void);\nint32_t iotchain_b(const uint8_t *iotchain_p, size_t (*f)(int));\n/* see iotchain_c */";
        assert_eq!(
            functions(header).collect::<Vec<_>>(),
            ["iotchain_a", "iotchain_b"]
        );
    }

    #[test]
    fn functions_that_call_back() {
        let header = "/* a; const struct iotchain_rng *b */\nint iotchain_a(int *iotchain_p);\n/** c; */\nint iotchain_b(int d,\n  const struct iotchain_rng *random);\nint iotchain_c(struct iotchain_signer *out);";
        let callers: Vec<String> = callers_back_in(header).into_iter().collect();
        assert_eq!(callers, ["iotchain_b"]);
    }
}
