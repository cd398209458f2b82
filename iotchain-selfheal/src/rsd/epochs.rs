//! A member across the end of an epoch (spec 3.3, A16).
//!
//! ```text
//!  epoch e     ... 10 11 |                      keys of stored objects stay until `retire`
//!  epoch e+1            `| 12 13 14 ...         S_i of e+1 came before: `prepare`
//!                        `- the first session of e+1 ends e, when a verified event says so
//! ```

use super::member::{HighWater, Member};
use super::personal_key::PersonalKey;
use super::receive::Received;
use super::stream::EventStream;
use crate::broadcast::Authority;
use crate::policy::Policy;
use core::fmt;
use iotchain_core::cbor::{Major, Reader};
use iotchain_core::hash::sha256;
use iotchain_core::{Error, GroupKey, Result, Session, UnixTime};

/// A member that goes on from one epoch of a group to the next: the current epoch, and one beside it. That is the next
/// one from the moment its personal key is there, and the previous one after the roll-over.
///
/// Twice the size of a [`Member`], no heap. As there, every call either succeeds as a whole or changes nothing.
#[derive(Clone)]
pub struct EpochMember<S, const W: usize = 16> {
    /// The only epoch, or the earlier one of two.
    pub(super) earlier: Member<S, W>,
    /// The epoch after `earlier`, in use as soon as it has announced a session; vacant while there is none.
    pub(super) later: Member<S, W>,
}

impl<S, const W: usize> From<Member<S, W>> for EpochMember<S, W> {
    fn from(member: Member<S, W>) -> Self {
        Self {
            earlier: member,
            later: Member::VACANT,
        }
    }
}

impl<S, const W: usize> EpochMember<S, W> {
    /// A member of no group, as [`Member::VACANT`].
    pub const VACANT: Self = Self {
        earlier: Member::VACANT,
        later: Member::VACANT,
    };

    /// Whether it is a member of no group.
    #[must_use]
    pub const fn is_vacant(&self) -> bool {
        self.earlier.is_vacant()
    }

    pub(super) fn later(&self) -> Option<&Member<S, W>> {
        (!self.later.is_vacant()).then_some(&self.later)
    }
}

impl<S: AsRef<[u8]>, const W: usize> EpochMember<S, W> {
    /// A member in one epoch, as [`Member::new`].
    ///
    /// # Errors
    /// [`Error::Group`] if the personal key belongs to another gid.
    pub fn new(key: PersonalKey<S>, authority: Authority) -> Result<Self> {
        let mut member = Self::VACANT;
        member.join(key, authority)?;
        Ok(member)
    }

    /// Turns this member into the one that [`EpochMember::new`] returns, as [`Member::join`].
    ///
    /// # Errors
    /// As [`Member::join`].
    pub fn join(&mut self, key: PersonalKey<S>, authority: Authority) -> Result<()> {
        self.earlier.join(key, authority)?;
        self.later = Member::VACANT;
        Ok(())
    }

    /// Two epochs again, as they were before a deep sleep, see [`Member::open_state`]. The end of the earlier one follows
    /// from the later one, also if its state was sealed before it ended.
    ///
    /// # Errors
    /// [`Error::Group`] for members of two groups, [`Error::Epoch`] unless `later` is of the epoch after `earlier`,
    /// [`Error::Equivocation`] if both announced the same session.
    pub fn resume(earlier: Member<S, W>, later: Member<S, W>) -> Result<Self> {
        if earlier.authority() != later.authority() {
            return Err(Error::Group);
        }
        let [before, after] = [&earlier, &later].map(|member| member.personal_key().epoch());
        if before.checked_add(1) != Some(after) {
            return Err(Error::Epoch);
        }
        let mut both = Self { earlier, later };
        both.end_earlier()?;
        Ok(both)
    }

    /// Takes the personal key of the next epoch, issued before that epoch opens. A previous epoch that is still held
    /// makes room. The same key again changes nothing.
    ///
    /// # Errors
    /// [`Error::Group`] for another gid, [`Error::Epoch`] unless the epoch follows the current one, [`Error::Type`] for
    /// a key that was not issued before its epoch, [`Error::Equivocation`] for another key of an epoch that is
    /// prepared.
    pub fn prepare(&mut self, key: PersonalKey<S>) -> Result<()> {
        if self.lacks(&key)? {
            self.retire();
            self.later.join(key, *self.earlier.authority())?;
            self.later.set_policy(self.earlier.policy());
        }
        Ok(())
    }

    /// Whether [`EpochMember::prepare`] would take `key`, which needs no place of its own yet: `false` if it is held.
    ///
    /// # Errors
    /// As [`EpochMember::prepare`].
    pub fn lacks<T: AsRef<[u8]>>(&self, key: &PersonalKey<T>) -> Result<bool> {
        if self.is_vacant() || key.gid() != self.authority().gid() {
            return Err(Error::Group);
        }
        if self.current().personal_key().epoch().checked_add(1) != Some(key.epoch()) {
            return Err(Error::Epoch);
        }
        if !key.is_pre_issued() {
            return Err(Error::Type);
        }
        let Some(next) = self.next() else {
            return Ok(true);
        };
        // hashed, so that no comparison runs over secrets
        let [held, given] =
            [next.personal_key().as_bytes(), key.as_bytes()].map(|key| sha256(&[key]));
        if held == given {
            Ok(false)
        } else {
            Err(Error::Equivocation)
        }
    }

    /// Drops the previous epoch with its keys and its personal key, once no stored object of it is read any more. Tells
    /// whether there was one.
    pub fn retire(&mut self) -> bool {
        let is_over = self.later.newest().is_some();
        if is_over {
            core::mem::swap(&mut self.earlier, &mut self.later);
            self.later = Member::VACANT;
        }
        is_over
    }

    /// The epoch in use.
    #[must_use]
    pub fn current(&self) -> &Member<S, W> {
        if self.later.newest().is_some() {
            &self.later
        } else {
            &self.earlier
        }
    }

    /// The epoch before the current one, until it is [retired](EpochMember::retire).
    #[must_use]
    pub fn previous(&self) -> Option<&Member<S, W>> {
        self.later.newest().is_some().then_some(&self.earlier)
    }

    /// The epoch after the current one, once it is [prepared](EpochMember::prepare).
    #[must_use]
    pub fn next(&self) -> Option<&Member<S, W>> {
        self.later().filter(|later| later.newest().is_none())
    }

    /// The key server that this member believes.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        self.earlier.authority()
    }

    /// The tolerances.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.earlier.policy()
    }

    /// Replaces the tolerances.
    pub fn set_policy(&mut self, policy: Policy) {
        self.earlier.set_policy(policy);
        self.later.set_policy(policy);
    }

    /// Replaces the tolerances.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.set_policy(policy);
        self
    }

    /// Takes a broadcast of either epoch. The first event of the later one ends the earlier one (spec A16).
    ///
    /// # Errors
    /// As [`Member::receive`]; [`Error::Epoch`] for an epoch that is not held; [`Error::Equivocation`] also for an event
    /// of the later epoch with a session that the earlier one announced.
    pub fn receive(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<Received> {
        let epoch = epoch_of(message).unwrap_or_default();
        let done = self.of_mut(epoch).receive(message, now)?;
        self.end_earlier()?;
        Ok(done)
    }

    /// Begins an event of `epoch` that arrives in pieces, as [`EventStream::start`].
    ///
    /// # Errors
    /// As [`EventStream::start`]; [`Error::Epoch`] for an epoch that is not held.
    pub fn start(&self, epoch: u32) -> Result<EventStream<W>> {
        let member = [Some(&self.earlier), self.later()]
            .into_iter()
            .flatten()
            .find(|member| member.personal_key().epoch() == epoch);
        EventStream::start(member.ok_or(Error::Epoch)?)
    }

    /// Ends an event that arrived in pieces, as [`EventStream::finish`] and [`EpochMember::receive`].
    ///
    /// # Errors
    /// As [`EventStream::finish`] and [`EpochMember::receive`].
    pub fn finish(&mut self, event: &EventStream<W>, now: Option<UnixTime>) -> Result<Received> {
        let member = self.of_mut(event.epoch());
        let done = event.finish(member, now)?;
        self.end_earlier()?;
        Ok(done)
    }

    /// Raises the high-water mark of the epoch that it names, as [`Member::announce`].
    ///
    /// # Errors
    /// As [`Member::announce`]; [`Error::Equivocation`] also for a session of the later epoch that the earlier one
    /// announced.
    pub fn announce(&mut self, mark: HighWater) -> Result<()> {
        self.of_mut(mark.epoch).announce(mark)
    }

    /// K_j of either epoch, as [`Member::key`](crate::Member::key).
    ///
    /// # Errors
    /// As [`Member::key`](crate::Member::key).
    pub fn key(&self, session: Session) -> Result<GroupKey> {
        self.in_force(session).key(session)
    }

    /// The session to seal under at `now`, in the current epoch, as [`Member::may_seal`](crate::Member::may_seal).
    #[must_use]
    pub fn may_seal(&self, now: UnixTime) -> Option<Session> {
        self.current().may_seal(now)
    }

    /// Whether a direct response or a request under K_j may be opened at `now`, as
    /// [`Member::may_open`](crate::Member::may_open).
    ///
    /// # Errors
    /// As [`Member::may_open`](crate::Member::may_open).
    pub fn may_open(&self, session: Session, now: UnixTime) -> Result<()> {
        let member = self.in_force(session);
        // the session before the newest one is the oldest that may be opened, in whichever epoch it is (spec A5)
        let passed = self
            .previous()
            .is_some_and(|previous| core::ptr::eq(previous, member))
            && self.current().announced.has_previous();
        if passed && Some(session) <= member.newest() {
            return Err(Error::SessionExpired);
        }
        member.may_open(session, now)
    }

    /// nbf_j, as [`Member::starts`](crate::Member::starts).
    #[must_use]
    pub fn starts(&self, session: Session) -> Option<UnixTime> {
        self.in_force(session).starts(session)
    }

    /// Planned end of a session, as [`Member::ends`](crate::Member::ends).
    #[must_use]
    pub fn ends(&self, session: Session) -> Option<UnixTime> {
        self.in_force(session).ends(session)
    }

    /// The newest announced session, `None` before the first.
    #[must_use]
    pub fn newest(&self) -> Option<Session> {
        self.current().newest()
    }

    /// The newest epoch, event and session announced so far.
    #[must_use]
    pub fn high_water(&self) -> HighWater {
        self.current().high_water()
    }

    /// The member of `epoch`; what is of neither epoch, the earlier one refuses.
    fn of_mut(&mut self, epoch: u32) -> &mut Member<S, W> {
        if self.later.is_vacant() || self.later.held.key.epoch() != epoch {
            return &mut self.earlier;
        }
        self.later.held.floor = self.earlier.announced.newest();
        &mut self.later
    }

    /// The member whose session it is: the later epoch from its first session on.
    fn in_force(&self, session: Session) -> &Member<S, W> {
        let is_over = |earlier: &Member<S, W>| {
            earlier.announced.is_over(session.get()) || session > earlier.held.key.last()
        };
        match self.later() {
            Some(later) if is_over(&self.earlier) => later,
            _ => &self.earlier,
        }
    }

    /// Ends the earlier epoch at the first session that a verified event of the later one named.
    pub(super) fn end_earlier(&mut self) -> Result<()> {
        match self.later.held.opening() {
            Some((first, starts)) => self.earlier.close_epoch(first, starts),
            None => Ok(()),
        }
    }
}

impl<S, const W: usize> fmt::Debug for EpochMember<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochMember")
            .field("earlier", &self.earlier)
            .field("later", &self.later())
            .finish()
    }
}

/// The epoch that a broadcast names. Decides only who checks it.
fn epoch_of(message: &[u8]) -> Result<u32> {
    let mut reader = Reader::new(message);
    reader.array()?;
    if reader.peek() == Some(Major::Bytes) {
        reader.bytes()?;
        reader.skip()?;
        reader = Reader::new(reader.bytes()?);
        reader.array()?;
    }
    reader.u32()?;
    reader.u32()
}
