//! The receiver of an object case: what its `env` says it knows, and what it remembers over `pre` and the case.

use crate::json::Item;
use crate::params::{public_key, sign_alg};
use crate::report::{Checked, Fault};
use iotchain::core::AccessKey;
use iotchain::core::cbor::{Reader, check};
use iotchain::oscar::{
    Clients, Commands, Echo, EchoRule, Failures, Group, Keys, Method, PairContexts, PairRequest,
    Policy, ProxyCheck, Purpose, Receiver, Reply, Sessions, Uptime, Verified,
};
use iotchain::{
    Address, AeadAlg, Error, Exchange, Freshness, Gid, GroupKey, Opened, PublicKey, ResourceId,
    Result, Secret, Session, Sid, StoredState, Suite, Thumbprint, UnixTime,
};
use std::collections::{BTreeMap, BTreeSet};

/// Session keys, and the sessions that are over.
struct Held {
    keys: BTreeMap<u32, [u8; 16]>,
    expired: BTreeSet<u32>,
}

impl Sessions for Held {
    fn key(&self, session: Session) -> Result<GroupKey> {
        let key = self.keys.get(&session.get()).ok_or(Error::Session)?;
        Ok(GroupKey::new(*key))
    }

    fn may_open(&self, session: Session) -> Result<()> {
        if self.expired.contains(&session.get()) {
            Err(Error::SessionExpired)
        } else {
            Ok(())
        }
    }
}

/// One receiver.
pub(crate) struct World {
    pub(crate) group: Group,
    pub(crate) rs: Address,
    held: Held,
    directory: Vec<(Sid, Address, PublicKey)>,
    policy: Policy,
    now: UnixTime,
    fresh: bool,
    failures: Failures<8>,
    keys: Keys,
    exchange: Option<Exchange>,
    stored: StoredState,
    commands: Commands<8>,
    server_secret: Secret<32>,
    valid_echo: Vec<Vec<u8>>,
    contexts: PairContexts<8>,
}

/// How an object was found and asked for.
struct Request<'a> {
    object: Vec<u8>,
    path: Vec<&'a str>,
    query: Vec<&'a str>,
}

impl<'a> Request<'a> {
    fn read(step: &Item<'a>) -> Checked<Self> {
        Ok(Self {
            object: step.get("object")?.bytes()?,
            path: step.get("path")?.texts()?,
            query: step.get("query")?.texts()?,
        })
    }
}

impl World {
    /// From an `env`.
    pub(crate) fn read(env: &Item<'_>) -> Checked<Self> {
        let mut keys = BTreeMap::new();
        for (j, key) in env.get("sessions")?.fields()? {
            let j = j.parse().map_err(|_| Fault::new(format!("session {j}")))?;
            keys.insert(j, key.array()?);
        }
        let credential = |entry: &Item<'_>| {
            let sid = Sid::from_slice(&entry.get("sid")?.bytes()?)?;
            Ok((
                sid,
                entry.get("rs")?.address()?,
                public_key(&entry.get("cose_key")?)?,
            ))
        };
        Ok(Self {
            group: Group {
                gid: Gid::new(env.get("gid")?.array()?),
                ks: Thumbprint::new(env.get("ks")?.array()?),
                suite: Suite {
                    aead: AeadAlg::from_cose(env.get("alg")?.int()?)?,
                    sign: sign_alg(&env.get("sign_alg")?)?,
                },
                sid_len: env.get("sid_len")?.int()?,
            },
            rs: env.get("rs")?.address()?,
            held: Held {
                keys,
                expired: env.get("expired")?.ints()?.into_iter().collect(),
            },
            directory: env
                .get("creds")?
                .list()?
                .iter()
                .map(credential)
                .collect::<Checked<_>>()?,
            // an `env` knows no oldest first object (spec 2.9)
            policy: Policy {
                skew: env.get("skew")?.int()?,
                max_age: u64::MAX,
                ..Policy::default()
            },
            now: env.get("now")?.time()?,
            fresh: env.get("fresh")?.flag()?,
            failures: Failures::new(),
            keys: Keys::new(),
            exchange: None,
            stored: StoredState::new(),
            commands: Commands::new(UnixTime::new(0)),
            server_secret: Secret::new(env.get("rsk")?.array()?),
            valid_echo: env
                .get("valid_echo")?
                .list()?
                .iter()
                .map(Item::bytes)
                .collect::<Checked<_>>()?,
            contexts: PairContexts::new(),
        })
    }

    /// The key of a session.
    pub(crate) fn key(&self, session: Session) -> Checked<GroupKey> {
        Ok(self.held.key(session)?)
    }

    /// Opens one step of a case; the plaintext goes to the front of `out`.
    pub(crate) fn open(&mut self, step: &Item<'_>, out: &mut [u8]) -> Checked<Result<Opened>> {
        let position = step.get("position")?.text()?;
        let (bind, code) = (step.get("bind")?.bytes()?, step.get("code")?.int()?);
        let Request {
            object,
            path,
            query,
        } = Request::read(step)?;
        let resource = match ResourceId::new(self.rs, &path, &query) {
            Ok(resource) => resource,
            Err(error) => return Ok(Err(error)),
        };
        match position {
            "response" => Ok(self.open_response(&object, &resource, code, &bind, out)),
            "stored" => Ok(self.open_stored(&object, &resource, out)),
            "request" => {
                let opened = self.open_request(&object, &resource, method(code)?, &bind, out);
                Ok(opened.map(|(opened, _)| opened))
            }
            "p-response" => {
                let request = step.get("request_object")?.bytes()?;
                Ok(self.open_reply(&object, &resource, code, &request, out))
            }
            other => Err(Fault::new(format!("unknown position {other}"))),
        }
    }

    fn open_response(
        &mut self,
        object: &[u8],
        resource: &ResourceId<'_>,
        code: u8,
        token: &[u8],
        out: &mut [u8],
    ) -> Result<Opened> {
        let mut receiver = Receiver {
            group: &self.group,
            sessions: &self.held,
            directory: self.directory.as_slice(),
            policy: self.policy,
            failures: &mut self.failures,
            keys: &mut self.keys,
        };
        let exchange = match &mut self.exchange {
            Some(exchange) if exchange.token() == token => exchange,
            other => other.insert(Exchange::new(token)?),
        };
        let freshness = if self.fresh {
            Freshness::Demanded
        } else {
            Freshness::OrSigned {
                stored: &mut self.stored,
                now: self.now,
            }
        };
        receiver.open_response(object, resource, code, exchange, freshness, out)
    }

    fn open_stored(
        &mut self,
        object: &[u8],
        resource: &ResourceId<'_>,
        out: &mut [u8],
    ) -> Result<Opened> {
        let purpose = self.purpose(object);
        let mut receiver = Receiver {
            group: &self.group,
            sessions: &self.held,
            directory: self.directory.as_slice(),
            policy: self.policy,
            failures: &mut self.failures,
            keys: &mut self.keys,
        };
        match purpose {
            Purpose::Command => {
                receiver.open_command(object, resource, &mut self.commands, self.now, out)
            }
            Purpose::Representation => {
                receiver.open_stored(object, resource, &mut self.stored, self.now, out)
            }
        }
    }

    /// The access key of a client at this resource server.
    pub(crate) fn access(&self, sid: &Sid) -> Result<AccessKey> {
        AccessKey::derive(&self.server_secret, self.group.gid, sid)
    }

    /// Opens a request that carries `bind` as its Echo, none if that is empty.
    pub(crate) fn open_request(
        &mut self,
        object: &[u8],
        resource: &ResourceId<'_>,
        method: Method,
        bind: &[u8],
        out: &mut [u8],
    ) -> Result<(Opened, Reply)> {
        let echo = match bind {
            [] => Echo::Absent,
            value if self.valid_echo.iter().any(|valid| valid == value) => Echo::Valid {
                value,
                until: Uptime::new(1),
            },
            _ => Echo::Wrong,
        };
        let mut clients = Clients {
            secret: &self.server_secret,
            retired: &[],
            contexts: &mut self.contexts,
            rule: if self.fresh {
                EchoRule::Every
            } else {
                EchoRule::First
            },
            now: Uptime::new(0),
        };
        let mut receiver = Receiver {
            group: &self.group,
            sessions: &self.held,
            directory: self.directory.as_slice(),
            policy: self.policy,
            failures: &mut self.failures,
            keys: &mut self.keys,
        };
        receiver.open_request(object, resource, method, echo, &mut clients, out)
    }

    fn open_reply(
        &mut self,
        object: &[u8],
        resource: &ResourceId<'_>,
        code: u8,
        request: &[u8],
        out: &mut [u8],
    ) -> Result<Opened> {
        let request = PairRequest::parse(request, &self.group)?;
        let access = self.access(&request.kid().sid(self.group.sid_len)?)?;
        let mut receiver = Receiver {
            group: &self.group,
            sessions: &self.held,
            directory: self.directory.as_slice(),
            policy: self.policy,
            failures: &mut self.failures,
            keys: &mut self.keys,
        };
        receiver.open_reply(object, resource, code, &request, &access, out)
    }

    /// What a proxy says about the object of a step.
    pub(crate) fn proxy(
        &self,
        step: &Item<'_>,
        stored_iat: Option<UnixTime>,
    ) -> Checked<Result<Verified>> {
        let Request {
            object,
            path,
            query,
        } = Request::read(step)?;
        let proxy = ProxyCheck {
            gid: Some(self.group.gid),
            suite: self.group.suite,
            sid_len: self.group.sid_len,
            directory: self.directory.as_slice(),
            policy: self.policy,
        };
        let resource = ResourceId::new(self.rs, &path, &query);
        let purpose = self.purpose(&object);
        Ok(resource
            .and_then(|resource| proxy.check(&object, &resource, purpose, self.now, stored_iat)))
    }

    /// A case does not say whether its signed object is a representation or a command. A client's object is read as a
    /// command; everything else, the unreadable included, as a representation.
    fn purpose(&self, object: &[u8]) -> Purpose {
        let sid = kid(object)
            .ok()
            .and_then(|kid| Sid::from_slice(kid.get(..self.group.sid_len)?).ok());
        match sid {
            Some(sid) if !sid.roles().is_producer() => Purpose::Command,
            _ => Purpose::Representation,
        }
    }
}

/// The request method of a code.
pub(crate) fn method(code: u8) -> Checked<Method> {
    Method::from_code(code).ok_or_else(|| Fault::new(format!("code {code} is no method of mode P")))
}

/// The key id in the protected header of an object.
fn kid(object: &[u8]) -> Result<&[u8]> {
    check(object)?;
    let mut object = Reader::new(object);
    object.array()?;
    let protected = object.bytes()?;
    check(protected)?;
    let mut header = Reader::new(protected);
    for _ in 0..header.map()? {
        if header.int()? == 4 {
            return header.bytes();
        }
        header.skip()?;
    }
    Err(Error::Header)
}
