//! The group manager of a key server: slots, sessions, events (spec 3.4.5).

mod change;
mod departures;
mod epochs;
mod issue;
mod parameters;
mod replica;
mod slots;
mod state;

pub use epochs::{Due, EpochManager, Former};
pub use parameters::{Parameters, Plan};
pub use replica::{Fact, Position, Replica};

use super::beacon::Beacon;
use super::primitives::{ChainValue, Prf, State};
use super::tree::Node;
use crate::manager::{Course, Journal, draw};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use change::Change;
use core::fmt;
use departures::Departures;
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
/// It is a state machine without I/O: persist what every change leaves in the [journal](crate::Journaled) **before**
/// anything of the change leaves the key server (personal key, announcement); there is one writer per gid at a time.
/// A state older than the last answer must never be used again: open a new gid instead (spec A7).
/// [`Journaled::changes`](crate::Journaled::changes) tells states apart.
///
/// At a session boundary [`GroupManager::advance`] comes first, then joins: a join takes effect in the current session.
pub struct GroupManager {
    parameters: Parameters,
    master: Secret<16>,
    /// The expanded form of `master`.
    labels: Aes128,
    prf: Prf,
    journal: Journal,
    course: Course,
    cohorts: Vec<Cohort>,
    next_slot: u32,
    /// First session of the history that a slot was granted.
    grants: BTreeMap<u32, u32>,
    departures: Departures,
    /// Event k is at index k - 1.
    events: Vec<Issued>,
    message: Vec<u8>,
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
            journal: Journal::new(parameters.gid, parameters.epoch),
            course: Course::new(parameters.first, parameters.last, parameters.timing()),
            cohorts: Vec::new(),
            next_slot: 0,
            grants: BTreeMap::new(),
            departures: Departures::default(),
            events: Vec::new(),
            message: Vec::new(),
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
        self.course.current()
    }

    /// Start of the current session, of the first one before the epoch opens.
    #[must_use]
    pub const fn starts(&self) -> UnixTime {
        self.course.timing().starts
    }

    /// Planned start of the next session.
    #[must_use]
    pub const fn next_starts(&self) -> UnixTime {
        self.course.planned().starts
    }

    /// Seconds per session.
    #[must_use]
    pub const fn duration(&self) -> u32 {
        self.course.timing().duration
    }

    /// Slots that are still free. At 0 the group needs a new epoch.
    #[must_use]
    pub const fn free_slots(&self) -> u32 {
        self.slots().saturating_sub(self.next_slot)
    }

    /// Sessions left after the current one. At 0 the group needs a new epoch.
    #[must_use]
    pub const fn sessions_left(&self) -> u32 {
        self.course.left()
    }

    /// Begins the next session: B_j to publish. It begins with an event if it leaves somebody out, if the plan says
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
        let change = self.step(plan, rng, signer)?;
        let event = !matches!(change, Change::Keep);
        self.make(change)?;
        self.announcement(event)
    }

    /// The change that begins the next session.
    fn step(
        &self,
        plan: Plan,
        rng: &mut impl TryCryptoRng,
        signer: &impl Signer,
    ) -> Result<Change> {
        let (session, timing) = self.course.next(plan.starts, plan.duration)?;
        let goes_on = !self.departures.is_due(session)
            && !plan.refresh
            && timing == self.course.planned()
            && !self.events.is_empty();
        if goes_on {
            return Ok(Change::Keep);
        }
        let fresh = Fresh::draw(rng)?;
        Ok(Change::Event(self.issue(session, timing, &fresh, signer)?))
    }

    /// B_j of the current session, with its event if it began with one.
    fn announcement(&self, event: bool) -> Result<Announcement> {
        Ok(Announcement {
            session: Session::new(self.course.session()),
            starts: self.starts(),
            beacon: self.beacon()?,
            event: event.then(|| self.message.clone()),
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
        let session = self.course.session();
        let (k, event) = self.event_at(session).ok_or(Error::NeedEvent)?;
        let value = self.beacon_value(k, event, session);
        let beacon = Beacon {
            epoch: self.parameters.epoch,
            event: k,
            session,
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
        if j > self.course.session() {
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
        self.make(Change::Close { next: next.get() })
    }

    const fn slots(&self) -> u32 {
        1u32.wrapping_shl(self.parameters.depth as u32)
            .wrapping_sub(1)
    }

    /// The session that the epoch opened with, the earliest one that it may open with before that.
    fn opens_at(&self) -> u32 {
        let first = self.events.first();
        first.map_or(self.parameters.first.get(), |event| event.session)
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
            .field("session", &self.course.session())
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
