//! The sessions of a server: one per address, plus at most one tentative successor of each.

use super::{
    Association, ServerConfig, Session,
    config::ServerContext,
    cookie::Arrival,
    ffi::{self, AddressSink, Listened},
    openssl::{Datagrams, OpenSslSession},
    record,
};
use crate::runtime::NetError;
use openssl::{error::ErrorStack, ssl::SslStream};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// How much a listener keeps at most. An established session costs about 48 kB, an unanswered ClientHello nothing.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Established sessions; beyond, the one that was silent longest gives way.
    pub sessions: usize,
    /// Handshakes under way behind a verified cookie; beyond, a ClientHello is ignored.
    pub handshakes: usize,
    /// Silence after which a session is closed.
    pub idle: Duration,
    /// Time a handshake may take.
    pub handshake: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            sessions: 1024,
            handshakes: 256,
            idle: Duration::from_secs(30 * 60),
            handshake: Duration::from_secs(30),
        }
    }
}

/// What came out of a datagram or a tick.
#[derive(Debug)]
pub enum Event {
    /// An authenticated application message.
    Message(SocketAddr, Arc<Association>, Vec<u8>),
    /// The association ended; nothing can be sent to it any more.
    Ended(SocketAddr, Arc<Association>),
}

struct Established {
    session: OpenSslSession,
    association: Arc<Association>,
    active: Instant,
}

struct Handshake {
    session: OpenSslSession,
    /// The ClientHello it grew from: the same again is a retransmission, another is a peer that starts over.
    hello: Vec<u8>,
    since: Instant,
}

/// DTLS for every peer of one socket, without the socket.
pub struct Listener {
    context: ServerContext,
    bounds: Bounds,
    started: Instant,
    waiting: SslStream<Datagrams>,
    sink: AddressSink,
    established: HashMap<SocketAddr, Established>,
    handshakes: HashMap<SocketAddr, Handshake>,
    outgoing: Vec<(SocketAddr, Vec<u8>)>,
    events: Vec<Event>,
}

impl Listener {
    /// A listener whose cookies hang on 32 random bytes.
    ///
    /// # Errors
    /// [`NetError::OpenSsl`] for an unusable configuration.
    pub fn new(
        config: &ServerConfig,
        bounds: Bounds,
        cookie_key: &[u8; 32],
        now: Instant,
    ) -> Result<Self, NetError> {
        let context = config.context(cookie_key)?;
        Ok(Listener {
            waiting: waiting(&context)?,
            sink: AddressSink::new()?,
            context,
            bounds,
            started: now,
            established: HashMap::new(),
            handshakes: HashMap::new(),
            outgoing: Vec::new(),
            events: Vec::new(),
        })
    }

    /// Takes one datagram from the network.
    pub fn receive(&mut self, now: Instant, peer: SocketAddr, datagram: &[u8]) {
        if let Some(hello) = record::client_hello(datagram) {
            let under_way = self.handshakes.get(&peer);
            if under_way.is_none_or(|h| h.hello != hello) {
                return self.hello(now, peer, datagram, hello);
            }
        }
        // While a successor shakes hands, a protected record may belong to either session; the one it does not
        // belong to fails to authenticate it and drops it. Unprotected records are the successor's alone.
        if let Some(handshake) = self.handshakes.get_mut(&peer) {
            let outcome = handshake.session.receive(now, datagram);
            self.settle(now, peer, outcome.is_ok());
            if !record::is_protected(datagram) {
                return;
            }
        }
        if let Some(established) = self.established.get_mut(&peer) {
            let outcome = established.session.receive(now, datagram);
            self.harvest(now, peer);
            if outcome.is_err() {
                self.end(peer);
            }
        }
    }

    /// Protects a message for an association; `false` if it has ended.
    pub fn send(&mut self, peer: SocketAddr, association: u64, message: &[u8]) -> bool {
        let Some(established) = self
            .established
            .get_mut(&peer)
            .filter(|e| e.association.id == association)
        else {
            return false;
        };
        let sent = established.session.send(message).is_ok();
        drain(peer, &mut established.session, &mut self.outgoing);
        sent
    }

    /// Retransmits what is due and ends what has lasted too long.
    pub fn tick(&mut self, now: Instant) {
        let due: Vec<_> = self.handshakes.keys().copied().collect();
        for peer in due {
            let Some(handshake) = self.handshakes.get_mut(&peer) else {
                continue;
            };
            let alive = now.duration_since(handshake.since) < self.bounds.handshake;
            let alive = alive && handshake.session.tick(now).is_ok();
            self.settle(now, peer, alive);
        }
        let idle = self
            .established
            .iter()
            .filter(|(_, e)| now.duration_since(e.active) >= self.bounds.idle);
        let idle: Vec<_> = idle.map(|(peer, _)| *peer).collect();
        for peer in idle {
            self.end(peer);
        }
    }

    /// Datagrams for the network.
    pub fn outgoing(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.outgoing)
    }

    /// What happened since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Closes every session with a goodbye.
    pub fn close(&mut self) {
        let peers: Vec<_> = self.established.keys().copied().collect();
        for peer in peers {
            self.end(peer);
        }
        self.handshakes.clear();
    }

    /// Established sessions and handshakes under way.
    pub fn load(&self) -> (usize, usize) {
        (self.established.len(), self.handshakes.len())
    }

    /// A ClientHello: answered from the one waiting object, which becomes a session once the cookie is right.
    fn hello(&mut self, now: Instant, peer: SocketAddr, datagram: &[u8], hello: &[u8]) {
        let full = self.handshakes.len() >= self.bounds.handshakes;
        if full && !self.handshakes.contains_key(&peer) {
            return;
        }
        let arrival = Arrival::new(peer, self.started, now);
        self.context
            .announce(ffi::ssl_mut(&mut self.waiting), arrival);
        let datagrams = self.waiting.get_mut();
        datagrams.incoming.clear();
        datagrams.incoming.push_back(datagram.to_vec());
        let listened = ffi::listen(ffi::ssl_mut(&mut self.waiting), &mut self.sink);
        self.outgoing
            .extend(self.waiting.get_mut().outgoing.drain(..).map(|d| (peer, d)));
        if listened == Listened::Nothing {
            return;
        }
        // Out of memory the old object stays, and the next ClientHello tries again.
        let Ok(next) = waiting(&self.context) else {
            return;
        };
        let verified = std::mem::replace(&mut self.waiting, next);
        if listened == Listened::Verified {
            let mut session = OpenSslSession::resume(verified);
            let outcome = session.step(now);
            self.handshakes.insert(
                peer,
                Handshake {
                    session,
                    hello: hello.to_vec(),
                    since: now,
                },
            );
            self.settle(now, peer, outcome.is_ok());
        }
    }

    /// After a step of a handshake: sends its flight, drops it when it failed, promotes it when it is done.
    fn settle(&mut self, now: Instant, peer: SocketAddr, alive: bool) {
        let Some(mut handshake) = self.handshakes.remove(&peer) else {
            return;
        };
        drain(peer, &mut handshake.session, &mut self.outgoing);
        if !alive {
            return;
        }
        let Some(association) = handshake.session.association().cloned() else {
            self.handshakes.insert(peer, handshake);
            return;
        };
        // The predecessor's goodbye would reach the successor's keys: it goes without one.
        if let Some(old) = self.established.remove(&peer) {
            self.events.push(Event::Ended(peer, old.association));
        }
        if self.established.len() >= self.bounds.sessions {
            let silent = self
                .established
                .iter()
                .min_by_key(|(_, e)| e.active)
                .map(|(peer, _)| *peer);
            silent.into_iter().for_each(|peer| self.end(peer));
        }
        self.established.insert(
            peer,
            Established {
                session: handshake.session,
                association,
                active: now,
            },
        );
        self.harvest(now, peer);
    }

    /// Collects what an established session produced.
    fn harvest(&mut self, now: Instant, peer: SocketAddr) {
        let Some(established) = self.established.get_mut(&peer) else {
            return;
        };
        while let Some(message) = established.session.incoming() {
            established.active = now;
            self.events.push(Event::Message(
                peer,
                established.association.clone(),
                message,
            ));
        }
        drain(peer, &mut established.session, &mut self.outgoing);
    }

    fn end(&mut self, peer: SocketAddr) {
        if let Some(mut established) = self.established.remove(&peer) {
            established.session.close();
            drain(peer, &mut established.session, &mut self.outgoing);
            self.events
                .push(Event::Ended(peer, established.association));
        }
    }
}

fn waiting(context: &ServerContext) -> Result<SslStream<Datagrams>, ErrorStack> {
    SslStream::new(context.accept()?, Datagrams::default())
}

fn drain(
    peer: SocketAddr,
    session: &mut OpenSslSession,
    outgoing: &mut Vec<(SocketAddr, Vec<u8>)>,
) {
    while let Some(datagram) = session.outgoing() {
        outgoing.push((peer, datagram));
    }
}
