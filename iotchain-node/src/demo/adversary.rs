//! The attacker of the demo: it owns the network paths to the key server's broadcasts and to the resource server, and a
//! proxy.
//!
//! ```text
//! client <---> Jammer <---> key server          every datagram passes, or none does
//! client <---> Jammer <---> resource server     every datagram is kept, and may come again
//! client <---> Mallory <---> proxy              an object passes, or is tampered with, swapped, or rolled back
//! ```

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::NodeError;
use crate::coap::{
    Call, Client, Code, Message, Outcome, Request, Response, Service, Settings, content_format,
};
use crate::runtime::{Handle, Server};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How often a relaying thread looks whether it is to end.
const TICK: Duration = Duration::from_millis(50);
/// How long whoever sends a copy waits for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Datagrams that are remembered.
const OVERHEARD_MAX: usize = 32;

/// A path that can be cut, and on which everything is overheard.
pub(super) struct Jammer {
    address: SocketAddr,
    state: Arc<Cut>,
}

#[derive(Default)]
struct Cut {
    jammed: AtomicBool,
    over: AtomicBool,
    dropped: AtomicUsize,
    /// The newest datagrams to the server, and where each went on from.
    overheard: Mutex<VecDeque<(Vec<u8>, Arc<UdpSocket>)>>,
}

/// A request that somebody else made.
pub(super) struct Overheard {
    message: Message,
    /// Under the client's own address, as the server knows it.
    from: Arc<UdpSocket>,
}

impl Jammer {
    /// A relay to `server` on a port of its own.
    pub(super) fn before(server: SocketAddr) -> Result<Self, NodeError> {
        let front = UdpSocket::bind(LOOPBACK)
            .map_err(|source| NodeError::io("the jammer's port", source))?;
        let address = front
            .local_addr()
            .map_err(|source| NodeError::io("the jammer's port", source))?;
        let state = Arc::new(Cut::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || relay(&front, server, &shared));
        Ok(Self { address, state })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on every datagram is dropped, in both directions, or none.
    pub(super) fn jam(&self, jammed: bool) {
        self.state.jammed.store(jammed, Ordering::Relaxed);
    }

    /// The newest request with a method.
    pub(super) fn overheard(&self, method: Code) -> Option<Overheard> {
        let overheard = self.state.overheard();
        let mut requests = overheard.iter().rev().filter_map(|(datagram, from)| {
            let message = Message::parse(datagram).ok()?;
            let from = Arc::clone(from);
            Some(Overheard { message, from })
        });
        requests.find(|request| request.message.code == method)
    }

    /// Datagrams dropped so far.
    pub(super) fn dropped(&self) -> usize {
        self.state.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Jammer {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
    }
}

impl Cut {
    fn overheard(&self) -> MutexGuard<'_, VecDeque<(Vec<u8>, Arc<UdpSocket>)>> {
        self.overheard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, datagram: &[u8], from: &Arc<UdpSocket>) {
        let mut overheard = self.overheard();
        if overheard.len() >= OVERHEARD_MAX {
            overheard.pop_front();
        }
        overheard.push_back((datagram.to_vec(), Arc::clone(from)));
    }
}

impl Overheard {
    /// Makes the same request under another address. The answer.
    pub(super) fn repeat_from_elsewhere(&self) -> Result<Message, NodeError> {
        let fault = |source| NodeError::io("a socket for copies", source);
        let exchange = || {
            let socket = UdpSocket::bind(LOOPBACK)?;
            socket.set_read_timeout(Some(ANSWER_LIMIT))?;
            socket.send_to(&self.message.encode(), self.from.peer_addr()?)?;
            let mut buffer = vec![0; 2048];
            let len = socket.recv(&mut buffer)?;
            buffer.truncate(len);
            Ok(buffer)
        };
        let answer = exchange().map_err(fault)?;
        Message::parse(&answer)
            .map_err(|_| NodeError::State("the answer to a copy is no message".into()))
    }

    /// Makes the same request under the client's address, in a message that was not there before. Its answer goes to the
    /// client, which does not wait for it.
    pub(super) fn repeat_from_there(&self) -> Result<(), NodeError> {
        let mut message = self.message.clone();
        message.id = message.id.wrapping_add(0x4000);
        let sent = self.from.send(&message.encode());
        sent.map(drop)
            .map_err(|source| NodeError::io("a copy", source))
    }
}

/// Copies datagrams; each client gets a socket towards the server, so that answers find their way back.
fn relay(front: &UdpSocket, server: SocketAddr, cut: &Arc<Cut>) {
    let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = vec![0; 65_535];
    if front.set_read_timeout(Some(TICK)).is_err() {
        return;
    }
    while !cut.over.load(Ordering::Relaxed) {
        let Ok((len, client)) = front.recv_from(&mut buffer) else {
            continue;
        };
        let Some(datagram) = buffer.get(..len) else {
            continue;
        };
        if cut.jammed.load(Ordering::Relaxed) {
            cut.dropped.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let back = match clients.entry(client) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => match open_back(front, server, client, cut) {
                Some(back) => free.insert(back),
                None => continue,
            },
        };
        // a datagram that cannot be sent is one more that got lost
        let _ = back.send(datagram);
        cut.keep(datagram, back);
    }
}

fn open_back(
    front: &UdpSocket,
    server: SocketAddr,
    client: SocketAddr,
    cut: &Arc<Cut>,
) -> Option<Arc<UdpSocket>> {
    let back = Arc::new(UdpSocket::bind(LOOPBACK).ok()?);
    back.connect(server).ok()?;
    back.set_read_timeout(Some(TICK)).ok()?;
    let (front, answers, cut) = (front.try_clone().ok()?, Arc::clone(&back), Arc::clone(cut));
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_535];
        while !cut.over.load(Ordering::Relaxed) {
            let Ok(len) = answers.recv(&mut buffer) else {
                continue;
            };
            if cut.jammed.load(Ordering::Relaxed) {
                cut.dropped.fetch_add(1, Ordering::Relaxed);
            } else if let Some(datagram) = buffer.get(..len) {
                let _ = front.send_to(datagram, client);
            }
        }
    });
    Some(back)
}

/// What the dishonest proxy does to the objects it serves.
#[derive(Clone, Debug, Default)]
pub(super) enum Trick {
    /// Passes them on.
    #[default]
    None,
    /// Flips one bit of the ciphertext.
    Tamper,
    /// Serves another resource's object.
    Swap {
        /// The path it takes the object from.
        from: String,
    },
    /// Serves an object of the past.
    Replay {
        /// The object.
        object: Vec<u8>,
    },
}

/// A proxy that looks honest until told a trick.
pub(super) struct Mallory {
    server: Handle,
    trick: Arc<Mutex<Trick>>,
}

impl Mallory {
    /// Stands in front of the honest proxy at `upstream`.
    pub(super) fn before(upstream: SocketAddr) -> Result<Self, NodeError> {
        let trick = Arc::new(Mutex::new(Trick::None));
        let service = Altering {
            upstream,
            trick: Arc::clone(&trick),
        };
        let server = Server::builder(service).coap(LOOPBACK).spawn()?;
        Ok(Self { server, trick })
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.server.coap_addr()
    }

    pub(super) fn play(&self, trick: Trick) {
        *self.trick.lock().unwrap_or_else(PoisonError::into_inner) = trick;
    }
}

struct Altering {
    upstream: SocketAddr,
    trick: Arc<Mutex<Trick>>,
}

impl Altering {
    fn object(&self, path: &str) -> Result<Vec<u8>, NodeError> {
        let trick = self
            .trick
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let fetch = |path: &str| fetch(self.upstream, path);
        match trick {
            Trick::None => fetch(path),
            Trick::Tamper => {
                let mut object = fetch(path)?;
                // the countersignature lies before the ciphertext: the last byte belongs to the AEAD tag
                if let Some(last) = object.last_mut() {
                    *last ^= 1;
                }
                Ok(object)
            }
            Trick::Swap { from } => fetch(&from),
            Trick::Replay { object } => Ok(object),
        }
    }
}

impl Service for Altering {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        if request.code != Code::GET {
            return Code::METHOD_NOT_ALLOWED.into();
        }
        match self.object(&request.path.join("/")) {
            Ok(object) => Response::content(content_format::COSE_ENCRYPT0, object).into(),
            Err(_) => Code::BAD_GATEWAY.into(),
        }
    }
}

/// The stored object of `path` at a proxy, as anybody can have it.
pub(super) fn fetch(proxy: SocketAddr, path: &str) -> Result<Vec<u8>, NodeError> {
    let reply = Client::udp(proxy, Settings::default())?.request(&Call::get(path))?;
    if reply.code == Code::CONTENT {
        Ok(reply.payload)
    } else {
        Err(NodeError::Refused {
            what: format!("proxy: {path}"),
            code: reply.code,
            number: None,
        })
    }
}
