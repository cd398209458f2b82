//! A member of one group, whole: keys that heal, credentials of the senders, and the objects they open.
//!
//! ```text
//! JoinResponse --> Membership <-- receive(event or beacon)     prepare, renew: on to the next epoch
//!                      |--> open_response, open_stored      plaintext of others
//!                      `--> enter(&mut Sender, now)         own objects, while a session may be sealed in
//! ```

mod credentials;
mod renewal;
mod sleep;

pub use credentials::Credentials;

use crate::join::{JoinResponse, Peer};
use core::marker::PhantomData;
use credentials::Senders;
use iotchain_core::sign::{Software, Verifier};
use iotchain_core::{
    AccessKey, Address, Error, Gid, GroupKey, PublicKey, Result, Session, Sid, Suite, Thumbprint,
    UnixTime,
};
use iotchain_oscar::{
    Boot, Clients, Commands, Echo, Exchange, Failures, Freshness, Group, Input, Keys, Method,
    Opened, PairRequest, Policy, Receiver, Reply, ResourceId, Sender, Sessions, Start, StoredState,
};
use iotchain_selfheal::broadcast::DEFAULT_MAX_LEN;
use iotchain_selfheal::rsd::{EpochMember, EventStream, HighWater, PersonalKey, Received};
use iotchain_selfheal::{self as selfheal, Authority};

/// What a member keeps of one group.
///
/// `S` holds the encoded personal key S_i and wipes it (`Zeroizing<Vec<u8>>` on hosts, a static array on devices);
/// `W` is the number of events whose keys are kept, `C` the number of credentials. `V` verifies the signatures of
/// objects: this build, unless a library of the platform stands in. `K` keys of objects are kept at hand, of about 700
/// bytes each; an object under another one takes three HMACs more.
#[derive(Debug)]
pub struct Membership<S, const W: usize = 16, const C: usize = 4, V = Software, const K: usize = 4>
{
    member: EpochMember<S, W>,
    /// The session that the key server named at join. A second join gets the personal key of the first one again (A6):
    /// until a broadcast of this session or a later one came, what the member holds may be over (spec 3.3). It is no
    /// mark of the member, because it comes without its event.
    told: Session,
    group: Group,
    sid: Sid,
    credentials: Credentials<C>,
    policy: Policy,
    failures: Failures,
    /// Derived from the session keys of `member`, and wiped whenever these change.
    keys: Keys<K>,
    verifier: PhantomData<V>,
}

impl<S, const W: usize, const C: usize, V, const K: usize> Membership<S, W, C, V, K> {
    /// A member of no group: it opens nothing and may seal nothing. A device [joins](Membership::join) with it where it lies,
    /// in a fifth of the stack of a membership that is returned.
    pub const VACANT: Self = Self {
        member: EpochMember::VACANT,
        told: Session::new(0),
        group: Group {
            gid: Gid::new([0; 4]),
            ks: Thumbprint::new([0; 32]),
            suite: Suite::DEFAULT,
            sid_len: 0,
        },
        sid: Sid::NONE,
        credentials: Credentials::NONE,
        policy: Policy {
            max_object: 0,
            skew: 0,
            max_age: 0,
        },
        failures: Failures::new(),
        keys: Keys::new(),
        verifier: PhantomData,
    };

    /// Whether it is a member of no group.
    #[must_use]
    pub const fn is_vacant(&self) -> bool {
        self.member.is_vacant()
    }
}

impl<S: AsRef<[u8]>, const W: usize, const C: usize, V: Verifier + Default, const K: usize>
    Membership<S, W, C, V, K>
{
    /// The membership that a verified join response grants. `personal_key` owns a copy of its S_i.
    ///
    /// Broadcasts that came with the response are not processed: hand them to [`Membership::receive`] like any other. The
    /// personal key of the next epoch, if one came, goes to [`Membership::prepare`].
    ///
    /// # Errors
    /// [`Error::Group`] if key map and personal key name different groups, [`Error::Capacity`] for more than `C`
    /// credentials, or what is wrong with the personal key.
    pub fn new(response: &JoinResponse<'_>, personal_key: S) -> Result<Self> {
        Self::with_max_event(response, personal_key, DEFAULT_MAX_LEN)
    }

    /// As [`Membership::new`], for a member that takes events of up to `bytes` bytes (spec 3.3 step 1) instead of 4096;
    /// more than 65535 count as 65535.
    ///
    /// # Errors
    /// As [`Membership::new`].
    pub fn with_max_event(
        response: &JoinResponse<'_>,
        personal_key: S,
        bytes: usize,
    ) -> Result<Self> {
        let mut membership = Self::VACANT;
        membership.join(response, personal_key, bytes)?;
        Ok(membership)
    }

    /// Turns this membership into the one that [`Membership::with_max_event`] returns; whatever it was before is wiped.
    ///
    /// # Errors
    /// As [`Membership::new`]; nothing has changed then.
    #[inline(never)]
    pub fn join(
        &mut self,
        response: &JoinResponse<'_>,
        personal_key: S,
        max_event: usize,
    ) -> Result<()> {
        let key_map = &response.key_map;
        let authority = Authority::new(key_map.gid, response.key_server).with_max_len(max_event);
        let personal_key = PersonalKey::parse(personal_key)?;
        if personal_key.gid() != key_map.gid {
            return Err(Error::Group);
        }
        Credentials::<C>::check(response)?;
        *self = Self::VACANT;
        self.member.join(personal_key, authority)?;
        self.member.set_policy(selfheal::Policy {
            grace: key_map.grace,
            ..selfheal::Policy::DEFAULT
        });
        self.told = response.session;
        self.group = Group {
            gid: key_map.gid,
            ks: response.key_server.thumbprint(),
            suite: key_map.suite,
            sid_len: key_map.sid.as_bytes().len(),
        };
        self.sid = key_map.sid;
        self.policy = Policy::DEFAULT;
        self.credentials.replace(response)
    }

    /// Sets what is tolerated of objects (size, clock skew, age of a first signed object).
    pub const fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// The group.
    #[must_use]
    pub const fn group(&self) -> &Group {
        &self.group
    }

    /// The own sender id.
    #[must_use]
    pub const fn sid(&self) -> Sid {
        self.sid
    }

    /// The group keys, of the current epoch and of one beside it.
    #[must_use]
    pub const fn member(&self) -> &EpochMember<S, W> {
        &self.member
    }

    /// Takes a session broadcast in: a signed event or a beacon, told apart by its first item.
    ///
    /// # Errors
    /// See [`EpochMember::receive`]; the state is then as before. [`Error::NeedEvent`] asks to fetch the event first,
    /// [`Error::BroadcastOld`] is no harm.
    pub fn receive(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<Received> {
        let received = self.member.receive(message, now)?;
        self.keys.clear();
        Ok(received)
    }

    /// Begins an event of `epoch` that arrives in pieces, see [`EpochMember::start`].
    ///
    /// # Errors
    /// See [`EpochMember::start`].
    pub fn start(&self, epoch: u32) -> Result<EventStream<W>> {
        self.member.start(epoch)
    }

    /// Ends an event that arrived in pieces, as [`Membership::receive`].
    ///
    /// # Errors
    /// See [`EpochMember::finish`].
    pub fn finish(&mut self, event: &EventStream<W>, now: Option<UnixTime>) -> Result<Received> {
        let received = self.member.finish(event, now)?;
        self.keys.clear();
        Ok(received)
    }

    /// Takes over the position that the key server told over DTLS, e.g. after boot (spec 3.3).
    ///
    /// # Errors
    /// See [`EpochMember::announce`].
    pub fn announce(&mut self, mark: HighWater) -> Result<()> {
        self.member.announce(mark)?;
        self.keys.clear();
        Ok(())
    }

    /// Learns the credential of another sender, or its new key.
    ///
    /// # Errors
    /// [`Error::Capacity`] when `C` other senders are known.
    pub fn learn(&mut self, sid: Sid, subject: Address, key: PublicKey) -> Result<()> {
        self.credentials.insert(Peer { sid, subject, key })
    }

    /// Forgets a sender whose sid was retired: nothing that it signed is accepted any more (A2).
    pub fn forget(&mut self, sid: &Sid) {
        self.credentials.remove(sid);
    }

    /// Opens the direct response to `exchange`, see [`Receiver::open_response`].
    ///
    /// # Errors
    /// See [`Receiver::open_response`].
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of what the object is bound to"
    )]
    pub fn open_response<'i>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        code: u8,
        exchange: &mut Exchange,
        freshness: Freshness<'_>,
        now: UnixTime,
        out: &mut [u8],
    ) -> Result<Opened> {
        self.with_receiver(now, |mut receiver| {
            receiver.open_response(object, resource, code, exchange, freshness, out)
        })
    }

    /// Opens a signed object from a proxy or cache, see [`Receiver::open_stored`].
    ///
    /// # Errors
    /// See [`Receiver::open_stored`].
    pub fn open_stored<'i>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        stored: &mut StoredState,
        now: UnixTime,
        out: &mut [u8],
    ) -> Result<Opened> {
        self.with_receiver(now, |mut receiver| {
            receiver.open_stored(object, resource, stored, now, out)
        })
    }

    /// Opens a signed command from a proxy at a resource server, see [`Receiver::open_command`].
    ///
    /// # Errors
    /// See [`Receiver::open_command`].
    pub fn open_command<'i, const M: usize>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        commands: &mut Commands<M>,
        now: UnixTime,
        out: &mut [u8],
    ) -> Result<Opened> {
        self.with_receiver(now, |mut receiver| {
            receiver.open_command(object, resource, commands, now, out)
        })
    }

    /// Opens the response to a P request of this member, see [`Receiver::open_reply`]. `access` is its access key at the
    /// resource server.
    ///
    /// # Errors
    /// See [`Receiver::open_reply`].
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of what the object is bound to"
    )]
    pub fn open_reply<'i>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        code: u8,
        request: &PairRequest,
        access: &AccessKey,
        now: UnixTime,
        out: &mut [u8],
    ) -> Result<Opened> {
        self.with_receiver(now, |mut receiver| {
            receiver.open_reply(object, resource, code, request, access, out)
        })
    }

    /// Opens a P request at a resource server, see [`Receiver::open_request`].
    ///
    /// # Errors
    /// See [`Receiver::open_request`].
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of what the object is bound to"
    )]
    pub fn open_request<'i, const M: usize>(
        &mut self,
        object: impl Into<Input<'i>>,
        resource: &ResourceId<'_>,
        method: Method,
        echo: Echo<'_>,
        clients: &mut Clients<'_, M>,
        now: UnixTime,
        out: &mut [u8],
    ) -> Result<(Opened, Reply)> {
        self.with_receiver(now, |mut receiver| {
            receiver.open_request(object, resource, method, echo, clients, out)
        })
    }

    /// A sender context for this boot, see [`Sender::new`].
    ///
    /// # Errors
    /// None in practice: the sid has the length of the group's sids.
    pub fn sender(&self, boot: Boot, signed_until: UnixTime) -> Result<Sender> {
        self.sender_start(boot, signed_until).map(Sender::from)
    }

    /// What such a context is made of.
    ///
    /// # Errors
    /// As [`Membership::sender`].
    pub fn sender_start(&self, boot: Boot, signed_until: UnixTime) -> Result<Start> {
        Start::new(self.group, self.sid, boot, signed_until)
    }

    /// The session that may be sealed in at `now`, `None` if no announced session is in force: ask the key server then
    /// (spec 3.3).
    #[must_use]
    pub fn may_seal(&self, now: UnixTime) -> Option<Session> {
        if self.member.newest() < Some(self.told) {
            return None;
        }
        self.member.may_seal(now)
    }

    /// Brings `sender` to the session that may be sealed in at `now`, fail closed (spec 3.3). Call it before sealing.
    ///
    /// # Errors
    /// [`Error::SessionExpired`] if [`Membership::may_seal`] knows of none; [`Error::Group`] or [`Error::Kid`] for the sender of
    /// another membership, also of this one before the key server gave it another sid.
    pub fn enter(&self, sender: &mut Sender, now: UnixTime) -> Result<Session> {
        sender.check_owner(&self.group, self.sid)?;
        let session = self.may_seal(now).ok_or(Error::SessionExpired)?;
        if sender.session() != Some(session) {
            sender.enter(session, &self.member.key(session)?)?;
        }
        Ok(session)
    }

    fn with_receiver<T>(
        &mut self,
        now: UnixTime,
        f: impl FnOnce(Receiver<'_, At<'_, S, W>, Senders<'_, C, V>, 8, K>) -> T,
    ) -> T {
        f(Receiver {
            group: &self.group,
            sessions: &At {
                member: &self.member,
                told: self.told,
                now,
            },
            directory: &Senders {
                credentials: &self.credentials,
                verifier: V::default(),
            },
            policy: self.policy,
            failures: &mut self.failures,
            keys: &mut self.keys,
        })
    }
}

/// The session keys of a member at one moment.
struct At<'a, S, const W: usize> {
    member: &'a EpochMember<S, W>,
    told: Session,
    now: UnixTime,
}

impl<S: AsRef<[u8]>, const W: usize> Sessions for At<'_, S, W> {
    fn key(&self, session: Session) -> Result<GroupKey> {
        self.member.key(session).map_err(|_| Error::Session)
    }

    /// What was held is held until a broadcast or another epoch changes it, and then the keys at hand are gone.
    fn holds(&self, _: Session) -> Result<()> {
        Ok(())
    }

    fn may_open(&self, session: Session) -> Result<()> {
        if self.member.newest() < Some(self.told) {
            return Err(Error::SessionExpired);
        }
        self.member
            .may_open(session, self.now)
            .map_err(|_| Error::SessionExpired)
    }
}
