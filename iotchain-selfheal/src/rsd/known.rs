//! What a member remembers of the newest events (spec 3.4.6, A12, C1, C2).

use super::event::Beginning;
use super::primitives::{ChainValue, Prf, State};
use crate::timing::Timing;
use crate::window::Numbered;

/// C at `position`; the states of later sessions follow from it.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) position: u32,
    pub(crate) state: State,
}

impl Chain {
    /// The chain at `session`, which is not before its position.
    pub(crate) fn at(&self, prf: &Prf, session: u32) -> Self {
        Self {
            position: session,
            state: prf.ratchet(&self.state, self.position, session),
        }
    }

    /// Whether two states of one interval lie on the same chain; compared at the later position.
    pub(crate) fn agrees(&self, prf: &Prf, other: &Self) -> bool {
        let later = self.position.max(other.position);
        let [a, b] = [self, other].map(|chain| chain.at(prf, later));
        a.state.ct_eq(&b.state)
    }
}

/// One event and the interval of sessions that it opens.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// k.
    pub(crate) event: u32,
    /// First session of the interval.
    pub(crate) session: Option<u32>,
    /// First session of the next event, from a signed history.
    pub(crate) end: Option<u32>,
    /// Highest session of the interval that a message, a beacon or the key server announced; 0 for none.
    pub(crate) announced: u32,
    /// Earliest chain state held.
    pub(crate) chain: Option<Chain>,
    /// Newest verified place in the beacon chain.
    pub(crate) beacon: Option<(u32, ChainValue)>,
    /// Times, once the message itself was received.
    pub(crate) timing: Option<Timing>,
    /// SHA-256 of the message.
    pub(crate) digest: Option<[u8; 32]>,
}

impl Numbered for Known {
    fn new(event: u32) -> Self {
        Self {
            event,
            session: None,
            end: None,
            announced: 0,
            chain: None,
            beacon: None,
            timing: None,
            digest: None,
        }
    }

    fn number(&self) -> u32 {
        self.event
    }
}

impl Known {
    /// Whether K_session may be released: before the certified end, or announced.
    pub(crate) fn releases(&self, session: u32) -> bool {
        self.end
            .map_or(session <= self.announced, |end| session < end)
    }

    /// The beginnings that are certain: that of the event itself, and that of the next one.
    pub(crate) fn beginnings(&self) -> impl Iterator<Item = Beginning> {
        let next = self.event.checked_add(1).zip(self.end);
        [self.session.map(|session| (self.event, session)), next]
            .into_iter()
            .flatten()
            .map(|(event, session)| Beginning { event, session })
    }

    /// Keeps the earliest state; the caller has checked that they agree.
    pub(crate) fn keep(&mut self, chain: Chain) {
        if self
            .chain
            .as_ref()
            .is_none_or(|held| chain.position < held.position)
        {
            self.chain = Some(chain);
        }
    }

    pub(crate) fn announce(&mut self, session: u32) {
        self.announced = self.announced.max(session);
    }
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
