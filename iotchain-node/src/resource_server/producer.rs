//! The producer of one group: its place in the group, the sender context that seals for it (spec 2.4, 3.3), and what it
//! remembers of the clients that send it requests (spec 2.9).
//!
//! Whatever goes wrong, nothing is sealed: not before the join, not under a session older than the one the key server
//! told at the join, not past the end of a session without a successor. No request is opened either, unless RSK is
//! certain to be that of its session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iotchain::oscar::{Clients, Group, MAX_OBJECT_LIMIT, PairContexts, Plaintext, Policy};
use iotchain::token::Class;
use iotchain::{
    Address, Claims, Error, Kid, PairRequest, ResourceId, Result, Sender, Session, Sid, SigningKey,
    UnixTime, Zeroizing,
};

use super::pairwise::{Accepted, Refusal, Sealed};
use super::past::Past;
use super::source::Representation;
use crate::NodeError;
use crate::coap::Code;
use crate::join::{HostMembership, Joined, Shared, SharedPairKeys};

/// Bytes that the largest object adds to its representation: header, claims, signature, tag.
const OVERHEAD: usize = 256;
/// Clients that may be sending requests at a time; two for each in the seconds around a change of sessions.
const CONTEXTS: usize = 512;

/// One group of this resource server.
pub(super) struct Producer {
    pub(super) class: Class,
    rs: Address,
    key: Arc<SigningKey>,
    past: Arc<Past>,
    place: Mutex<Option<Place>>,
}

/// What a join gave.
struct Place {
    membership: Shared,
    /// Whom the sender context belongs to: another group or sid takes another one.
    owner: (Group, Sid),
    sender: Sender,
    /// The session that the key server told over DTLS. A broadcast replayed to a fresh member is older.
    told: Session,
    pair_keys: SharedPairKeys,
    contexts: Box<PairContexts<CONTEXTS>>,
}

impl Producer {
    pub(super) const fn new(
        class: Class,
        rs: Address,
        key: Arc<SigningKey>,
        past: Arc<Past>,
    ) -> Self {
        Self {
            class,
            rs,
            key,
            past,
            place: Mutex::new(None),
        }
    }

    /// Takes the place in the group that a join gave, for the first time or again. Under the same gid and sid the sender context goes on; otherwise it is a new one, with a salt of its own.
    ///
    /// # Errors
    /// Those of [`Past::boot`]; the place is then as before.
    pub(super) fn take_place(
        &self,
        joined: &Joined,
        now: UnixTime,
    ) -> std::result::Result<(), NodeError> {
        let mut place = self.place();
        let owner = owner(&lock(&joined.membership));
        lock(&joined.membership).set_policy(Policy {
            max_object: MAX_OBJECT_LIMIT,
            ..Policy::default()
        });
        let sender = match place.as_ref() {
            Some(place) if place.owner == owner => None,
            _ => Some(self.sender(&joined.membership, now)?),
        };
        if let Some(place) = place.as_mut() {
            if let Some(sender) = sender {
                place.sender = sender;
            }
            place.owner = owner;
            place.told = joined.session;
            place.membership = Arc::clone(&joined.membership);
            place.pair_keys = Arc::clone(&joined.pair_keys);
        } else if let Some(sender) = sender {
            *place = Some(Place {
                membership: Arc::clone(&joined.membership),
                owner,
                sender,
                told: joined.session,
                pair_keys: Arc::clone(&joined.pair_keys),
                contexts: Box::default(),
            });
        }
        Ok(())
    }

    /// The session that is sealed in at `now`, if any.
    pub(super) fn session(&self, now: UnixTime) -> Option<Session> {
        let mut place = self.place();
        place.as_mut()?.enter(now).ok()
    }

    /// The key id of the present sender context.
    pub(super) fn kid(&self) -> Option<Kid> {
        self.place().as_ref().map(|place| place.sender.kid())
    }

    /// The newest session, if RSK may be another one since it began: the key server has to be asked.
    pub(super) fn wants_pair_keys(&self) -> Option<Session> {
        let place = self.place();
        let place = place.as_ref()?;
        let newest = lock(&place.membership).member().newest()?;
        (!lock(&place.pair_keys).are_of(newest)).then_some(newest)
    }

    /// Opens a P request, each one once. What may be done because of it was not done before.
    ///
    /// # Errors
    /// [`Refusal`]; no request is remembered then but one whose sender lacks the right.
    pub(super) fn open_request(
        &self,
        request: &Sealed<'_>,
        now: UnixTime,
    ) -> std::result::Result<Accepted, Refusal> {
        let resource = ResourceId::new(self.rs, request.path, &[])?;
        let mut place = self.place();
        let place = place.as_mut().ok_or(Refusal::Unready)?;
        let mut membership = lock(&place.membership);
        let keys = lock(&place.pair_keys);
        let session = PairRequest::parse(request.object, membership.group())
            .map(|request| request.session())
            .ok()
            .filter(|session| membership.member().newest() >= Some(*session));
        let secret = match session {
            Some(session) => keys.server_secret_of(session),
            // A step before that of the keys fails, and says why.
            None => keys.server_secret.as_ref(),
        };
        let mut clients = Clients {
            secret: secret.ok_or(Refusal::Unready)?,
            // A key server that retires a right gives another RSK.
            retired: &[],
            contexts: &mut place.contexts,
            rule: request.rule(),
            now: request.uptime,
        };
        let mut data = Zeroizing::new(vec![0; request.object.len()]);
        let (opened, reply) = membership.open_request(
            request.object,
            &resource,
            request.method,
            request.echo,
            &mut clients,
            now,
            &mut data,
        )?;
        data.truncate(opened.len);
        Ok(Accepted {
            path: request.path.iter().map(|part| (*part).into()).collect(),
            method: request.method,
            kid: opened.kid,
            content_format: opened.content_format,
            data,
            reply: reply.with_max_object(MAX_OBJECT_LIMIT),
        })
    }

    /// A G response, 2.05, to the GET of `path` with the Token `token`.
    ///
    /// # Errors
    /// [`NodeError::Protocol`]: [`Error::NotMember`] or [`Error::SessionExpired`] while nothing may be sealed,
    /// [`Error::Binding`], [`Error::Size`].
    pub(super) fn seal_response(
        &self,
        path: &[&str],
        token: &[u8],
        data: &Representation,
        now: UnixTime,
    ) -> std::result::Result<Vec<u8>, NodeError> {
        let resource = ResourceId::new(self.rs, path, &[])?;
        self.seal(data, now, |sender, plaintext, out| {
            sender.seal_response(&resource, Code::CONTENT.0, token, plaintext, out)
        })
    }

    /// A signed object for the proxy.
    ///
    /// # Errors
    /// As [`Producer::seal_response`], and [`Error::Rollback`] for times that do not rise.
    pub(super) fn seal_signed(
        &self,
        path: &[&str],
        claims: Claims,
        data: &Representation,
        now: UnixTime,
    ) -> std::result::Result<Vec<u8>, NodeError> {
        let resource = ResourceId::new(self.rs, path, &[])?;
        self.seal(data, now, |sender, plaintext, out| {
            sender.seal_signed(&resource, claims, plaintext, &*self.key, out)
        })
    }

    fn seal(
        &self,
        data: &Representation,
        now: UnixTime,
        seal: impl Fn(&mut Sender, Plaintext<'_>, &mut [u8]) -> Result<usize>,
    ) -> std::result::Result<Vec<u8>, NodeError> {
        let mut place = self.place();
        let place = place.as_mut().ok_or(Error::NotMember)?;
        place.enter(now)?;
        let plaintext = Plaintext {
            content_format: data.content_format,
            bytes: (&data.bytes).into(),
        };
        let mut out = vec![
            0;
            data.bytes
                .len()
                .saturating_add(OVERHEAD)
                .min(MAX_OBJECT_LIMIT)
        ];
        let len = match seal(&mut place.sender, plaintext, &mut out) {
            Err(Error::SeqExhausted) => {
                place.sender = self.sender(&place.membership, now)?;
                place.enter(now)?;
                seal(&mut place.sender, plaintext, &mut out)
            }
            // The buffer has room for every object there may be.
            Err(Error::Buffer { .. }) => Err(Error::Size),
            sealed => sealed,
        }?;
        out.truncate(len);
        Ok(out)
    }

    /// A sender context that was never there before.
    fn sender(&self, membership: &Shared, now: UnixTime) -> std::result::Result<Sender, NodeError> {
        let boot = self.past.boot(now)?;
        let mut sender = lock(membership).sender(boot, self.past.signed_until())?;
        sender.set_max_object(MAX_OBJECT_LIMIT);
        Ok(sender)
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Brings the sender to the newest announced session, fail closed.
    fn enter(&mut self, now: UnixTime) -> Result<Session> {
        let membership = lock(&self.membership);
        if membership.member().newest() < Some(self.told) {
            return Err(Error::SessionExpired);
        }
        membership.enter(&mut self.sender, now)
    }
}

fn owner(membership: &HostMembership) -> (Group, Sid) {
    (*membership.group(), membership.sid())
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
