//! What both ends of an object know about the group from the join (spec 1.1, 1.5).

use iotchain_core::{Gid, Suite, Thumbprint};

/// Size limit of an object in bytes unless configured otherwise (spec 1.2).
pub const MAX_OBJECT: usize = 2048;

/// Largest size limit that may be configured: AES-CCM with L = 2 (RFC 9053, 4.2).
pub const MAX_OBJECT_LIMIT: usize = 65_535;

/// One group instance: everything in it belongs to the gid and never changes while the gid lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The instance, chosen at random by the key server.
    pub gid: Gid,
    /// Thumbprint of the key server's signing key, pinned at join. It salts every key (spec 1.3).
    pub ks: Thumbprint,
    /// The two algorithms of the group.
    pub suite: Suite,
    /// Length of every sid of the group in bytes, 2 or 3.
    pub sid_len: usize,
}

/// What a receiver or a proxy tolerates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Longest object in bytes, at most [`MAX_OBJECT_LIMIT`].
    pub max_object: usize,
    /// How far, in seconds, the clock of a signer may be ahead.
    pub skew: u64,
    /// Oldest `iat`, in seconds before the present, of the first signed object of a resource (spec 2.9).
    pub max_age: u64,
}

impl Policy {
    /// 2048 bytes, 60 seconds, 24 hours.
    pub const DEFAULT: Self = Self {
        max_object: MAX_OBJECT,
        skew: 60,
        max_age: 24 * 60 * 60,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
