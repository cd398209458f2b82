//! The server as a pure machine: datagrams and instants in, datagrams out.
//!
//! ```text
//!  datagram -> message layer (here)  -> request layer (request.rs) -> Service
//!              duplicates, resets        options, blocks, Echo          |
//!  datagram <- outbox, observers     <- representation (render.rs)  <- Outcome
//!              (notify.rs)               2.03, blocks, Observe          \- Ticket, later
//! ```

mod notify;
mod render;
mod request;

use super::{
    block::Block,
    code::Code,
    deferred::Completions,
    dice::Dice,
    echo::EchoGuard,
    exchanges::Exchanges,
    limits::{Limits, Transmission},
    message::{Message, ParseError, Type},
    observers::Observers,
    outbox::{Due, Outbox, Purpose},
    service::{Peer, Response, Service},
    shelf::{Shelf, Weight},
};
use crate::runtime::NetError;
use std::{collections::HashMap, sync::Arc, time::Instant};

/// Datagrams on their way out, with their addressees.
pub type Outgoing = Vec<(Peer, Vec<u8>)>;

/// A request as the service sees it, kept for answers that come later.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) peer: Peer,
    /// The message, its payload being the assembled body.
    pub(super) message: Message,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<String>,
    block1: Option<Block>,
    block2: Option<Block>,
    fresh_until: Option<Instant>,
    /// Length of the datagram in bytes, which an answer to an unproven address is measured by.
    length: usize,
}

/// A representation of which one block was sent.
struct Snapshot {
    head: Message,
    body: Vec<u8>,
}

impl Weight for Snapshot {
    fn weight(&self) -> usize {
        self.body.len()
    }
}

/// The beginning of a request's body.
struct Assembly(Vec<u8>);

impl Weight for Assembly {
    fn weight(&self) -> usize {
        self.0.len()
    }
}

/// An answer that was put off.
struct Pending {
    asked: Arc<Asked>,
    observer: Option<u64>,
}

/// What the request layer decided.
enum Verdict {
    /// Answer with this message; its type and ID are set by the message layer.
    Answer(Message),
    /// A [`super::Ticket`] will answer.
    Later,
    /// Say nothing.
    Silence,
}

/// A CoAP server for one [`Service`] and any number of peers.
pub struct Endpoint<S> {
    service: S,
    limits: Limits,
    exchanges: Exchanges,
    assemblies: Shelf<Assembly>,
    snapshots: Shelf<Snapshot>,
    observers: Observers,
    outbox: Outbox,
    echo: EchoGuard,
    pending: HashMap<u64, Pending>,
    completions: Arc<Completions>,
    next_exchange: u64,
    next_id: u16,
    next_etag: u64,
    dice: Dice,
}

impl<S: Service> Endpoint<S> {
    /// An endpoint whose Echo key is `seed`, 32 random bytes. `wake` is called, from any thread, whenever
    /// [`Endpoint::complete`] has work.
    ///
    /// # Errors
    /// [`NetError::OpenSsl`] when out of memory.
    pub fn new(
        service: S,
        limits: Limits,
        transmission: Transmission,
        seed: &[u8; 32],
        now: Instant,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, NetError> {
        let echo = EchoGuard::new(seed, now)?;
        // Message IDs and ETags are visible: what they start from must not be the key itself.
        let mut start = [0; 8];
        start
            .iter_mut()
            .zip(
                echo.issue(now, &Peer::plain(([0; 4], 0).into()))
                    .iter()
                    .skip(4),
            )
            .for_each(|(s, b)| *s = *b);
        let mut dice = Dice::new(u64::from_be_bytes(start));
        Ok(Endpoint {
            service,
            exchanges: Exchanges::new(&limits),
            assemblies: Shelf::new(&limits),
            snapshots: Shelf::new(&limits),
            observers: Observers::new(&limits),
            outbox: Outbox::new(
                transmission,
                limits.pending.saturating_add(limits.observers),
            ),
            echo,
            pending: HashMap::new(),
            completions: Completions::new(wake),
            next_exchange: 0,
            next_id: dice.roll_u16(),
            next_etag: dice.roll(),
            dice,
            limits,
        })
    }

    /// Takes one datagram.
    pub fn receive(&mut self, now: Instant, peer: &Peer, datagram: &[u8], out: &mut Outgoing) {
        let message = match Message::parse(datagram) {
            Ok(message) => message,
            Err(ParseError::Format {
                kind: Type::Con,
                id,
            }) => return reset(peer, id, out),
            Err(_) => return,
        };
        match message.kind {
            Type::Ack => self.acknowledged(now, peer, message.id, out),
            Type::Rst => self.refused(peer, message.id),
            Type::Con if !message.code.is_request() => reset(peer, message.id, out),
            Type::Con | Type::Non if message.code.is_request() => {
                if let Some(answer) = self.exchanges.answer(peer, message.id) {
                    if message.kind == Type::Con && !answer.is_empty() {
                        out.push((peer.clone(), answer.to_vec()));
                    }
                    return;
                }
                self.exchange(now, peer, message, datagram.len(), out);
            }
            Type::Con | Type::Non => {}
        }
    }

    /// Repeats what was not acknowledged and forgets what is too old.
    pub fn tick(&mut self, now: Instant, out: &mut Outgoing) {
        self.exchanges.expire(now);
        self.assemblies.expire(now);
        self.snapshots.expire(now);
        for due in self.outbox.tick(now) {
            match due {
                Due::Repeat(peer, datagram, Purpose::Response, _) => out.push((peer, datagram)),
                Due::Repeat(peer, datagram, Purpose::Notification(observer), id) => {
                    self.repeat_notification(now, observer, (peer, id), datagram, out);
                }
                Due::GaveUp(Purpose::Notification(observer)) => {
                    drop(self.observers.remove(observer))
                }
                Due::GaveUp(Purpose::Response) => {}
            }
        }
    }

    /// Sends the answers whose tickets were completed.
    pub fn complete(&mut self, now: Instant, out: &mut Outgoing) {
        for (exchange, response) in self.completions.clone().take() {
            let Some(Pending { asked, observer }) = self.pending.remove(&exchange) else {
                continue;
            };
            match observer {
                Some(observer) => self.send_notification(now, observer, response, 0, out),
                None => self.separate(now, &asked, response, out),
            }
        }
    }

    /// Drops everything of a peer whose association ended.
    pub fn forget(&mut self, peer: &Peer) {
        self.assemblies.forget(peer);
        self.snapshots.forget(peer);
        self.observers.forget(peer);
        self.outbox.forget(peer);
    }

    /// The service.
    pub fn service(&mut self) -> &mut S {
        &mut self.service
    }

    /// Number of observers.
    pub fn observers(&self) -> usize {
        self.observers.len()
    }

    /// A request that was not seen before.
    fn exchange(
        &mut self,
        now: Instant,
        peer: &Peer,
        message: Message,
        length: usize,
        out: &mut Outgoing,
    ) {
        let (kind, id, token) = (message.kind, message.id, message.token);
        let mut changed = Vec::new();
        let answer = match self.request(now, peer, message, length, &mut changed) {
            Verdict::Answer(answer) => {
                let (kind, id) = if kind == Type::Con {
                    (Type::Ack, id)
                } else {
                    (Type::Non, self.fresh_id())
                };
                Message {
                    kind,
                    id,
                    token,
                    ..answer
                }
                .encode()
            }
            Verdict::Later if kind == Type::Con => Message::empty(Type::Ack, id).encode(),
            Verdict::Later | Verdict::Silence => Vec::new(),
        };
        if !answer.is_empty() {
            out.push((peer.clone(), answer.clone()));
        }
        self.exchanges.remember(now, peer, id, answer);
        self.notify_all(now, changed, out);
    }

    /// A response apart from its acknowledgement: confirmable if the request was (RFC 7252, 5.2.2).
    fn separate(
        &mut self,
        now: Instant,
        asked: &Arc<Asked>,
        response: Response,
        out: &mut Outgoing,
    ) {
        let (answer, changed) = self.finish(now, asked, response);
        let (kind, id) = (asked.message.kind, self.fresh_id());
        let datagram = Message {
            kind,
            id,
            token: asked.message.token,
            ..answer
        }
        .encode();
        if kind == Type::Con {
            let dice = self.dice.roll_u16();
            self.outbox.watch(
                now,
                (asked.peer.clone(), id),
                datagram.clone(),
                Purpose::Response,
                0,
                dice,
            );
        }
        out.push((asked.peer.clone(), datagram));
        self.notify_all(now, changed, out);
    }

    fn fresh_id(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }
}

fn reset(peer: &Peer, id: u16, out: &mut Outgoing) {
    out.push((peer.clone(), Message::empty(Type::Rst, id).encode()));
}

/// An answer without options and payload; type, ID and Token are filled in by the message layer.
fn bare(code: Code) -> Message {
    Message {
        code,
        ..Message::empty(Type::Ack, 0)
    }
}
