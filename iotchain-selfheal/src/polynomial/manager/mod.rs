//! The group manager of a key server: ids, sessions, messages (spec 3.5.2).

mod ids;
mod issue;
mod parameters;
mod state;

pub use parameters::{Parameters, Plan};

use super::primitives::Prf;
use crate::manager::{Course, draw};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use ids::Life;
use iotchain_core::aes::Aes128;
use iotchain_core::{Error, GroupKey, Result, Secret, Session, Signer, TryCryptoRng, UnixTime};

/// B_j: what to publish for a session once the state of the manager is persisted, and not before the session starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The session j.
    pub session: Session,
    /// Its start.
    pub starts: UnixTime,
    /// Its message.
    pub message: Vec<u8>,
}

/// P_a of a session, computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Masked {
    session: u32,
    polynomial: Vec<u8>,
}

/// Where the numbers of sessions end: an epoch ends when it is closed.
const LAST: Session = Session::new(u32::MAX);

/// The group manager of one (gid, epoch).
///
/// It is a state machine without I/O: persist [`GroupManager::export`] after every change and **before** anything of the
/// change leaves the key server (personal key, message); there is one writer per gid at a time. Two different P_a for one
/// session give its key to everybody, so a state older than the last message must never sign again:
/// [`GroupManager::import`] refuses it, open a new gid instead (spec 3.6, A7).
///
/// At a session boundary [`GroupManager::advance`] comes first, then joins: a member may join in the current session.
pub struct GroupManager {
    parameters: Parameters,
    master: Secret<16>,
    /// The expanded form of `master`.
    expanded: Aes128,
    prf: Prf,
    changes: u64,
    course: Course,
    lives: BTreeMap<u32, Life>,
    /// First session that a member is left out of.
    revoked: BTreeMap<u32, u32>,
    /// The sessions in the window of session j, oldest first.
    masked: Vec<Masked>,
    message: Vec<u8>,
}

impl GroupManager {
    /// Opens an epoch. `master` is mk: 16 bytes from a CSPRNG, fresh for every epoch.
    ///
    /// # Errors
    /// [`Error::Type`] for parameters outside their ranges, or whose messages exceed 65535 bytes.
    pub fn new(parameters: Parameters, master: Secret<16>) -> Result<Self> {
        parameters.check()?;
        Ok(Self {
            parameters,
            expanded: Aes128::new(master.expose()),
            master,
            prf: Prf::new(parameters.gid, parameters.epoch),
            changes: 0,
            course: Course::new(parameters.first, LAST, parameters.timing()),
            lives: BTreeMap::new(),
            revoked: BTreeMap::new(),
            masked: Vec::new(),
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

    /// Number of the state: grows with every change, never goes back.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Begins the next session: B_j to publish. On failure nothing has changed, and nothing of the session may have been
    /// published.
    ///
    /// # Errors
    /// [`Error::SessionRange`] at the end of the epoch, [`Error::Type`] for a start before the current session's or
    /// beyond 2^40, or no length, [`Error::Size`] if the message exceeds 65535 bytes (open a new epoch), or the error of
    /// the signer.
    pub fn advance(&mut self, plan: Plan, signer: &impl Signer) -> Result<Announcement> {
        let (session, timing) = self.course.next(plan.starts, plan.duration)?;
        let newest = Masked {
            session,
            polynomial: self.polynomial(session)?,
        };
        let message = self.issue(session, timing, &newest, signer)?;

        self.message = message;
        let start = self.window_start(session);
        self.masked.retain(|masked| masked.session >= start);
        self.masked.push(newest);
        self.course.begin(session, timing);
        self.count_change();
        Ok(Announcement {
            session: Session::new(session),
            starts: timing.starts,
            message: self.message.clone(),
        })
    }

    /// The message of the current session, empty before the first.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// K_j of a session that has begun.
    ///
    /// # Errors
    /// [`Error::NotAnnounced`] for a later session, [`Error::SessionRange`] for one before the epoch.
    pub fn group_key(&self, session: Session) -> Result<GroupKey> {
        if session.get() > self.course.session() {
            return Err(Error::NotAnnounced);
        }
        if session < self.parameters.first {
            return Err(Error::SessionRange);
        }
        Ok(GroupKey::new(*self.secret(session.get()).expose()))
    }

    /// Ends the epoch: `next` is the first session of the next one (spec A16).
    ///
    /// # Errors
    /// [`Error::SessionRange`] if that session has begun here already.
    pub fn close(&mut self, next: Session) -> Result<()> {
        self.course.close(next)?;
        self.count_change();
        Ok(())
    }

    fn count_change(&mut self) {
        self.changes = self.changes.saturating_add(1);
    }
}

impl fmt::Debug for GroupManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupManager")
            .field("parameters", &self.parameters)
            .field("session", &self.course.session())
            .field("ids", &self.lives.len())
            .finish_non_exhaustive()
    }
}
