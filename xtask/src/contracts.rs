//! The Solidity contracts: committed build output against the source, and the forge tests.

use crate::run::{Outcome, command, root, run};

/// Rebuilds the contracts with the pinned compiler, compares, and runs their tests.
pub(crate) fn contracts() -> Outcome {
    let npm = |arguments| run(command("npm", arguments).current_dir(root().join("contracts")));
    npm("run --silent check")?;
    npm("test --silent")
}
