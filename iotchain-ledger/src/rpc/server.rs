//! JSON-RPC 2.0 over HTTP in front of the embedded chain, so that wallets and other key servers can use it.

use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Connection, Missed, Refusal, Request};
use super::method::{Fault, answer};
use super::params::Params;
use crate::{EmbeddedLedger, LedgerError, Result};

/// Most connections at once.
const MAX_CONNECTIONS: usize = 64;
/// Most requests in one batch.
const MAX_BATCH: usize = 100;

/// A JSON-RPC server. Dropping it stops it; the chain goes on.
pub struct Server {
    address: SocketAddr,
    connections: Arc<Connections>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `ledger` at `address`; port 0 picks a free one. There is no access control: bind to loopback unless
    /// everybody who can reach the port may read the chain and hand in transactions.
    ///
    /// # Errors
    /// [`LedgerError::Config`] if the address cannot be bound.
    pub fn start(ledger: Arc<EmbeddedLedger>, address: impl ToSocketAddrs) -> Result<Self> {
        let refused =
            |e: std::io::Error| LedgerError::Config(format!("cannot serve JSON-RPC: {e}"));
        let listener = TcpListener::bind(address).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let connections = Arc::new(Connections::default());
        let acceptor = {
            let connections = Arc::clone(&connections);
            std::thread::Builder::new()
                .name("ledger-rpc".into())
                .spawn(move || accept(&listener, &ledger, &connections, address.ip().is_loopback()))
                .map_err(refused)?
        };
        Ok(Self {
            address,
            connections,
            acceptor: Some(acceptor),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.connections.stop();
        // Wakes the acceptor, which then sees that it is over. The wildcard address is reached over loopback.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// The open connections, so that they can be counted and ended.
#[derive(Default)]
struct Connections(Mutex<Open>);

#[derive(Default)]
struct Open {
    streams: HashMap<u64, TcpStream>,
    next: u64,
    stopped: bool,
}

impl Connections {
    /// Takes a connection in, unless there are too many or it is over. Returns the number it goes by.
    fn add(&self, stream: &TcpStream) -> Option<u64> {
        let mut open = self.open();
        if open.stopped || open.streams.len() >= MAX_CONNECTIONS {
            return None;
        }
        let number = open.next;
        open.next += 1;
        open.streams.insert(number, stream.try_clone().ok()?);
        Some(number)
    }

    fn remove(&self, number: u64) {
        self.open().streams.remove(&number);
    }

    fn stop(&self) {
        let mut open = self.open();
        open.stopped = true;
        for (_, stream) in open.streams.drain() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(
    listener: &TcpListener,
    ledger: &Arc<EmbeddedLedger>,
    connections: &Arc<Connections>,
    loopback: bool,
) {
    loop {
        let accepted = listener.accept();
        if connections.open().stopped {
            return;
        }
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, or the peer was quicker: neither is helped by asking again at once.
                tracing::warn!(%error, "no connection accepted");
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        let Some(number) = connections.add(&stream) else {
            tracing::warn!("too many connections; one was closed");
            continue;
        };
        // A connection that lingers must not keep the chain open.
        let (ledger, of) = (Arc::downgrade(ledger), Arc::clone(connections));
        let serve = move || {
            serve(stream, &ledger, loopback);
            of.remove(number);
        };
        if let Err(error) = std::thread::Builder::new()
            .name("ledger-rpc-peer".into())
            .spawn(serve)
        {
            tracing::error!(%error, "a connection was dropped");
            connections.remove(number);
        }
    }
}

/// Answers the requests of a connection, one after the other.
fn serve(stream: TcpStream, ledger: &Weak<EmbeddedLedger>, loopback: bool) {
    let Ok(mut connection) = Connection::new(stream) else {
        return;
    };
    // A peer that has gone needs no answer.
    loop {
        let request = match connection.receive() {
            Ok(request) if loopback && !host_is_literal(&request) => {
                let _ = connection.refuse(Refusal(
                    403,
                    "address this server by IP address or as localhost",
                ));
                return;
            }
            Ok(request) => request,
            Err(Missed::Refused(refusal)) => {
                let _ = connection.refuse(refusal);
                return;
            }
            Err(Missed::Gone) => return,
        };
        let Some(ledger) = ledger.upgrade() else {
            return;
        };
        if connection.reply(&handle(&ledger, &request.body)).is_err() || !request.persistent {
            return;
        }
    }
}

/// A web page can make a browser call a loopback server under the page's own name (DNS rebinding). So only names that
/// nobody else controls are served there.
fn host_is_literal(request: &Request) -> bool {
    let Some(host) = &request.host else {
        return true;
    };
    let name = strip_port(host);
    name.eq_ignore_ascii_case("localhost")
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

fn strip_port(host: &str) -> &str {
    host.rsplit_once(':')
        .filter(|(name, _)| !name.contains(':') || name.ends_with(']'))
        .map_or(host, |(name, _)| name)
}

fn handle(ledger: &EmbeddedLedger, body: &[u8]) -> String {
    let reply = match serde_json::from_slice(body) {
        Ok(Value::Array(batch)) if batch.is_empty() || batch.len() > MAX_BATCH => failure(
            &Value::Null,
            &Fault::new(-32600, format!("a batch holds 1 to {MAX_BATCH} requests")),
        ),
        Ok(Value::Array(batch)) => batch
            .iter()
            .map(|request| handle_one(ledger, request))
            .collect(),
        Ok(request) => handle_one(ledger, &request),
        Err(error) => failure(&Value::Null, &Fault::new(-32700, error)),
    };
    reply.to_string()
}

fn handle_one(ledger: &EmbeddedLedger, request: &Value) -> Value {
    let id = request.get("id").unwrap_or(&Value::Null);
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        return failure(id, &Fault::new(-32600, "not a JSON-RPC request"));
    };
    let result =
        Params::new(request.get("params")).and_then(|params| answer(ledger, method, &params));
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(fault) => {
            tracing::debug!(method, ?fault, "request refused");
            failure(id, &fault)
        }
    }
}

fn failure(id: &Value, fault: &Fault) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": fault.render() })
}
