//! What a run gave: who read what, and the bytes and work it took.

use crate::trace::Trace;
use core::ops::AddAssign;

/// Work that costs a battery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// AES-128 blocks, each under a key of its own.
    pub aes: u64,
    /// SHA-256 compressions (64 bytes each).
    pub sha256: u64,
    /// Signature verifications.
    pub verifications: u64,
    /// Multiplications in GF(2^128).
    pub products: u64,
}

/// What the signed bytes are shorter than a message: signature and an empty map go, context and additional data come.
const NOT_SIGNED: u64 = 42;

impl Work {
    /// Recognizing a message of `len` bytes: its SHA-256.
    #[must_use]
    pub const fn recognize(len: usize) -> Self {
        Self {
            aes: 0,
            sha256: compressions(len as u64),
            verifications: 0,
            products: 0,
        }
    }

    /// Verifying a message of `len` bytes: its SHA-256, that of the signed bytes, and the signature.
    #[must_use]
    pub const fn verify(len: usize) -> Self {
        let signed = compressions((len as u64).saturating_sub(NOT_SIGNED));
        Self {
            sha256: compressions(len as u64) + signed,
            verifications: 1,
            ..Self::recognize(len)
        }
    }

    /// Instructions on a Cortex-M4, from the measured 8.2 k per AES block with its key, 2.4 k per SHA-256 compression,
    /// 2.1 M per ES256K verification (spec 3.4.8), and 1.26 k per multiplication: 0.43 M for 340 of them (spec 3.5.4).
    #[must_use]
    pub const fn instructions(self) -> u64 {
        self.aes * 8_200
            + self.sha256 * 2_400
            + self.verifications * 2_100_000
            + self.products * 1_260
    }
}

/// Compressions of SHA-256 over `len` bytes.
const fn compressions(len: u64) -> u64 {
    (len + 9).div_ceil(64)
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.aes += other.aes;
        self.sha256 += other.sha256;
        self.verifications += other.verifications;
        self.products += other.products;
    }
}

/// One member's part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// For each session, the session in which the member first had its key.
    pub read: Vec<Option<u32>>,
    /// Bytes on air for this member alone, per session.
    pub unicast: Vec<u64>,
    /// Bytes received while a member.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes got at the join.
    pub joined: u64,
    /// Work while a member, without the join.
    pub work: Work,
}

impl Record {
    /// Nothing read yet.
    #[must_use]
    pub fn new(sessions: u32) -> Self {
        Self {
            read: vec![None; sessions as usize],
            unicast: vec![0; sessions as usize],
            ..Self::default()
        }
    }

    /// Notes that the key of session `j` was known in session `now`.
    pub fn note(&mut self, j: u32, now: u32) {
        if let Some(read) = index(&mut self.read, j) {
            *read = read.or(Some(now));
        }
    }

    /// Counts bytes that crossed the air in session `j` for this member alone.
    pub fn carry(&mut self, j: u32, bytes: u64) {
        if let Some(unicast) = index(&mut self.unicast, j) {
            *unicast += bytes;
        }
    }
}

/// The entry of session `j` in a list that begins with session 1.
fn index<T>(list: &mut [T], j: u32) -> Option<&mut T> {
    list.get_mut(j.checked_sub(1)? as usize)
}

/// A strategy on a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Bytes broadcast, per session.
    pub broadcast: Vec<u64>,
    /// The members, in the order of the trace.
    pub members: Vec<Record>,
    /// Whether work was counted, or the strategy is a model of bytes alone.
    pub counts_work: bool,
}

/// The outcome in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Pairs of a member and one of its sessions.
    pub memberships: u64,
    /// Of these, read within the session.
    pub at_once: u64,
    /// Read in a later session.
    pub healed: u64,
    /// Never read.
    pub lost: u64,
    /// Sessions that somebody read without being a member.
    pub leaks: u64,
    /// Bytes on air per session: broadcasts once, unicast each.
    pub air: f64,
    /// Bytes received per member and session.
    pub received: f64,
    /// Bytes sent per member and session.
    pub sent: f64,
    /// Mean bytes at the join.
    pub joined: f64,
    /// Work of all members.
    pub work: Work,
}

impl Outcome {
    /// Bytes on air in each session.
    #[must_use]
    pub fn air(&self) -> Vec<u64> {
        let mut air = self.broadcast.clone();
        for member in &self.members {
            for (sum, bytes) in air.iter_mut().zip(&member.unicast) {
                *sum += bytes;
            }
        }
        air
    }

    /// The whole run in a few numbers.
    #[must_use]
    pub fn summary(&self, trace: &Trace) -> Summary {
        let mut sum = Summary::default();
        let (mut received, mut sent, mut joined) = (0, 0, 0);
        for (life, record) in trace.lives.iter().zip(&self.members) {
            for (j, read) in trace.iter().zip(&record.read) {
                match (life.is_member(j), read) {
                    (true, Some(when)) if *when <= j => sum.at_once += 1,
                    (true, Some(_)) => sum.healed += 1,
                    (true, None) => sum.lost += 1,
                    (false, Some(_)) => sum.leaks += 1,
                    (false, None) => {}
                }
            }
            received += record.received;
            sent += record.sent;
            joined += record.joined;
            sum.work += record.work;
        }
        sum.memberships = sum.at_once + sum.healed + sum.lost;
        let per_membership = |bytes: u64| bytes as f64 / sum.memberships as f64;
        sum.air = self.air().iter().sum::<u64>() as f64 / f64::from(trace.sessions);
        sum.received = per_membership(received);
        sum.sent = per_membership(sent);
        sum.joined = joined as f64 / self.members.len() as f64;
        sum
    }
}
