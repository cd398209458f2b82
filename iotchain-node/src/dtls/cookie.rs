//! The cookie of a HelloVerifyRequest: a MAC over the address it was sent to (RFC 6347, 4.2.1).

use super::mac::{MacKey, equal};
use openssl::error::ErrorStack;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// A cookie lives for the window it was made in and the next one.
const WINDOW: Duration = Duration::from_secs(30);

/// Length of a cookie in bytes.
pub(super) const COOKIE_LEN: usize = 32;

/// Where and when a ClientHello arrived; attached to the object that answers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    peer: SocketAddr,
    window: u64,
}

/// Makes and checks cookies.
pub(super) struct CookieJar {
    key: MacKey,
}

impl CookieJar {
    pub(super) fn new(key: &[u8; 32]) -> Result<Self, ErrorStack> {
        Ok(CookieJar {
            key: MacKey::new(key)?,
        })
    }

    /// The cookie for an arrival.
    pub(super) fn bake(&self, arrival: &Arrival) -> Result<[u8; COOKIE_LEN], ErrorStack> {
        self.key
            .mac(format!("{} {}", arrival.window, arrival.peer).as_bytes())
    }

    /// Whether the cookie was made for this address, in this window or the one before.
    pub(super) fn accepts(&self, arrival: &Arrival, cookie: &[u8]) -> bool {
        let before = Arrival {
            window: arrival.window.wrapping_sub(1),
            ..*arrival
        };
        [*arrival, before]
            .iter()
            .any(|a| self.bake(a).is_ok_and(|c| equal(&c, cookie)))
    }
}

impl Arrival {
    pub(super) fn new(peer: SocketAddr, started: Instant, now: Instant) -> Self {
        Arrival {
            peer,
            window: now.duration_since(started).as_secs() / WINDOW.as_secs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_good_for_one_address_and_a_short_time() {
        let jar = CookieJar::new(&[7; 32]).unwrap();
        let (a, b) = (
            "127.0.0.1:1".parse().unwrap(),
            "127.0.0.1:2".parse().unwrap(),
        );
        let cookie = jar.bake(&Arrival { peer: a, window: 5 }).unwrap();
        assert!(jar.accepts(&Arrival { peer: a, window: 5 }, &cookie));
        assert!(jar.accepts(&Arrival { peer: a, window: 6 }, &cookie));
        assert!(!jar.accepts(&Arrival { peer: a, window: 7 }, &cookie));
        assert!(!jar.accepts(&Arrival { peer: b, window: 5 }, &cookie));
        assert!(!jar.accepts(&Arrival { peer: a, window: 5 }, &cookie[..31]));
    }
}
