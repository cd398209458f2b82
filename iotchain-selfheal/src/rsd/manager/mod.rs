//! The group manager of a key server: slots, sessions, events (spec 3.4.5).

mod issue;
mod parameters;
mod slots;
mod state;

pub use parameters::{Parameters, Plan};

use super::beacon::Beacon;
use super::primitives::{ChainValue, Prf, State};
use super::tree::Node;
use crate::manager::draw;
use crate::timing::Timing;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;
use iotchain_core::aes::Aes128;
use iotchain_core::{Error, GroupKey, Result, Secret, Session, Signer, TryCryptoRng, UnixTime};
use issue::{Fresh, Issued};

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
        Self::new(parameters, draw(rng)?)
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
        let timing = self
            .timing
            .next(self.next_starts, plan.starts, plan.duration)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rsd::tree::Subset;
    use iotchain_core::Gid;
    use serde_json::Value;
    use std::fs;

    #[test]
    fn vectors_labels_and_chains() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/broadcast-rsd.json");
        let vectors: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        for case in vectors["cases"].as_array().unwrap() {
            let number = |value: &Value| value.as_u64().unwrap() as u32;
            let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
            let block = |value: &Value| State::from_slice(&bytes(value)).unwrap();
            let gid = Gid::from_slice(&bytes(&case["gid"])).unwrap();
            let sessions =
                Session::new(number(&case["first"]))..=Session::new(number(&case["last"]));
            let mut parameters = Parameters::new(gid, number(&case["epoch"]), 1, sessions);
            parameters.depth = number(&case["depth"]) as u8;
            let manager = GroupManager::new(parameters, block(&case["mk"])).unwrap();
            for label in case["labels"].as_array().unwrap() {
                let subset = Subset::parse(
                    bytes(&label["subset"]).try_into().unwrap(),
                    parameters.depth,
                )
                .unwrap();
                assert_eq!(
                    hex::encode(subset.pack()),
                    label["subset"].as_str().unwrap()
                );
                assert_eq!(u32::from(subset.top().depth()), number(&label["di"]));
                assert_eq!(
                    subset.hole(),
                    Node::leaf(number(&label["dj"]) as u8, number(&label["path_j"]))
                );
                assert!(
                    manager
                        .label(subset.top(), subset.hole())
                        .ct_eq(&block(&label["label"]))
                );
            }
            let events = case["events"].as_array().unwrap();
            for session in case["sessions"].as_array().unwrap() {
                let event = events
                    .iter()
                    .find(|event| event["event"] == session["event"])
                    .unwrap();
                let (rho, j) = (number(&event["session"]), number(&session["session"]));
                let state = manager.prf.ratchet(&block(&event["C"]), rho, j);
                assert!(state.ct_eq(&block(&session["chain"])));
                assert_eq!(
                    manager.prf.group_key(&state, j).expose()[..],
                    bytes(&session["key"])
                );
                let check =
                    manager
                        .prf
                        .key_check(&block(&event["C"]), number(&event["event"]), rho);
                assert!(check.ct_eq(&block(&event["kcv"])));
            }
        }
    }
}
