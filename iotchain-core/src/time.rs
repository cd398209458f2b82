//! Wall-clock time as a value: device crates never read a clock.

/// Seconds since 1970-01-01T00:00:00Z. On the wire always below 2^40 (spec 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The largest time the wire can carry, 2^40 - 1.
    pub const MAX: Self = Self((1 << 40) - 1);

    /// A time of `seconds` since 1970. Values of 2^40 and above are kept as they are; [`UnixTime::is_encodable`] tells.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether the wire can carry this time (below 2^40).
    #[must_use]
    pub const fn is_encodable(self) -> bool {
        self.0 <= Self::MAX.0
    }

    /// `self + seconds`, stopping at `u64::MAX`.
    #[must_use]
    pub const fn saturating_add(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// `self - seconds`, stopping at 0.
    #[must_use]
    pub const fn saturating_sub(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Seconds from `earlier` to `self`, 0 if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds between the two, whichever is earlier.
    #[must_use]
    pub const fn abs_diff(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}
