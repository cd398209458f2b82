//! Echo: how a resource server learns that a request is no replay (RFC 9175, 2; spec 2.7).
//!
//! ```text
//! Echo value = BE32(uptime) ‖ first 8 bytes of HMAC-SHA-256(boot key, uptime ‖ client endpoint)
//! ```
//! The server keeps nothing per challenge, and a value dies with the boot key. It travels in clear, but the repeated
//! request is bound to it.

use iotchain_core::hash::hmac_sha256;
use iotchain_core::{Error, Result, Secret, TryCryptoRng};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Seconds since boot, of a clock that never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uptime(u32);

impl Uptime {
    /// From seconds since boot.
    #[must_use]
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Seconds since boot.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// So many seconds later.
    pub(crate) const fn after(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to `self`, 0 if `earlier` is later.
    pub(crate) const fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What issues and recognises the Echo values of one boot.
#[derive(Debug)]
pub struct EchoKey {
    key: Secret<32>,
    lifetime: u32,
}

/// The Echo option of a request, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo<'a> {
    /// There is none.
    Absent,
    /// It is not ours, too old, or for another endpoint.
    Wrong,
    /// It is ours.
    Valid {
        /// Value of the option, 1 to 40 bytes.
        value: &'a [u8],
        /// First instant at which neither it nor any other value issued so far is valid.
        until: Uptime,
    },
}

impl EchoKey {
    /// Length of the values issued here in bytes.
    pub const LEN: usize = 12;
    /// How long a value is valid unless configured otherwise, in seconds.
    pub const LIFETIME: u32 = 10;

    /// A key for this boot.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails.
    pub fn random(rng: &mut impl TryCryptoRng) -> Result<Self> {
        let mut key = [0; 32];
        rng.try_fill_bytes(&mut key).map_err(|_| Error::Random)?;
        let this = Self {
            key: Secret::new(key),
            lifetime: Self::LIFETIME,
        };
        key.zeroize();
        Ok(this)
    }

    /// With another lifetime in seconds, for clients that answer slowly.
    #[must_use]
    pub const fn with_lifetime(mut self, seconds: u32) -> Self {
        self.lifetime = seconds;
        self
    }

    /// The Echo value to challenge the client at `endpoint` (address and port, in any fixed form) with.
    #[must_use]
    pub fn issue(&self, endpoint: &[u8], now: Uptime) -> [u8; Self::LEN] {
        let seconds = now.0.to_be_bytes();
        let mac = hmac_sha256(self.key.expose(), &[&seconds, endpoint]);
        let mut value = [0; Self::LEN];
        for (to, from) in value.iter_mut().zip(seconds.iter().chain(&mac)) {
            *to = *from;
        }
        value
    }

    /// Judges the value of the Echo option in a request from `endpoint`; `None` if the request has no such option.
    #[must_use]
    pub fn judge<'a>(&self, option: Option<&'a [u8]>, endpoint: &[u8], now: Uptime) -> Echo<'a> {
        let Some(value) = option else {
            return Echo::Absent;
        };
        let Some(seconds) = value.first_chunk::<4>() else {
            return Echo::Wrong;
        };
        let issued = Uptime(u32::from_be_bytes(*seconds));
        let ours = bool::from(self.issue(endpoint, issued).ct_eq(value));
        if ours && issued <= now && now < issued.after(self.lifetime) {
            Echo::Valid {
                value,
                until: now.after(self.lifetime),
            }
        } else {
            Echo::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> EchoKey {
        EchoKey {
            key: Secret::new([byte; 32]),
            lifetime: EchoKey::LIFETIME,
        }
    }

    #[test]
    fn a_value_is_valid_for_its_endpoint_and_time() {
        let (key, issued) = (key(1), Uptime(100));
        let value = key.issue(b"client", issued);
        assert_eq!(value[..4], [0, 0, 0, 100]);
        let judge = |endpoint: &[u8], now| key.judge(Some(&value), endpoint, Uptime(now));
        let valid = |until| Echo::Valid {
            value: &value,
            until: Uptime(until),
        };
        assert_eq!(judge(b"client", 100), valid(110));
        assert_eq!(judge(b"client", 109), valid(119));
        assert_eq!(judge(b"client", 110), Echo::Wrong);
        assert_eq!(judge(b"client", 99), Echo::Wrong);
        assert_eq!(judge(b"other", 105), Echo::Wrong);
        assert_eq!(key.judge(None, b"client", issued), Echo::Absent);
    }

    #[test]
    fn nothing_else_is_valid() {
        let (key, now) = (key(1), Uptime(100));
        let value = key.issue(b"client", now);
        for bit in 0..value.len() * 8 {
            let mut flipped = value;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.judge(Some(&flipped), b"client", now), Echo::Wrong);
        }
        for len in 0..value.len() {
            assert_eq!(key.judge(Some(&value[..len]), b"client", now), Echo::Wrong);
        }
        let longer = [&value[..], &[0]].concat();
        assert_eq!(key.judge(Some(&longer), b"client", now), Echo::Wrong);
        let rebooted = self::key(2);
        assert_eq!(rebooted.judge(Some(&value), b"client", now), Echo::Wrong);
    }

    #[test]
    fn the_lifetime_is_configurable() {
        let key = key(1).with_lifetime(60);
        let value = key.issue(b"", Uptime(0));
        let until = Uptime(119);
        let valid = Echo::Valid {
            value: &value,
            until,
        };
        assert_eq!(key.judge(Some(&value), b"", Uptime(59)), valid);
        assert_eq!(key.judge(Some(&value), b"", Uptime(60)), Echo::Wrong);
    }
}
