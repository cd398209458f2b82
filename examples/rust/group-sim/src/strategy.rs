//! The ways to key a group that are compared.

use crate::outcome::Outcome;
use crate::trace::Trace;
use crate::{mls, polynomial, rsd, unicast};
use clap::ValueEnum;

/// What the link allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The key server transmits, nobody answers.
    OneWay,
    /// A member without the key of the current session asks for it, once per session.
    TwoWay,
}

/// How a group is keyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// Ratcheted subset difference: events, beacons, healing. The real code.
    Rsd,
    /// Masked polynomials: one message per session. The real code.
    Polynomial,
    /// A fresh key under a subset-difference cover every session: the real code with a refresh in each session.
    Cover,
    /// The new key to each member alone when the group changes, point to point (RFC 9594, 6). A cost model.
    Unicast,
    /// MLS (RFC 9420), the key server commits. A cost model from measured figures.
    Mls,
    /// MLS (RFC 9420) in its best case, a tree that all members have committed to. A cost model.
    MlsWarm,
}

/// What a strategy may be tuned with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Events that one rsd event heals; also what a member holds.
    pub window: u8,
    /// An rsd event is transmitted again every so many sessions; 0 for never.
    pub repeat: u32,
    /// Every so many sessions begin with a fresh chain state, revocation or not; 0 for never.
    pub refresh: u32,
    /// t of the polynomials: how many members may be revoked.
    pub degree: u32,
    /// w of the polynomials: earlier sessions that one message heals.
    pub earlier: u8,
    /// Seed of the keys.
    pub seed: u64,
}

/// Bytes of a CoAP GET of `/ace-group/GNAME/bc` with a five-byte group name and a one-byte token:
/// header 4 + 1, paths 10 + 6 + 3.
pub const REQUEST_LEN: u64 = 24;

impl Strategy {
    /// Its name on the command line and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsd => "rsd",
            Self::Polynomial => "polynomial",
            Self::Cover => "cover",
            Self::Unicast => "unicast",
            Self::Mls => "mls",
            Self::MlsWarm => "mls-warm",
        }
    }

    /// Whether it is a cost model and not the real code.
    #[must_use]
    pub const fn is_model(self) -> bool {
        matches!(self, Self::Unicast | Self::Mls | Self::MlsWarm)
    }

    /// Plays the trace.
    ///
    /// # Errors
    /// The error of the key server or of a member where none may occur; `TooManyRevoked` if the polynomials have not
    /// enough roots for the trace.
    pub fn run(
        self,
        trace: &Trace,
        mode: Mode,
        settings: &Settings,
    ) -> iotchain_core::Result<Outcome> {
        match self {
            Self::Rsd => rsd::ratcheted(trace, mode, settings),
            Self::Polynomial => polynomial::run(trace, mode, settings),
            Self::Cover => rsd::cover_every_session(trace, mode, settings),
            Self::Unicast => Ok(unicast::run(trace, mode)),
            Self::Mls => Ok(mls::run(trace, mode, mls::Tree::ServerCommits)),
            Self::MlsWarm => Ok(mls::run(trace, mode, mls::Tree::Warm)),
        }
    }
}
