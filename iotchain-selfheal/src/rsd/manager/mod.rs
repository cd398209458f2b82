//! The group manager of a key server: slots, sessions, events (spec 3.4.5).

mod issue;
mod state;

use super::beacon::Beacon;
use super::event::{MAX_HISTORY, Timing};
use super::primitives::{ChainValue, Prf, State};
use super::tree::{MAX_DEPTH, Node};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;
use iotchain_core::aes::Aes128;
use iotchain_core::cbor::{Writer, encoded_len};
use iotchain_core::{
    Error, Gid, GroupKey, Result, Secret, Session, Signer, TryCryptoRng, UnixTime,
};
use issue::{Fresh, Issued};
use zeroize::Zeroizing;

/// What is fixed for one epoch of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The group instance.
    pub gid: Gid,
    /// Counts re-keyings inside the gid.
    pub epoch: u32,
    /// Depth of the tree, 1..=22: 2^depth - 1 slots, never reused.
    pub depth: u8,
    /// First session.
    pub first: Session,
    /// Last session.
    pub last: Session,
    /// How many events one message heals, 1..=`history`.
    pub window: u8,
    /// How many events one message names.
    pub history: u8,
    /// Planned start of the first session.
    pub starts: UnixTime,
    /// Seconds per session, at least 1.
    pub duration: u32,
}

impl Parameters {
    /// The defaults of 3.4.5 for about `members` members: window 16, history 64, depth ceil(log2(1.5 N)) but at least 4.
    #[must_use]
    pub fn new(
        gid: Gid,
        epoch: u32,
        members: u32,
        sessions: core::ops::RangeInclusive<Session>,
    ) -> Self {
        let slots = u64::from(members).saturating_mul(3).div_ceil(2).max(1);
        let depth = slots.next_power_of_two().ilog2().clamp(4, MAX_DEPTH.into()) as u8;
        let (first, last) = sessions.into_inner();
        Self {
            gid,
            epoch,
            depth,
            first,
            last,
            window: 16,
            history: 64,
            starts: UnixTime::new(0),
            duration: 900,
        }
    }

    fn check(&self) -> Result<()> {
        let valid = matches!(self.depth, 1..=MAX_DEPTH)
            && (1..=self.history).contains(&self.window)
            && usize::from(self.history) <= MAX_HISTORY
            && self.first.get() != 0
            && self.first <= self.last
            && self.duration != 0
            && self.starts.is_encodable();
        if valid { Ok(()) } else { Err(Error::Type) }
    }
}

/// How the next session departs from the plan, if it does. Any departure makes it begin with an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// A fresh chain state without a revocation: limits what a stolen one is good for.
    pub refresh: bool,
    /// Another start than planned, e.g. an emergency revocation.
    pub starts: Option<UnixTime>,
    /// Another session length in seconds.
    pub duration: Option<u32>,
}

impl Plan {
    /// Go on as planned.
    pub const KEEP: Self = Self {
        refresh: false,
        starts: None,
        duration: None,
    };
    /// Begin with a fresh chain state.
    pub const REFRESH: Self = Self {
        refresh: true,
        starts: None,
        duration: None,
    };

    /// Start the session at `time`, e.g. at once.
    #[must_use]
    pub const fn at(time: UnixTime) -> Self {
        Self {
            refresh: false,
            starts: Some(time),
            duration: None,
        }
    }
}

/// B_j: what to publish for a session once the state of the manager is persisted, and not before the session starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The session j.
    pub session: Session,
    /// Its start.
    pub starts: UnixTime,
    /// Its beacon.
    pub beacon: Vec<u8>,
    /// Its event, if it begins with one. Otherwise [`GroupManager::event`] stays the newest.
    pub event: Option<Vec<u8>>,
}

/// Slots that joined in one session; they are neighbours, in join order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cohort {
    session: u32,
    first_slot: u32,
}

/// The group manager of one (gid, epoch).
///
/// It is a state machine without I/O: persist [`GroupManager::export`] after every change and **before** anything of the
/// change leaves the key server (personal key, announcement); there is one writer per gid at a time. A state older
/// than the last answer must never be used again: open a new gid instead (spec A7). [`GroupManager::changes`] tells
/// states apart.
///
/// At a session boundary [`GroupManager::advance`] comes first, then joins: a join takes effect in the current session.
pub struct GroupManager {
    parameters: Parameters,
    master: Secret<16>,
    /// The expanded form of `master`.
    labels: Aes128,
    prf: Prf,
    changes: u64,
    /// j, `first - 1` before the epoch opens.
    session: u32,
    /// Start and length of session j.
    timing: Timing,
    next_starts: UnixTime,
    cohorts: Vec<Cohort>,
    next_slot: u32,
    /// First session of the history that a slot was granted.
    grants: BTreeMap<u32, u32>,
    /// Session from which a slot is out.
    revoked: BTreeMap<u32, u32>,
    /// Slots that the next session leaves out.
    pending: BTreeSet<u32>,
    /// Event k is at index k - 1.
    events: Vec<Issued>,
    message: Vec<u8>,
    /// First session of the next epoch.
    closed: Option<u32>,
}

impl GroupManager {
    /// Opens an epoch. `master` is mk: 16 bytes from a CSPRNG, fresh for every epoch.
    ///
    /// # Errors
    /// [`Error::Type`] for parameters outside their ranges.
    pub fn new(parameters: Parameters, master: Secret<16>) -> Result<Self> {
        parameters.check()?;
        Ok(Self {
            parameters,
            labels: Aes128::new(master.expose()),
            master,
            prf: Prf::new(parameters.gid, parameters.epoch),
            changes: 0,
            session: parameters.first.get().saturating_sub(1),
            timing: Timing {
                starts: parameters.starts,
                duration: parameters.duration,
            },
            next_starts: parameters.starts,
            cohorts: Vec::new(),
            next_slot: 0,
            grants: BTreeMap::new(),
            revoked: BTreeMap::new(),
            pending: BTreeSet::new(),
            events: Vec::new(),
            message: Vec::new(),
            closed: None,
        })
    }

    /// Opens an epoch with a fresh master key.
    ///
    /// # Errors
    /// As [`GroupManager::new`], and [`Error::Random`].
    pub fn generate(parameters: Parameters, rng: &mut impl TryCryptoRng) -> Result<Self> {
        Self::new(parameters, issue::draw(rng)?)
    }

    /// The parameters of the epoch.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The current session, `None` before the epoch opens.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        self.is_open().then_some(Session::new(self.session))
    }

    /// Start of the current session, of the first one before the epoch opens.
    #[must_use]
    pub const fn starts(&self) -> UnixTime {
        self.timing.starts
    }

    /// Planned start of the next session.
    #[must_use]
    pub const fn next_starts(&self) -> UnixTime {
        self.next_starts
    }

    /// Seconds per session.
    #[must_use]
    pub const fn duration(&self) -> u32 {
        self.timing.duration
    }

    /// Number of the state: grows with every change, never goes back.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Slots that are still free. At 0 the group needs a new epoch.
    #[must_use]
    pub const fn free_slots(&self) -> u32 {
        self.slots().saturating_sub(self.next_slot)
    }

    /// Sessions left after the current one. At 0 the group needs a new epoch.
    #[must_use]
    pub fn sessions_left(&self) -> u32 {
        let end = self
            .closed
            .map_or(self.parameters.last.get(), |next| next.saturating_sub(1));
        end.saturating_sub(self.session)
    }

    /// Gives out the next slot, from the current session on; before the first session the key is pre-issued.
    ///
    /// # Errors
    /// [`Error::GroupFull`] when the slots are used up: open a new epoch.
    pub fn join(&mut self) -> Result<u32> {
        if self.free_slots() == 0 {
            return Err(Error::GroupFull);
        }
        let slot = self.next_slot;
        if self
            .cohorts
            .last()
            .is_none_or(|cohort| cohort.session != self.session)
        {
            self.cohorts.push(Cohort {
                session: self.session,
                first_slot: slot,
            });
        }
        self.next_slot = slot.saturating_add(1);
        self.count_change();
        Ok(slot)
    }

    /// As [`GroupManager::join`], with the keys of the earlier sessions of the epoch from `from` on.
    ///
    /// # Errors
    /// As [`GroupManager::join`].
    pub fn join_with_history(&mut self, from: Session) -> Result<u32> {
        let slot = self.join()?;
        if self.is_open() && from.get() < self.session {
            self.grants
                .insert(slot, from.max(self.parameters.first).get());
        }
        Ok(slot)
    }

    /// Leaves a slot out from the next session on. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`Error::NotMember`] for a slot that was never given out.
    pub fn revoke(&mut self, slot: u32) -> Result<()> {
        if slot >= self.next_slot {
            return Err(Error::NotMember);
        }
        if !self.revoked.contains_key(&slot) && self.pending.insert(slot) {
            self.count_change();
        }
        Ok(())
    }

    /// Whether a slot takes part in `session`, history grants included. Pending revocations count from their session.
    #[must_use]
    pub fn is_member(&self, slot: u32, session: Session) -> bool {
        let j = session.get();
        let Some(join) = self.join_of(slot) else {
            return false;
        };
        let from = self.grants.get(&slot).copied().unwrap_or(join);
        from <= j && self.revoked.get(&slot).is_none_or(|until| j < *until)
    }

    /// Whether a slot was given out and is neither revoked nor about to be.
    #[must_use]
    pub fn is_live(&self, slot: u32) -> bool {
        slot < self.next_slot && !self.revoked.contains_key(&slot) && !self.pending.contains(&slot)
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
                .uint(super::SCHEME.into())
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

    /// Begins the next session: B_j to publish. It begins with an event if a revocation is pending, if the plan says
    /// so, and at the first session. On failure nothing has changed.
    ///
    /// # Errors
    /// [`Error::SessionRange`] at the end of the epoch, [`Error::Type`] for a start before the current session's or
    /// beyond 2^40, or no length, [`Error::Size`] if the event exceeds 65535 bytes (open a new epoch),
    /// [`Error::Random`], or the error of the signer.
    pub fn advance(
        &mut self,
        plan: Plan,
        rng: &mut impl TryCryptoRng,
        signer: &impl Signer,
    ) -> Result<Announcement> {
        if self.sessions_left() == 0 {
            return Err(Error::SessionRange);
        }
        let session = self.session.checked_add(1).ok_or(Error::SessionRange)?;
        let timing = Timing {
            starts: plan.starts.unwrap_or(self.next_starts),
            duration: plan.duration.unwrap_or(self.timing.duration),
        };
        if timing.duration == 0
            || !timing.starts.is_encodable()
            || timing.starts < self.timing.starts
        {
            return Err(Error::Type);
        }
        let planned = timing
            == Timing {
                starts: self.next_starts,
                ..self.timing
            };
        let event =
            if self.pending.is_empty() && !plan.refresh && planned && !self.events.is_empty() {
                None
            } else {
                Some(self.issue(session, timing, &Fresh::draw(rng)?, signer)?)
            };

        let began_with_event = event.is_some();
        if let Some((issued, message)) = event {
            self.revoked.extend(
                core::mem::take(&mut self.pending)
                    .into_iter()
                    .map(|slot| (slot, session)),
            );
            self.events.push(issued);
            self.message = message;
        }
        self.session = session;
        self.timing = timing;
        self.next_starts = timing.start_after(1);
        self.count_change();
        Ok(Announcement {
            session: Session::new(session),
            starts: timing.starts,
            beacon: self.beacon()?,
            event: began_with_event.then(|| self.message.clone()),
        })
    }

    /// The newest event message, empty before the first session.
    #[must_use]
    pub fn event(&self) -> &[u8] {
        &self.message
    }

    /// The beacon of the current session; no later one is ever disclosed.
    ///
    /// # Errors
    /// [`Error::NeedEvent`] before the first session.
    pub fn beacon(&self) -> Result<Vec<u8>> {
        let (k, event) = self.event_at(self.session).ok_or(Error::NeedEvent)?;
        let value = self.beacon_value(k, event, self.session);
        let beacon = Beacon {
            epoch: self.parameters.epoch,
            event: k,
            session: self.session,
            value,
        };
        let mut out = alloc::vec![0; Beacon::MAX_LEN];
        let len = beacon.encode(&mut out)?;
        out.truncate(len);
        Ok(out)
    }

    /// K_j of a session that has begun.
    ///
    /// # Errors
    /// [`Error::NotAnnounced`] for a later session, [`Error::SessionRange`] for one before the epoch.
    pub fn group_key(&self, session: Session) -> Result<GroupKey> {
        let j = session.get();
        if j > self.session {
            return Err(Error::NotAnnounced);
        }
        let (_, event) = self.event_at(j).ok_or(Error::SessionRange)?;
        Ok(self.prf.group_key(&event.state_at(&self.prf, j), j))
    }

    /// Ends the epoch: `next` is the first session of the next one. No beacon of it is disclosed here (spec A16).
    ///
    /// # Errors
    /// [`Error::SessionRange`] if that session has begun here already.
    pub fn close(&mut self, next: Session) -> Result<()> {
        if next.get() <= self.session {
            return Err(Error::SessionRange);
        }
        self.closed = Some(
            self.closed
                .map_or(next.get(), |closed| closed.min(next.get())),
        );
        self.count_change();
        Ok(())
    }

    const fn slots(&self) -> u32 {
        1u32.wrapping_shl(self.parameters.depth as u32)
            .wrapping_sub(1)
    }

    fn is_open(&self) -> bool {
        self.session >= self.parameters.first.get()
    }

    fn count_change(&mut self) {
        self.changes = self.changes.saturating_add(1);
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
    fn first_slot_since(&self, session: u32) -> u32 {
        let cohort = self
            .cohorts
            .partition_point(|cohort| cohort.session < session);
        self.cohorts
            .get(cohort)
            .map_or(self.next_slot, |cohort| cohort.first_slot)
    }

    /// The event in force in `session` with its number.
    fn event_at(&self, session: u32) -> Option<(u32, &Issued)> {
        let number = self
            .events
            .partition_point(|event| event.session <= session);
        Some((
            u32::try_from(number).ok()?,
            self.events.get(number.checked_sub(1)?)?,
        ))
    }

    fn beacon_value(&self, k: u32, event: &Issued, session: u32) -> ChainValue {
        self.prf
            .beacon_back(&event.top, k, self.parameters.last.get(), session)
    }

    fn label(&self, top: Node, node: Node) -> State {
        self.prf.descend(
            self.prf.root_label(&self.labels, top),
            top,
            top.depth(),
            node,
        )
    }

    /// The labels of a member, in the order of its personal key.
    fn labels_of(&self, slot: u32) -> Vec<State> {
        let depth = self.parameters.depth;
        let leaf = Node::leaf(depth, slot);
        let mut labels = Vec::with_capacity(super::tree::label_count(depth));
        for top in (0..depth).map(|a| leaf.ancestor(a)) {
            let mut own = self.prf.root_label(&self.labels, top);
            for node in (top.depth().saturating_add(1)..=depth).map(|b| leaf.ancestor(b)) {
                labels.push(self.prf.child_label(&own, top, node.sibling()));
                own = self.prf.child_label(&own, top, node);
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

impl fmt::Debug for GroupManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupManager")
            .field("parameters", &self.parameters)
            .field("session", &self.session)
            .field("slots", &self.next_slot)
            .finish_non_exhaustive()
    }
}

/// What `write` writes, in a buffer of exactly that length that is wiped on drop.
fn encode(write: impl Fn(&mut Writer<'_>)) -> Result<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(alloc::vec![0; encoded_len(&write)]);
    let mut writer = Writer::new(&mut out);
    write(&mut writer);
    writer.finish()?;
    Ok(out)
}
