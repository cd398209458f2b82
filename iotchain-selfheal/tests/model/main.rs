//! Who can read which session, and when: real managers and real members against a specification in plain sets.
//!
//! A schedule is a list of steps: joins, revocations, refreshes, early sessions, restarts of the manager and of members, and
//! deliveries of anything that was ever broadcast, late, twice, in any order or never. After each step the model says for
//! every session whether a member releases its key, and under which session it seals.
#![cfg(feature = "manager")]

mod polynomial;
mod rsd;
#[path = "../support/mod.rs"]
mod support;

use iotchain_core::{GroupKey, Result, Session, UnixTime};
use proptest::prelude::*;

/// What happens next, and to whom.
pub(crate) type Step = (u8, u8);

/// The sessions that somebody is in: `from..until`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) from: u32,
    pub(crate) until: u32,
}

impl Life {
    pub(crate) fn contains(self, session: u32) -> bool {
        (self.from..self.until).contains(&session)
    }
}

/// Start and length of a session as the manager said them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) starts: u64,
    pub(crate) duration: u64,
}

impl Times {
    /// Whether a member whose clock shows `now` believes that the session has begun, with 60 s of tolerance.
    pub(crate) fn has_begun(self, now: u64) -> bool {
        self.starts <= now + 60
    }

    /// Whether the session is in use at `now`, with 30 s of grace.
    pub(crate) fn is_in_use(self, now: u64) -> bool {
        self.has_begun(now) && now < self.starts + self.duration + 30
    }
}

/// What a member shows of itself.
pub(crate) trait Observed {
    fn release(&self, session: Session) -> Result<GroupKey>;
    fn seals(&self, now: UnixTime) -> Option<Session>;
}

/// Compares a member with what the model says: `releases` and `seals`.
pub(crate) fn compare(
    member: &impl Observed,
    life: Life,
    keys: &[GroupKey],
    releases: impl Fn(u32) -> bool,
    seals: impl Fn(u64) -> Option<u32>,
    times: impl IntoIterator<Item = u64>,
) -> std::result::Result<(), TestCaseError> {
    for session in 0..=keys.len() as u32 + 1 {
        let key = member.release(Session::new(session));
        prop_assert_eq!(key.is_ok(), releases(session), "session {}", session);
        if let Ok(key) = key {
            prop_assert!(life.contains(session), "{} is not its session", session);
            let right = &keys[session as usize - 1];
            prop_assert!(key.ct_eq(right), "a wrong key of session {}", session);
        }
    }
    for now in times {
        let session = member.seals(UnixTime::new(now)).map(Session::get);
        prop_assert_eq!(session, seals(now), "at {}", now);
        prop_assert!(session.is_none_or(|session| life.contains(session)));
    }
    Ok(())
}

fn schedule() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(any::<Step>(), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn rsd_members_read_what_the_sets_say(
        window in 1u8..7, more in 0u8..3, capacity in 0u8..3, steps in schedule(),
    ) {
        match capacity {
            0 => rsd::play::<2>(window, window + more, &steps)?,
            1 => rsd::play::<4>(window, window + more, &steps)?,
            _ => rsd::play::<16>(window, window + more, &steps)?,
        }
    }

    #[test]
    fn polynomial_members_read_what_the_sets_say(
        window in 0u8..5, capacity in 0u8..3, steps in schedule(),
    ) {
        match capacity {
            0 => polynomial::play::<2>(window, &steps)?,
            1 => polynomial::play::<4>(window, &steps)?,
            _ => polynomial::play::<16>(window, &steps)?,
        }
    }
}
