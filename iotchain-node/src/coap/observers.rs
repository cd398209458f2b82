//! Who wants to hear about which resource (RFC 7641).

use super::{endpoint::Asked, limits::Limits, message::Token, service::Peer};
use std::{collections::HashMap, sync::Arc};

/// The sequence number of a notification has 24 bits.
const SEQUENCE_MASK: u32 = 0x00ff_ffff;

/// One registration.
pub(super) struct Observer {
    /// The request that registered, asked again for each notification.
    pub(super) asked: Arc<Asked>,
    /// Message ID of the notification that is not yet acknowledged.
    pub(super) waiting: Option<u16>,
    /// Whether the resource changed since that notification.
    pub(super) stale: bool,
    sequence: u32,
}

/// All registrations.
pub(super) struct Observers {
    total: usize,
    per_peer: usize,
    next: u64,
    by_id: HashMap<u64, Observer>,
    by_token: HashMap<(Peer, Token), u64>,
}

impl Observers {
    pub(super) fn new(limits: &Limits) -> Self {
        Observers {
            total: limits.observers,
            per_peer: limits.observers_per_peer,
            next: 0,
            by_id: HashMap::new(),
            by_token: HashMap::new(),
        }
    }

    /// Adds or renews a registration; the sequence number to show, or `None` if there is no room.
    pub(super) fn register(&mut self, asked: Arc<Asked>) -> Option<u32> {
        let key = (asked.peer.clone(), asked.message.token);
        if let Some(observer) = self
            .by_token
            .get(&key)
            .and_then(|id| self.by_id.get_mut(id))
        {
            observer.asked = asked;
            observer.sequence = (observer.sequence + 1) & SEQUENCE_MASK;
            return Some(observer.sequence);
        }
        let of_peer = self
            .by_token
            .keys()
            .filter(|(peer, _)| *peer == key.0)
            .count();
        if self.by_id.len() >= self.total || of_peer >= self.per_peer {
            return None;
        }
        let id = self.next;
        self.next += 1;
        self.by_id.insert(
            id,
            Observer {
                asked,
                waiting: None,
                stale: false,
                sequence: 1,
            },
        );
        self.by_token.insert(key, id);
        Some(1)
    }

    /// Ends the registration of this peer under this Token.
    pub(super) fn deregister(&mut self, peer: &Peer, token: Token) -> Option<Observer> {
        let id = self.by_token.remove(&(peer.clone(), token))?;
        self.by_id.remove(&id)
    }

    /// Ends a registration.
    pub(super) fn remove(&mut self, id: u64) -> Option<Observer> {
        let observer = self.by_id.remove(&id)?;
        self.by_token
            .remove(&(observer.asked.peer.clone(), observer.asked.message.token));
        Some(observer)
    }

    /// The observers of a path.
    pub(super) fn of_path(&self, path: &[&str]) -> Vec<u64> {
        let concerned = self
            .by_id
            .iter()
            .filter(|(_, o)| o.asked.path.iter().eq(path));
        concerned.map(|(id, _)| *id).collect()
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Observer> {
        self.by_id.get_mut(&id)
    }

    /// Ends every registration of a peer.
    pub(super) fn forget(&mut self, peer: &Peer) {
        self.by_token.retain(|(p, _), _| p != peer);
        self.by_id.retain(|_, o| o.asked.peer != *peer);
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}

impl Observer {
    /// The number of the next notification.
    pub(super) fn next_sequence(&mut self) -> u32 {
        self.sequence = (self.sequence + 1) & SEQUENCE_MASK;
        self.sequence
    }
}
