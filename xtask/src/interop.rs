//! Tests that need stacks of other languages, or official vectors that come with them.

use crate::run::{Outcome, cargo, root, run, target_dir};
use crate::setup::setup;

/// Tests that skip where a stack is missing.
const TESTS: &str = "--test cavp --test python --test wallets";

/// Installs the stacks and runs these tests, none of which may skip here. The features are those of the step `test`, so
/// that nothing is built twice.
pub(crate) fn interop() -> Outcome {
    setup()?;
    let tests = format!("test --workspace --all-features --locked {TESTS}");
    run(cargo(&tests).env("IOTCHAIN_INTEROP", "required"))?;
    // Not `--locked`: a crate of ours may have got another dependency since; versions stay as locked.
    let mut cose_rust = cargo("test --target-dir");
    // Cargo reads the settings of the folder in which it stands.
    let folder = root().join("interop/cose-rust");
    run(cose_rust.arg(target_dir("cose-rust")).current_dir(folder))
}
