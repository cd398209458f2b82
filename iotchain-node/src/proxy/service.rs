//! The CoAP face of the proxy. Errors are bare codes: it talks to anybody (spec 7).

use std::sync::Arc;

use iotchain::core::sign::Verifier;
use iotchain::oscar::{Credential, Directory, MAX_OBJECT_LIMIT, Policy, Purpose};
use iotchain::{AeadAlg, Error, ProxyCheck, ResourceId, Sid, Suite, UnixTime};

use super::store::{Store, Stored};
use crate::catalogue::{Catalogue, PathPattern, ResourceServer};
use crate::coap::{Code, Link, Outcome, Request, Response, Service, content_format};
use crate::verifier::HostVerifier;
use crate::{NodeError, clock};

/// Length in bytes of the sids that the key server hands out (spec 1.1).
const SID_LEN: usize = 3;
/// How long a reader may keep an object that does not say when it ends, in seconds.
const DEFAULT_MAX_AGE: u64 = 60;

/// Checks, stores and serves.
#[derive(Debug)]
pub struct ProxyService {
    catalogue: Catalogue,
    store: Arc<Store>,
}

impl ProxyService {
    /// A proxy for the resource servers of `catalogue`.
    #[must_use]
    pub const fn new(catalogue: Catalogue, store: Arc<Store>) -> Self {
        Self { catalogue, store }
    }

    /// Whose resource a path is, and the path there.
    fn resolve<'r>(&self, path: &'r [&'r str]) -> Option<(&ResourceServer, &'r [&'r str])> {
        let (name, rest) = path.split_first()?;
        // joined by slashes below, so that none may be inside
        if rest.iter().any(|segment| segment.contains('/')) {
            return None;
        }
        let server = self
            .catalogue
            .resource_servers
            .iter()
            .find(|server| server.name == *name)?;
        server.class_of(rest).map(|_| (server, rest))
    }

    fn get(&self, path: &str, now: UnixTime) -> Result<Response, NodeError> {
        let Some(stored) = self.store.get(path)?.filter(|stored| stored.is_held(now)) else {
            return Ok(Response::new(Code::NOT_FOUND));
        };
        let max_age = stored.exp.map_or(DEFAULT_MAX_AGE, |exp| exp.since(now));
        // iat only rises under a path, so it names the representation
        Ok(
            Response::content(content_format::COSE_ENCRYPT0, stored.object)
                .etag(&stored.iat.get().to_be_bytes())
                .max_age(u32::try_from(max_age).unwrap_or(u32::MAX))
                .observable(),
        )
    }

    fn put(&self, request: &Request<'_>, path: &str, now: UnixTime) -> Result<Response, NodeError> {
        let Some((server, rest)) = self.resolve(request.path) else {
            return Ok(Response::new(Code::NOT_FOUND));
        };
        if request.content_format() != Some(content_format::COSE_ENCRYPT0) {
            return Ok(Response::new(Code::UNSUPPORTED_CONTENT_FORMAT));
        }
        let before = self.store.get(path)?;
        let stored_iat = before.as_ref().map(|stored| stored.iat);
        let resource = ResourceId::new(server.rs, rest, request.query)?;
        let claims = check(server, request.payload, &resource, now, stored_iat)?;
        self.store.put(
            path,
            &Stored {
                iat: claims.iat,
                exp: claims.exp,
                object: request.payload.to_vec(),
            },
        )?;
        tracing::debug!(
            path,
            iat = claims.iat.get(),
            bytes = request.payload.len(),
            "stored"
        );
        let code = if before.is_some_and(|before| before.is_held(now)) {
            Code::CHANGED
        } else {
            Code::CREATED
        };
        Ok(Response::new(code).changed(path))
    }
}

impl Service for ProxyService {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        let path = request.path.join("/");
        let answer = match request.code {
            // a query names another resource, and none of those is stored here
            Code::GET if request.query.is_empty() => self.get(&path, clock::now()),
            Code::GET => Ok(Response::new(Code::NOT_FOUND)),
            Code::PUT if request.query.is_empty() => self.put(request, &path, clock::now()),
            Code::PUT => Ok(Response::new(Code::NOT_FOUND)),
            _ => Ok(Response::new(Code::METHOD_NOT_ALLOWED)),
        };
        answer
            .unwrap_or_else(|error| {
                let peer = request.peer.addr;
                let NodeError::Protocol(refused) = error else {
                    tracing::warn!(%peer, path, %error, "cannot serve");
                    return Code::SERVICE_UNAVAILABLE.into();
                };
                tracing::debug!(%peer, path, %error, "refused");
                refused.coap().map_or(Code::BAD_REQUEST, Code).into()
            })
            .into()
    }

    fn links(&self) -> Vec<Link> {
        let named = |server: &ResourceServer| {
            let exact = server
                .classes
                .values()
                .flatten()
                .filter_map(PathPattern::exact);
            let paths = exact.map(|path| format!("{}/{}", server.name, path.join("/")));
            paths
                .map(|path| Link {
                    path,
                    attributes: "ct=16;obs".into(),
                })
                .collect::<Vec<_>>()
        };
        self.catalogue
            .resource_servers
            .iter()
            .flat_map(named)
            .collect()
    }
}

/// A proxy belongs to no group and knows no sid: any producer may be meant, and the signature tells which resource
/// server it is.
struct AnyProducer<'a> {
    server: &'a ResourceServer,
}

impl Directory for AnyProducer<'_> {
    fn credential(&self, sid: &Sid) -> Option<Credential<'_>> {
        let ResourceServer { rs, key, .. } = self.server;
        sid.roles()
            .is_producer()
            .then_some(Credential { subject: *rs, key })
    }

    fn verifier(&self) -> &dyn Verifier {
        &HostVerifier
    }
}

/// The check of spec 2.8 for a representation of `server`. Tag length is the one thing a keyless proxy must be told; it
/// tries the suites of the server's signature algorithm.
fn check(
    server: &ResourceServer,
    object: &[u8],
    resource: &ResourceId<'_>,
    now: UnixTime,
    stored_iat: Option<UnixTime>,
) -> Result<iotchain::Claims, Error> {
    let sign = server.key.alg();
    let attempt = |aead| {
        let check = ProxyCheck {
            gid: None,
            suite: Suite { aead, sign },
            sid_len: SID_LEN,
            directory: &AnyProducer { server },
            policy: Policy {
                max_object: MAX_OBJECT_LIMIT,
                ..Policy::default()
            },
        };
        check
            .check(object, resource, Purpose::Representation, now, stored_iat)
            .map(|verified| verified.claims)
    };
    match attempt(AeadAlg::AesCcm16_64_128) {
        Err(Error::Alg)
            if (Suite {
                aead: AeadAlg::AesCcm16_128_128,
                sign,
            })
            .is_allowed() =>
        {
            attempt(AeadAlg::AesCcm16_128_128)
        }
        verdict => verdict,
    }
}
