//! What a key server decides: the parameters of an epoch and the plan of a session.

use crate::broadcast::{LARGEST_MAX_LEN, MAX_OVERHEAD};
use crate::polynomial::MAX_DEGREE;
use crate::timing::Timing;
use iotchain_core::{Error, Gid, Result, Session, UnixTime};

/// What is fixed for one epoch of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The group instance.
    pub gid: Gid,
    /// Counts re-keyings inside the gid.
    pub epoch: u32,
    /// t, the most members that can be out in one session of theirs, 1..=1024.
    pub degree: u32,
    /// w, how many earlier sessions one message heals.
    pub window: u8,
    /// First session.
    pub first: Session,
    /// Planned start of the first session.
    pub starts: UnixTime,
    /// Seconds per session, at least 1.
    pub duration: u32,
}

impl Parameters {
    /// The defaults of 3.5.2: t 16, window 7.
    #[must_use]
    pub const fn new(gid: Gid, epoch: u32, first: Session) -> Self {
        Self {
            gid,
            epoch,
            degree: 16,
            window: 7,
            first,
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

    /// Length of the coefficients of one P_a in bytes.
    pub(super) fn polynomial_len(&self) -> usize {
        usize::try_from(self.degree).map_or(usize::MAX, |t| t.saturating_add(1).saturating_mul(16))
    }

    pub(super) fn check(&self) -> Result<()> {
        let sessions = usize::from(self.window).saturating_add(1);
        let message = sessions
            .saturating_mul(self.polynomial_len().saturating_add(16))
            .saturating_add(MAX_OVERHEAD);
        let valid = (1..=MAX_DEGREE).contains(&self.degree)
            && message <= LARGEST_MAX_LEN
            && self.first.get() != 0
            && self.timing().is_valid();
        if valid { Ok(()) } else { Err(Error::Type) }
    }
}

/// How the next session departs from the plan, if it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Another start than planned, e.g. an emergency revocation.
    pub starts: Option<UnixTime>,
    /// Another session length in seconds.
    pub duration: Option<u32>,
}

impl Plan {
    /// Go on as planned.
    pub const KEEP: Self = Self {
        starts: None,
        duration: None,
    };

    /// Start the session at `time`, e.g. at once.
    #[must_use]
    pub const fn at(time: UnixTime) -> Self {
        Self {
            starts: Some(time),
            duration: None,
        }
    }
}
