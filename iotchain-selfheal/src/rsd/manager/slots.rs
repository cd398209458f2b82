//! Slots: who is in from when, who is out, and the personal key of each (spec 3.4.4, 3.4.5).
//!
//! Slots are handed out left to right, so those of one session are neighbours and a class is one range of slots.

use super::change::Change;
use super::{GroupManager, Parameters};
use crate::manager::encode;
use crate::rsd::primitives::State;
use crate::rsd::tree::{Node, label_count};
use crate::scheme::Scheme;
use alloc::vec::Vec;
use iotchain_core::cbor::Writer;
use iotchain_core::{Error, Result, Session};
use zeroize::Zeroizing;

impl GroupManager {
    /// Gives out the next slot, from the current session on; before the first session the key is pre-issued.
    ///
    /// # Errors
    /// [`Error::GroupFull`] when the slots are used up: open a new epoch.
    pub fn join(&mut self) -> Result<u32> {
        self.join_from(0)
    }

    /// As [`GroupManager::join`], with the keys of the earlier sessions of the epoch from `from` on.
    ///
    /// # Errors
    /// As [`GroupManager::join`].
    pub fn join_with_history(&mut self, from: Session) -> Result<u32> {
        self.join_from(self.grant(from))
    }

    fn join_from(&mut self, from: u32) -> Result<u32> {
        let slot = self.next_slot;
        self.make(Change::Join { from })?;
        Ok(slot)
    }

    /// The first session that a history from `from` on contains, 0 if it is empty.
    pub(super) fn grant(&self, from: Session) -> u32 {
        let from = from.get().max(self.opens_at());
        if from < self.course.session() {
            from
        } else {
            0
        }
    }

    /// Leaves a slot out from the next session on. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`Error::NotMember`] for a slot that was never given out.
    pub fn revoke(&mut self, slot: u32) -> Result<()> {
        if self.may_revoke(slot)? {
            self.make(Change::Revoke { slot })
        } else {
            Ok(())
        }
    }

    /// Leaves a slot out from `session` on, or from the next one if that has begun, e.g. because its token expires. The
    /// slot is live until then, and the session begins with an event without a further call. The earliest of several
    /// revocations counts.
    ///
    /// # Errors
    /// [`Error::NotMember`] for a slot that was never given out.
    pub fn revoke_at(&mut self, slot: u32, session: Session) -> Result<()> {
        self.schedule(slot, self.scheduling(slot, session)?)
    }

    /// Moves what [`GroupManager::revoke_at`] scheduled to a later session, e.g. because a token was renewed. Changes
    /// nothing if nothing is scheduled before it.
    ///
    /// # Errors
    /// [`Error::NotMember`] unless the slot is live.
    pub fn postpone(&mut self, slot: u32, session: Session) -> Result<()> {
        self.schedule(slot, self.postponement(slot, session)?)
    }

    fn schedule(&mut self, slot: u32, session: Option<u32>) -> Result<()> {
        match session {
            Some(session) => self.make(Change::Schedule { slot, session }),
            None => Ok(()),
        }
    }

    /// Whether revoking a slot changes anything.
    pub(super) fn may_revoke(&self, slot: u32) -> Result<bool> {
        self.check_given(slot)?;
        Ok(self.is_live(slot))
    }

    /// The session at which a slot is to leave, if that is earlier than what was known.
    pub(super) fn scheduling(&self, slot: u32, session: Session) -> Result<Option<u32>> {
        self.check_given(slot)?;
        let session = session.get().max(self.course.session().saturating_add(1));
        let known = self.departures.scheduled(slot);
        let counts = self.is_live(slot) && known.is_none_or(|known| session < known);
        Ok(counts.then_some(session))
    }

    /// The session at which a slot is to leave, if it was to leave earlier.
    pub(super) fn postponement(&self, slot: u32, session: Session) -> Result<Option<u32>> {
        if !self.is_live(slot) {
            return Err(Error::NotMember);
        }
        let session = session.get();
        let known = self.departures.scheduled(slot);
        let counts = known.is_some_and(|known| known < session);
        Ok(counts.then_some(session))
    }

    fn check_given(&self, slot: u32) -> Result<()> {
        if slot < self.next_slot {
            Ok(())
        } else {
            Err(Error::NotMember)
        }
    }

    /// Whether a slot takes part in `session`, history grants included. Revocations to come count from their session.
    #[must_use]
    pub fn is_member(&self, slot: u32, session: Session) -> bool {
        let j = session.get();
        let Some(join) = self.join_of(slot) else {
            return false;
        };
        let from = self.grants.get(&slot).copied().unwrap_or(join);
        let next = self.course.session().saturating_add(1);
        let until = self.departures.out_from(slot, next);
        from.max(self.opens_at()) <= j && until.is_none_or(|until| j < until)
    }

    /// Whether a slot was given out and is neither revoked nor about to be.
    #[must_use]
    pub fn is_live(&self, slot: u32) -> bool {
        slot < self.next_slot && self.departures.is_live(slot)
    }

    /// S_i of a slot, encoded; the same bytes every time (spec A6). Secret: hand it out over DTLS only.
    ///
    /// # Errors
    /// [`Error::NotMember`] unless the slot is live.
    pub fn personal_key(&self, slot: u32) -> Result<Zeroizing<Vec<u8>>> {
        if !self.is_live(slot) {
            return Err(Error::NotMember);
        }
        let join = self.join_of(slot).ok_or(Error::NotMember)?;
        let Parameters {
            gid,
            epoch,
            depth,
            last,
            ..
        } = self.parameters;
        let labels = self.labels_of(slot);
        let in_force = self.event_at(join);
        let state = in_force.map(|(_, event)| event.state_at(&self.prf, join));
        let value = in_force.map(|(k, event)| self.beacon_value(k, event, join));
        let grants = self.grants_of(slot, join);
        let write = |writer: &mut Writer<'_>| {
            writer
                .array(12)
                .uint(Scheme::Rsd.number().into())
                .bytes(gid.as_bytes())
                .uint(epoch.into())
                .uint(depth.into());
            writer
                .uint(slot.into())
                .uint(join.into())
                .uint(last.get().into());
            writer.uint(in_force.map_or(0, |(k, _)| k).into());
            writer.bytes(state.as_ref().map_or(&[], |state| state.expose()));
            writer.bytes(value.as_ref().map_or(&[], |value| value));
            writer.bytes_head(labels.len().saturating_mul(16) as u64);
            labels.iter().for_each(|label| {
                writer.raw(label.expose());
            });
            writer.array(grants.len() as u64);
            grants.iter().for_each(|(begin, until, state)| {
                writer
                    .array(3)
                    .uint((*begin).into())
                    .uint((*until).into())
                    .bytes(state.expose());
            });
        };
        encode(write)
    }

    /// Length of a personal key without history in bytes, but for a few.
    pub(super) fn personal_key_len(&self) -> usize {
        label_count(self.parameters.depth)
            .saturating_mul(16)
            .saturating_add(50)
    }

    /// The session in which a slot joined.
    fn join_of(&self, slot: u32) -> Option<u32> {
        let cohort = self
            .cohorts
            .partition_point(|cohort| cohort.first_slot <= slot)
            .checked_sub(1)?;
        self.cohorts
            .get(cohort)
            .filter(|_| slot < self.next_slot)
            .map(|cohort| cohort.session)
    }

    /// The first slot that joined in `session` or later.
    pub(super) fn first_slot_since(&self, session: u32) -> u32 {
        let cohort = self
            .cohorts
            .partition_point(|cohort| cohort.session < session);
        self.cohorts
            .get(cohort)
            .map_or(self.next_slot, |cohort| cohort.first_slot)
    }

    /// The labels of a member, in the order of its personal key.
    fn labels_of(&self, slot: u32) -> Vec<State> {
        let depth = self.parameters.depth;
        let leaf = Node::leaf(depth, slot);
        let mut labels = Vec::with_capacity(label_count(depth));
        for top in (0..depth).map(|a| leaf.ancestor(a)) {
            let mut own = self.prf.root_label(&self.labels, top);
            for node in (top.depth().saturating_add(1)..=depth).map(|b| leaf.ancestor(b)) {
                let mut sibling = own.clone();
                self.prf.child_label(&mut sibling, top, node.sibling());
                labels.push(sibling);
                self.prf.child_label(&mut own, top, node);
            }
        }
        labels
    }

    /// The granted history of a slot: one (begin, until, C_begin) per interval.
    fn grants_of(&self, slot: u32, join: u32) -> Vec<(u32, u32, State)> {
        let Some(from) = self.grants.get(&slot).copied() else {
            return Vec::new();
        };
        let ends = self
            .events
            .iter()
            .skip(1)
            .map(|event| event.session)
            .chain([u32::MAX]);
        self.events
            .iter()
            .zip(ends)
            .map(|(event, end)| (event, event.session.max(from), end.min(join)))
            .filter(|(_, begin, until)| begin < until)
            .map(|(event, begin, until)| (begin, until, event.state_at(&self.prf, begin)))
            .collect()
    }
}
