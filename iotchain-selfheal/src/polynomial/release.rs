//! Which keys a member hands to the layer above, and until when (spec 3.3, A5, C5, C6).

use super::member::Member;
use crate::announced::Span;
use iotchain_core::{Error, GroupKey, Result, Session, UnixTime};

impl<S: AsRef<[u8]>, const W: usize> Member<S, W> {
    /// K_j of a session that a message gave. Healed keys serve stored objects; whether a key may still open a direct
    /// response or a request is for [`Member::may_open`] to say.
    ///
    /// # Errors
    /// [`Error::SessionRange`] outside the personal key or in the next epoch, [`Error::NotAnnounced`] for a session that
    /// no authenticated message announced, [`Error::NeedEvent`] if a message with that session must be fetched first.
    pub fn key(&self, session: Session) -> Result<GroupKey> {
        let j = session.get();
        let held = self.sessions.get(j).and_then(|known| known.key.as_ref());
        if let Some(key) = held {
            return Ok(GroupKey::new(*key.expose()));
        }
        let mine = (self.key.first()..=self.key.last()).contains(&session);
        if !mine || self.announced.is_over(j) {
            return Err(Error::SessionRange);
        }
        Err(if j > self.announced.newest() {
            Error::NotAnnounced
        } else {
            Error::NeedEvent
        })
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
    /// [`Error::SessionExpired`] when it is over; [`Error::NotAnnounced`]; [`Error::NeedEvent`] while the times are
    /// unknown because the message of the session was not received.
    pub fn may_open(&self, session: Session, now: UnixTime) -> Result<()> {
        self.announced
            .may_open(session.get(), now, self.policy.grace, |j| self.span(j))
    }

    /// nbf_j, the start of a session whose message was received.
    #[must_use]
    pub fn starts(&self, session: Session) -> Option<UnixTime> {
        self.span(session.get()).map(|span| span.starts)
    }

    /// Planned end of a session whose message was received. It may end earlier, when the next message says so.
    #[must_use]
    pub fn ends(&self, session: Session) -> Option<UnixTime> {
        self.span(session.get()).map(|span| span.ends)
    }

    /// The times of a session, from its own message: the next message may have others.
    fn span(&self, j: u32) -> Option<Span> {
        let timing = self.sessions.get(j)?.timing?;
        Some(Span {
            starts: timing.starts,
            ends: timing.start_after(1),
        })
    }
}
