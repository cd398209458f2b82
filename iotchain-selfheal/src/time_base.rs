//! Key server time on a node without a clock (spec A15).
//!
//! A node that only counts seconds since its boot keeps the difference between that count and the time of the key
//! server. It learns the difference at join; failing that, from the broadcasts themselves. Then the *smallest*
//! difference ever seen counts: a broadcast may arrive late, never early, so an attacker who holds broadcasts back
//! cannot stretch a deadline, however often it does so.

use iotchain_core::UnixTime;

/// The time of the key server as a function of local monotonic seconds.
///
/// ```
/// use iotchain_core::UnixTime;
/// use iotchain_selfheal::TimeBase;
/// let mut base = TimeBase::unknown();
/// assert_eq!(base.now(100), None);
/// base.observe(100, UnixTime::new(1_000_000)); // 40 s late
/// base.observe(160, UnixTime::new(1_000_100)); // on time
/// assert_eq!(base.now(200), Some(UnixTime::new(1_000_140)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBase {
    source: Source,
}

/// How the difference was learnt. Differences are key server time minus local seconds: the largest is the earliest
/// arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Unknown,
    Observed(i64),
    Told(i64),
}

impl TimeBase {
    /// Nothing known: broadcasts are processed without a clock and nothing is sealed.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            source: Source::Unknown,
        }
    }

    /// The key server's time was `server` when the local count was `local`, told over DTLS at join (exp - exi).
    #[must_use]
    pub const fn told(local: u64, server: UnixTime) -> Self {
        Self {
            source: Source::Told(difference(local, server)),
        }
    }

    /// A verified broadcast of a session that starts at `starts` arrived at `local`. Changes nothing once the key
    /// server told its time.
    pub fn observe(&mut self, local: u64, starts: UnixTime) {
        let seen = difference(local, starts);
        self.source = match self.source {
            Source::Unknown => Source::Observed(seen),
            Source::Observed(best) => Source::Observed(best.max(seen)),
            told @ Source::Told(_) => told,
        };
    }

    /// The time of the key server when the local count is `local`, if anything is known.
    #[must_use]
    pub const fn now(&self, local: u64) -> Option<UnixTime> {
        match self.source {
            Source::Unknown => None,
            Source::Observed(difference) | Source::Told(difference) => {
                Some(UnixTime::new(local.saturating_add_signed(difference)))
            }
        }
    }

    /// As [`TimeBase::now`], only if the key server told its time: what [`crate::rsd::Member::receive`] may compare a
    /// broadcast with. A time learnt from broadcasts runs late and would refuse the next one that comes on time.
    #[must_use]
    pub const fn told_now(&self, local: u64) -> Option<UnixTime> {
        match self.source {
            Source::Told(_) => self.now(local),
            Source::Unknown | Source::Observed(_) => None,
        }
    }
}

const fn difference(local: u64, server: UnixTime) -> i64 {
    // both stay far below 2^63 s; wrapping keeps the impossible case free of panics
    server.get().wrapping_sub(local).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a15_delayed_broadcasts_never_add_up() {
        let mut base = TimeBase::unknown();
        // dur 60; every beacon is held back 29 s longer than the one before
        for n in 0u64..100 {
            base.observe(n * 60 + n.min(20) * 29, UnixTime::new(1_000 + n * 60));
        }
        assert_eq!(base.now(6_000), Some(UnixTime::new(7_000)));
        assert_eq!(base.told_now(6_000), None);
    }

    #[test]
    fn a15_the_time_told_at_join_stands() {
        let mut base = TimeBase::told(50, UnixTime::new(1_000));
        base.observe(60, UnixTime::new(500));
        base.observe(60, UnixTime::new(5_000));
        assert_eq!(base.now(70), Some(UnixTime::new(1_020)));
        assert_eq!(base.told_now(70), Some(UnixTime::new(1_020)));
    }

    #[test]
    fn the_key_server_may_be_behind_the_local_count() {
        assert_eq!(
            TimeBase::told(500, UnixTime::new(100)).now(600),
            Some(UnixTime::new(200))
        );
        assert_eq!(
            TimeBase::told(500, UnixTime::new(100)).now(1),
            Some(UnixTime::new(0))
        );
    }
}
