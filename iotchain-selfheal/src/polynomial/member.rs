//! A member of the group: personal key in, messages in, group keys out (spec 3.5.3).

use super::known::Known;
use super::personal_key::PersonalKey;
use super::primitives::Prf;
use crate::announced::Announced;
use crate::broadcast::Authority;
use crate::policy::Policy;
use crate::window::Window;
use core::fmt;
use iotchain_core::{Error, Result, Session, UnixTime};

/// The newest session that a member has seen announced. Never goes down; a device may persist it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HighWater {
    /// The epoch of the personal key.
    pub epoch: u32,
    /// j, 0 before the first session.
    pub session: Session,
}

/// A member: fixed size, no heap. `W` is how many sessions it holds, at least one more than the earlier sessions in the
/// group's messages; each costs about 80 bytes.
///
/// Every call either succeeds as a whole or changes nothing. Keys are released for announced sessions only.
#[derive(Clone)]
pub struct Member<S, const W: usize = 8> {
    pub(super) key: PersonalKey<S>,
    pub(super) prf: Prf,
    pub(super) authority: Authority,
    pub(super) policy: Policy,
    pub(super) sessions: Window<Known, W>,
    pub(super) announced: Announced,
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
        Ok(Self {
            prf: Prf::new(key.gid(), key.epoch()),
            authority,
            policy: Policy::DEFAULT,
            sessions: Window::new(),
            announced: Announced::default(),
            key,
        })
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

    /// The newest session announced so far.
    #[must_use]
    pub const fn high_water(&self) -> HighWater {
        HighWater {
            epoch: self.key.epoch(),
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
    /// that an old message replayed to a fresh member is not taken for the newest (spec 3.3).
    ///
    /// # Errors
    /// [`Error::Epoch`] for another epoch, [`Error::SessionRange`] for a session of the next one.
    pub fn announce(&mut self, mark: HighWater) -> Result<()> {
        if mark.epoch != self.key.epoch() {
            return Err(Error::Epoch);
        }
        if self.announced.is_over(mark.session.get()) {
            return Err(Error::SessionRange);
        }
        self.announced.raise(mark.session.get());
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
}

impl<S, const W: usize> fmt::Debug for Member<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("key", &self.key)
            .field("announced", &self.announced)
            .finish_non_exhaustive()
    }
}
