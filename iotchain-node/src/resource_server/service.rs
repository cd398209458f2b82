//! The CoAP face (spec 2.7): a plain GET is answered with an object of mode G, bound to its Token; PUT, POST and FETCH
//! carry an object of mode P, bound to an Echo value, and so do their answers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use iotchain::oscar::Uptime;
use iotchain::{Echo, Error, Method};

use super::pairwise::{Accepted, Refusal, Sealed};
use super::producer::Producer;
use super::rate::{Admission, Rate};
use super::resource::{Resource, Resources};
use super::source::{ReadError, Source};
use crate::catalogue::ResourceServer;
use crate::coap::option::number;
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

/// What waits for a command or the disk.
struct Order {
    work: Work,
    ticket: Ticket,
}

enum Work {
    /// A GET.
    Read {
        path: Vec<String>,
        token: Token,
        reachable: bool,
    },
    /// A P request.
    Request(Box<Accepted>),
}

/// Answers requests.
pub(super) struct ResourceService {
    station: Arc<Station>,
    rate: Rate,
    started: Instant,
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

    /// Producer of a path, and what is there.
    fn find<'p, 's>(
        &self,
        path: &'p [&'s str],
    ) -> Option<(&Arc<Producer>, &Resource, &'p [&'s str])> {
        let (resource, below) = self.resources.find(path)?;
        Some((self.producer(path)?, resource, below))
    }

    /// Reads, seals, answers.
    fn answer(&self, path: &[&str], token: Token, reachable: bool) -> Response {
        let Some((producer, resource, below)) = self.find(path) else {
            return Code::NOT_FOUND.into();
        };
        let Some(source) = resource.source() else {
            return Code::METHOD_NOT_ALLOWED.into();
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

impl Station {
    /// Does what a P request asks for.
    fn carry_out(&self, accepted: Accepted) -> Response {
        let owned = accepted.path.clone();
        let path: Vec<&str> = owned.iter().map(String::as_str).collect();
        match self.resources.find(&path) {
            Some((resource, below)) => accepted.carry_out(self.server.rs, resource, below),
            None => accepted.decline(self.server.rs),
        }
    }

    /// Says that there are too many others to be served.
    fn decline(&self, work: Work) -> Response {
        match work {
            Work::Read { .. } => unavailable(),
            Work::Request(accepted) => accepted.decline(self.server.rs),
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
            started: Instant::now(),
            orders,
        })
    }

    /// What to answer before anything is looked at, if there are too many requests.
    fn crowded(&mut self, request: &Request<'_>) -> Option<Response> {
        match self.rate.admit(request.reachable, Instant::now()) {
            Admission::Answer => None,
            Admission::Challenge => Some(Response::challenge()),
            Admission::Refuse => Some(Response::new(Code::TOO_MANY_REQUESTS).max_age(RETRY)),
        }
    }

    fn get(&self, request: &Request<'_>, slow: bool) -> Outcome {
        let Request {
            path,
            token,
            reachable,
            ..
        } = *request;
        if !slow {
            return self.station.answer(path, token, reachable).into();
        }
        let work = Work::Read {
            path: path.iter().map(|segment| (*segment).to_owned()).collect(),
            token,
            reachable,
        };
        self.put_off(request, work)
    }

    /// Everything about a request is verified here, one after the other; what it asks for may then wait.
    fn pairwise(
        &self,
        request: &Request<'_>,
        method: Method,
        producer: &Producer,
        slow: bool,
    ) -> Outcome {
        let sealed = Sealed {
            path: request.path,
            method,
            object: request.payload,
            echo: self.echo(request),
            uptime: Uptime::new(whole_seconds(self.started.elapsed())),
        };
        match producer.open_request(&sealed, clock::now()) {
            Ok(accepted) if slow => self.put_off(request, Work::Request(Box::new(accepted))),
            Ok(accepted) => self.station.carry_out(accepted).into(),
            Err(refusal) => unopened(request, &refusal).into(),
        }
    }

    /// The Echo option of a request, as the endpoint judged it.
    fn echo<'a>(&self, request: &Request<'a>) -> Echo<'a> {
        match (request.options.get(number::ECHO), request.fresh_until) {
            (None, _) => Echo::Absent,
            (Some(_), None) => Echo::Wrong,
            (Some(value), Some(until)) => {
                let until = until.saturating_duration_since(self.started);
                // Rounded up: what may still be valid counts as valid.
                let until = Uptime::new(whole_seconds(until).saturating_add(1));
                Echo::Valid { value, until }
            }
        }
    }

    fn put_off(&self, request: &Request<'_>, work: Work) -> Outcome {
        let (ticket, outcome) = request.defer();
        if let Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) =
            self.orders.try_send(Order { work, ticket })
        {
            order.ticket.complete(self.station.decline(order.work));
        }
        outcome
    }
}

impl Service for ResourceService {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        let station = Arc::clone(&self.station);
        let Some((producer, resource, _)) = station.find(request.path) else {
            return Code::NOT_FOUND.into();
        };
        if !request.query.is_empty() {
            // A query names another resource, and none of those is here.
            return Code::NOT_FOUND.into();
        }
        let slow = resource.source().is_some_and(Source::is_slow);
        if request.code == Code::GET && resource.source().is_some() {
            if request.token.as_bytes().len() < MIN_TOKEN || !request.payload.is_empty() {
                return Code::BAD_REQUEST.into();
            }
            return match self.crowded(request) {
                Some(response) => response.into(),
                None => self.get(request, slow),
            };
        }
        let method = Method::from_code(request.code.0).filter(|method| resource.takes(*method));
        let Some(method) = method else {
            return Code::METHOD_NOT_ALLOWED.into();
        };
        if request.content_format() != Some(content_format::COSE_ENCRYPT0) {
            return Code::UNSUPPORTED_CONTENT_FORMAT.into();
        }
        // The disk is slow, too, when what it takes has to last.
        let slow = slow || method != Method::Fetch;
        match self.crowded(request) {
            Some(response) => response.into(),
            None => self.pairwise(request, method, producer, slow),
        }
    }

    fn links(&self) -> Vec<Link> {
        let resources = &self.station.resources;
        let readable = resources.readable_paths();
        let link = |path: Vec<String>| Link {
            attributes: match readable.binary_search(&path) {
                Ok(_) => "ct=16;obs".into(),
                Err(_) => "ct=16".into(),
            },
            path: path.join("/"),
        };
        resources.paths().into_iter().map(link).collect()
    }
}

/// Does what waits, one after the other.
fn work(station: &Station, orders: &Receiver<Order>) {
    for Order { work, ticket } in orders {
        ticket.complete(match work {
            Work::Read {
                path,
                token,
                reachable,
            } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                station.answer(&path, token, reachable)
            }
            Work::Request(accepted) => station.carry_out(*accepted),
        });
    }
}

fn whole_seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
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

/// As [`unsealed`], for a request that nothing was done about.
fn unopened(request: &Request<'_>, refusal: &Refusal) -> Response {
    let (peer, path) = (request.peer.addr, request.path.join("/"));
    tracing::debug!(%peer, path, ?refusal, "refused");
    match refusal {
        Refusal::Unready => unavailable(),
        Refusal::Protocol(Error::Echo) => Response::challenge(),
        // What never travels is about this host: too many clients at once.
        Refusal::Protocol(error) => match error.coap().map_or(Code::SERVICE_UNAVAILABLE, Code) {
            Code::SERVICE_UNAVAILABLE => unavailable(),
            code => code.into(),
        },
    }
}
