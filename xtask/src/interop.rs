//! Tests that need stacks of other languages, or official vectors that come with them.

use crate::run::{Outcome, cargo, run};
use crate::setup::setup;

/// Installs the stacks and runs these tests, none of which may skip here. The features are those of the step `test`, so
/// that nothing is built twice.
pub(crate) fn interop() -> Outcome {
    setup()?;
    let tests = "test --workspace --all-features --locked --test cavp --test python --test wallets";
    run(cargo(tests).env("IOTCHAIN_INTEROP", "required"))
}
