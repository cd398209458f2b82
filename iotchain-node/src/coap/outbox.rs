//! Confirmable messages of ours that wait for their acknowledgement (RFC 7252, 4.2).

use super::{limits::Transmission, service::Peer};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// What a message was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A separate response.
    Response,
    /// A notification for the observer with this number.
    Notification(u64),
}

/// A message under way.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) purpose: Purpose,
    pub(super) attempt: u32,
    datagram: Vec<u8>,
    timeout: Duration,
    due: Instant,
}

/// What the timer decided about one message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send this again.
    Repeat(Peer, Vec<u8>, Purpose, u16),
    /// The peer is gone.
    GaveUp(Purpose),
}

/// All messages under way, by peer and Message ID.
pub(super) struct Outbox {
    transmission: Transmission,
    capacity: usize,
    waiting: HashMap<(Peer, u16), Waiting>,
}

impl Outbox {
    pub(super) fn new(transmission: Transmission, capacity: usize) -> Self {
        Outbox {
            transmission,
            capacity,
            waiting: HashMap::new(),
        }
    }

    /// Watches a message that was just sent for the `attempt`-th time. Over capacity it is sent once and not watched.
    pub(super) fn watch(
        &mut self,
        now: Instant,
        to: (Peer, u16),
        datagram: Vec<u8>,
        purpose: Purpose,
        attempt: u32,
        dice: u16,
    ) {
        if self.waiting.len() < self.capacity {
            let timeout = self.transmission.first_timeout(dice) * 2u32.saturating_pow(attempt);
            self.waiting.insert(
                to,
                Waiting {
                    purpose,
                    attempt,
                    datagram,
                    timeout,
                    due: now + timeout,
                },
            );
        }
    }

    /// Stops watching: the message was acknowledged, reset or replaced.
    pub(super) fn settle(&mut self, peer: &Peer, id: u16) -> Option<Waiting> {
        self.waiting.remove(&(peer.clone(), id))
    }

    /// What is due.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        let give_up = self.transmission.max_retransmit;
        self.waiting.retain(|(peer, id), w| {
            if w.due > now {
                return true;
            }
            if w.attempt >= give_up {
                due.push(Due::GaveUp(w.purpose));
                return false;
            }
            w.attempt += 1;
            w.timeout *= 2;
            w.due = now + w.timeout;
            due.push(Due::Repeat(
                peer.clone(),
                w.datagram.clone(),
                w.purpose,
                *id,
            ));
            true
        });
        due
    }

    /// Drops everything for a peer.
    pub(super) fn forget(&mut self, peer: &Peer) {
        self.waiting.retain(|(p, _), _| p != peer);
    }
}
