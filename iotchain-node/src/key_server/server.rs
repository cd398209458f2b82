//! A key server in this process: sockets, threads, and their end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use iotchain::Signer;
use iotchain::token::Policy;
use iotchain_ledger::Ledger;

use super::group::{MAX_SESSIONS, MIN_SESSIONS, Terms};
use super::office::{Equipment, Office};
use super::queue::{self, Queue};
use super::service::KeyService;
use super::sessions;
use super::store::Store;
use crate::catalogue::Catalogue;
use crate::clock::{self, Stop};
use crate::coap::Limits;
use crate::data_dir::DataDir;
use crate::dtls::ServerConfig;
use crate::runtime::{Handle, NetError, Server};
use crate::{NodeError, keyfile};

const ROLE: &str = "key-server";
/// Threads that wait for the ledger.
const WORKERS: usize = 4;
/// Longest request body in bytes: more than a join may have, so that one too long is told so.
const MAX_BODY: usize = 4096;

/// What a key server needs.
pub struct Config {
    /// Data directory.
    pub data: PathBuf,
    /// Where broadcasts are served.
    pub coap: SocketAddr,
    /// Where members are served, over DTLS.
    pub coaps: SocketAddr,
    /// Its certificate, and the authority of the resource servers'.
    pub dtls: ServerConfig,
    /// What holds for all groups.
    pub terms: Terms,
    /// What holds for all tokens.
    pub policy: Policy,
    /// Where tokens are read.
    pub ledger: Arc<dyn Ledger>,
    /// Whose resources there are.
    pub catalogue: Catalogue,
}

/// A running key server; dropping it stops it.
pub struct KeyServer {
    handle: Option<Handle>,
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
    addresses: (SocketAddr, SocketAddr),
    _data: DataDir,
}

impl KeyServer {
    /// Opens the data directory, founds the groups that are missing, and serves.
    ///
    /// # Errors
    /// [`NodeError::State`] for a directory that is damaged, foreign or in use; [`NodeError::Config`] for terms out of
    /// range; [`NodeError::Io`], [`NodeError::Net`].
    pub fn start(config: Config) -> Result<Self, NodeError> {
        let Config {
            data,
            coap,
            coaps,
            dtls,
            terms,
            policy,
            ledger,
            catalogue,
        } = config;
        let epoch = MIN_SESSIONS..=MAX_SESSIONS;
        if terms.session == 0 || !(1..=16).contains(&terms.depth) || !epoch.contains(&terms.epoch) {
            return Err(NodeError::Config(
                "a session has at least 1 second, a tree a depth of 1 to 16, an epoch 4 to 16384 sessions".into(),
            ));
        }
        let data = DataDir::open(&data, ROLE)?;
        let key_path = data.file("ks.key");
        if Store::exists(&data) && !key_path.exists() {
            return Err(NodeError::State(format!(
                "{} is missing, but there are groups",
                key_path.display()
            )));
        }
        let key = keyfile::signing_key(&keyfile::read_or_create_key(&key_path)?)?;
        let store = Store::open(&data, &key.public().thumbprint())?;
        let equipment = Equipment {
            catalogue,
            terms,
            policy,
            ledger,
            key,
        };
        let office = Arc::new(Office::open(equipment, store, clock::now())?);

        let (queue, jobs) = Queue::new();
        let service = KeyService::new(office.clone(), queue)?;
        let limits = Limits {
            body: MAX_BODY,
            ..Limits::default()
        };
        let handle = Server::builder(service)
            .coap(coap)
            .coaps(coaps, dtls)
            .limits(limits)
            .spawn()?;
        let addresses = (
            handle.coap_addr().unwrap_or(coap),
            handle.coaps_addr().unwrap_or(coaps),
        );
        let mut server = Self {
            stop: Stop::new(),
            threads: Vec::new(),
            addresses,
            _data: data,
            handle: None,
        };
        for _ in 0..WORKERS {
            let (office, jobs) = (office.clone(), jobs.clone());
            server.spawn("key-server-ledger", move || queue::work(&office, &jobs))?;
        }
        let (notifier, stop) = (handle.notifier(), server.stop.clone());
        server.handle = Some(handle);
        server.spawn("key-server-sessions", move || {
            sessions::run(&office, &notifier, &stop)
        })?;
        Ok(server)
    }

    /// Where broadcasts are served.
    #[must_use]
    pub const fn coap(&self) -> SocketAddr {
        self.addresses.0
    }

    /// Where members are served.
    #[must_use]
    pub const fn coaps(&self) -> SocketAddr {
        self.addresses.1
    }

    /// Whether every thread still runs.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.handle.as_ref().is_some_and(Handle::is_serving)
            && self.threads.iter().all(|t| !t.is_finished())
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), NetError> {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(NetError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.stop.stop();
        // With the service goes the queue, and with the queue the workers end.
        drop(self.handle.take());
        for thread in self.threads.drain(..) {
            // A panic has been reported by its own thread.
            let _ = thread.join();
        }
    }
}
