//! The client: an account that asks for tokens, joins groups and reads resources (paper, II-C, Fig. 1).
//!
//! ```text
//! client.key   the account, made at the first start        seen.json   newest signed object per resource (spec 2.9)
//! ```

mod account;
mod reader;
mod report;
mod request;
mod seen;
mod shell;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use iotchain::Roles;

use crate::catalogue::{Catalogue, ClassKey};
use crate::clock::Stop;
use crate::data_dir::DataDir;
use crate::{NodeError, keyfile, output, roles};

pub use account::ClientAccount;
pub use reader::{Client, Fetched, Group};
pub use request::TokenRequest;
pub use target::Target;

/// How long a single `get` waits for the confirmations of its token.
const CONFIRMATION_LIMIT: Duration = Duration::from_secs(60);

/// Ask for tokens, join groups, read resources
///
/// The client has one key: that of its account on the ledger. It proves that key to the key server, and gets a personal
/// key with which it derives the key of every session until its token ends.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  iotchain client --data C --catalogue catalogue.json address
  iotchain client --data C --catalogue catalogue.json request-token --rs meter --class 0007 --ttl 3600
  iotchain client --data C --catalogue catalogue.json request-token --rs meter --class 0007 --ttl 3600 --grant grant.json
  iotchain client --data C --catalogue catalogue.json get meter/load
  iotchain client --data C --catalogue catalogue.json get --from proxy meter/doc --out doc.pdf
  iotchain client --data C --catalogue catalogue.json shell")]
pub struct Args {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The owner's catalogue
    #[arg(long, value_name = "FILE")]
    pub catalogue: PathBuf,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// Whether it goes on until it is told to end.
    pub(crate) const fn is_shell(&self) -> bool {
        matches!(self.command, Command::Shell)
    }
}

/// What a client does.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Print the address of the client's account, which is made if there is none
    Address,
    /// Ask the contract for a token and wait until it is confirmed
    RequestToken {
        /// Name or address of the resource server
        #[arg(long, value_name = "NAME")]
        rs: String,
        /// Access class, four hex digits
        #[arg(long)]
        class: ClassKey,
        /// Methods, such as get,fetch
        #[arg(long, default_value = "get", value_parser = roles::parse)]
        roles: Roles,
        /// Life of the token in seconds
        #[arg(long, value_name = "SECONDS")]
        ttl: u64,
        /// What the owner's attester signed (policy `attestation`)
        #[arg(long, value_name = "FILE")]
        grant: Option<PathBuf>,
        /// Return as soon as the token stands in a block
        #[arg(long)]
        no_wait: bool,
    },
    /// Read a resource
    Get {
        /// NAME/PATH of the catalogue, or coap://ADDRESS:PORT/PATH
        target: String,
        /// From whom
        #[arg(long, value_enum, default_value_t = Source::Any)]
        from: Source,
        /// Write it to a file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Obey commands from stdin; one JSON object per command on stdout
    #[command(long_about = shell::HELP)]
    Shell,
}

/// Where an object comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// The resource server itself, and the proxy when it cannot answer
    Any,
    /// The resource server itself: bound to this very request (mode G)
    Server,
    /// The proxy: signed by the resource server, perhaps a while ago (mode S)
    Proxy,
}

/// Runs one command.
///
/// # Errors
/// [`NodeError`].
pub fn run(args: Args, stop: &Stop) -> Result<(), NodeError> {
    let data = DataDir::open(&args.data, "client")?;
    let account = ClientAccount::open(&data)?;
    if let Command::Address = args.command {
        return output::line(format_args!("0x{}", account.address()));
    }
    let catalogue = Catalogue::read(&args.catalogue)?;
    match args.command {
        Command::Address => Ok(()),
        Command::RequestToken {
            rs,
            class,
            roles,
            ttl,
            grant,
            no_wait,
        } => {
            let request = TokenRequest::new(
                &catalogue,
                &account,
                &rs,
                class.0,
                roles,
                ttl,
                grant.as_deref(),
            )?;
            let confirmations = if no_wait { 0 } else { catalogue.confirmations };
            let receipt = request.send(&catalogue, &account, confirmations)?;
            output::line(format_args!(
                "token client=0x{} {receipt}",
                account.address()
            ))
        }
        Command::Get { target, from, out } => {
            let mut client = Client::new(data, catalogue, account, stop)?;
            get(&mut client, &target, from, out)
        }
        Command::Shell => shell::run(Client::new(data, catalogue, account, stop)?, stop),
    }
}

fn get(
    client: &mut Client,
    target: &str,
    from: Source,
    out: Option<PathBuf>,
) -> Result<(), NodeError> {
    let target = Target::parse(target, client.catalogue())?;
    client.join_for(&target, CONFIRMATION_LIMIT)?;
    let fetched = client.get(&target, from)?;
    tracing::info!(
        mode = ?fetched.opened.mode,
        session = fetched.opened.session.get(),
        bytes = fetched.object_len,
        "opened {target}"
    );
    match out {
        Some(path) => keyfile::atomic_write_secret(&path, &fetched.plaintext),
        None => output::bytes(&fetched.plaintext),
    }
}
