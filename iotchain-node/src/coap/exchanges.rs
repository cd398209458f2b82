//! Duplicates (RFC 7252, 4.5): each exchange is remembered with its answer, within bounds.

use super::{
    limits::{EXCHANGE_LIFETIME, Limits},
    service::Peer,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

/// An exchange is one Message ID of one peer.
type Key = (Peer, u16);

struct Seen {
    serial: u64,
    /// The datagram to repeat; empty while there is none.
    answer: Vec<u8>,
}

/// The exchanges of the last 247 seconds, as far as the bounds allow.
pub(super) struct Exchanges {
    total: usize,
    per_peer: usize,
    next: u64,
    seen: HashMap<Key, Seen>,
    order: BTreeMap<u64, (Instant, Key)>,
    of_peer: HashMap<Peer, BTreeSet<u64>>,
}

impl Exchanges {
    pub(super) fn new(limits: &Limits) -> Self {
        Exchanges {
            total: limits.exchanges,
            per_peer: limits.exchanges_per_peer,
            next: 0,
            seen: HashMap::new(),
            order: BTreeMap::new(),
            of_peer: HashMap::new(),
        }
    }

    /// The answer to a message seen before: `Some(&[])` if it got none.
    pub(super) fn answer(&self, peer: &Peer, id: u16) -> Option<&[u8]> {
        self.seen
            .get(&(peer.clone(), id))
            .map(|s| s.answer.as_slice())
    }

    /// Remembers a message and its answer.
    pub(super) fn remember(&mut self, now: Instant, peer: &Peer, id: u16, answer: Vec<u8>) {
        self.expire(now);
        let oldest_of_peer = self
            .of_peer
            .get(peer)
            .filter(|s| s.len() >= self.per_peer)
            .and_then(BTreeSet::first);
        if let Some(serial) = oldest_of_peer.copied() {
            self.remove(serial);
        }
        while self.seen.len() >= self.total {
            let Some((&serial, _)) = self.order.first_key_value() else {
                break;
            };
            self.remove(serial);
        }
        let serial = self.next;
        self.next += 1;
        let key = (peer.clone(), id);
        self.order.insert(serial, (now, key.clone()));
        self.of_peer.entry(peer.clone()).or_default().insert(serial);
        if let Some(old) = self.seen.insert(key, Seen { serial, answer }) {
            self.unlist(old.serial, peer);
        }
    }

    /// Forgets what is older than the lifetime.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((&serial, (at, _))) = self.order.first_key_value() {
            if now.duration_since(*at) < EXCHANGE_LIFETIME {
                break;
            }
            self.remove(serial);
        }
    }

    fn remove(&mut self, serial: u64) {
        if let Some((_, key)) = self.order.get(&serial).cloned() {
            self.seen.remove(&key);
            self.unlist(serial, &key.0);
        }
    }

    fn unlist(&mut self, serial: u64, peer: &Peer) {
        self.order.remove(&serial);
        if let Some(of_peer) = self.of_peer.get_mut(peer) {
            of_peer.remove(&serial);
            if of_peer.is_empty() {
                self.of_peer.remove(peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn peer(port: u16) -> Peer {
        Peer::plain(([127, 0, 0, 1], port).into())
    }

    #[test]
    fn one_peer_cannot_push_out_the_memory_of_another() {
        let limits = Limits {
            exchanges: 10,
            exchanges_per_peer: 4,
            ..Limits::default()
        };
        let (mut exchanges, now) = (Exchanges::new(&limits), Instant::now());
        exchanges.remember(now, &peer(1), 7, vec![1]);
        for id in 0..1000 {
            exchanges.remember(now, &peer(2), id, vec![2]);
        }
        assert_eq!(exchanges.answer(&peer(1), 7), Some(&[1][..]));
        assert_eq!(exchanges.answer(&peer(2), 995), None);
        assert_eq!(exchanges.answer(&peer(2), 996), Some(&[2][..]));
        for port in 3..100 {
            exchanges.remember(now, &peer(port), 1, vec![]);
        }
        assert_eq!(
            (
                exchanges.seen.len(),
                exchanges.order.len(),
                exchanges.of_peer.len()
            ),
            (10, 10, 10)
        );
        exchanges.expire(now + Duration::from_secs(248));
        assert_eq!(
            (
                exchanges.seen.len(),
                exchanges.order.len(),
                exchanges.of_peer.len()
            ),
            (0, 0, 0)
        );
    }
}
