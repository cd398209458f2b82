//! What a member tolerates in time (spec 3.3).

/// Tolerances of a member; seconds unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How far the clocks of key server and member may differ.
    pub skew: u64,
    /// How long K_j stays in use after its session ended without a successor.
    pub grace: u64,
    /// How many sessions one beacon may be ahead of the last verified one.
    pub max_skip: u32,
}

impl Policy {
    /// 60 s skew, 30 s grace, 4096 sessions.
    pub const DEFAULT: Self = Self {
        skew: 60,
        grace: 30,
        max_skip: 4096,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
