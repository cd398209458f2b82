//! Fuzzing with libFuzzer, in the workspace `fuzz/`, on the stable compiler.
//!
//! The C interface holds `unsafe`, so its target is built with AddressSanitizer, which the compiler has behind
//! `RUSTC_BOOTSTRAP`.
//!
//! Seeds are real messages: every byte string of the vector files that belong to a target.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, cargo, none, root, run, run_quietly, target_dir};

/// Coverage that libFuzzer reads; the same passes that cargo-fuzz asks for.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";
/// The target that needs a sanitizer; the crates behind the others hold no `unsafe`.
const SANITIZED: &str = "c_calls";
/// Instrumented code is built for an explicit target, so that build scripts stay plain.
const HOST: &str = "x86_64-unknown-linux-gnu";
/// Seconds for each target in the smoke run.
const SMOKE_SECONDS: u32 = 5;

/// Vector files that hold messages for a target.
const SEEDS: &[(&str, &[&str])] = &[
    (
        "broadcast_process",
        &["broadcast-rsd", "broadcast-polynomial"],
    ),
    // any bytes are calls
    ("c_calls", &["keyserver", "pop"]),
    ("cbor", &["objects", "keyserver", "broadcast-rsd", "token"]),
    ("cwt", &["token"]),
    ("join", &["keyserver"]),
    ("object", &["objects"]),
    ("personal_key", &["broadcast-rsd", "broadcast-polynomial"]),
    ("public_key", &["params"]),
    // any bytes are a schedule
    ("selfheal_schedule", &["broadcast-rsd"]),
    ("token", &["token", "pop"]),
    ("token_proof", &["token-proof"]),
];
/// Targets that tell a story: the first byte of the input says whether the rest is a message as it is (0) or in another
/// form (1, 2), among them a patch of the story's own message: place (2 bytes, little-endian), then the bytes. The forms of
/// each further story begin at the next number given here.
const STORIES: &[(&str, &[u8])] = &[("broadcast_process", &[0, 4]), ("object", &[0])];
/// Patched places: more than the story's messages have bytes.
const PLACES: u16 = 384;
/// Longer seeds slow the fuzzer down and teach it nothing.
const LONGEST_SEED: usize = 4096;

/// Runs every target for a few seconds.
pub(crate) fn smoke() -> Outcome {
    let targets = targets()?;
    build()?;
    let limit = format!("-max_total_time={SMOKE_SECONDS}");
    let smoke = |target: &String| run_quietly(fuzzer(target)?.arg(&limit));
    let runs = targets.iter().map(smoke);
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
    run(&mut fuzzer(target)?)
}

fn build() -> Outcome {
    run(&mut compiler("fuzz", COVERAGE, "--bins"))?;
    let flags = format!("{COVERAGE} -Zsanitizer=address");
    let mut sanitized = compiler("fuzz-asan", &flags, &format!("--bin {SANITIZED}"));
    run(sanitized.env("RUSTC_BOOTSTRAP", "1"))
}

fn compiler(place: &str, flags: &str, binaries: &str) -> Command {
    let mut build = cargo(&format!(
        "build --release --locked --manifest-path fuzz/Cargo.toml --target {HOST} {binaries}"
    ));
    build
        .env("RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", target_dir(place));
    build
}

/// The target's binary over its corpus and seeds; findings go to `fuzz/artifacts/`.
fn fuzzer(target: &str) -> Result<Command, String> {
    let fuzz = root().join("fuzz");
    let folder = |kind: &str| -> Result<PathBuf, String> {
        let folder = fuzz.join(kind).join(target);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    };
    let (corpus, seeds, artifacts) = (folder("corpus")?, folder("seeds")?, folder("artifacts")?);
    plant(target, &seeds)?;
    let place = if target == SANITIZED {
        "fuzz-asan"
    } else {
        "fuzz"
    };
    let mut fuzzer = Command::new(target_dir(place).join(HOST).join("release").join(target));
    fuzzer
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=10", "-rss_limit_mb=1024"]);
    fuzzer.args([corpus, seeds]);
    Ok(fuzzer)
}

/// Writes the seeds of a target.
fn plant(target: &str, folder: &Path) -> Outcome {
    let files = SEEDS
        .iter()
        .find(|(name, _)| *name == target)
        .map_or(&[][..], |(_, files)| files);
    let mut seeds = BTreeSet::new();
    for file in files {
        let path = root().join("vectors").join(file).with_extension("json");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        seeds.extend(
            text.split('"')
                .filter_map(bytes)
                .filter(|seed| seed.len() <= LONGEST_SEED),
        );
    }
    if let Some((_, stories)) = STORIES.iter().find(|(name, _)| *name == target) {
        seeds = stories
            .iter()
            .flat_map(|story| in_forms(*story, &seeds))
            .collect();
    }
    for (number, seed) in seeds.iter().enumerate() {
        let path = folder.join(format!("{number:04}"));
        fs::write(&path, seed).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Messages in the forms that a story understands, and a patch for every place of its own message.
fn in_forms(story: u8, messages: &BTreeSet<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let whole = messages
        .iter()
        .flat_map(|message| [0, 1].map(|form| [&[story | form], &message[..]].concat()));
    let patches = (0..PLACES).flat_map(|place| {
        let [low, high] = place.to_le_bytes();
        [1, 2].map(|form| vec![story | form, low, high, low ^ 0x55])
    });
    whole.chain(patches).collect()
}

/// The bytes of a hex string, if it is one.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.is_empty() || !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    let pairs = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok());
    pairs.collect()
}

/// The names of the targets: one per file in `fuzz/fuzz_targets/`.
fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let names = files.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}
