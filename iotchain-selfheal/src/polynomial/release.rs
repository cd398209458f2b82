//! Which keys a member hands to the layer above, and their times (spec 3.3, 3.5.3, C5).

use super::member::Sessions;
use super::personal_key::PersonalKey;
use crate::announced::{Announced, Span};
use crate::member::Holding;
use iotchain_core::{Error, GroupKey, Result, Session};

impl<S: AsRef<[u8]>, const W: usize> Holding for Sessions<S, W> {
    type PersonalKey = PersonalKey<S>;

    fn personal_key(&self) -> &PersonalKey<S> {
        &self.key
    }

    fn key(&self, announced: &Announced, session: Session) -> Result<GroupKey> {
        let j = session.get();
        let held = self.sessions.get(j).and_then(|known| known.key.as_ref());
        if let Some(key) = held {
            return Ok(GroupKey::new(*key.expose()));
        }
        let mine = (self.key.first()..=self.key.last()).contains(&session);
        if !mine || announced.is_over(j) {
            return Err(Error::SessionRange);
        }
        Err(if j > announced.newest() {
            Error::NotAnnounced
        } else {
            Error::NeedEvent
        })
    }

    /// From the session's own message: the next message may have others.
    fn span(&self, _: &Announced, j: u32) -> Option<Span> {
        let timing = self.sessions.get(j)?.timing?;
        Some(Span {
            starts: timing.starts,
            ends: timing.start_after(1),
        })
    }
}
