//! The resource server: protects data of this host and hands it out (paper, II-B, II-C fourth phase; spec 2).
//!
//! ```text
//! key server --- join, broadcasts ---> Attendance ---> Producer (one per class) <--- Past: salts, times
//!                                                        |            |
//! client --- GET, Token ---> ResourceService -- Source --+ G          + S -- Source -- Rounds
//!        <-- object bound to the Token -----------------'              `--> Courier --- PUT ---> proxy
//! client --- PUT, POST, FETCH: object ---> ResourceService -- Accepted -- file, command
//!        <-- object bound to the request --------------------'
//! ```
//!
//! It seals only in the newest announced session, and only while that is in force; otherwise it answers 5.03. A kill at any
//! moment never makes a nonce come twice: see [`BootSalt`].

mod attendance;
mod command;
mod courier;
mod pairwise;
mod past;
mod producer;
mod rate;
mod resource;
mod rounds;
mod service;
mod source;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use iotchain::{Signer, SigningKey};

use crate::catalogue::{Catalogue, ResourceServer};
use crate::clock::Stop;
use crate::data_dir::DataDir;
use crate::dtls::pki;
use crate::runtime::{Handle, NetError, Server};
use crate::{NodeError, cose_key, keyfile, ready};

use attendance::Attendance;
use courier::Courier;
use past::Past;
use producer::Producer;
use resource::Resources;
use rounds::Rounds;
use service::{ResourceService, Station};

pub use past::BootSalt;
pub(crate) use source::MAX_REPRESENTATION;

/// How often it is looked whether the server still serves.
const STEP: Duration = Duration::from_millis(500);

/// Serve data of this host as protected objects
///
/// Joins the group of each of its classes at the key server, answers GET with objects that only members can open, and
/// puts signed copies at its proxy. Data is read anew for every answer; nothing is served while the keys of the present
/// session are not certain. What may be written or run is named one by one, and done once for each request of a client
/// that has the right to it.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  iotchain resource-server --data ./meter --catalogue ./catalogue.json --name meter --key-file ./rs.key \\
      --cert ./resource-server.pem --cert-key ./resource-server.key \\
      --resource load=proc:loadavg --resource doc=file:./manual.txt --resource 'log/*=dir:/var/log/meter' \\
      --resource disk='cmd:df -P /' --resource light=file:./light.txt --writable light \
      --action valve='/usr/local/bin/valve' --publish 30")]
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
    /// A resource and where its data comes from: file:PATH, dir:PATH (for a path ending in *), cmd:COMMAND LINE or
    /// proc:NAME
    #[arg(
        long = "resource",
        value_name = "PATH=SOURCE",
        required_unless_present = "actions"
    )]
    pub resources: Vec<String>,
    /// A resource whose file clients with the right to PUT may replace
    #[arg(long, value_name = "PATH")]
    pub writable: Vec<String>,
    /// A resource and the command line that a POST of a client with the right to runs: the body is its standard input,
    /// what it prints is the answer
    #[arg(long = "action", value_name = "PATH=COMMAND LINE")]
    pub actions: Vec<String>,
    /// Seconds between signed copies for the proxy
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub publish: u64,
    /// What keeps nonces apart over restarts
    #[arg(long, value_name = "WAY", value_enum, default_value_t = BootSalt::Counter)]
    pub boot_salt: BootSalt,
}

/// A resource server that serves; dropped, it ends. What its threads are at may take seconds (a handshake, a command) and
/// is not awaited: they stop at any point as they would be stopped by a kill.
pub struct Running {
    server: Handle,
    address: SocketAddr,
    stop: Stop,
}

/// Runs the role until `stop`.
///
/// # Errors
/// As [`start`].
pub fn run(args: Args, stop: &Stop) -> Result<(), NodeError> {
    let Some(running) = start_aside(args, stop)? else {
        return Ok(());
    };
    ready::announce("resource-server", &[("coap", running.address.to_string())]);
    while !stop.wait(STEP) {
        if !running.server.is_serving() {
            return Err(NodeError::Failed(
                "a thread of the resource server died".into(),
            ));
        }
    }
    Ok(())
}

/// As [`start`]. A handshake with a silent key server takes seconds, and the end of the role does not wait for it.
fn start_aside(args: Args, stop: &Stop) -> Result<Option<Running>, NodeError> {
    let (sender, outcome) = mpsc::sync_channel(1);
    let starting = stop.clone();
    thread::Builder::new()
        .name("start".into())
        .spawn(move || {
            // Nobody waits for it any more if the role was told to end.
            let _ = sender.send(start(args, &starting));
        })
        .map_err(NetError::Thread)?;
    loop {
        match outcome.recv_timeout(STEP) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Timeout) if stop.is_stopped() => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(NodeError::Failed(
                    "a thread of the resource server died".into(),
                ));
            }
        }
    }
}

/// Starts the role and returns when it is a member of all its groups; `None` if `stop` came first.
///
/// # Errors
/// [`NodeError::Config`] for arguments, keys or a catalogue that do not fit together, [`NodeError::State`] for a data
/// directory that is damaged, foreign or in use, [`NodeError::Net`] for the address, [`NodeError::Refused`] and
/// [`NodeError::Protocol`] if the key server refuses for good.
pub fn start(args: Args, stop: &Stop) -> Result<Option<Running>, NodeError> {
    let catalogue = Catalogue::read(&args.catalogue)?;
    let server = catalogue.expect_resource_server(&args.name)?.clone();
    let resources = Resources::parse(&args.resources, &args.writable, &args.actions, &server)?;
    let certificate = Arc::new(pki::Identity::read(&args.cert, &args.cert_key)?);
    let directory = DataDir::open(&args.data, "resource-server")?;
    let key = Arc::new(signing_key(&args, &directory, &server)?);
    let past = Arc::new(Past::open(directory, args.boot_salt)?);

    let producers: Vec<Arc<Producer>> = server
        .classes()
        .map(|class| {
            Arc::new(Producer::new(
                class,
                server.rs,
                Arc::clone(&key),
                Arc::clone(&past),
            ))
        })
        .collect();
    let station = Arc::new(Station {
        producers,
        resources,
        publish: Duration::from_secs(args.publish),
        server,
    });
    let service = ResourceService::new(Arc::clone(&station))?;
    let address = args.coap.unwrap_or(station.server.coap);
    let handle = Server::builder(service).coap(address).spawn()?;
    let running = Running {
        address: handle.coap_addr().unwrap_or(address),
        server: handle,
        stop: stop.child(),
    };
    for producer in &station.producers {
        let attendance = Attendance {
            producer: Arc::clone(producer),
            group: producer.class.group(&station.server.rs),
            rs: station.server.rs,
            key: Arc::clone(&key),
            certificate: Arc::clone(&certificate),
            key_server: catalogue.key_server.clone(),
        };
        let Some(presence) = attendance.arrive(&running.stop)? else {
            return Ok(None);
        };
        running.start_thread("attendance", move |stop| attendance.stay(presence, stop))?;
    }
    running.publish(station, past)?;
    Ok(Some(running))
}

impl Running {
    /// Where it serves.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    fn publish(&self, station: Arc<Station>, past: Arc<Past>) -> Result<(), NodeError> {
        let courier = station
            .server
            .proxy
            .map(|proxy| Arc::new(Courier::new(proxy.0)));
        if let Some(courier) = courier.clone() {
            self.start_thread("courier", move |stop| courier.run(stop))?;
        }
        let rounds = Rounds {
            station,
            past,
            notifier: self.server.notifier(),
            courier,
            last: HashMap::new(),
        };
        self.start_thread("rounds", move |stop| rounds.run(stop))
    }

    fn start_thread(
        &self,
        name: &str,
        body: impl FnOnce(&Stop) + Send + 'static,
    ) -> Result<(), NodeError> {
        let stop = self.stop.clone();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || body(&stop))
            .map_err(NetError::Thread)?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// The key to sign with, which must be the one in the catalogue.
fn signing_key(
    args: &Args,
    directory: &DataDir,
    server: &ResourceServer,
) -> Result<SigningKey, NodeError> {
    let key = match &args.key_file {
        Some(path) => keyfile::read_key(path)?,
        None => keyfile::read_or_create_key(&directory.file("rs.key"))?,
    };
    let key = keyfile::signing_key(&key)?;
    if key.public() == server.key {
        return Ok(key);
    }
    Err(NodeError::Config(format!(
        "the catalogue has another key for `{}`; this one is {}",
        server.name,
        cose_key::text(&key.public())
    )))
}
