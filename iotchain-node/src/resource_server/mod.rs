//! The resource server: protects data of this host and hands it out (paper, II-B, II-C fourth phase; spec 2).

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::NodeError;
use crate::clock::Stop;

/// Serve data of this host as protected objects.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The owner's catalogue
    #[arg(long, value_name = "FILE")]
    pub catalogue: PathBuf,
    /// Its name in the catalogue
    #[arg(long)]
    pub name: String,
    /// Signing key, 64 hex digits; made in the data directory if not given
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub cert_key: PathBuf,
    /// Address to serve at, instead of the catalogue's
    #[arg(long, value_name = "ADDRESS")]
    pub coap: Option<SocketAddr>,
    /// A resource and where its data comes from: file:PATH, dir:PATH, cmd:COMMAND LINE or proc:NAME
    #[arg(long = "resource", value_name = "PATH=SOURCE", required = true)]
    pub resources: Vec<String>,
    /// Seconds between signed copies for the proxy
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub publish: u64,
}

/// Runs the role until `stop`.
///
/// # Errors
/// [`NodeError`].
pub fn run(_args: Args, _stop: &Stop) -> Result<(), NodeError> {
    Err(NodeError::Config(
        "this build has no resource server".into(),
    ))
}
