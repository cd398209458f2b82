//! Echo values: proof that a client is where it says, and that its request is recent (RFC 9175, 2; spec 2.7).
//!
//! ```text
//! BE32(seconds since start) || first 8 bytes of HMAC-SHA-256(key, seconds || endpoint)
//! ```

use super::service::Peer;
use crate::dtls::mac::{MacKey, equal};
use openssl::error::ErrorStack;
use std::{
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// For how long a value is good.
const FRESH: Duration = Duration::from_secs(10);

/// For how long an address that returned a value counts as reachable.
const REACHABLE: Duration = Duration::from_secs(300);

/// Addresses remembered as reachable.
const REACHABLE_MAX: usize = 4096;

/// Makes and checks Echo values without keeping any.
pub(super) struct EchoGuard {
    key: MacKey,
    started: Instant,
    reachable: HashMap<SocketAddr, Instant>,
}

impl EchoGuard {
    pub(super) fn new(key: &[u8; 32], now: Instant) -> Result<Self, ErrorStack> {
        Ok(EchoGuard {
            key: MacKey::new(key)?,
            started: now,
            reachable: HashMap::new(),
        })
    }

    /// A value for this peer; empty, and therefore never valid, if the library is out of memory.
    pub(super) fn issue(&self, now: Instant, peer: &Peer) -> Vec<u8> {
        let seconds = u32::try_from(now.duration_since(self.started).as_secs()).unwrap_or(u32::MAX);
        self.value(seconds, peer).unwrap_or_default()
    }

    /// If the value was issued to this peer within the last ten seconds: the first instant at which neither it nor any
    /// other value issued so far is good.
    pub(super) fn fresh_until(&self, now: Instant, peer: &Peer, value: &[u8]) -> Option<Instant> {
        let (seconds, _) = value.split_first_chunk::<4>()?;
        let seconds = u32::from_be_bytes(*seconds);
        let uptime = now.duration_since(self.started).as_secs();
        let age = uptime.checked_sub(seconds.into())?;
        let fresh =
            age <= FRESH.as_secs() && self.value(seconds, peer).is_ok_and(|v| equal(&v, value));
        fresh.then_some(self.started + Duration::from_secs(uptime + 1) + FRESH)
    }

    /// Notes that a fresh value came back from an address.
    pub(super) fn reached(&mut self, now: Instant, peer: &Peer) {
        if self.reachable.len() >= REACHABLE_MAX {
            self.reachable
                .retain(|_, at| now.duration_since(*at) < REACHABLE);
        }
        if self.reachable.len() < REACHABLE_MAX || self.reachable.contains_key(&peer.addr) {
            self.reachable.insert(peer.addr, now);
        }
    }

    /// Notes that an address which is reachable answered something we sent; a spoofed answer makes no address reachable.
    pub(super) fn still_there(&mut self, now: Instant, peer: &Peer) {
        if self.is_reachable(now, peer) {
            self.reached(now, peer);
        }
    }

    /// Whether the peer has shown that it is where it says: by its association, or lately by an Echo value.
    pub(super) fn is_reachable(&self, now: Instant, peer: &Peer) -> bool {
        let lately = || {
            self.reachable
                .get(&peer.addr)
                .is_some_and(|at| now.duration_since(*at) < REACHABLE)
        };
        peer.association.is_some() || lately()
    }

    fn value(&self, seconds: u32, peer: &Peer) -> Result<Vec<u8>, ErrorStack> {
        let association = peer.association.as_ref().map_or(0, |a| a.id);
        let mut message = seconds.to_be_bytes().to_vec();
        message.extend_from_slice(&association.to_be_bytes());
        message.extend_from_slice(peer.addr.to_string().as_bytes());
        let mac = self.key.mac(&message)?;
        let mut value = seconds.to_be_bytes().to_vec();
        value.extend(mac.iter().take(8));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_good_for_one_peer_and_ten_seconds() {
        let now = Instant::now();
        let mut guard = EchoGuard::new(&[1; 32], now).unwrap();
        let (a, b) = (
            Peer::plain(([127, 0, 0, 1], 1).into()),
            Peer::plain(([127, 0, 0, 1], 2).into()),
        );
        let at = now + Duration::from_secs(100);
        let value = guard.issue(at, &a);
        assert_eq!(value.len(), 12);
        let fresh = |at, peer, value: &[u8]| guard.fresh_until(at, peer, value).is_some();
        assert!(fresh(at + Duration::from_secs(10), &a, &value));
        assert!(!fresh(at + Duration::from_secs(11), &a, &value));
        assert!(!fresh(at, &b, &value));
        assert!(!fresh(now, &a, &value), "from the future");
        // a value of the same second, seen at its very end, is the last to be good
        let until = guard.fresh_until(at, &a, &value).unwrap();
        assert!(fresh(until - Duration::from_millis(1), &a, &value));
        assert!(!fresh(until, &a, &value));
        for bit in 0..96 {
            let mut forged = value.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(!fresh(at, &a, &forged));
        }
        guard.reached(at, &a);
        assert!(guard.is_reachable(at, &a) && !guard.is_reachable(at, &b));
        assert!(!guard.is_reachable(at + REACHABLE, &a));
    }
}
