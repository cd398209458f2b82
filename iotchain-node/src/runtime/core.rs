//! The one thread that owns a role's protocol state.

use super::{Gate, Loss};
use crate::{
    coap::{Endpoint, Outgoing, Peer, Service},
    dtls::{self, Listener},
};
use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

/// How often timers are looked at.
const TICK: Duration = Duration::from_millis(50);

/// Datagrams that may wait to be served.
const QUEUE_MAX: usize = 4096;

/// Which socket a datagram came in by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Port {
    Coap,
    Coaps,
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Event {
    Datagram(Port, SocketAddr, Vec<u8>),
    Wake,
    Notify(String),
    Stop,
}

/// The way to the thread: bounded for what comes from the network, unbounded for our own words.
#[derive(Clone)]
pub(super) struct Queue {
    sender: Sender<Event>,
    waiting: Arc<AtomicUsize>,
}

/// The thread's end of the queue.
pub(super) struct Events {
    receiver: Receiver<Event>,
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    pub(super) fn new() -> (Queue, Events) {
        let (sender, receiver) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        (
            Queue {
                sender,
                waiting: waiting.clone(),
            },
            Events { receiver, waiting },
        )
    }

    /// Passes an event on; a thread that has ended misses nothing.
    pub(super) fn send(&self, event: Event) {
        let _ = self.sender.send(event);
    }

    pub(super) fn datagram(&self, port: Port, from: SocketAddr, datagram: Vec<u8>) {
        if self.waiting.load(Ordering::Relaxed) < QUEUE_MAX {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            self.send(Event::Datagram(port, from, datagram));
        }
    }
}

impl Events {
    fn next(&self, timeout: Duration) -> Result<Event, RecvTimeoutError> {
        let event = self.receiver.recv_timeout(timeout)?;
        if let Event::Datagram(..) = event {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(event)
    }
}

/// Endpoint, sessions and sockets of one role.
pub(super) struct Core<S> {
    endpoint: Endpoint<S>,
    listener: Option<Listener>,
    coap: Option<UdpSocket>,
    coaps: Option<UdpSocket>,
    inward: Option<Gate>,
    outward: Option<Gate>,
}

impl<S: Service> Core<S> {
    pub(super) fn new(
        endpoint: Endpoint<S>,
        listener: Option<Listener>,
        coap: Option<UdpSocket>,
        coaps: Option<UdpSocket>,
        loss: Option<Loss>,
    ) -> Self {
        let [inward, outward] = Gate::pair(loss);
        Core {
            endpoint,
            listener,
            coap,
            coaps,
            inward,
            outward,
        }
    }

    /// Serves until it is told to stop.
    pub(super) fn run(mut self, events: &Events) {
        let mut next_tick = Instant::now() + TICK;
        loop {
            let event = events.next(next_tick.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            let mut out = Outgoing::new();
            match event {
                Ok(Event::Datagram(port, from, datagram)) => {
                    self.receive(now, port, from, &datagram, &mut out)
                }
                Ok(Event::Wake) => self.endpoint.complete(now, &mut out),
                Ok(Event::Notify(path)) => self.endpoint.notify(now, &path, &mut out),
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if now >= next_tick {
                next_tick = now + TICK;
                self.endpoint.tick(now, &mut out);
                self.listener.iter_mut().for_each(|l| l.tick(now));
            }
            self.sessions(now, &mut out);
            self.send(out);
        }
        self.listener.iter_mut().for_each(Listener::close);
        self.send(Outgoing::new());
    }

    fn receive(
        &mut self,
        now: Instant,
        port: Port,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut Outgoing,
    ) {
        if self.inward.as_mut().is_some_and(Gate::drops) {
            return;
        }
        match port {
            Port::Coap => self
                .endpoint
                .receive(now, &Peer::plain(from), datagram, out),
            Port::Coaps => self
                .listener
                .iter_mut()
                .for_each(|l| l.receive(now, from, datagram)),
        }
    }

    /// Hands on what the sessions produced.
    fn sessions(&mut self, now: Instant, out: &mut Outgoing) {
        let Some(listener) = &mut self.listener else {
            return;
        };
        for event in listener.events() {
            match event {
                dtls::Event::Message(addr, association, message) => {
                    self.endpoint
                        .receive(now, &Peer::secured(addr, association), &message, out);
                }
                dtls::Event::Ended(addr, association) => {
                    tracing::debug!(%addr, association = association.id, "DTLS association ended");
                    self.endpoint.forget(&Peer::secured(addr, association));
                }
            }
        }
    }

    fn send(&mut self, out: Outgoing) {
        for (peer, message) in out {
            match (&peer.association, &mut self.listener) {
                (Some(association), Some(listener)) => {
                    // An association that ended meanwhile takes its answers with it.
                    let _ = listener.send(peer.addr, association.id, &message);
                }
                (Some(_), None) => {}
                (None, _) => transmit(
                    self.coap.as_ref(),
                    self.outward.as_mut(),
                    peer.addr,
                    &message,
                ),
            }
        }
        for (addr, datagram) in self.listener.iter_mut().flat_map(Listener::outgoing) {
            transmit(self.coaps.as_ref(), self.outward.as_mut(), addr, &datagram);
        }
    }
}

/// Sends one datagram, unless the gate loses it. What the system refuses is lost like any datagram.
fn transmit(
    socket: Option<&UdpSocket>,
    gate: Option<&mut Gate>,
    addr: SocketAddr,
    datagram: &[u8],
) {
    if let Some(socket) = socket.filter(|_| !gate.is_some_and(Gate::drops)) {
        let _ = socket.send_to(datagram, addr);
    }
}
