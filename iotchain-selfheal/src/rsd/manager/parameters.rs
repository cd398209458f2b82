//! What a key server decides: the parameters of an epoch and the plan of a session.

use crate::rsd::event::MAX_HISTORY;
use crate::rsd::tree::MAX_DEPTH;
use crate::timing::Timing;
use iotchain_core::{Error, Gid, Result, Session, UnixTime};

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

    pub(super) const fn timing(&self) -> Timing {
        Timing {
            starts: self.starts,
            duration: self.duration,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let valid = matches!(self.depth, 1..=MAX_DEPTH)
            && (1..=self.history).contains(&self.window)
            && u32::from(self.history) <= MAX_HISTORY
            && self.first.get() != 0
            && self.first <= self.last
            && self.timing().is_valid();
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
