//! Which keys a member hands to the layer above, and until when (spec 3.3, A5, C5, C6).

use super::event::Timing;
use super::known::Known;
use super::member::Member;
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
            return Ok(self
                .prf
                .group_key(&self.prf.ratchet(&grant.state, grant.begin, j), j));
        }
        let over = self.successor.is_some_and(|next| j >= next.session);
        if session > self.key.last() || over {
            return Err(Error::SessionRange);
        }
        let mut begun = false;
        for known in self.events.iter() {
            let Some(chain) = known.chain.as_ref().filter(|chain| chain.position <= j) else {
                continue;
            };
            if known.releases(j) {
                return Ok(self
                    .prf
                    .group_key(&self.prf.ratchet(&chain.state, chain.position, j), j));
            }
            begun = true;
        }
        let announced = session <= self.high_water.session;
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
        let newest = self.newest()?;
        let begun = self.starts(newest)?.saturating_sub(self.policy.skew) <= now;
        let usable = self.successor.is_none() && begun && self.may_open(newest, now).is_ok();
        (usable && self.key(newest).is_ok()).then_some(newest)
    }

    /// Whether a direct response or a request under K_j may be opened at `now`: K_j ends when its successor begins,
    /// or with its session if none comes, plus grace (spec 3.3, A5).
    ///
    /// # Errors
    /// [`Error::SessionExpired`] when it is over; [`Error::NotAnnounced`]; [`Error::NeedEvent`] while the times are
    /// unknown because the event itself was not received (spec C3).
    pub fn may_open(&self, session: Session, now: UnixTime) -> Result<()> {
        let newest = self.high_water.session;
        if session > newest {
            return Err(Error::NotAnnounced);
        }
        let oldest = match (self.successor, self.previous) {
            (Some(_), _) | (None, 0) => newest,
            (None, previous) => Session::new(previous),
        };
        if session < oldest {
            return Err(Error::SessionExpired);
        }
        let planned = self.ends(session);
        let successor = match self.successor {
            Some(next) => Some(next.starts),
            None if session < newest => Some(self.starts(newest).ok_or(Error::NeedEvent)?),
            None => None,
        };
        let end = match (planned, successor) {
            (Some(planned), Some(successor)) => planned.min(successor),
            (Some(end), None) | (None, Some(end)) => end,
            (None, None) => return Err(Error::NeedEvent),
        };
        if now < end.saturating_add(self.policy.grace) {
            Ok(())
        } else {
            Err(Error::SessionExpired)
        }
    }

    /// nbf_j, the start of a session whose event was received.
    #[must_use]
    pub fn starts(&self, session: Session) -> Option<UnixTime> {
        self.timing(session)
            .map(|(after, timing)| timing.start_after(after))
    }

    /// Planned end of a session whose event was received. It may end earlier, when another event begins.
    #[must_use]
    pub fn ends(&self, session: Session) -> Option<UnixTime> {
        self.timing(session)
            .map(|(after, timing)| timing.start_after(after.saturating_add(1)))
    }

    /// The times of the event in force in `session`, and how many sessions after its first that is. The newest session
    /// belongs to the newest event, whether or not that was received.
    fn timing(&self, session: Session) -> Option<(u32, Timing)> {
        let j = session.get();
        let governs = |known: &&Known| {
            known.session.is_some_and(|first| first <= j)
                && if session == self.high_water.session {
                    known.event == self.high_water.event
                } else {
                    known.releases(j)
                }
        };
        let known = self.events.iter().find(governs)?;
        Some((j.checked_sub(known.session?)?, known.timing?))
    }
}
