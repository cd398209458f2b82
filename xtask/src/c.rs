//! The C ABI from outside: the header in every language, and programs that call every function of the library as it is
//! given away.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::dist;
use crate::header;
use crate::run::{Outcome, command, none, root, run_quietly, target_dir};
use crate::target::{HOST, Target};

/// The C sources of the tests; each is a program of its own.
const TESTS: &str = "iotchain-ffi/tests-c";
/// The fuzz target that calls them in any order.
const FUZZED: &str = "fuzz/fuzz_targets/c_calls.rs";
/// What every compiler is told.
const WARNINGS: &str = "-Wall -Wextra -Wpedantic -Werror -Iinclude";
const SANITIZERS: &str =
    "-std=c11 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer";
const MEMCHECK: &str =
    "valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=all";

/// How a test is built: the compiler, its language and options, and what the program runs in.
struct Build {
    compiler: &'static str,
    flags: &'static str,
    runs_in: &'static str,
}

const fn build(compiler: &'static str, flags: &'static str, runs_in: &'static str) -> Build {
    Build {
        compiler,
        flags,
        runs_in,
    }
}

/// The languages in which the header must be usable, each with both compilers, and what watches the memory.
const BUILDS: &[Build] = &[
    build("gcc", "-std=c99 -g", MEMCHECK),
    build("gcc", "-std=c11", ""),
    build("g++", "-x c++ -std=c++17", ""),
    build("clang", "-std=c99", ""),
    build("clang", "-std=c11", ""),
    build("clang++", "-x c++ -std=c++17", ""),
    build("gcc", SANITIZERS, ""),
];

/// The header is that of the crate, and programs that call each of its functions pass.
pub(crate) fn c() -> Outcome {
    header::check()?;
    let declared = header::declared()?;
    let tests = tests()?;
    check_calls(&tests, "functions that no C test calls", &declared)?;
    let fuzzed = [root().join(FUZZED)];
    check_calls(&fuzzed, "functions that are not fuzzed", &declared)?;
    let library = dist::package(Target::named(HOST)?, "")?.archive;
    let mut failed = Vec::new();
    for test in &tests {
        for build in BUILDS {
            failed.extend(build_and_run(test, build, &library).err());
        }
    }
    println!(
        "{} functions, {} test programs in {} builds",
        declared.len(),
        tests.len(),
        BUILDS.len()
    );
    none("C tests that fail", &failed)
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

/// Every function of the header is named by some source; `what` says which are not.
fn check_calls(tests: &[PathBuf], what: &str, declared: &BTreeSet<String>) -> Outcome {
    let mut uncalled = declared.clone();
    for test in tests {
        let source =
            fs::read_to_string(test).map_err(|error| format!("{}: {error}", test.display()))?;
        for name in header::functions(&source) {
            uncalled.remove(name);
        }
    }
    none(what, &Vec::from_iter(uncalled))
}

fn build_and_run(test: &Path, build: &Build, library: &Path) -> Outcome {
    let program = target_dir("c").join("test");
    let mut compile = command(build.compiler, WARNINGS);
    compile.args(build.flags.split(' ')).arg(test);
    // the language of `-x` ends here: what follows is no source
    compile.args(["-x", "none"]).arg(library);
    run_quietly(compile.arg("-o").arg(&program))?;
    match build.runs_in.split_once(' ') {
        None => run_quietly(&mut command(&program, "")),
        Some((watcher, arguments)) => run_quietly(command(watcher, arguments).arg(&program)),
    }
}
