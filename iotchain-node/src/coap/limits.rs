//! The numbers an endpoint lives by.

use std::time::Duration;

/// How long a sender remembers a Message ID it has seen (EXCHANGE_LIFETIME, RFC 7252, 4.8.2).
pub(super) const EXCHANGE_LIFETIME: Duration = Duration::from_secs(247);

/// How long parts of a body wait for the rest (spec 2.7).
pub(super) const TRANSFER_LIFETIME: Duration = Duration::from_secs(30);

/// What a server keeps at most, whatever arrives.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest body of a request in bytes; longer ones are answered 4.13.
    pub body: usize,
    /// Remembered exchanges of all peers.
    pub exchanges: usize,
    /// Remembered exchanges of one peer.
    pub exchanges_per_peer: usize,
    /// Bodies in transfer, in each direction.
    pub transfers: usize,
    /// Bodies in transfer of one peer, in each direction.
    pub transfers_per_peer: usize,
    /// Bytes of all bodies in transfer, in each direction.
    pub transfer_bytes: usize,
    /// Observers of all resources.
    pub observers: usize,
    /// Observers at one peer.
    pub observers_per_peer: usize,
    /// Requests whose answer was put off, and answers not yet acknowledged.
    pub pending: usize,
    /// Size exponent of the blocks we cut: 2 (64 bytes) suits 802.15.4, 6 (1024 bytes) is the maximum.
    pub szx: u8,
    /// Whether a plain-UDP peer must prove its address before a GET is answered at more than three times the
    /// length of the request (RFC 9175, 2.4). Answers of 136 bytes are let through: a minimal Ethernet frame pays for them.
    pub amplification_guard: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 64 << 10,
            exchanges: 16_384,
            exchanges_per_peer: 1024,
            transfers: 256,
            transfers_per_peer: 4,
            transfer_bytes: 8 << 20,
            observers: 4096,
            observers_per_peer: 64,
            pending: 1024,
            szx: super::block::MAX_SZX,
            amplification_guard: true,
        }
    }
}

/// How confirmable messages are repeated (RFC 7252, 4.8).
#[derive(Clone, Copy, Debug)]
pub struct Transmission {
    /// ACK_TIMEOUT: shortest wait before the first repetition. The wait is drawn between this and 1.5 times it.
    pub ack_timeout: Duration,
    /// MAX_RETRANSMIT: repetitions before giving up; the wait doubles each time.
    pub max_retransmit: u32,
}

impl Default for Transmission {
    fn default() -> Self {
        Transmission {
            ack_timeout: Duration::from_secs(2),
            max_retransmit: 4,
        }
    }
}

impl Transmission {
    /// The first wait, spread by ACK_RANDOM_FACTOR 1.5 with `dice` in 0..=65535.
    pub(super) fn first_timeout(&self, dice: u16) -> Duration {
        self.ack_timeout + self.ack_timeout.mul_f64(f64::from(dice) / 65536.0 / 2.0)
    }
}
