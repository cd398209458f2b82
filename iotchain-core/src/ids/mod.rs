//! Identifiers and their wire forms (spec 1.1).

use crate::error::{Error, Result};
use core::fmt;

mod counter;
mod group_name;
mod kid;
mod short;

pub use counter::{KidContext, Piv};
pub use group_name::GroupName;
pub use kid::{BootSalt, Kid, Sid};

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// From its bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// From a slice.
            ///
            /// # Errors
            /// [`Error::Type`] unless the length is exact.
            pub fn from_slice(bytes: &[u8]) -> Result<Self> {
                bytes.try_into().map(Self).map_err(|_| Error::Type)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

fixed_bytes!(
    /// An Ethereum address, 20 bytes: a client, a contract, or a resource server (`rs`, the on-chain `res`).
    Address, 20
);
fixed_bytes!(
    /// The group instance, 4 bytes chosen at random by the key server and never reused by it.
    Gid, 4
);
fixed_bytes!(
    /// SHA-256 COSE Key Thumbprint, 32 bytes (RFC 9679).
    Thumbprint, 32
);

impl Address {
    /// Twenty zero bytes: "no contract".
    pub const ZERO: Self = Self([0; 20]);
}

/// Session index j, 1..=2^32-1 (spec 3.1). 0 stands for "before the first session" in counters of the group manager only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(u32);

impl Session {
    /// Session `j`.
    #[must_use]
    pub const fn new(j: u32) -> Self {
        Self(j)
    }

    /// The number j.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// j + 1, or `None` when the index is used up and the group needs a new gid.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(j) => Some(Self(j)),
            None => None,
        }
    }

    /// j - 1, or `None` at 0.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(j) => Some(Self(j)),
            None => None,
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The role byte of a member: bits 0-6 are the AIF REST-method-set (RFC 9237, 3), bit 7 marks a producer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// May read by GET.
    pub const GET: Self = Self(1);
    /// May POST.
    pub const POST: Self = Self(2);
    /// May PUT.
    pub const PUT: Self = Self(4);
    /// May read by FETCH.
    pub const FETCH: Self = Self(16);
    /// Seals representations: a resource server.
    pub const PRODUCER: Self = Self(0x80);

    /// From the role byte.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits)
    }

    /// The role byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether bit 7 is set.
    #[must_use]
    pub const fn is_producer(self) -> bool {
        self.contains(Self::PRODUCER)
    }

    /// Whether the CoAP method `code` (1..=7: GET 1, POST 2, PUT 3, DELETE 4, FETCH 5, ...) is in the set.
    #[must_use]
    pub const fn allows(self, code: u8) -> bool {
        matches!(code, 1..=7) && self.0 >> (code.wrapping_sub(1) & 7) & 1 == 1
    }
}

impl core::ops::BitOr for Roles {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
