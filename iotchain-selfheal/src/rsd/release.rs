//! Which keys a member hands to the layer above, and until when (spec 3.3, A5, C5, C6).

use super::known::Known;
use super::member::Member;
use crate::announced::Span;
use iotchain_core::{Error, GroupKey, Result, Session, UnixTime};

impl<S: AsRef<[u8]>, const W: usize> Member<S, W> {
    /// K_j of an announced session, recovered or granted. Healed keys serve stored objects; whether a key may still
    /// open a direct response or a request is for [`Member::may_open`] to say.
    ///
    /// # Errors
    /// [`Error::SessionRange`] beyond the personal key, [`Error::NeedEvent`] if an event must be fetched first,
    /// [`Error::NotAnnounced`] for a session that no authenticated message announced (spec C5).
    pub fn key(&self, session: Session) -> Result<GroupKey> {
        let j = session.get();
        if let Some(grant) = self.key.grant(j) {
            let state = self.prf.ratchet(&grant.state, grant.begin, j);
            return Ok(self.prf.group_key(&state, j));
        }
        if session > self.key.last() || self.announced.is_over(j) {
            return Err(Error::SessionRange);
        }
        let mut begun = false;
        for known in self.events.iter() {
            let Some(chain) = self.chain(known, j) else {
                continue;
            };
            if known.releases(j) {
                return Ok(self.prf.group_key(&chain.at(&self.prf, j).state, j));
            }
            begun = true;
        }
        let announced = j <= self.announced.newest();
        Err(if begun && !announced {
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
    /// unknown because the event itself was not received (spec C3).
    pub fn may_open(&self, session: Session, now: UnixTime) -> Result<()> {
        self.announced
            .may_open(session.get(), now, self.policy.grace, |j| self.span(j))
    }

    /// nbf_j, the start of a session whose event was received.
    #[must_use]
    pub fn starts(&self, session: Session) -> Option<UnixTime> {
        self.span(session.get()).map(|span| span.starts)
    }

    /// Planned end of a session whose event was received. It may end earlier, when another event begins.
    #[must_use]
    pub fn ends(&self, session: Session) -> Option<UnixTime> {
        self.span(session.get()).map(|span| span.ends)
    }

    /// The times of a session, from the event in force in it. The newest session belongs to the newest event, whether or
    /// not that was received.
    fn span(&self, j: u32) -> Option<Span> {
        let governs = |known: &&Known| {
            known.session.is_some_and(|first| first <= j)
                && if j == self.announced.newest() {
                    known.event == self.newest_event
                } else {
                    known.releases(j)
                }
        };
        let known = self.events.iter().find(governs)?;
        let (after, timing) = (j.checked_sub(known.session?)?, known.timing?);
        Some(Span {
            starts: timing.start_after(after),
            ends: timing.start_after(after.saturating_add(1)),
        })
    }
}
