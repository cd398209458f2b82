//! The key server: group manager and key distribution center (paper, II-C third phase, II-E; spec 4).

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::NodeError;
use crate::clock::Stop;

/// Admit members and let their group keys heal.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The owner's catalogue
    #[arg(long, value_name = "FILE")]
    pub catalogue: PathBuf,
    /// Certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub cert_key: PathBuf,
    /// Address for broadcasts, instead of the catalogue's
    #[arg(long, value_name = "ADDRESS")]
    pub coap: Option<SocketAddr>,
    /// Address for DTLS, instead of the catalogue's
    #[arg(long, value_name = "ADDRESS")]
    pub coaps: Option<SocketAddr>,
    /// Length of a session in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub session: u32,
    /// How long a key outlives its session, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub grace: u32,
    /// Blocks on top of a token's block before it counts, instead of the catalogue's
    #[arg(long, value_name = "N")]
    pub confirmations: Option<u64>,
    /// Depth of the key tree: a group has room for 2^D members
    #[arg(long, value_name = "D", default_value_t = 10)]
    pub depth: u8,
}

/// Runs the role until `stop`.
///
/// # Errors
/// [`NodeError`].
pub fn run(_args: Args, _stop: &Stop) -> Result<(), NodeError> {
    Err(NodeError::Config("this build has no key server".into()))
}
