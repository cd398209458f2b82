//! Bodies in transfer: parts of requests on their way in, representations on their way out (RFC 7959).

use super::{
    code::Code,
    limits::{Limits, TRANSFER_LIFETIME},
    message::Message,
    option::{Options, number},
    service::Peer,
};
use std::{collections::HashMap, time::Instant};

/// What the blocks of one transfer have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TransferKey {
    peer: Peer,
    code: Code,
    options: Options,
}

impl TransferKey {
    /// Blocks of a request belong together if peer, method, target and Request-Tag agree (RFC 9175, 3.3).
    pub(super) fn of_request(peer: &Peer, message: &Message) -> Self {
        Self::of(
            peer,
            message,
            &[number::URI_PATH, number::URI_QUERY, number::REQUEST_TAG],
        )
    }

    /// Blocks of a response belong together if peer, method, target and Accept agree.
    pub(super) fn of_response(peer: &Peer, message: &Message) -> Self {
        Self::of(
            peer,
            message,
            &[number::URI_PATH, number::URI_QUERY, number::ACCEPT],
        )
    }

    fn of(peer: &Peer, message: &Message, wanted: &[u16]) -> Self {
        let mut options = Options::new();
        for (option, value) in message.options.iter().filter(|(n, _)| wanted.contains(n)) {
            options.add(option, value);
        }
        TransferKey {
            peer: peer.clone(),
            code: message.code,
            options,
        }
    }
}

/// How many bytes an entry holds.
pub(super) trait Weight {
    fn weight(&self) -> usize;
}

struct Entry<V> {
    touched: Instant,
    value: V,
}

/// A store bounded in count, in count per peer, in bytes and in age; the entry untouched for longest gives way.
pub(super) struct Shelf<V> {
    limits: Limits,
    entries: HashMap<TransferKey, Entry<V>>,
}

impl<V: Weight> Shelf<V> {
    pub(super) fn new(limits: &Limits) -> Self {
        Shelf {
            limits: *limits,
            entries: HashMap::new(),
        }
    }

    /// Puts an entry in, replacing one with the same key.
    pub(super) fn put(&mut self, now: Instant, key: TransferKey, value: V) {
        self.expire(now);
        self.entries.remove(&key);
        while self.entries.keys().filter(|k| k.peer == key.peer).count()
            >= self.limits.transfers_per_peer
        {
            self.evict(|k| k.peer == key.peer);
        }
        let room = self.limits.transfer_bytes.saturating_sub(value.weight());
        while self.entries.len() >= self.limits.transfers
            || (self.weight() > room && !self.entries.is_empty())
        {
            self.evict(|_| true);
        }
        self.entries.insert(
            key,
            Entry {
                touched: now,
                value,
            },
        );
    }

    /// Looks an entry up and keeps it alive.
    pub(super) fn get(&mut self, now: Instant, key: &TransferKey) -> Option<&V> {
        self.expire(now);
        let entry = self.entries.get_mut(key)?;
        entry.touched = now;
        Some(&entry.value)
    }

    /// Takes an entry out.
    pub(super) fn take(&mut self, now: Instant, key: &TransferKey) -> Option<V> {
        self.expire(now);
        self.entries.remove(key).map(|e| e.value)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        self.entries
            .retain(|_, e| now.duration_since(e.touched) < TRANSFER_LIFETIME);
    }

    /// Drops everything of a peer.
    pub(super) fn forget(&mut self, peer: &Peer) {
        self.entries.retain(|k, _| k.peer != *peer);
    }

    fn weight(&self) -> usize {
        self.entries.values().map(|e| e.value.weight()).sum()
    }

    fn evict(&mut self, eligible: impl Fn(&TransferKey) -> bool) {
        let oldest = self
            .entries
            .iter()
            .filter(|(k, _)| eligible(k))
            .min_by_key(|(_, e)| e.touched);
        if let Some(key) = oldest.map(|(k, _)| k.clone()) {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coap::{Token, Type};
    use std::time::Duration;

    impl Weight for Vec<u8> {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    fn key(port: u16, tag: u8) -> TransferKey {
        let mut message = Message::new(Type::Con, Code::PUT, 0, Token::default());
        message.options.add(number::REQUEST_TAG, [tag]);
        TransferKey::of_request(&Peer::plain(([127, 0, 0, 1], port).into()), &message)
    }

    #[test]
    fn count_bytes_and_age_are_bounded() {
        let limits = Limits {
            transfers: 8,
            transfers_per_peer: 2,
            transfer_bytes: 1000,
            ..Limits::default()
        };
        let (mut shelf, now) = (Shelf::new(&limits), Instant::now());
        for tag in 0..5 {
            shelf.put(
                now + Duration::from_millis(tag.into()),
                key(1, tag),
                vec![0; 10],
            );
        }
        assert_eq!(shelf.entries.len(), 2);
        for port in 2..100 {
            shelf.put(
                now + Duration::from_millis(port.into()),
                key(port, 0),
                vec![0; 10],
            );
        }
        assert_eq!(shelf.entries.len(), 8);
        shelf.put(now + Duration::from_secs(1), key(200, 0), vec![0; 995]);
        assert_eq!(shelf.weight(), 995);
        assert!(
            shelf
                .get(now + Duration::from_secs(30), &key(200, 0))
                .is_some()
        );
        assert!(
            shelf
                .get(now + Duration::from_secs(60), &key(200, 0))
                .is_none()
        );
    }
}
