//! Requests of mode P: what has to be proven before anything is done, what is done, and the answer under seal (spec 2.7).
//!
//! ```text
//! PUT, POST, FETCH --> session, sender, Echo, replay window, AEAD, right --> Accepted --> file, command --> Reply
//!                      any of them fails: a bare code                                     a failure here is sealed too
//! ```

use iotchain::oscar::{EchoRule, MAX_OBJECT_LIMIT, Plaintext, Uptime};
use iotchain::{Address, Echo, Error, Kid, Method, Reply, ResourceId, Zeroizing};

use super::command;
use super::resource::Resource;
use super::source::{MAX_REPRESENTATION, ReadError, Representation};
use crate::coap::{Code, Response, content_format};
use crate::keyfile;

/// A request as it came in.
pub(super) struct Sealed<'a> {
    pub(super) path: &'a [&'a str],
    pub(super) method: Method,
    pub(super) object: &'a [u8],
    pub(super) echo: Echo<'a>,
    pub(super) uptime: Uptime,
}

/// A request that was opened: authentic, recent, not seen before, and within the rights of its sender.
pub(super) struct Accepted {
    pub(super) path: Vec<String>,
    pub(super) method: Method,
    pub(super) kid: Kid,
    pub(super) content_format: Option<u16>,
    pub(super) data: Zeroizing<Vec<u8>>,
    pub(super) reply: Reply,
}

/// Why a request was not opened.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The keys of the present session are not all there; they will be.
    Unready,
    /// A step of spec 2.8 failed.
    Protocol(Error),
}

/// What became of an accepted request.
struct Effect {
    code: Code,
    data: Representation,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Protocol(error)
    }
}

impl Sealed<'_> {
    /// What changes something is never done on the strength of an old request: somebody may have held it back.
    pub(super) const fn rule(&self) -> EchoRule {
        match self.method {
            Method::Fetch => EchoRule::First,
            _ => EchoRule::Every,
        }
    }
}

impl Accepted {
    /// Does what was asked and says under seal what became of it.
    pub(super) fn carry_out(self, rs: Address, resource: &Resource, below: &[&str]) -> Response {
        let effect = match self.method {
            Method::Fetch => self.fetch(resource, below),
            Method::Put => self.put(resource),
            Method::Post => self.post(resource),
            _ => Code::METHOD_NOT_ALLOWED.into(),
        };
        let changes = self.method == Method::Put && effect.code.is_success();
        let path = self.path.join("/");
        tracing::info!(path, method = ?self.method, kid = %self.kid, code = %effect.code, "carried out");
        let response = self.seal(rs, effect);
        if changes {
            response.changed(path)
        } else {
            response
        }
    }

    /// Says under seal that nothing was done.
    pub(super) fn decline(self, rs: Address) -> Response {
        self.seal(rs, Code::SERVICE_UNAVAILABLE.into())
    }

    /// A read whose answer no other member can forge. What a body would select, nobody has said (spec 2.7).
    fn fetch(&self, resource: &Resource, below: &[&str]) -> Effect {
        let Some(source) = resource.source() else {
            return Code::METHOD_NOT_ALLOWED.into();
        };
        if !self.data.is_empty() {
            return Code::UNSUPPORTED_CONTENT_FORMAT.into();
        }
        match source.read(below) {
            Ok(data) => Effect {
                code: Code::CONTENT,
                data,
            },
            Err(ReadError::Absent(_)) => Code::NOT_FOUND.into(),
            Err(error) => self.failed(&error),
        }
    }

    /// The file is the old one or the new one at any moment, and the new one before this returns.
    fn put(&self, resource: &Resource) -> Effect {
        let Some((path, format)) = resource.file() else {
            return Code::METHOD_NOT_ALLOWED.into();
        };
        if self.content_format.is_some() && format.is_some() && self.content_format != format {
            return Code::UNSUPPORTED_CONTENT_FORMAT.into();
        }
        if self.data.len() > MAX_REPRESENTATION {
            return Code::REQUEST_ENTITY_TOO_LARGE.into();
        }
        match keyfile::atomic_update(path, &self.data) {
            Ok(true) => Code::CHANGED.into(),
            Ok(false) => Code::CREATED.into(),
            Err(error) => self.failed(&error),
        }
    }

    /// The command finds the body on its standard input; nothing of a request is ever part of a command line.
    fn post(&self, resource: &Resource) -> Effect {
        let Some(line) = resource.action() else {
            return Code::METHOD_NOT_ALLOWED.into();
        };
        match command::run(line, &self.data, MAX_REPRESENTATION) {
            Ok(output) => Effect {
                code: Code::CHANGED,
                data: Representation::printed(output),
            },
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> Effect {
        tracing::warn!(path = self.path.join("/"), %error, "cannot carry out");
        Code::INTERNAL_SERVER_ERROR.into()
    }

    fn seal(self, rs: Address, effect: Effect) -> Response {
        let Effect { code, data } = effect;
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let plaintext = Plaintext {
            content_format: data.content_format,
            bytes: data.bytes.as_slice().into(),
        };
        let mut object = vec![0; MAX_OBJECT_LIMIT];
        let sealed = ResourceId::new(rs, &path, &[])
            .and_then(|resource| self.reply.seal(&resource, code.0, plaintext, &mut object));
        match sealed {
            Ok(len) => {
                object.truncate(len);
                let response = Response::new(code).body(content_format::COSE_ENCRYPT0, object);
                // For the client that asked, and for it once.
                response.max_age(0)
            }
            Err(error) => {
                tracing::warn!(path = path.join("/"), %error, "cannot seal");
                Code::INTERNAL_SERVER_ERROR.into()
            }
        }
    }
}

impl From<Code> for Effect {
    fn from(code: Code) -> Self {
        let data = Representation {
            content_format: None,
            bytes: Vec::new(),
        };
        Self { code, data }
    }
}
