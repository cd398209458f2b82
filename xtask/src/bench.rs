//! Measurements side by side with peers, in the workspace `bench/`.

use crate::run::{Outcome, cargo, root, run, target_dir};

/// Builds and runs the bench with its own arguments; files are named relative to where the caller stands.
pub(crate) fn bench(arguments: impl Iterator<Item = String>) -> Outcome {
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    // Not `--locked`: a crate of ours may have got another dependency since; versions stay as locked.
    let mut bench = cargo("run --release --quiet --manifest-path");
    bench
        .arg(root().join("bench/Cargo.toml"))
        .arg("--")
        .args(arguments)
        .env("CARGO_TARGET_DIR", target_dir("bench"))
        .current_dir(here);
    run(&mut bench)
}
