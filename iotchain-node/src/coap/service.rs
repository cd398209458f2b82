//! What a role adds to the endpoint: a [`Service`] that turns a [`Request`] into an [`Outcome`].

use super::{
    code::Code,
    deferred::{Deferral, Ticket},
    message::Token,
    option::{Options, number},
};
use crate::dtls::Association;
use std::{
    hash::{Hash, Hasher},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};

/// Who sent a request: an address, and the DTLS association it came over if there is one.
///
/// Two associations from one address are two peers; nothing of one reaches the other.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Address of the sender. Without DTLS anybody can forge it.
    pub addr: SocketAddr,
    /// The association, for requests that came over `coaps`.
    pub association: Option<Arc<Association>>,
}

impl Peer {
    /// A peer on plain UDP.
    pub fn plain(addr: SocketAddr) -> Self {
        Peer {
            addr,
            association: None,
        }
    }

    /// A peer behind a DTLS association.
    pub fn secured(addr: SocketAddr, association: Arc<Association>) -> Self {
        Peer {
            addr,
            association: Some(association),
        }
    }

    fn key(&self) -> (SocketAddr, Option<u64>) {
        (self.addr, self.association.as_ref().map(|a| a.id))
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// A whole request: blocks assembled, duplicates removed, options checked.
#[derive(Debug)]
pub struct Request<'a> {
    /// The sender.
    pub peer: &'a Peer,
    /// The method.
    pub code: Code,
    /// Path segments; match them as `["ace-group", gname, "bc"]`.
    pub path: &'a [&'a str],
    /// Query arguments, such as `j=7`.
    pub query: &'a [&'a str],
    /// The Token that the response will carry; mode G binds it (spec 2.7).
    pub token: Token,
    /// The assembled body; empty if there is none.
    pub payload: &'a [u8],
    /// Every option of the message (of the last block, if it came in blocks).
    pub options: &'a Options,
    /// Set if this carries an Echo value that the endpoint gave this very peer within the last ten seconds: the first
    /// instant at which neither it nor any other value issued so far is good.
    pub fresh_until: Option<Instant>,
    /// Whether the peer has shown that it is where it says: by DTLS, or by an Echo value within the last minutes.
    /// A service that must not spend a nonce on a forged address asks before it seals (spec 2.7, amplification).
    pub reachable: bool,
    pub(super) deferral: &'a Deferral,
}

impl Request<'_> {
    /// The value of the first query argument `name=value`.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find_map(|q| q.strip_prefix(name)?.strip_prefix('='))
    }

    /// Content-Format of the body.
    pub fn content_format(&self) -> Option<u16> {
        self.options.uint16(number::CONTENT_FORMAT)
    }

    /// The only format the client accepts. The endpoint answers 4.06 by itself if a success has another one.
    pub fn accept(&self) -> Option<u16> {
        self.options.uint16(number::ACCEPT)
    }

    /// The Observe option: 0 registers, 1 deregisters (RFC 7641). Notifications carry neither.
    pub fn observe(&self) -> Option<u32> {
        self.options.uint(number::OBSERVE)
    }

    /// The Echo value the client repeated, fresh or not (RFC 9175).
    pub fn echo(&self) -> Option<&[u8]> {
        self.options.get(number::ECHO)
    }

    /// The ETags the client holds.
    pub fn etags(&self) -> impl Iterator<Item = &[u8]> {
        self.options.all(number::ETAG)
    }

    /// Puts the answer off: the endpoint acknowledges at once, and the [`Ticket`], from any thread, sends the separate
    /// response later (RFC 7252, 5.2.2). Return the [`Outcome`].
    pub fn defer(&self) -> (Ticket, Outcome) {
        (self.deferral.ticket(), Outcome(Answer::Later))
    }
}

/// What a service decided; made from a [`Response`] or by [`Request::defer`].
#[derive(Debug)]
pub struct Outcome(pub(super) Answer);

#[derive(Debug)]
pub(super) enum Answer {
    Reply(Response),
    Later,
}

impl From<Response> for Outcome {
    fn from(response: Response) -> Self {
        Outcome(Answer::Reply(response))
    }
}

impl From<Code> for Outcome {
    fn from(code: Code) -> Self {
        Response::new(code).into()
    }
}

/// An answer; the endpoint cuts it into blocks.
#[derive(Clone, Debug)]
pub struct Response {
    pub(super) code: Code,
    pub(super) options: Options,
    pub(super) payload: Vec<u8>,
    pub(super) observable: bool,
    pub(super) challenge: bool,
    pub(super) changed: Vec<String>,
}

impl Response {
    /// A bare code.
    pub fn new(code: Code) -> Self {
        Response {
            code,
            options: Options::new(),
            payload: Vec::new(),
            observable: false,
            challenge: false,
            changed: Vec::new(),
        }
    }

    /// 2.05 with a body.
    pub fn content(content_format: u16, payload: impl Into<Vec<u8>>) -> Self {
        Response::new(Code::CONTENT).body(content_format, payload)
    }

    /// 4.01 with a fresh Echo value: "repeat that, so that I know it is you and it is recent" (RFC 9175, 2.3).
    pub fn challenge() -> Self {
        Response {
            challenge: true,
            ..Response::new(Code::UNAUTHORIZED)
        }
    }

    /// Adds a body and its format.
    pub fn body(mut self, content_format: u16, payload: impl Into<Vec<u8>>) -> Self {
        self.options
            .set_uint(number::CONTENT_FORMAT, content_format.into());
        self.payload = payload.into();
        self
    }

    /// Names the representation, 1 to 8 bytes, and thereby lets the endpoint answer 2.03 to a client that holds it.
    ///
    /// Not for mode G, where an empty 2.03 would be an unauthenticated statement (spec 2.7).
    pub fn etag(mut self, etag: &[u8]) -> Self {
        self.options.set(number::ETAG, etag);
        self
    }

    /// For how many seconds the answer may be cached.
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.options.set_uint(number::MAX_AGE, seconds);
        self
    }

    /// Where a created resource lives; segments without slashes.
    pub fn location(mut self, segments: &[&str]) -> Self {
        for segment in segments {
            self.options.add(number::LOCATION_PATH, segment.as_bytes());
        }
        self
    }

    /// Adds any other option.
    pub fn option(mut self, option: u16, value: impl Into<Vec<u8>>) -> Self {
        self.options.add(option, value);
        self
    }

    /// Lets a GET with Observe 0 register for changes of its path.
    pub fn observable(mut self) -> Self {
        self.observable = true;
        self
    }

    /// Tells the endpoint that this request changed the resource at `path` (`a/b/c`): its observers are notified.
    pub fn changed(mut self, path: impl Into<String>) -> Self {
        self.changed.push(path.into());
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The body.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// One entry of `/.well-known/core` (RFC 6690).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Path without the leading slash.
    pub path: String,
    /// Attributes behind the target, such as `ct=16;obs`; may be empty.
    pub attributes: String,
}

/// The application behind an endpoint.
pub trait Service: Send {
    /// Answers one request. Called once per request, however often the datagram arrives; and once per observer, with
    /// the observer's own request, whenever the path changed.
    fn call(&mut self, request: &Request<'_>) -> Outcome;

    /// What `/.well-known/core` lists.
    fn links(&self) -> Vec<Link> {
        Vec::new()
    }
}

impl<F: FnMut(&Request<'_>) -> Outcome + Send> Service for F {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        self(request)
    }
}
