//! What the members of both schemes share: whom they believe, what they tolerate, and until when a key is in use.

use crate::announced::{Announced, Span};
use crate::broadcast::Authority;
use crate::policy::Policy;
use core::fmt;
use iotchain_core::{GroupKey, Result, Session, UnixTime};

/// What a member of one scheme holds: its personal key and what broadcasts gave.
pub trait Holding {
    /// S_i.
    type PersonalKey;

    /// S_i.
    fn personal_key(&self) -> &Self::PersonalKey;

    /// K_j, as [`Member::key`].
    ///
    /// # Errors
    /// As [`Member::key`].
    fn key(&self, announced: &Announced, session: Session) -> Result<GroupKey>;

    /// The times of a session, if they are known.
    fn span(&self, announced: &Announced, session: u32) -> Option<Span>;
}

/// A member of a group: fixed size, no heap. Its calls for one scheme stand at [`rsd::Member`](crate::rsd::Member) and
/// [`polynomial::Member`](crate::polynomial::Member).
///
/// Every call either succeeds as a whole or changes nothing. Keys are released for announced sessions only.
#[derive(Clone)]
pub struct Member<H> {
    pub(crate) authority: Authority,
    pub(crate) policy: Policy,
    pub(crate) announced: Announced,
    pub(crate) held: H,
}

impl<H: Holding> Member<H> {
    pub(crate) fn holding(held: H, authority: Authority) -> Self {
        Self {
            authority,
            policy: Policy::DEFAULT,
            announced: Announced::default(),
            held,
        }
    }

    /// Replaces the tolerances.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.set_policy(policy);
        self
    }

    /// Replaces the tolerances.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// The tolerances.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// The personal key.
    #[must_use]
    pub fn personal_key(&self) -> &H::PersonalKey {
        self.held.personal_key()
    }

    /// The key server that this member believes.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The newest announced session, `None` before the first.
    #[must_use]
    pub fn newest(&self) -> Option<Session> {
        let newest = self.announced.newest();
        (newest != 0).then_some(Session::new(newest))
    }

    /// Ends the epoch: `first`, which starts at `starts`, is a session that a verified message of the next epoch
    /// announced. Nothing is sealed from here on (spec A16).
    ///
    /// # Errors
    /// [`Error::Equivocation`](iotchain_core::Error::Equivocation) if this epoch announced that session too.
    pub fn close_epoch(&mut self, first: Session, starts: UnixTime) -> Result<()> {
        self.announced.close_epoch(first.get(), starts)
    }

    /// K_j of an announced session: recovered, healed or granted. Healed keys serve stored objects; whether a key may
    /// still open a direct response or a request is for [`Member::may_open`] to say.
    ///
    /// # Errors
    /// [`Error::SessionRange`](iotchain_core::Error::SessionRange) outside the personal key or in the next epoch,
    /// [`Error::NeedEvent`](iotchain_core::Error::NeedEvent) if a signed broadcast must be fetched first,
    /// [`Error::NotAnnounced`](iotchain_core::Error::NotAnnounced) for a session that no authenticated message announced
    /// (spec C5).
    pub fn key(&self, session: Session) -> Result<GroupKey> {
        self.held.key(&self.announced, session)
    }

    /// The session to seal under at `now`: the newest announced one, while it lasts. `None` fails closed: ask the key
    /// server (spec C6).
    #[must_use]
    pub fn may_seal(&self, now: UnixTime) -> Option<Session> {
        let newest = self
            .announced
            .may_seal(now, self.policy, |j| self.span(j))?;
        let newest = Session::new(newest);
        self.key(newest).is_ok().then_some(newest)
    }

    /// Whether a direct response or a request under K_j may be opened at `now`: K_j ends when its successor begins,
    /// or with its session if none comes, plus grace (spec 3.3, A5).
    ///
    /// # Errors
    /// [`Error::SessionExpired`](iotchain_core::Error::SessionExpired) when it is over;
    /// [`Error::NotAnnounced`](iotchain_core::Error::NotAnnounced);
    /// [`Error::NeedEvent`](iotchain_core::Error::NeedEvent) while the times are unknown because the signed broadcast with
    /// them was not received.
    pub fn may_open(&self, session: Session, now: UnixTime) -> Result<()> {
        self.announced
            .may_open(session.get(), now, self.policy.grace, |j| self.span(j))
    }

    /// nbf_j, the start of a session whose signed broadcast was received.
    #[must_use]
    pub fn starts(&self, session: Session) -> Option<UnixTime> {
        self.span(session.get()).map(|span| span.starts)
    }

    /// Planned end of a session whose signed broadcast was received. It may end earlier, when another one says so.
    #[must_use]
    pub fn ends(&self, session: Session) -> Option<UnixTime> {
        self.span(session.get()).map(|span| span.ends)
    }

    fn span(&self, session: u32) -> Option<Span> {
        self.held.span(&self.announced, session)
    }
}

impl<H: fmt::Debug> fmt::Debug for Member<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("held", &self.held)
            .field("announced", &self.announced)
            .finish_non_exhaustive()
    }
}
