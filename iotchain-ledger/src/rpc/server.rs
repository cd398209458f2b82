//! JSON-RPC 2.0 over HTTP in front of the embedded chain, so that wallets and other key servers can use it.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response};

use super::method::{Fault, answer};
use super::params::Params;
use crate::{EmbeddedLedger, LedgerError, Result};

/// Longest request in bytes: a transaction of 128 KiB in hex, and some.
const MAX_REQUEST: u64 = 320 << 10;
/// Most requests in one batch.
const MAX_BATCH: usize = 100;
const WORKERS: usize = 4;

/// A JSON-RPC server. Dropping it stops it; the chain goes on.
pub struct Server {
    http: Arc<tiny_http::Server>,
    address: SocketAddr,
    workers: Vec<JoinHandle<()>>,
}

impl Server {
    /// Serves `ledger` at `address`; port 0 picks a free one. There is no access control: bind to loopback unless
    /// everybody who can reach the port may read the chain and hand in transactions.
    ///
    /// # Errors
    /// [`LedgerError::Config`] if the address cannot be bound.
    pub fn start(ledger: Arc<EmbeddedLedger>, address: impl ToSocketAddrs) -> Result<Self> {
        let refused =
            |e: &dyn std::fmt::Display| LedgerError::Config(format!("cannot serve JSON-RPC: {e}"));
        let http = Arc::new(tiny_http::Server::http(address).map_err(|e| refused(&e))?);
        let address = http
            .server_addr()
            .to_ip()
            .ok_or_else(|| refused(&"no IP address"))?;
        let worker = |index: usize| {
            let (http, ledger) = (Arc::clone(&http), Arc::clone(&ledger));
            std::thread::Builder::new()
                .name(format!("ledger-rpc-{index}"))
                .spawn(move || {
                    // An error here means that the server was told to stop.
                    while let Ok(request) = http.recv() {
                        serve(&ledger, request);
                    }
                })
                .map_err(|e| refused(&e))
        };
        let workers = (0..WORKERS).map(worker).collect::<Result<_>>()?;
        Ok(Self {
            http,
            address,
            workers,
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
        for _ in &self.workers {
            self.http.unblock();
        }
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

fn serve(ledger: &EmbeddedLedger, mut request: Request) {
    let mut reply = match body(&mut request) {
        Ok(body) => Response::from_data(handle(ledger, &body)),
        Err((status, text)) => Response::from_data(text).with_status_code(status),
    };
    if let Ok(kind) = Header::from_bytes("Content-Type", "application/json") {
        reply.add_header(kind);
    }
    // The other side may have gone; that is its affair.
    let _ = request.respond(reply);
}

fn body(request: &mut Request) -> std::result::Result<Vec<u8>, (u16, &'static str)> {
    if *request.method() != Method::Post {
        return Err((405, "JSON-RPC takes POST\n"));
    }
    if !host_is_literal(request) {
        return Err((403, "address this server by IP address or as localhost\n"));
    }
    let mut body = Vec::new();
    let read = request
        .as_reader()
        .take(MAX_REQUEST + 1)
        .read_to_end(&mut body);
    match read {
        Ok(length) if length as u64 > MAX_REQUEST => Err((413, "request too long\n")),
        Ok(_) => Ok(body),
        Err(_) => Err((400, "request ended early\n")),
    }
}

/// A web page can make a browser call a loopback server under the page's own name (DNS rebinding). So only names that
/// nobody else controls are served.
fn host_is_literal(request: &Request) -> bool {
    let Some(host) = request
        .headers()
        .iter()
        .find(|header| header.field.equiv("Host"))
    else {
        return true;
    };
    let name = strip_port(host.value.as_str());
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
