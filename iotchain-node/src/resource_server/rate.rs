//! How many answers a second are sealed (spec 2.7): a forged address must not use up PIVs and bandwidth at will.

use std::time::Instant;

/// Answers a second to addresses that nobody has verified.
const STRANGERS: f64 = 100.0;
/// Answers a second to the others.
const PROVEN: f64 = 2000.0;

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Answer it.
    Answer,
    /// Let the peer show its address first: strangers ask too often.
    Challenge,
    /// Too many requests.
    Refuse,
}

/// Two buckets, so that strangers cannot crowd out those who showed their address.
#[derive(Debug)]
pub(super) struct Rate {
    strangers: Bucket,
    proven: Bucket,
}

#[derive(Debug)]
struct Bucket {
    rate: f64,
    tokens: f64,
    filled: Instant,
}

impl Rate {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            strangers: Bucket::full(STRANGERS, now),
            proven: Bucket::full(PROVEN, now),
        }
    }

    /// Counts a request of a peer whose address is `reachable`, proven, or not.
    pub(super) fn admit(&mut self, reachable: bool, now: Instant) -> Admission {
        match reachable {
            true if self.proven.take(now) => Admission::Answer,
            true => Admission::Refuse,
            false if self.strangers.take(now) => Admission::Answer,
            false => Admission::Challenge,
        }
    }
}

impl Bucket {
    /// Holds as many tokens as come in a second.
    const fn full(rate: f64, now: Instant) -> Self {
        Self {
            rate,
            tokens: rate,
            filled: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = self.rate.min(self.tokens + since * self.rate);
        self.filled = self.filled.max(now);
        let any = self.tokens >= 1.0;
        if any {
            self.tokens -= 1.0;
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn strangers_are_challenged_and_crowd_nobody_out() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        let count = |rate: &mut Rate, reachable, now| {
            let admitted = (0..5000).map(|_| rate.admit(reachable, now));
            admitted
                .filter(|admission| *admission == Admission::Answer)
                .count()
        };
        assert_eq!(count(&mut rate, false, start), 100);
        assert_eq!(rate.admit(false, start), Admission::Challenge);
        assert_eq!(count(&mut rate, true, start), 2000);
        assert_eq!(rate.admit(true, start), Admission::Refuse);
        let later = start + Duration::from_millis(500);
        assert_eq!(count(&mut rate, false, later), 50);
        assert_eq!(count(&mut rate, true, later), 1000);
    }
}
