//! A member of the group: personal key in, messages in, group keys out (spec 3.5.3).

use super::known::Known;
use super::personal_key::PersonalKey;
use super::primitives::Prf;
use crate::broadcast::Authority;
use crate::window::Window;
use core::fmt;
use iotchain_core::{Error, Result, Session};

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
pub type Member<S, const W: usize = 8> = crate::Member<Sessions<S, W>>;

/// The personal key, and the sessions that messages gave.
#[derive(Clone)]
pub struct Sessions<S, const W: usize> {
    pub(super) key: PersonalKey<S>,
    pub(super) prf: Prf,
    pub(super) sessions: Window<Known, W>,
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
        let held = Sessions {
            prf: Prf::new(key.gid(), key.epoch()),
            sessions: Window::new(),
            key,
        };
        Ok(Self::holding(held, authority))
    }

    /// The newest session announced so far.
    #[must_use]
    pub const fn high_water(&self) -> HighWater {
        HighWater {
            epoch: self.held.key.epoch(),
            session: Session::new(self.announced.newest()),
        }
    }

    /// Raises the high-water mark to what the key server said over DTLS, or to what was persisted before a boot, so
    /// that an old message replayed to a fresh member is not taken for the newest (spec 3.3).
    ///
    /// # Errors
    /// [`Error::Epoch`] for another epoch, [`Error::SessionRange`] for a session of the next one.
    pub fn announce(&mut self, mark: HighWater) -> Result<()> {
        if mark.epoch != self.held.key.epoch() {
            return Err(Error::Epoch);
        }
        if self.announced.is_over(mark.session.get()) {
            return Err(Error::SessionRange);
        }
        self.announced.raise(mark.session.get());
        Ok(())
    }
}

impl<S, const W: usize> fmt::Debug for Sessions<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
