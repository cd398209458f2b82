//! Keeps a membership current: observes the key server's broadcasts over plain CoAP (spec 3.3, 4.4), and asks in time for
//! the personal key of the next epoch (spec 4.7).
//!
//! ```text
//! /ace-group/GNAME/bc   events   --\
//!                                   >--> Membership::receive --> newest session
//! /ace-group/GNAME/bn   beacons  --/         | E_NEED_EVENT
//!                                            v
//!                                   GET /ace-group/GNAME/bc?j=N
//! ```
//! Broadcasts are public and authenticated, and every one of them may be lost: whoever was cut off registers again and
//! heals.

mod journal;
mod renewal;

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use iotchain::core::cbor::Reader;
use iotchain::{Error, GroupName, Received, Session, UnixTime};

use crate::clock::{self, Stop};
use crate::coap::{Call, Client, Reply, Settings, Transmission};
use crate::join::{HostMembership, Joined, Shared, SharedLine};
use crate::runtime::NetError;
use crate::{NodeError, link};

pub use journal::{Entry, Journal};
use renewal::Renewal;

/// How often a silent observation is looked after.
const STEP: Duration = Duration::from_millis(500);
/// Seconds after the planned end of a session at which the broadcast of the next one is overdue.
const LATE: u64 = 2;
/// After this much silence it is registered again, even if nothing seems to be missing: the key server may have restarted.
const SILENCE: Duration = Duration::from_secs(60);
/// Pauses between two registrations that fail or bring nothing new.
const BACKOFF: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
];
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// A GET is repeated soon, since it will be made again anyway.
const TRANSMISSION: Transmission = Transmission {
    ack_timeout: Duration::from_millis(400),
    max_retransmit: 2,
};

/// Threads that keep a membership current until they are dropped.
#[derive(Debug)]
pub struct Follower {
    state: Arc<State>,
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    membership: Shared,
    line: SharedLine,
    journal: Mutex<Journal>,
    change: Condvar,
    expires_at: Mutex<UnixTime>,
}

impl Follower {
    /// Follows the group that was joined, at the key server's address for broadcasts.
    ///
    /// # Errors
    /// [`NodeError::Net`] if no thread or socket can be had.
    pub fn spawn(joined: &Joined, key_server: SocketAddr, stop: &Stop) -> Result<Self, NodeError> {
        let state = Arc::new(State {
            membership: Arc::clone(&joined.membership),
            line: joined.shared_line(),
            journal: Mutex::default(),
            change: Condvar::new(),
            expires_at: Mutex::new(joined.expires_at),
        });
        // Its own end must not end the others.
        let mut follower = Self {
            state,
            stop: stop.child(),
            threads: Vec::new(),
        };
        for resource in ["bc", "bn"] {
            let watch = Watch::new(&follower.state, key_server, joined.group(), resource)?;
            follower.start(resource, move |stop| watch.run(stop))?;
        }
        let renewal = Renewal::new(&follower.state, joined);
        follower.start("renewal", move |stop| renewal.run(stop))?;
        Ok(follower)
    }

    fn start(
        &mut self,
        what: &str,
        body: impl FnOnce(&Stop) + Send + 'static,
    ) -> Result<(), NodeError> {
        let stop = self.stop.clone();
        let thread = thread::Builder::new()
            .name(format!("follow-{what}"))
            .spawn(move || body(&stop))
            .map_err(NetError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    /// End of membership, as the key server said last.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        *self.state.expires_at()
    }

    /// What came in so far.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.state.journal().clone()
    }

    /// Waits until session `session` or a later one is announced; whether it is.
    pub fn wait_session(&self, session: Session, timeout: Duration) -> bool {
        let reached = || self.newest().is_some_and(|newest| newest >= session);
        let deadline = Instant::now() + timeout;
        while !reached() {
            if !self.wait_change(deadline) {
                return reached();
            }
        }
        true
    }

    /// Waits until something comes in; whether it did before `deadline`.
    pub fn wait_change(&self, deadline: Instant) -> bool {
        let journal = self.state.journal();
        let before = journal.received + journal.failed;
        let left = deadline.saturating_duration_since(Instant::now());
        let unchanged = |journal: &mut Journal| journal.received + journal.failed == before;
        let waited = self
            .state
            .change
            .wait_timeout_while(journal, left, unchanged);
        let (_journal, result) = waited.unwrap_or_else(PoisonError::into_inner);
        !result.timed_out()
    }

    /// Asks the key server for this member's material again, over the association of its proof: the pair keys of the
    /// present session, and the personal key of the next epoch once there is one.
    ///
    /// # Errors
    /// As [`Line::renew`](crate::join::Line::renew).
    pub fn renew(&self) -> Result<(), NodeError> {
        self.state.renew()
    }

    /// Whether the group is in an epoch whose personal key is missing.
    #[must_use]
    pub fn is_astray(&self) -> bool {
        self.state.journal().lost
    }

    /// The newest announced session.
    #[must_use]
    pub fn newest(&self) -> Option<Session> {
        self.state.membership().member().newest()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.stop();
        for thread in self.threads.drain(..) {
            // A panic was reported by its own thread.
            let _ = thread.join();
        }
    }
}

impl State {
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expires_at(&self) -> MutexGuard<'_, UnixTime> {
        self.expires_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn membership(&self) -> MutexGuard<'_, HostMembership> {
        self.membership
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self) -> Result<(), NodeError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.membership().member().next().is_some();
        let (expires_at, prepared) = line.renew(&self.membership)?;
        *self.expires_at() = expires_at;
        if prepared && !before {
            self.journal().prepared += 1;
            tracing::debug!("the next epoch is prepared");
        }
        Ok(())
    }

    /// Takes a broadcast in and writes down what became of it.
    fn receive(&self, message: &[u8]) -> Result<Received, Error> {
        let outcome = self.membership().receive(message, Some(clock::now()));
        self.journal().enter(message, outcome);
        self.change.notify_all();
        outcome
    }

    /// Whether the broadcast of the next session is overdue, or that of the present one is missing.
    fn is_behind(&self) -> bool {
        let membership = self.membership();
        let member = membership.member();
        let end = member.newest().and_then(|newest| member.ends(newest));
        end.is_none_or(|end| clock::now() >= end.saturating_add(LATE))
    }
}

/// One observed resource.
struct Watch {
    state: Arc<State>,
    client: Client,
    group: String,
    target: String,
}

impl Watch {
    fn new(
        state: &Arc<State>,
        key_server: SocketAddr,
        group: &GroupName,
        resource: &str,
    ) -> Result<Self, NodeError> {
        let settings = Settings {
            transmission: TRANSMISSION,
            response_timeout: Duration::from_secs(5),
            ..link::settings()?
        };
        let group = format!("ace-group/{group}");
        Ok(Self {
            state: Arc::clone(state),
            client: Client::udp(key_server, settings)?,
            target: format!("{group}/{resource}"),
            group,
        })
    }

    fn run(mut self, stop: &Stop) {
        let mut pauses = BACKOFF.iter();
        while !stop.is_stopped() {
            match self.observe(stop) {
                // Whatever came starts the pauses over.
                Ok(true) => pauses = BACKOFF.iter(),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(target = %self.target, %error, "broadcasts are out of reach");
                    self.state.journal().unreachable += 1;
                }
            }
            stop.wait(*pauses.next().unwrap_or(&BACKOFF_MAX));
        }
    }

    /// Registers and takes in what comes until it is silent for too long. Whether anything new came.
    fn observe(&mut self, stop: &Stop) -> Result<bool, NodeError> {
        let Self {
            state,
            client,
            group,
            target,
        } = self;
        let mut observation = client.observe(&Call::get(target))?;
        let (mut news, mut heard) = (false, Instant::now());
        while !stop.is_stopped() {
            match observation.next(STEP)? {
                Some(reply) => {
                    heard = Instant::now();
                    let fetch = |call: &Call| Ok(observation.request(call)?);
                    news |= take(state, group, &reply, fetch)?;
                }
                // Nobody knows whether the server still knows us; asking again settles it.
                None if heard.elapsed() > SILENCE || state.is_behind() => break,
                None => {}
            }
        }
        Ok(news)
    }
}

/// Takes a broadcast in and fetches the event it needs. Whether it brought something new.
fn take(
    state: &State,
    group: &str,
    reply: &Reply,
    mut fetch: impl FnMut(&Call) -> Result<Reply, NodeError>,
) -> Result<bool, NodeError> {
    let outcome = state.receive(&reply.payload);
    if outcome != Err(Error::NeedEvent) {
        return Ok(is_news(outcome));
    }
    let Some(session) = beacon_session(&reply.payload) else {
        return Ok(false);
    };
    let event = fetch(&Call::get(&format!("{group}/bc?j={session}")))?;
    if !event.code.is_success() {
        return Err(link::refusal(
            format!("key server: event of session {session}"),
            &event,
        ));
    }
    state.journal().fetched += 1;
    let fetched = state.receive(&event.payload);
    let again = state.receive(&reply.payload);
    Ok(is_news(fetched) || is_news(again))
}

fn is_news(outcome: Result<Received, Error>) -> bool {
    matches!(
        outcome,
        Ok(Received::Event { .. } | Received::Beacon { .. })
    )
}

/// j of the beacon `[3, epoch, k, j, v]`. What it announces was not verified; it only says what to ask for.
fn beacon_session(message: &[u8]) -> Option<u32> {
    let mut reader = Reader::new(message);
    (reader.array().ok()? == 5).then_some(())?;
    for _ in 0..3 {
        reader.u32().ok()?;
    }
    reader.u32().ok()
}
