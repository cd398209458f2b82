//! A member of the group: personal key in, broadcasts in, group keys out (spec 3.4.6).

use super::known::{Chain, Known, Newest};
use super::personal_key::PersonalKey;
use super::primitives::Prf;
use super::receive::Pace;
use crate::announced::Announced;
use crate::broadcast::Authority;
use crate::policy::Policy;
use crate::window::Window;
use core::fmt;
use iotchain_core::{Error, Result, Session};

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
/// costs 88 bytes.
///
/// Every call either succeeds as a whole or changes nothing. Keys are released for announced sessions only.
pub type Member<S, const W: usize = 16> = crate::Member<Intervals<S, W>>;

/// The personal key, and the intervals that events opened.
#[derive(Clone)]
pub struct Intervals<S, const W: usize> {
    pub(super) key: PersonalKey<S>,
    pub(super) prf: Prf,
    pub(super) events: Window<Known, W>,
    /// k of the newest event announced, 0 for none.
    pub(super) newest_event: u32,
    /// (event, session) that the key server named, or that was persisted: a session is announced for this event only.
    pub(super) told: (u32, u32),
    /// The newest session that a broadcast of the newest event announced: its key, and a shortcut along its chain.
    pub(super) newest: Newest,
    /// The earliest session of the epoch that a signed history named, 0 for none.
    pub(super) first: u32,
    /// The newest session that the epoch before announced: every session of this one is later (spec A16).
    pub(super) floor: u32,
    pub(super) pace: Pace,
}

impl<S, const W: usize> Member<S, W> {
    /// A member of no group: it believes nobody and has no key. A device [joins](Member::join) with it where it lies, and saves
    /// the stack for a member that is returned, which is a multiple of its size.
    pub const VACANT: Self = Self {
        authority: Authority::NOBODY,
        policy: Policy {
            skew: 0,
            grace: 0,
            max_skip: 0,
        },
        announced: Announced::NONE,
        held: Intervals {
            key: PersonalKey::NONE,
            prf: Prf::NONE,
            events: Window::new(),
            newest_event: 0,
            told: (0, 0),
            newest: Newest::NONE,
            first: 0,
            floor: 0,
            pace: Pace::NONE,
        },
    };

    /// Whether it is a member of no group.
    #[must_use]
    pub const fn is_vacant(&self) -> bool {
        self.held.key.is_none()
    }
}

impl<S: AsRef<[u8]>, const W: usize> Member<S, W> {
    /// A member with the personal key that the key server handed out and the key server's pinned key.
    ///
    /// # Errors
    /// [`Error::Group`] if the personal key belongs to another gid.
    pub fn new(key: PersonalKey<S>, authority: Authority) -> Result<Self> {
        let mut member = Self::VACANT;
        member.join(key, authority)?;
        Ok(member)
    }

    /// Turns this member into the one that [`Member::new`](Self::new) returns, with the default tolerances; whatever it was
    /// before is wiped.
    ///
    /// # Errors
    /// [`Error::Group`] if the personal key belongs to another gid; nothing has changed then.
    pub fn join(&mut self, key: PersonalKey<S>, authority: Authority) -> Result<()> {
        self.begin(key, authority)?;
        self.admit();
        Ok(())
    }

    /// A member that knows nothing yet, not even what its personal key says of sessions.
    ///
    /// # Errors
    /// As [`Member::join`](Self::join).
    pub(super) fn begin(&mut self, key: PersonalKey<S>, authority: Authority) -> Result<()> {
        if key.gid() != authority.gid() {
            return Err(Error::Group);
        }
        *self = Self::VACANT;
        self.held.prf = Prf::new(key.gid(), key.epoch());
        self.held.key = key;
        self.authority = authority;
        self.policy = Policy::DEFAULT;
        Ok(())
    }

    /// The newest event and session announced so far.
    #[must_use]
    pub const fn high_water(&self) -> HighWater {
        HighWater {
            epoch: self.held.key.epoch(),
            event: self.held.newest_event,
            session: Session::new(self.announced.newest()),
        }
    }

    /// Raises the high-water mark to what the key server said over DTLS, or to what was persisted before a boot, so
    /// that an old broadcast replayed to a fresh member is not taken for the newest (spec 3.3).
    ///
    /// # Errors
    /// [`Error::Epoch`] for another epoch; [`Error::SessionRange`] beyond the personal key or in the next epoch;
    /// [`Error::Type`] for an event without a session or a session without an event; [`Error::Equivocation`] if that
    /// event cannot be in force in that session, by the personal key, a message or an earlier mark.
    pub fn announce(&mut self, mark: HighWater) -> Result<()> {
        let (event, session) = (mark.event, mark.session.get());
        if mark.epoch != self.held.key.epoch() {
            return Err(Error::Epoch);
        }
        if mark.session > self.held.key.last() || self.announced.is_over(session) {
            return Err(Error::SessionRange);
        }
        if (event == 0) != (session == 0) {
            return Err(Error::Type);
        }
        if event == 0 {
            return Ok(());
        }
        let join = (self.held.key.event(), self.held.key.join().get());
        let possible = session > self.held.floor
            && self
                .held
                .events
                .iter()
                .flat_map(Known::beginnings)
                .all(|begin| begin.allows(event, session))
            && [join, self.held.told]
                .iter()
                .all(|other| in_order(*other, (event, session)));
        if !possible {
            return Err(Error::Equivocation);
        }
        if let Some(known) = self.held.events.get_mut(event) {
            known.announce(session);
        }
        self.held.told = self.held.told.max((event, session));
        self.raise(event, session);
        Ok(())
    }

    /// (event, join, v) of the personal key counts as an event received, with times unknown (spec C3).
    fn admit(&mut self) {
        let (event, join) = (self.held.key.event(), self.held.key.join().get());
        if let (Some(state), Some(value)) = (self.held.key.state(), self.held.key.value()) {
            if let Some(known) = self.held.events.place(event) {
                known.keep(&Chain {
                    position: join,
                    state,
                });
                known.reach(join, value);
                known.announce(join);
            }
            self.follow(event, join);
        }
    }

    /// High-water marks never go down.
    fn raise(&mut self, event: u32, session: u32) {
        self.announced.raise(session);
        self.held.newest_event = self.held.newest_event.max(event);
    }

    /// Brings the marks and the newest key to `session`, which a broadcast of `event` announced.
    pub(super) fn follow(&mut self, event: u32, session: u32) {
        self.raise(event, session);
        let held = &mut self.held;
        let is_new = held.newest.event < event || held.newest.next.position <= session;
        if is_new
            && event == held.newest_event
            && let Some(known) = held.events.get(event)
            && let Some(chain) = held.chain(known, session)
        {
            held.newest = Newest::new(&held.prf, event, chain, session);
        }
    }
}

/// Whether two events can be in force in two sessions: the later event in the later session.
fn in_order(a: (u32, u32), b: (u32, u32)) -> bool {
    let ((low_event, low), (high_event, high)) = (a.min(b), a.max(b));
    low_event == high_event || low < high
}

impl<S, const W: usize> fmt::Debug for Intervals<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intervals")
            .field("key", &self.key)
            .field("event", &self.newest_event)
            .finish_non_exhaustive()
    }
}
