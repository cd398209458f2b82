//! The paper's whole flow on one machine.

use std::path::PathBuf;

use crate::NodeError;
use crate::clock::Stop;

/// Run all roles on this machine, walk the paper's flow and check it.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A file of yours to protect, besides the host's own readings
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// Keep the roles running at the end and print how to talk to each by hand
    #[arg(long)]
    pub pause: bool,
}

/// Runs the demo.
///
/// # Errors
/// [`NodeError::Failed`] if a check did not hold.
pub fn run(_args: Args, _stop: &Stop) -> Result<(), NodeError> {
    Err(NodeError::Config("this build has no demo".into()))
}
