//! The resource owner: contract, certificates, catalogue, grants and revocation (paper, II-C, II-D).
//!
//! ```text
//! owner.key        account that owns the contract       ca.pem, ca.key   certifies key server and resource servers
//! attester.key     signs grants (EIP-712)               owner.json       what was set up so far
//! catalogue.json   published once contract, key server and a resource server are known
//! ```

mod certify;
mod deployment;
mod setup;
mod tokens;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use iotchain::{Address, Roles};

use crate::catalogue::{ClassKey, PathPattern, ProxyUri};
use crate::clock::Stop;
use crate::data_dir::DataDir;
use crate::{NodeError, address, roles};

/// Own resource servers: deploy the contract, certify, grant, revoke
///
/// The owner needs no server. Everything it does is a transaction on the ledger, a certificate, or a line in the public
/// catalogue that it gives to everybody.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples, in the usual order:
  iotchain owner --data O init --ledger http://127.0.0.1:8545
  iotchain owner --data O deploy --policy attestation
  iotchain owner --data O certify key-server --out K
  iotchain owner --data O new-key --out rs.key
  iotchain owner --data O add-resource-server --name meter --key rs.key --coap 127.0.0.1:5683 \\
                          --proxy coap://127.0.0.1:5690 --class 0007=load,doc,log/* --class 0008=secret
  iotchain owner --data O certify resource-server --key-file rs.key --out R
  iotchain owner --data O attest 0xCLIENT --rs meter --class 0007 --roles get --ttl 86400 --out grant.json
  iotchain owner --data O revoke 0xCLIENT --rs meter")]
pub struct Args {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What an owner does.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make the owner's keys and certificate authority, and remember the ledger
    Init {
        /// JSON-RPC of an Ethereum node
        #[arg(long, value_name = "URL")]
        ledger: String,
        /// n: blocks on top of a token's block before the key server lets it count
        #[arg(long, value_name = "N", default_value_t = 2)]
        confirmations: u64,
    },
    /// Deploy the AccessToken contract and the policy that decides about requests for tokens
    Deploy {
        /// Who gets a token
        #[arg(long, value_enum, default_value_t = Policy::Attestation)]
        policy: Policy,
    },
    /// Issue a certificate for DTLS
    #[command(subcommand)]
    Certify(Certify),
    /// Make a secp256k1 key, and print its COSE_Key and its address
    NewKey {
        /// File to be made, mode 0600
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Register a resource server at the contract and publish it, or change its entry
    AddResourceServer(Entry),
    /// Sign a grant that a client takes to the contract (policy `attestation`)
    Attest {
        /// Whose, for what
        #[command(flatten)]
        token: Token,
        /// Seconds for which the grant can be used
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        valid: u64,
        /// File to be made
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Give a client a token directly
    Issue {
        /// Whose, for what
        #[command(flatten)]
        token: Token,
    },
    /// Delete a client's token, or its block; it may ask for another
    Revoke {
        /// Whose, where
        #[command(flatten)]
        at: Holder,
    },
    /// Delete a client's token and bar it from getting another until `revoke` lifts that
    Block {
        /// Whose, where
        #[command(flatten)]
        at: Holder,
    },
    /// Revoke every token of a resource server at once
    RevokeAll {
        /// Name or address in the catalogue
        #[arg(long, value_name = "NAME")]
        rs: String,
    },
    /// Print the catalogue
    Catalogue,
}

/// Who decides about requests for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// Everybody gets what they ask for
    Open,
    /// Only what the owner's attester signed
    Attestation,
}

/// For whom a certificate is.
#[derive(Clone, Debug, Subcommand)]
pub enum Certify {
    /// The key server: DIR/key-server.pem and DIR/key-server.key; its addresses go into the catalogue
    KeyServer {
        /// Directory to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Name in the certificate, by which everybody recognises it
        #[arg(long, default_value = "key-server")]
        name: String,
        /// An IP address of it, to stand in the certificate too; may be repeated
        #[arg(long = "ip", value_name = "IP")]
        ips: Vec<IpAddr>,
        /// Where it serves broadcasts
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5687")]
        coap: SocketAddr,
        /// Where it serves DTLS
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5688")]
        coaps: SocketAddr,
        /// Days for which the certificate is valid
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// A resource server: DIR/resource-server.pem and DIR/resource-server.key, which name the address of its signing key
    ResourceServer {
        /// Its signing key: a key file, or the hex digits of the public COSE_Key
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// Directory to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Days for which the certificate is valid
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
}

/// A resource server's entry.
#[derive(Clone, Debug, clap::Args)]
pub struct Entry {
    /// Its name: the first path segment at a proxy
    #[arg(long)]
    pub name: String,
    /// Its signing key: a key file, or the hex digits of the public COSE_Key
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Where it serves
    #[arg(long, value_name = "ADDRESS")]
    pub coap: SocketAddr,
    /// The proxy for its signed objects
    #[arg(long, value_name = "URI")]
    pub proxy: Option<ProxyUri>,
    /// An access class and its resources, such as 0007=load,log/*; may be repeated
    #[arg(long = "class", value_name = "CLASS=PATHS", required = true, value_parser = parse_class)]
    pub classes: Vec<(ClassKey, Vec<PathPattern>)>,
    /// Longest life of a token in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 31_536_000)]
    pub max_ttl: u64,
}

/// A client at a resource server.
#[derive(Clone, Debug, clap::Args)]
pub struct Holder {
    /// Address of the client
    #[arg(value_parser = address::parse)]
    pub client: Address,
    /// Name or address of the resource server
    #[arg(long, value_name = "NAME")]
    pub rs: String,
}

/// A token: whose, where, what for, how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Token {
    /// Whose, where
    #[command(flatten)]
    pub holder: Holder,
    /// Access class, four hex digits
    #[arg(long)]
    pub class: ClassKey,
    /// Methods, such as get,fetch
    #[arg(long, value_parser = roles::parse)]
    pub roles: Roles,
    /// Life of the token in seconds
    #[arg(long, value_name = "SECONDS")]
    pub ttl: u64,
}

/// Runs one command. What it did is printed on stdout in words `name=value`.
///
/// # Errors
/// [`NodeError`].
pub fn run(args: Args, _stop: &Stop) -> Result<(), NodeError> {
    let directory = DataDir::open(&args.data, "owner")?;
    match args.command {
        Command::Init {
            ledger,
            confirmations,
        } => setup::init(&directory, &ledger, confirmations),
        Command::Deploy { policy } => setup::deploy(&directory, policy),
        Command::Certify(request) => certify::certify(&directory, &request),
        Command::NewKey { out } => setup::new_key(&out),
        Command::AddResourceServer(entry) => setup::add_resource_server(&directory, &entry),
        Command::Attest { token, valid, out } => tokens::attest(&directory, &token, valid, &out),
        Command::Issue { token } => tokens::issue(&directory, &token),
        Command::Revoke { at } => tokens::revoke(&directory, &at),
        Command::Block { at } => tokens::block(&directory, &at),
        Command::RevokeAll { rs } => tokens::revoke_all(&directory, &rs),
        Command::Catalogue => setup::print_catalogue(&directory),
    }
}

fn parse_class(text: &str) -> Result<(ClassKey, Vec<PathPattern>), String> {
    let (class, paths) = text
        .split_once('=')
        .ok_or("no `=` between class and paths")?;
    let paths = paths.split(',').map(str::parse).collect::<Result<_, _>>()?;
    Ok((class.parse()?, paths))
}
