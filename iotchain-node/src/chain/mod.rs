//! The ledger: an embedded Ethereum chain with its JSON-RPC, and the way to any other node.
//!
//! ```text
//! iotchain ledger --- embedded chain, data directory
//!       | JSON-RPC (eth_*)
//!       +--- key-server, owner, client, and any wallet
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iotchain_ledger::embedded::{Config, Sealing};
use iotchain_ledger::{EmbeddedLedger, JsonRpcLedger, Ledger, rpc};

use crate::clock::Stop;
use crate::{NodeError, address, ready};

/// How long a node may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Run an embedded Ethereum chain and serve its JSON-RPC
///
/// One process, real blocks (London rules, Clique seals), no fees: enough for one site. Where several organisations must
/// agree, run a network of Ethereum nodes and give its URL to `iotchain owner init`; this command is then not needed.
///
/// There is no access control: whoever reaches the port may read the chain and hand in signed transactions.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  iotchain ledger --data ./chain --listen 127.0.0.1:8545 --block-time 1000"
)]
pub struct Args {
    /// Data directory; founded if absent or empty
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where to serve JSON-RPC; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8545")]
    pub listen: SocketAddr,
    /// Chain id (EIP-155); a data directory keeps the one it was founded with
    #[arg(long, value_name = "ID", default_value_t = 1337, value_parser = clap::value_parser!(u64).range(1..))]
    pub chain_id: u64,
    /// Milliseconds between two blocks while there is something to do
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub block_time: u64,
}

/// Serves the chain until `stop`.
///
/// # Errors
/// [`NodeError::Ledger`] for a data directory that is damaged, foreign or in use, or an address in use.
pub fn run(args: Args, stop: &Stop) -> Result<(), NodeError> {
    let config = Config {
        chain_id: args.chain_id,
        sealing: Sealing::every(Duration::from_millis(args.block_time)),
        ..Config::default()
    };
    let ledger = Arc::new(EmbeddedLedger::open(&args.data, &config)?);
    let (head, sealer) = (ledger.head()?, address::text(&ledger.sealer()));
    tracing::info!(
        chain_id = args.chain_id,
        head = head.number,
        "the chain is open"
    );
    let server = rpc::Server::start(ledger, args.listen)?;
    ready::announce("ledger", &[("rpc", server.url()), ("sealer", sealer)]);
    stop.wait_stopped();
    Ok(())
}

/// A node at `url`, which must be of the chain `chain_id`.
///
/// # Errors
/// [`NodeError::Config`] for a node of another chain; [`NodeError::Ledger`] if it does not answer.
pub fn connect(url: &str, chain_id: u64) -> Result<JsonRpcLedger, NodeError> {
    let ledger = JsonRpcLedger::new(url, ANSWER_LIMIT);
    let found = ledger.chain_id()?;
    if found != chain_id {
        return Err(NodeError::Config(format!(
            "{url} is a node of chain {found}, not of {chain_id}"
        )));
    }
    Ok(ledger)
}
