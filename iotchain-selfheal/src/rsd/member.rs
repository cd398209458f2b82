//! A member of the group: personal key in, broadcasts in, group keys out (spec 3.4.6).

use super::known::{Chain, Known};
use super::personal_key::PersonalKey;
use super::primitives::Prf;
use super::receive::Pace;
use crate::announced::Announced;
use crate::broadcast::Authority;
use crate::policy::Policy;
use crate::window::Window;
use core::fmt;
use iotchain_core::{Error, Result, Session, UnixTime};

/// The newest event and session that a member has seen announced. Never goes down; a device may persist it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HighWater {
    /// The epoch of the personal key.
    pub epoch: u32,
    /// k, 0 before the first event.
    pub event: u32,
    /// j, 0 before the first session.
    pub session: Session,
}

/// A member: fixed size, no heap. `W` is how many events it holds, at least the window of the group's messages; each
/// costs 136 bytes.
///
/// Every call either succeeds as a whole or changes nothing. Keys are released for announced sessions only.
#[derive(Clone)]
pub struct Member<S, const W: usize = 16> {
    pub(super) key: PersonalKey<S>,
    pub(super) prf: Prf,
    pub(super) authority: Authority,
    pub(super) policy: Policy,
    pub(super) events: Window<Known, W>,
    /// k of the newest event announced, 0 for none.
    pub(super) newest_event: u32,
    /// (event, session) that the key server named, or that was persisted: a session is announced for this event only.
    pub(super) told: (u32, u32),
    pub(super) announced: Announced,
    pub(super) pace: Pace,
}

impl<S: AsRef<[u8]>, const W: usize> Member<S, W> {
    /// A member with the personal key that the key server handed out and the key server's pinned key.
    ///
    /// # Errors
    /// [`Error::Group`] if the personal key belongs to another gid.
    pub fn new(key: PersonalKey<S>, authority: Authority) -> Result<Self> {
        if key.gid() != authority.gid() {
            return Err(Error::Group);
        }
        let mut member = Self {
            prf: Prf::new(key.gid(), key.epoch()),
            authority,
            policy: Policy::DEFAULT,
            events: Window::new(),
            newest_event: 0,
            told: (0, 0),
            announced: Announced::default(),
            pace: Pace::default(),
            key,
        };
        member.admit();
        Ok(member)
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
    pub const fn personal_key(&self) -> &PersonalKey<S> {
        &self.key
    }

    /// The key server that this member believes.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The newest event and session announced so far.
    #[must_use]
    pub const fn high_water(&self) -> HighWater {
        HighWater {
            epoch: self.key.epoch(),
            event: self.newest_event,
            session: Session::new(self.announced.newest()),
        }
    }

    /// The newest announced session, `None` before the first.
    #[must_use]
    pub fn newest(&self) -> Option<Session> {
        let newest = self.announced.newest();
        (newest != 0).then_some(Session::new(newest))
    }

    /// Raises the high-water mark to what the key server said over DTLS, or to what was persisted before a boot, so
    /// that an old broadcast replayed to a fresh member is not taken for the newest (spec 3.3).
    ///
    /// # Errors
    /// [`Error::Epoch`] for another epoch, [`Error::SessionRange`] beyond the personal key.
    pub fn announce(&mut self, mark: HighWater) -> Result<()> {
        if mark.epoch != self.key.epoch() {
            return Err(Error::Epoch);
        }
        if mark.session > self.key.last() {
            return Err(Error::SessionRange);
        }
        if let Some(known) = self.events.get_mut(mark.event) {
            known.announce(mark.session.get());
        }
        self.told = self.told.max((mark.event, mark.session.get()));
        self.raise(mark.event, mark.session.get());
        Ok(())
    }

    /// Ends the epoch: `first`, which starts at `starts`, is a session that a verified message of the next epoch
    /// announced. Nothing is sealed from here on (spec A16).
    ///
    /// # Errors
    /// [`Error::Equivocation`] if this epoch announced that session too.
    pub fn close_epoch(&mut self, first: Session, starts: UnixTime) -> Result<()> {
        self.announced.close_epoch(first.get(), starts)
    }

    /// (event, join, v) of the personal key counts as an event received, with times unknown (spec C3).
    fn admit(&mut self) {
        let (event, join) = (self.key.event(), self.key.join().get());
        if let (Some(state), Some(value)) = (self.key.state(), self.key.value()) {
            if let Some(known) = self.events.place(event) {
                known.keep(Chain {
                    position: join,
                    state,
                });
                known.beacon = Some((join, value));
                known.announce(join);
            }
            self.raise(event, join);
        }
    }

    /// High-water marks never go down.
    pub(super) fn raise(&mut self, event: u32, session: u32) {
        self.announced.raise(session);
        self.newest_event = self.newest_event.max(event);
    }
}

impl<S, const W: usize> fmt::Debug for Member<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("key", &self.key)
            .field("event", &self.newest_event)
            .field("announced", &self.announced)
            .finish_non_exhaustive()
    }
}
