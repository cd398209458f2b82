//! What a member remembers of the newest events (spec 3.4.6, A12, C1, C2).

use super::event::Beginning;
use super::primitives::{ChainValue, Prf, State};
use crate::timing::Timing;
use crate::window::Numbered;
use iotchain_core::{GroupKey, UnixTime};

/// The front half of the SHA-256 of an event message. Who finds two messages with one, which takes 2^64 tries, only has the
/// second ignored.
pub(crate) type Fingerprint = [u8; 16];

/// The fingerprint of a message with this SHA-256.
pub(crate) fn fingerprint(digest: &[u8; 32]) -> Fingerprint {
    digest.first_chunk().copied().unwrap_or_default()
}

/// C at `position`; the states of later sessions follow from it.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) position: u32,
    pub(crate) state: State,
}

impl Chain {
    /// No state: sessions start at 1.
    pub(crate) const NONE: Self = Self {
        position: 0,
        state: State::new([0; 16]),
    };

    /// The chain at `session`, which is not before its position.
    pub(crate) fn at(&self, prf: &Prf, session: u32) -> Self {
        Self {
            position: session,
            state: prf.ratchet(&self.state, self.position, session),
        }
    }

    /// Whether two states of one interval lie on the same chain; compared at the later position.
    pub(crate) fn agrees(&self, prf: &Prf, other: &Self) -> bool {
        let (early, late) = if self.position < other.position {
            (self, other)
        } else {
            (other, self)
        };
        prf.ratchet(&early.state, early.position, late.position)
            .ct_eq(&late.state)
    }
}

/// The newest session of an event, with what comes after it: each session costs one expansion of a chain state.
#[derive(Clone, Debug)]
pub(crate) struct Newest {
    /// k, 0 for none.
    pub(crate) event: u32,
    /// K_j of the newest session.
    pub(crate) key: GroupKey,
    /// C_{j+1}.
    pub(crate) next: Chain,
}

impl Newest {
    /// No session.
    pub(crate) const NONE: Self = Self {
        event: 0,
        key: GroupKey::new([0; 16]),
        next: Chain::NONE,
    };

    /// Session j of `event`, which `chain` leads to.
    pub(crate) fn new(prf: &Prf, event: u32, chain: &Chain, session: u32) -> Self {
        let (key, state) = prf.session(&chain.at(prf, session).state, session);
        Self {
            event,
            key,
            next: Chain {
                position: session.saturating_add(1),
                state,
            },
        }
    }

    /// Whether it is that session, of that event.
    pub(crate) const fn is(&self, event: u32, session: u32) -> bool {
        self.event == event && self.next.position == session.saturating_add(1)
    }
}

/// One event and the interval of sessions that it opens. A session, a place in a chain or a duration of 0 says that it is
/// not known: each would be at least 1.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// k.
    pub(crate) event: u32,
    /// First session of the interval.
    session: u32,
    /// First session of the next event, from a signed history.
    end: u32,
    /// Highest session of the interval that a message, a beacon or the key server announced; 0 for none.
    pub(crate) announced: u32,
    /// Earliest chain state held.
    chain: Chain,
    /// Newest verified place in the beacon chain.
    beacon: (u32, ChainValue),
    /// Times, once the message itself was received: seconds from one session to the next, and the start of the first.
    duration: u32,
    starts: UnixTime,
    /// Of the message, once it was received.
    message: Fingerprint,
}

impl Numbered for Known {
    const NONE: Self = Self {
        event: 0,
        session: 0,
        end: 0,
        announced: 0,
        chain: Chain::NONE,
        beacon: (0, [0; 16]),
        duration: 0,
        starts: UnixTime::new(0),
        message: [0; 16],
    };

    fn number(&self) -> u32 {
        self.event
    }

    fn set_number(&mut self, event: u32) {
        self.event = event;
    }
}

impl Known {
    /// First session of the interval.
    pub(crate) fn session(&self) -> Option<u32> {
        given(self.session)
    }

    /// First session of the next event.
    pub(crate) fn end(&self) -> Option<u32> {
        given(self.end)
    }

    /// Earliest chain state held.
    pub(crate) fn chain(&self) -> Option<&Chain> {
        (self.chain.position != 0).then_some(&self.chain)
    }

    /// Newest verified place in the beacon chain, and the value there.
    pub(crate) fn beacon(&self) -> Option<(u32, &ChainValue)> {
        let (position, value) = &self.beacon;
        (*position != 0).then_some((*position, value))
    }

    /// Times, and the fingerprint of the message, once that was received.
    pub(crate) fn message(&self) -> Option<(Timing, &Fingerprint)> {
        let timing = Timing {
            starts: self.starts,
            duration: self.duration,
        };
        (self.duration != 0).then_some((timing, &self.message))
    }

    /// Start of its first session and length of all of them, once the message was received.
    pub(crate) fn timing(&self) -> Option<Timing> {
        self.message().map(|(timing, _)| timing)
    }

    /// A signed history named the first session.
    pub(crate) const fn begin(&mut self, session: u32) {
        self.session = session;
    }

    /// A signed history named the first session of the next event.
    pub(crate) const fn finish(&mut self, session: u32) {
        self.end = session;
    }

    /// A place in the beacon chain was verified.
    pub(crate) const fn reach(&mut self, session: u32, value: ChainValue) {
        self.beacon = (session, value);
    }

    /// The message was received.
    pub(crate) const fn receive(&mut self, timing: Timing, message: Fingerprint) {
        (self.starts, self.duration) = (timing.starts, timing.duration);
        self.message = message;
    }

    /// Whether K_session may be released: before the certified end, or announced.
    pub(crate) fn releases(&self, session: u32) -> bool {
        self.end()
            .map_or(session <= self.announced, |end| session < end)
    }

    /// The beginnings that are certain: that of the event itself, and that of the next one.
    pub(crate) const fn beginnings(&self) -> [Beginning; 2] {
        [
            Beginning {
                event: self.event,
                session: self.session,
            },
            Beginning {
                event: self.event.saturating_add(1),
                session: self.end,
            },
        ]
    }

    /// Keeps the earliest state; the caller has checked that they agree.
    pub(crate) fn keep(&mut self, chain: &Chain) {
        if self
            .chain()
            .is_none_or(|held| chain.position < held.position)
        {
            self.chain = chain.clone();
        }
    }

    pub(crate) fn announce(&mut self, session: u32) {
        self.announced = self.announced.max(session);
    }
}

/// A number that 0 stands for the lack of.
fn given(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain_core::Gid;

    #[test]
    fn a12_states_of_one_chain_agree_at_the_later_position() {
        let prf = Prf::new(Gid::new([1; 4]), 1);
        let first = Chain {
            position: 5,
            state: State::new([7; 16]),
        };
        let later = Chain {
            position: 9,
            state: prf.ratchet(&first.state, 5, 9),
        };
        let other = Chain {
            position: 9,
            state: State::new([8; 16]),
        };
        assert!(first.agrees(&prf, &later) && later.agrees(&prf, &first));
        assert!(!first.agrees(&prf, &other) && !other.agrees(&prf, &first));
        assert!(
            !Chain {
                position: 6,
                ..first.clone()
            }
            .agrees(&prf, &later)
        );
    }
}
