//! The proxy: keeps signed objects that it cannot read, for whoever asks (paper, II-B; spec 2.7, 2.8).
//!
//! ```text
//! resource server -- PUT /meter/load (S object) --> proxy: signature, time, order --> store
//! client          -- GET /meter/load -------------> the same bytes
//! ```
//!
//! It holds no key of any group. What it can check, it checks before it stores, so that garbage, other people's objects
//! and old versions never replace a good one; what it cannot prevent (serving an old version on purpose), clients catch.

mod service;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalogue::Catalogue;
use crate::clock::Stop;
use crate::data_dir::DataDir;
use crate::runtime::Server;
use crate::{NodeError, ready};

pub use service::ProxyService;
pub use store::Store;

/// How often it is looked whether the proxy still serves.
const STEP: Duration = Duration::from_millis(500);
/// How often objects past their end are removed.
const SWEEP: Duration = Duration::from_secs(60);

/// Store and hand out signed objects without any key
///
/// A resource server puts its objects at `/NAME/PATH`, NAME being its name in the catalogue. Each is checked (signature,
/// time, and that it is newer than what is there) and stored before the answer leaves. Anybody may read: only members
/// of the group can decrypt.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  iotchain proxy --data ./proxy --catalogue ./catalogue.json --coap 0.0.0.0:5690"
)]
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
/// [`NodeError::Config`] for the catalogue, [`NodeError::State`] for a data directory that is damaged, foreign or in
/// use, [`NodeError::Net`] for the address.
pub fn run(args: Args, stop: &Stop) -> Result<(), NodeError> {
    let catalogue = Catalogue::read(&args.catalogue)?;
    let directory = DataDir::open(&args.data, "proxy")?;
    let store = Arc::new(Store::open(&directory.file("objects.redb"))?);
    tracing::info!(objects = store.count()?, "the store is open");
    let service = ProxyService::new(catalogue, Arc::clone(&store));
    let server = Server::builder(service).coap(args.coap).spawn()?;
    let address = server.coap_addr().unwrap_or(args.coap);
    ready::announce("proxy", &[("coap", address.to_string())]);
    let mut swept = Instant::now();
    while !stop.wait(STEP) {
        if !server.is_serving() {
            return Err(NodeError::Failed("a thread of the proxy died".into()));
        }
        if swept.elapsed() < SWEEP {
            continue;
        }
        swept = Instant::now();
        match store.sweep(crate::clock::now()) {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "objects past their end"),
            Err(error) => tracing::warn!(%error, "could not remove objects past their end"),
        }
    }
    server.shutdown();
    Ok(())
}
