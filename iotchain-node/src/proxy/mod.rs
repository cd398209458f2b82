//! The proxy: keeps signed objects that it cannot read, for whoever asks (paper, II-B; spec 2.7, 2.8).

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::NodeError;
use crate::clock::Stop;

/// Store and hand out signed objects without any key.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The owner's catalogue
    #[arg(long, value_name = "FILE")]
    pub catalogue: PathBuf,
    /// Address to serve at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5690")]
    pub coap: SocketAddr,
}

/// Runs the role until `stop`.
///
/// # Errors
/// [`NodeError`].
pub fn run(_args: Args, _stop: &Stop) -> Result<(), NodeError> {
    Err(NodeError::Config("this build has no proxy".into()))
}
