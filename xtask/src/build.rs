//! Checks that cargo itself makes: lints, tests, documentation, targets.

use std::path::Path;

use crate::run::{Outcome, cargo, none, run};
use crate::target::{CORTEX_M4, Target};
use crate::tree::{DEVICE_CRATES, text};

/// Formatting and clippy over every crate.
pub(crate) fn lint() -> Outcome {
    run(&mut cargo("fmt --all --check"))?;
    run(&mut cargo(
        "clippy --workspace --all-targets --all-features --locked -- -D warnings",
    ))
}

/// Lints against whatever can panic, on the product code of the device crates alone.
pub(crate) fn panics() -> Outcome {
    let denied = [
        "unwrap_used",
        "expect_used",
        "panic",
        "unreachable",
        "indexing_slicing",
        "string_slice",
        "arithmetic_side_effects",
    ];
    let mut clippy = cargo("clippy --lib --no-deps --all-features --locked");
    for name in DEVICE_CRATES {
        clippy.args(["-p", name]);
    }
    clippy.arg("--");
    for lint in denied {
        clippy.args(["-D", &format!("clippy::{lint}")]);
    }
    run(&mut clippy)
}

/// Builds and tests every crate with all features.
pub(crate) fn test() -> Outcome {
    run(&mut cargo(
        "test --workspace --all-targets --all-features --locked --no-fail-fast",
    ))
}

/// Runs the examples in the documentation.
pub(crate) fn doctest() -> Outcome {
    run(&mut cargo(
        "test --workspace --doc --all-features --locked --no-fail-fast",
    ))
}

/// Builds the documentation of every crate.
pub(crate) fn doc() -> Outcome {
    run(cargo("doc --workspace --no-deps --all-features --locked")
        .env("RUSTDOCFLAGS", "-D warnings"))
}

/// Builds each device crate without features, with the default ones, and with each feature alone.
pub(crate) fn features() -> Outcome {
    let mut failed = Vec::new();
    for name in DEVICE_CRATES {
        let manifest = text(&Path::new(name).join("Cargo.toml")).unwrap_or_default();
        let mut sets = vec![String::from("--no-default-features"), String::new()];
        let alone = feature_names(&manifest)
            .map(|feature| format!("--no-default-features --features {feature}"));
        sets.extend(alone);
        for set in sets {
            let arguments = format!("check --quiet --lib --locked -p {name} {set}");
            if let Err(reason) = run(cargo(&arguments).env("RUSTFLAGS", "-D warnings")) {
                failed.push(reason);
            }
        }
    }
    none("feature sets that do not build", &failed)
}

/// Names of the features in a manifest, `default` left out.
fn feature_names(manifest: &str) -> impl Iterator<Item = &str> {
    let section = manifest
        .lines()
        .skip_while(|line| line.trim() != "[features]")
        .skip(1);
    let entries = section.take_while(|line| !line.starts_with('['));
    let names = entries
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim());
    names.filter(|name| !name.starts_with('#') && *name != "default")
}

/// Builds the device crates for a target that has neither `std` nor an allocator.
pub(crate) fn no_std() -> Outcome {
    let mut packages = String::new();
    for name in DEVICE_CRATES {
        packages.push_str(&format!(" -p {name}"));
    }
    // The features that a device may want; the group manager needs an allocator and stays out.
    let features =
        "--no-default-features --features iotchain/es256k,iotchain/esp256,iotchain/ed25519";
    let arguments = format!("build --locked {features}{packages}");
    let mut build = Target::named(CORTEX_M4)?.cargo(&arguments)?;
    // Only that it builds is asked here, not how fast it runs.
    build.args(["--config", r#"profile.dev.package."*".opt-level=0"#]);
    run(&mut build)
}

/// Runs the conformance runner over the vectors of the tree.
pub(crate) fn vectors() -> Outcome {
    run(&mut cargo(
        "run --quiet --locked -p iotchain-interop --bin conformance -- vectors",
    ))
}

/// Runs the demo as a newcomer would.
pub(crate) fn demo() -> Outcome {
    run(&mut cargo("run --release --locked -- demo"))
}
