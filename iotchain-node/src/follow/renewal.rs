//! The personal key of the next epoch: when to ask for it, so that not everybody asks at once (spec 4.7).
//!
//! ```text
//! session       ... 93 | 94  95  96  97  98  99 100 | 101 ...        last = 100, pre-issue period of 6 sessions
//! asks                 | ---- at some moment ---- |                  the last quarter is left for other attempts
//! ```
//! Who slept through the period hears an event of an epoch that it knows nothing of, and asks within half a session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{STEP, State};
use crate::clock::{self, Stop};
use crate::join::Joined;
use crate::runtime::random;

/// Shortest and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Asks in the name of one member.
pub(super) struct Renewal {
    state: Arc<State>,
    pre_issue: u32,
}

impl Renewal {
    pub(super) fn new(state: &Arc<State>, joined: &Joined) -> Self {
        Self {
            state: Arc::clone(state),
            pre_issue: joined.policies.pre_issue,
        }
    }

    pub(super) fn run(self, stop: &Stop) {
        let (mut moment, mut pause, mut settled) = (None, PAUSE.0, 0);
        while !stop.wait(STEP) {
            let astray = self.state.journal().astray;
            let Some(within) = self.time_left(astray != settled) else {
                (moment, pause) = (None, PAUSE.0);
                continue;
            };
            let now = Instant::now();
            if now < *moment.get_or_insert_with(|| now + within.mul_f64(chance())) {
                continue;
            }
            match self.state.renew() {
                Ok(()) => settled = astray,
                Err(error) => {
                    tracing::info!(%error, "no personal key of the next epoch yet");
                    self.state.journal().unreachable += 1;
                }
            }
            moment = Some(now + pause);
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// The time in which the next personal key should be asked for; none while there is no reason to.
    fn time_left(&self, astray: bool) -> Option<Duration> {
        let membership = self.state.membership();
        let member = membership.member();
        let newest = member.newest().filter(|_| member.next().is_none())?;
        let (starts, ends) = (member.starts(newest)?, member.ends(newest)?);
        let session = ends.since(starts);
        if astray {
            return Some(Duration::from_secs(session) / 2);
        }
        let last = member.current().personal_key().last();
        let ahead = last.get().saturating_sub(newest.get());
        let left = ends.since(clock::now()) + u64::from(ahead) * session;
        (ahead < self.pre_issue).then_some(Duration::from_secs(left) * 3 / 4)
    }
}

/// Anything from 0 to 1. Without random numbers it is late rather than early.
fn chance() -> f64 {
    random().map_or(1.0, |bytes| {
        f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
    })
}
