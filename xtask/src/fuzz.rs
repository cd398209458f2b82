//! Fuzzing with libFuzzer, in the workspace `fuzz/`, on the stable compiler.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{Outcome, cargo, none, root, run};

/// Coverage that libFuzzer reads; the same passes that cargo-fuzz asks for, without a sanitizer,
/// since the fuzzed crates hold no `unsafe`.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";
/// Instrumented code is built for an explicit target, so that build scripts stay plain.
const HOST: &str = "x86_64-unknown-linux-gnu";
/// Seconds for each target in the smoke run.
const SMOKE_SECONDS: u32 = 5;

/// Runs every target for a few seconds.
pub(crate) fn smoke() -> Outcome {
    let targets = targets()?;
    build()?;
    let limit = format!("-max_total_time={SMOKE_SECONDS}");
    let runs = targets
        .iter()
        .map(|target| run(fuzzer(target).args([&limit, "-print_final_stats=0", "-verbosity=0"])));
    let failed: Vec<String> = runs.filter_map(Result::err).collect();
    println!("{} targets", targets.len());
    none("fuzz targets failed", &failed)
}

/// Runs one target until it is stopped or finds something; without a name, lists the targets.
pub(crate) fn one(target: Option<&str>) -> Outcome {
    let targets = targets()?;
    let Some(target) = target.filter(|name| targets.iter().any(|known| known == name)) else {
        return Err(format!("which target? {}", targets.join(", ")));
    };
    build()?;
    run(&mut fuzzer(target))
}

fn build() -> Outcome {
    let arguments =
        format!("build --release --locked --manifest-path fuzz/Cargo.toml --target {HOST} --bins");
    run(cargo(&arguments)
        .env("RUSTFLAGS", COVERAGE)
        .env("CARGO_TARGET_DIR", target_dir()))
}

/// The target's binary over its corpus; findings go to `fuzz/artifacts/`.
fn fuzzer(target: &str) -> Command {
    let mut fuzzer = Command::new(target_dir().join(HOST).join("release").join(target));
    let fuzz = root().join("fuzz");
    let (found, seeds) = (
        fuzz.join("corpus").join(target),
        fuzz.join("seeds").join(target),
    );
    let artifacts = fuzz.join("artifacts").join(target);
    for folder in [&found, &artifacts] {
        // A folder that cannot be made shows up at once when the fuzzer starts.
        let _ = std::fs::create_dir_all(folder);
    }
    fuzzer
        .arg(found)
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=10", "-rss_limit_mb=1024"]);
    if seeds.is_dir() {
        fuzzer.arg(seeds);
    }
    fuzzer
}

fn target_dir() -> PathBuf {
    let base =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    base.join("fuzz")
}

/// The names of the targets: one per file in `fuzz/fuzz_targets/`.
fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries =
        std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names =
        entries.filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}
