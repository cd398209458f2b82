//! The client: an account that asks for tokens, joins groups, reads resources and changes them (paper, II-C, Fig. 1).
//!
//! ```text
//! client.key   the account, made at the first start        seen.json   newest signed object per resource (spec 2.9)
//! rights.json  what to join each group with
//! ```

mod account;
mod pairwise;
mod reader;
mod report;
mod request;
mod rights;
mod seen;
mod shell;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use iotchain::oscar::Plaintext;
use iotchain::{Method, Roles, Zeroizing};

use crate::catalogue::{Catalogue, ClassKey};
use crate::clock::Stop;
use crate::data_dir::DataDir;
use crate::{NodeError, keyfile, output, roles};

use rights::Rights;

pub use account::ClientAccount;
pub use pairwise::Answered;
pub use reader::{Client, Fetched, Group};
pub use request::TokenRequest;
pub use target::Target;

/// How long a single command waits for the confirmations of its token.
const CONFIRMATION_LIMIT: Duration = Duration::from_secs(60);

/// Ask for tokens, join groups, read resources and change them
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
  iotchain client --data C --catalogue catalogue.json put meter/light on
  iotchain client --data C --catalogue catalogue.json post meter/valve 'open 30'
  iotchain client --data C --catalogue catalogue.json fetch meter/load
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
    /// Replace a resource, with the right to PUT
    Put {
        /// NAME/PATH of the catalogue, or coap://ADDRESS:PORT/PATH
        target: String,
        /// What to put there
        #[command(flatten)]
        body: Body,
    },
    /// Let a resource act, with the right to POST; print what it answers
    Post {
        /// NAME/PATH of the catalogue, or coap://ADDRESS:PORT/PATH
        target: String,
        /// What it acts on
        #[command(flatten)]
        body: Body,
    },
    /// Read a resource, with the right to FETCH, so that not even another member could have forged the answer
    Fetch {
        /// NAME/PATH of the catalogue, or coap://ADDRESS:PORT/PATH
        target: String,
        /// Write it to a file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Obey commands from stdin; one JSON object per command on stdout
    #[command(long_about = shell::HELP)]
    Shell,
}

/// What a request carries.
#[derive(Clone, Debug, clap::Args)]
pub struct Body {
    /// What to send
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    data: Option<String>,
    /// Send the content of a file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// CoAP Content-Format, such as 0 for text, 50 for JSON, 60 for CBOR; otherwise none is named
    #[arg(long, value_name = "NUMBER")]
    format: Option<u16>,
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
            let server = catalogue.expect_resource_server(&rs)?;
            Rights::open(&data)?.keep(&class.0.group(&server.rs), roles)?;
            output::line(format_args!(
                "token client=0x{} {receipt}",
                account.address()
            ))
        }
        Command::Get { target, from, out } => {
            let mut client = Client::new(data, catalogue, account, stop)?;
            get(&mut client, &target, from, out)
        }
        Command::Put { target, body } => {
            let mut client = Client::new(data, catalogue, account, stop)?;
            let answered = ask(&mut client, &target, Method::Put, &body)?;
            output::bytes(&answered.plaintext)
        }
        Command::Post { target, body } => {
            let mut client = Client::new(data, catalogue, account, stop)?;
            let answered = ask(&mut client, &target, Method::Post, &body)?;
            output::bytes(&answered.plaintext)
        }
        Command::Fetch { target, out } => {
            let mut client = Client::new(data, catalogue, account, stop)?;
            let answered = ask(&mut client, &target, Method::Fetch, &Body::NONE)?;
            deliver(&answered.plaintext, out)
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
    client.join_for(&target, Roles::default(), CONFIRMATION_LIMIT)?;
    let fetched = client.get(&target, from)?;
    tracing::info!(
        mode = ?fetched.opened.mode,
        session = fetched.opened.session.get(),
        bytes = fetched.object_len,
        "opened {target}"
    );
    deliver(&fetched.plaintext, out)
}

fn ask(
    client: &mut Client,
    target: &str,
    method: Method,
    body: &Body,
) -> Result<Answered, NodeError> {
    let target = Target::parse(target, client.catalogue())?;
    let data = body.read()?;
    client.join_for(&target, right_to(method), CONFIRMATION_LIMIT)?;
    let data = Plaintext {
        content_format: body.format,
        bytes: data.as_slice().into(),
    };
    let answered = client.ask(&target, method, data)?.success(&target)?;
    tracing::info!(
        code = %answered.code,
        session = answered.opened.session.get(),
        bytes = answered.object_len,
        "{target} answered under seal"
    );
    Ok(answered)
}

/// The right that a method takes.
fn right_to(method: Method) -> Roles {
    Roles::new(1 << method.code().saturating_sub(1))
}

fn deliver(plaintext: &[u8], out: Option<PathBuf>) -> Result<(), NodeError> {
    match out {
        Some(path) => keyfile::atomic_write_secret(&path, plaintext),
        None => output::bytes(plaintext),
    }
}

impl Body {
    const NONE: Self = Self {
        data: None,
        file: None,
        format: None,
    };

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, NodeError> {
        match &self.file {
            Some(path) => keyfile::read(path),
            None => Ok(Zeroizing::new(
                self.data.as_deref().unwrap_or_default().into(),
            )),
        }
    }
}
