//! Keeps one producer in its group: joins, follows the broadcasts, and joins again when the membership ended, when the
//! group began anew under another gid, or when nothing may be sealed any more (spec 3.3, 4.1).

use std::sync::Arc;
use std::time::{Duration, Instant};

use iotchain::{Address, Error, GroupName, Roles, Session, SigningKey};

use super::producer::Producer;
use crate::NodeError;
use crate::catalogue::KeyServer;
use crate::clock::{self, Stop};
use crate::dtls::pki;
use crate::follow::{Follower, Journal};
use crate::join::{self, Identity, Joined};

/// How often the state is looked at.
const STEP: Duration = Duration::from_millis(500);
/// How long nothing may be sealed before the key server is asked: the next broadcast may be on its way.
const PATIENCE: Duration = Duration::from_secs(2);
/// Shortest and longest pause between two joins.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Clocks that differ by more than this, in seconds, make sessions begin and end at different times.
const CLOCK_TOLERANCE: u64 = 5;

/// Who joins, and where.
pub(super) struct Attendance {
    pub(super) producer: Arc<Producer>,
    pub(super) group: GroupName,
    pub(super) rs: Address,
    pub(super) key: Arc<SigningKey>,
    pub(super) certificate: Arc<pki::Identity>,
    pub(super) key_server: KeyServer,
}

/// What keeps the membership current.
pub(super) struct Presence {
    follower: Follower,
    /// The session whose pair keys the key server would not give: only a join helps.
    asked_in_vain: Option<Session>,
}

impl Attendance {
    /// The first join; waits for a key server that is out of reach or not ready. `None` once stopped.
    ///
    /// # Errors
    /// [`NodeError::Refused`] or [`NodeError::Protocol`] if the key server will not have us, or is not one;
    /// [`NodeError::Io`].
    pub(super) fn arrive(&self, stop: &Stop) -> Result<Option<Presence>, NodeError> {
        let mut pause = PAUSE.0;
        while !stop.is_stopped() {
            match self.join() {
                Ok(joined) => return self.attend(&joined, stop).map(Some),
                Err(error) if is_passing(&error) => {
                    tracing::warn!(group = %self.group, %error, "cannot join yet");
                }
                Err(error) => return Err(error),
            }
            stop.wait(pause);
            pause = (pause * 2).min(PAUSE.1);
        }
        Ok(None)
    }

    /// Stays a member until `stop`.
    pub(super) fn stay(self, mut presence: Presence, stop: &Stop) {
        let (mut sealed, mut joined) = (Instant::now(), Instant::now());
        let (mut pause, mut judged) = (PAUSE.0, presence.follower.journal().failed);
        while !stop.is_stopped() {
            // A broadcast may begin a session, and a session may bring other pair keys.
            presence.follower.wait_change(Instant::now() + STEP);
            let now = clock::now();
            if self.producer.session(now).is_some() {
                sealed = Instant::now();
            }
            let journal = presence.follower.journal();
            // A broadcast that was refused may mean that the group is another one by this time. Anybody can send one, so it
            // is a reason to ask, and no more.
            let doubtful = journal.failed != judged || !self.has_pair_keys(&mut presence);
            let over = now >= presence.follower.expires_at();
            let wanted = doubtful || sealed.elapsed() > PATIENCE || over;
            if !wanted {
                pause = PAUSE.0;
            } else if joined.elapsed() >= pause {
                pause = (pause * 2).min(PAUSE.1);
                if self.return_to(&mut presence, &journal, stop) {
                    judged = 0;
                }
                joined = Instant::now();
            }
        }
    }

    /// Whether RSK is that of the newest session, after asking for it, once, if need be (A2).
    fn has_pair_keys(&self, presence: &mut Presence) -> bool {
        let Some(session) = self.producer.wants_pair_keys() else {
            return true;
        };
        if presence.asked_in_vain == Some(session) {
            return false;
        }
        let Err(error) = presence.follower.renew() else {
            return true;
        };
        tracing::info!(group = %self.group, %session, %error, "no keys for requests");
        presence.asked_in_vain = Some(session);
        false
    }

    /// Joins again; whether the key server agreed.
    fn return_to(&self, presence: &mut Presence, journal: &Journal, stop: &Stop) -> bool {
        tracing::info!(group = %self.group, last_error = ?journal.last_error, "asking the key server");
        match self.join().and_then(|joined| self.attend(&joined, stop)) {
            Ok(returned) => *presence = returned,
            Err(error) => {
                tracing::warn!(group = %self.group, %error, "cannot join again");
                return false;
            }
        }
        true
    }

    /// Takes the place in the group that a join gave, and follows the group from there.
    fn attend(&self, joined: &Joined, stop: &Stop) -> Result<Presence, NodeError> {
        self.producer.take_place(joined, clock::now())?;
        let follower = Follower::spawn(joined, self.key_server.coap, stop)?;
        self.note(joined);
        Ok(Presence {
            follower,
            asked_in_vain: None,
        })
    }

    fn join(&self) -> Result<Joined, NodeError> {
        let identity = Identity::ResourceServer {
            key: &self.key,
            rs: self.rs,
            certificate: &self.certificate,
        };
        join::join(&self.key_server, identity, &self.group, Roles::PRODUCER)
    }

    fn note(&self, joined: &Joined) {
        let (ours, theirs) = (clock::now(), joined.key_server_time);
        if ours.since(theirs).max(theirs.since(ours)) > CLOCK_TOLERANCE {
            let (ours, theirs) = (ours.get(), theirs.get());
            tracing::warn!(
                ours,
                theirs,
                "the clocks of this host and the key server differ"
            );
        }
        let kid = self.producer.kid().map(|kid| hex::encode(kid.as_bytes()));
        let session = joined.session.get();
        tracing::info!(group = %self.group, session, kid, "joined");
    }
}

/// Whether trying again may help.
fn is_passing(error: &NodeError) -> bool {
    match error {
        NodeError::Net(_) => error.exit_code() == 4,
        NodeError::Refused { code, number, .. } => {
            code.class() == 5 || *number == Some(Error::Rate)
        }
        _ => false,
    }
}
