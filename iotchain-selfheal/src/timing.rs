//! When sessions start (spec 3.2).

#[cfg(feature = "manager")]
use iotchain_core::Error;
use iotchain_core::cbor::Reader;
use iotchain_core::{Result, UnixTime};

/// When a session starts and how long the sessions from it on are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) starts: UnixTime,
    /// Seconds, at least 1.
    pub(crate) duration: u32,
}

impl Timing {
    /// `nbf, dur` of a payload, not yet checked.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            starts: UnixTime::new(reader.uint()?),
            duration: reader.u32()?,
        })
    }

    /// nbf below 2^40, and a session lasts.
    pub(crate) const fn is_valid(self) -> bool {
        self.starts.is_encodable() && self.duration != 0
    }

    /// Start of the session `sessions` later, saturating (spec A20).
    pub(crate) const fn start_after(self, sessions: u32) -> UnixTime {
        self.starts
            .saturating_add((sessions as u64).saturating_mul(self.duration as u64))
    }

    /// The times of the next session: it starts as planned and lasts as long as this one, unless said otherwise.
    ///
    /// # Errors
    /// [`Error::Type`] for a start before this one or beyond 2^40, or no length.
    #[cfg(feature = "manager")]
    pub(crate) fn next(
        self,
        planned: UnixTime,
        starts: Option<UnixTime>,
        duration: Option<u32>,
    ) -> Result<Self> {
        let next = Self {
            starts: starts.unwrap_or(planned),
            duration: duration.unwrap_or(self.duration),
        };
        if next.is_valid() && next.starts >= self.starts {
            Ok(next)
        } else {
            Err(Error::Type)
        }
    }
}
