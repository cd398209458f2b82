//! Who leaves: slots that are out, slots that the next session leaves out, and slots whose last session is known.

use crate::manager::{read_groups, write_groups};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Result};

/// The slots of an epoch that are out or on their way out; a slot is in one of the three states at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Departures {
    /// Session from which a slot is out.
    revoked: BTreeMap<u32, u32>,
    /// Slots that the next session leaves out.
    pending: BTreeSet<u32>,
    /// Session, not begun yet, that leaves a slot out.
    scheduled: BTreeMap<u32, u32>,
    /// `scheduled` by session, so that a session finds its own without looking at the rest.
    agenda: BTreeSet<(u32, u32)>,
}

impl Departures {
    /// Whether a slot is neither out nor about to be. One that is scheduled is in until its session.
    pub(super) fn is_live(&self, slot: u32) -> bool {
        !self.revoked.contains_key(&slot) && !self.pending.contains(&slot)
    }

    /// The session from which a slot is out as far as is known, when `next` is the next session.
    pub(super) fn out_from(&self, slot: u32, next: u32) -> Option<u32> {
        let pending = || self.pending.contains(&slot).then_some(next);
        self.revoked
            .get(&slot)
            .copied()
            .or_else(pending)
            .or_else(|| self.scheduled(slot))
    }

    /// The session that is to leave a slot out.
    pub(super) fn scheduled(&self, slot: u32) -> Option<u32> {
        self.scheduled.get(&slot).copied()
    }

    /// The slots that are to leave at a session, with it.
    pub(super) fn schedules(&self) -> impl Iterator<Item = (u32, u32)> {
        self.scheduled.iter().map(|(slot, out)| (*slot, *out))
    }

    /// The slots that are not live, in order.
    pub(super) fn left(&self) -> Vec<u32> {
        self.out_by(0)
    }

    /// Leaves a live slot out of the next session.
    pub(super) fn revoke(&mut self, slot: u32) {
        self.unschedule(slot);
        self.pending.insert(slot);
    }

    /// Leaves a live slot out from `session` on, in place of what was scheduled before.
    pub(super) fn schedule(&mut self, slot: u32, session: u32) {
        self.unschedule(slot);
        self.scheduled.insert(slot, session);
        self.agenda.insert((session, slot));
    }

    fn unschedule(&mut self, slot: u32) {
        if let Some(session) = self.scheduled.remove(&slot) {
            self.agenda.remove(&(session, slot));
        }
    }

    /// Whether `session`, the next one, leaves somebody out.
    pub(super) fn is_due(&self, session: u32) -> bool {
        let first = self.agenda.first();
        !self.pending.is_empty() || first.is_some_and(|(due, _)| *due <= session)
    }

    /// The slots out of `session`, the next one or the current one, in order.
    pub(super) fn out_by(&self, session: u32) -> Vec<u32> {
        let due = self.agenda.iter().take_while(|(due, _)| *due <= session);
        let mut slots: Vec<u32> = self
            .revoked
            .keys()
            .chain(&self.pending)
            .chain(due.map(|(_, slot)| slot))
            .copied()
            .collect();
        slots.sort_unstable();
        slots
    }

    /// `session` began: whoever was due is out.
    pub(super) fn begin(&mut self, session: u32) {
        let later = self.agenda.split_off(&(session.saturating_add(1), 0));
        let due = core::mem::replace(&mut self.agenda, later);
        for (_, slot) in due {
            self.scheduled.remove(&slot);
            self.revoked.insert(slot, session);
        }
        let pending = core::mem::take(&mut self.pending);
        self.revoked
            .extend(pending.into_iter().map(|slot| (slot, session)));
    }

    /// `revoked: [* slot, session], pending: [* slot], scheduled: [* slot, session]`.
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        write_groups(writer, self.revoked.iter().map(|(slot, out)| [*slot, *out]));
        write_groups(writer, self.pending.iter().map(|slot| [*slot]));
        write_groups(
            writer,
            self.scheduled.iter().map(|(slot, out)| [*slot, *out]),
        );
    }

    /// What [`Departures::write`] wrote: slots below `slots`, departures until `session`, the current one, and after it.
    ///
    /// # Errors
    /// A format error, or [`Error::Type`].
    pub(super) fn read(reader: &mut Reader<'_>, slots: u32, session: u32) -> Result<Self> {
        let revoked: Vec<[u32; 2]> = read_groups(reader)?;
        let pending: Vec<[u32; 1]> = read_groups(reader)?;
        let scheduled: Vec<[u32; 2]> = read_groups(reader)?;
        let valid = revoked.is_sorted_by(|[a, _], [b, _]| a < b)
            && pending.is_sorted_by(|a, b| a < b)
            && scheduled.is_sorted_by(|[a, _], [b, _]| a < b)
            && revoked.iter().all(|[_, out]| *out <= session)
            && scheduled.iter().all(|[_, out]| *out > session);
        if !valid {
            return Err(Error::Type);
        }
        let departures = Self {
            revoked: revoked.into_iter().map(|[slot, out]| (slot, out)).collect(),
            pending: pending.into_iter().map(|[slot]| slot).collect(),
            agenda: scheduled.iter().map(|[slot, out]| (*out, *slot)).collect(),
            scheduled: scheduled
                .into_iter()
                .map(|[slot, out]| (slot, out))
                .collect(),
        };
        let given = |slot: Option<&u32>| slot.is_none_or(|slot| *slot < slots);
        let distinct = departures
            .pending
            .iter()
            .all(|slot| !departures.revoked.contains_key(slot))
            && departures
                .scheduled
                .keys()
                .all(|slot| departures.is_live(*slot));
        let all_given = given(departures.revoked.last_key_value().map(|(slot, _)| slot))
            && given(departures.pending.last())
            && given(departures.scheduled.last_key_value().map(|(slot, _)| slot));
        if distinct && all_given {
            Ok(departures)
        } else {
            Err(Error::Type)
        }
    }
}
