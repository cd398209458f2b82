//! Which keys a member hands to the layer above, and their times (spec 3.3, 3.4.6, C5).

use super::event::Owner;
use super::known::{Chain, Known};
use super::member::Intervals;
use super::personal_key::PersonalKey;
use super::primitives::State;
use crate::announced::{Announced, Span};
use crate::member::Holding;
use iotchain_core::{Error, GroupKey, Result, Session, UnixTime};

impl<S: AsRef<[u8]>, const W: usize> Holding for Intervals<S, W> {
    type PersonalKey = PersonalKey<S>;

    fn personal_key(&self) -> &PersonalKey<S> {
        &self.key
    }

    fn key(&self, announced: &Announced, session: Session) -> Result<GroupKey> {
        let j = session.get();
        if let Some(grant) = self.key.grant(j) {
            let state = State::new(*grant.state);
            let state = self.prf.ratchet(&state, grant.begin, j);
            return Ok(self.prf.group_key(&state, j));
        }
        if session > self.key.last() || announced.is_over(j) {
            return Err(Error::SessionRange);
        }
        let mut begun = false;
        for known in self.events.iter() {
            let Some(chain) = self.chain(known, j) else {
                continue;
            };
            if known.releases(j) {
                return Ok(if self.newest.is(known.event, j) {
                    self.newest.key.clone()
                } else {
                    self.prf.group_key(&chain.at(&self.prf, j).state, j)
                });
            }
            begun = true;
        }
        Err(if begun && j > announced.newest() {
            Error::NotAnnounced
        } else {
            Error::NeedEvent
        })
    }

    /// From the event in force in the session. The newest session belongs to the newest event, whether or not that was
    /// received.
    fn span(&self, announced: &Announced, j: u32) -> Option<Span> {
        let governs = |known: &&Known| {
            known.session().is_some_and(|first| first <= j)
                && if j == announced.newest() {
                    known.event == self.newest_event
                } else {
                    known.releases(j)
                }
        };
        let known = self.events.iter().find(governs)?;
        let (after, timing) = (j.checked_sub(known.session()?)?, known.timing()?);
        Some(Span {
            starts: timing.start_after(after),
            ends: timing.start_after(after.saturating_add(1)),
        })
    }
}

impl<S: AsRef<[u8]>, const W: usize> Intervals<S, W> {
    /// What decides which part of an event concerns this member.
    pub(super) fn owner(&self) -> Owner {
        Owner {
            epoch: self.key.epoch(),
            leaf: self.key.leaf(),
            join: self.key.join().get(),
        }
    }

    /// The earliest session that is known of the epoch, and its start: no later than the start of any event received.
    pub(super) fn opening(&self) -> Option<(Session, UnixTime)> {
        let starts = self
            .events
            .iter()
            .filter_map(|known| known.timing().map(|timing| timing.starts))
            .min()?;
        (self.first != 0).then_some((Session::new(self.first), starts))
    }

    /// The chain state of an event that is nearest to `session` and not after it.
    pub(super) fn chain<'a>(&'a self, known: &'a Known, session: u32) -> Option<&'a Chain> {
        let (newest, next) = (self.newest.event, &self.newest.next);
        if newest == known.event && next.position <= session {
            return Some(next);
        }
        known.chain().filter(|chain| chain.position <= session)
    }
}
