//! The CoAP face: a plain GET is answered with an object of mode G, bound to its Token (spec 2.7).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use iotchain::Error;

use super::producer::Producer;
use super::rate::{Admission, Rate};
use super::resource::Resources;
use super::source::{ReadError, Source};
use crate::catalogue::ResourceServer;
use crate::coap::{Code, Link, Outcome, Request, Response, Service, Ticket, Token, content_format};
use crate::runtime::NetError;
use crate::{NodeError, clock};

/// Shortest Token in bytes: what binds the answer must not be guessed (spec 2.7).
const MIN_TOKEN: usize = 4;
/// Longest representation in bytes that an unproven address is sent.
const SMALL: usize = 64;
/// Answers that may wait for a command.
const QUEUE: usize = 16;
/// Seconds after which it makes sense to ask again when nothing may be sealed.
const RETRY: u32 = 1;

/// What this server has and how it seals it.
pub(super) struct Station {
    pub(super) server: ResourceServer,
    pub(super) resources: Resources,
    /// One per class.
    pub(super) producers: Vec<Arc<Producer>>,
    /// Between two rounds; observers hear from us at least as often.
    pub(super) publish: Duration,
}

/// A GET that waits for a command.
struct Order {
    path: Vec<String>,
    token: Token,
    reachable: bool,
    ticket: Ticket,
}

/// Answers requests.
pub(super) struct ResourceService {
    station: Arc<Station>,
    rate: Rate,
    orders: SyncSender<Order>,
}

impl Station {
    /// The producer of the class that a path is in.
    pub(super) fn producer(&self, path: &[&str]) -> Option<&Arc<Producer>> {
        let class = self.server.class_of(path)?;
        self.producers
            .iter()
            .find(|producer| producer.class == class)
    }

    /// Producer and source of a path.
    fn find<'p, 's>(
        &self,
        path: &'p [&'s str],
    ) -> Option<(&Arc<Producer>, &Source, &'p [&'s str])> {
        let (source, below) = self.resources.find(path)?;
        Some((self.producer(path)?, source, below))
    }

    /// Reads, seals, answers.
    fn answer(&self, path: &[&str], token: Token, reachable: bool) -> Response {
        let Some((producer, source, below)) = self.find(path) else {
            return Code::NOT_FOUND.into();
        };
        let data = match source.read(below) {
            Ok(data) => data,
            Err(error) => return unreadable(path, &error),
        };
        // Before it is sealed: a forged address shall not cost a nonce.
        if data.bytes.len() > SMALL && !reachable {
            return Response::challenge();
        }
        match producer.seal_response(path, token.as_bytes(), &data, clock::now()) {
            Ok(object) => Response::content(content_format::COSE_ENCRYPT0, object)
                .max_age(
                    u32::try_from(self.publish.as_secs().saturating_mul(2)).unwrap_or(u32::MAX),
                )
                .observable(),
            Err(error) => unsealed(path, &error),
        }
    }
}

impl ResourceService {
    /// A service, and the thread that runs commands for it; the thread ends with the service.
    ///
    /// # Errors
    /// [`NodeError::Net`] if no thread can be had.
    pub(super) fn new(station: Arc<Station>) -> Result<Self, NodeError> {
        let (orders, waiting) = sync_channel(QUEUE);
        let worker = Arc::clone(&station);
        thread::Builder::new()
            .name("commands".into())
            .spawn(move || work(&worker, &waiting))
            .map_err(NetError::Thread)?;
        Ok(Self {
            station,
            rate: Rate::new(Instant::now()),
            orders,
        })
    }

    fn get(&mut self, request: &Request<'_>, slow: bool) -> Outcome {
        match self.rate.admit(request.reachable, Instant::now()) {
            Admission::Answer => {}
            Admission::Challenge => return Response::challenge().into(),
            Admission::Refuse => {
                return Response::new(Code::TOO_MANY_REQUESTS).max_age(RETRY).into();
            }
        }
        if !slow {
            let Request {
                path,
                token,
                reachable,
                ..
            } = *request;
            return self.station.answer(path, token, reachable).into();
        }
        let (ticket, outcome) = request.defer();
        let order = Order {
            path: request
                .path
                .iter()
                .map(|segment| (*segment).to_owned())
                .collect(),
            token: request.token,
            reachable: request.reachable,
            ticket,
        };
        if let Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) =
            self.orders.try_send(order)
        {
            order.ticket.complete(unavailable());
        }
        outcome
    }
}

impl Service for ResourceService {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        let slow = match self.station.find(request.path) {
            // A query names another resource, and none of those is here.
            Some((_, source, _)) if request.query.is_empty() => source.is_slow(),
            _ => return Code::NOT_FOUND.into(),
        };
        if request.code != Code::GET {
            return Code::METHOD_NOT_ALLOWED.into();
        }
        if request.token.as_bytes().len() < MIN_TOKEN || !request.payload.is_empty() {
            return Code::BAD_REQUEST.into();
        }
        self.get(request, slow)
    }

    fn links(&self) -> Vec<Link> {
        let link = |path: Vec<String>| Link {
            path: path.join("/"),
            attributes: "ct=16;obs".into(),
        };
        self.station
            .resources
            .paths()
            .into_iter()
            .map(link)
            .collect()
    }
}

/// Answers what waits for commands, one after the other.
fn work(station: &Station, orders: &Receiver<Order>) {
    for Order {
        path,
        token,
        reachable,
        ticket,
    } in orders
    {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        ticket.complete(station.answer(&path, token, reachable));
    }
}

fn unavailable() -> Response {
    Response::new(Code::SERVICE_UNAVAILABLE).max_age(RETRY)
}

fn unreadable(path: &[&str], error: &ReadError) -> Response {
    let path = path.join("/");
    if let ReadError::Absent(_) = error {
        tracing::debug!(path, %error, "nothing to read");
        return Code::NOT_FOUND.into();
    }
    tracing::warn!(path, %error, "cannot read");
    Code::INTERNAL_SERVER_ERROR.into()
}

/// A code and nothing else: the peer may be anybody (spec 7).
fn unsealed(path: &[&str], error: &NodeError) -> Response {
    let path = path.join("/");
    match error {
        NodeError::Protocol(Error::Binding | Error::Path) => {
            tracing::debug!(path, %error, "refused");
            Code::BAD_REQUEST.into()
        }
        NodeError::Protocol(Error::Size) => {
            tracing::warn!(path, %error, "cannot seal");
            Code::INTERNAL_SERVER_ERROR.into()
        }
        _ => {
            tracing::warn!(path, %error, "nothing may be sealed");
            unavailable()
        }
    }
}
