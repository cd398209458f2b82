//! The C ABI: header, static library, and C tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Outcome, cargo, command, none, output, root, run};
use crate::tree::text;

/// The header, generated and committed.
const HEADER: &str = "include/iotchain.h";
/// The C sources of the tests; each is a program of its own.
const TESTS: &str = "iotchain-ffi/tests-c";
/// What every compiler is told.
const WARNINGS: &str = "-Wall -Wextra -Wpedantic -Werror";
/// The languages in which the header must be usable, each with its compiler, and once with sanitizers.
const BUILDS: &[(&str, &str)] = &[
    ("cc", "-std=c99"),
    (
        "cc",
        "-std=c11 -fsanitize=address,undefined -fno-sanitize-recover=all",
    ),
    ("c++", "-x c++ -std=c++17"),
];

/// Writes the header from the crate `iotchain-ffi`; with `--check`, compares it with the committed one.
pub(crate) fn header(argument: Option<&str>) -> Outcome {
    match argument {
        None => write_header(&root().join(HEADER)),
        Some("--check") => check_header(),
        Some(other) => Err(format!("`header` knows `--check`, not `{other}`")),
    }
}

/// The header is that of the crate, the library exports what it declares, and the C tests pass.
pub(crate) fn c() -> Outcome {
    check_header()?;
    let library = build_library()?;
    let header = text(Path::new(HEADER)).ok_or(format!("{HEADER} is missing"))?;
    let declared = functions(&header);
    check_exports(&library, &declared)?;
    let tests = tests()?;
    check_calls(&tests, &declared)?;
    for test in &tests {
        for (compiler, flags) in BUILDS {
            build_and_run(test, compiler, flags, &library)?;
        }
    }
    println!(
        "{} functions, {} test programs in {} languages",
        declared.len(),
        tests.len(),
        BUILDS.len()
    );
    Ok(())
}

fn target_dir() -> PathBuf {
    root().join("target/c")
}

fn write_header(path: &Path) -> Outcome {
    let generate = "run --quiet --locked --manifest-path xtask/header/Cargo.toml --target-dir";
    run(cargo(generate)
        .arg(target_dir())
        .arg("--")
        .arg("iotchain-ffi")
        .arg(path))
}

fn check_header() -> Outcome {
    let fresh = target_dir().join("iotchain.h");
    fs::create_dir_all(target_dir()).map_err(|error| error.to_string())?;
    write_header(&fresh)?;
    let fresh = fs::read_to_string(&fresh).map_err(|error| error.to_string())?;
    if text(Path::new(HEADER)).is_some_and(|committed| committed == fresh) {
        Ok(())
    } else {
        Err(format!(
            "{HEADER} is not what the crate gives; run `cargo xtask header`"
        ))
    }
}

fn build_library() -> Result<PathBuf, String> {
    let build =
        "build --release --locked --manifest-path iotchain-ffi/staticlib/Cargo.toml --target-dir";
    run(cargo(build).arg(target_dir()))?;
    Ok(target_dir().join("release/libiotchain.a"))
}

/// The functions that a header declares: names with the prefix before an opening parenthesis.
fn functions(header: &str) -> BTreeSet<&str> {
    let before_parenthesis = header.split('(').map(|text| {
        let start = text
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(0, |at| at + 1);
        text.get(start..).unwrap_or_default()
    });
    before_parenthesis
        .filter(|name| name.starts_with("iotchain_"))
        .collect()
}

/// The library exports the functions of the header, and nothing else under their prefix.
fn check_exports(library: &Path, declared: &BTreeSet<&str>) -> Outcome {
    let symbols =
        output(command("nm", "--quiet --extern-only --defined-only --format=posix").arg(library))?;
    let names = symbols.lines().filter_map(|line| line.split(' ').next());
    let exported: BTreeSet<&str> = names.filter(|name| name.starts_with("iotchain_")).collect();
    let differing: Vec<String> = exported
        .symmetric_difference(declared)
        .map(|name| name.to_string())
        .collect();
    none(
        "functions that are only declared or only exported",
        &differing,
    )
}

fn tests() -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(root().join(TESTS)).map_err(|error| format!("{TESTS}: {error}"))?;
    let mut tests: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    tests.retain(|path| path.extension().is_some_and(|end| end == "c"));
    tests.sort();
    Ok(tests)
}

fn check_calls(tests: &[PathBuf], declared: &BTreeSet<&str>) -> Outcome {
    let sources: Vec<String> = tests
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    let called: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| functions(source))
        .collect();
    let uncalled: Vec<String> = declared
        .difference(&called)
        .map(|name| name.to_string())
        .collect();
    none("functions that no C test calls", &uncalled)
}

fn build_and_run(test: &Path, compiler: &str, flags: &str, library: &Path) -> Outcome {
    let program = target_dir().join("test");
    let mut build = command(compiler, flags);
    build.args(WARNINGS.split(' ')).arg("-Iinclude").arg(test);
    // the language of `-x` ends here: what follows is no source
    build
        .args(["-x", "none"])
        .arg(library)
        .arg("-o")
        .arg(&program);
    run(&mut build)?;
    run(&mut command(&program, ""))
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn functions_of_a_header() {
        let header = "uint32_t iotchain_a(void);\nint32_t iotchain_b(const uint8_t *iotchain_p, size_t (*f)(int));\n/* see iotchain_c */";
        assert_eq!(
            functions(header).into_iter().collect::<Vec<_>>(),
            ["iotchain_a", "iotchain_b"]
        );
    }
}
