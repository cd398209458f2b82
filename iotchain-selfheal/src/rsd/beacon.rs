//! The beacon of a session: one step of a hash chain whose anchor an event signed (spec 3.2).
//!
//! ```text
//! [3, epoch, k, j, v(16)]        22 bytes with small numbers, at most 34
//! ```

use super::BEACON;
use super::primitives::ChainValue;
#[cfg(feature = "manager")]
use iotchain_core::cbor::Writer;
use iotchain_core::cbor::{self, Reader};
use iotchain_core::{Error, Result, Session};

/// The session that a beacon claims to announce. Nothing of it is verified: it only says which event to ask for after
/// [`Error::NeedEvent`].
///
/// # Errors
/// A format error, [`Error::Type`] for what is no beacon, [`Error::Version`] for another message.
pub fn beacon_session(message: &[u8]) -> Result<Session> {
    Beacon::parse(message).map(|beacon| Session::new(beacon.session))
}

/// A well-formed beacon, not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beacon {
    pub(crate) epoch: u32,
    /// k, the event whose chain it belongs to.
    pub(crate) event: u32,
    /// j, the session it announces.
    pub(crate) session: u32,
    /// v_j.
    pub(crate) value: ChainValue,
}

impl Beacon {
    /// Longest encoding in bytes.
    #[cfg(feature = "manager")]
    pub(crate) const MAX_LEN: usize = 34;

    /// # Errors
    /// A format error, [`Error::Type`], [`Error::Version`].
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        let elements = reader.array()?;
        if elements == 0 {
            return Err(Error::Type);
        }
        if reader.u32()? != BEACON {
            return Err(Error::Version);
        }
        if elements != 5 {
            return Err(Error::Type);
        }
        let [epoch, event, session] = [reader.u32()?, reader.u32()?, reader.u32()?];
        Ok(Self {
            epoch,
            event,
            session,
            value: *reader.array_of()?,
        })
    }

    /// Encodes to the front of `out`; the length written.
    ///
    /// # Errors
    /// [`Error::Buffer`]; [`Beacon::MAX_LEN`] bytes are always enough.
    #[cfg(feature = "manager")]
    pub(crate) fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        writer
            .array(5)
            .uint(BEACON.into())
            .uint(self.epoch.into())
            .uint(self.event.into());
        writer.uint(self.session.into()).bytes(&self.value);
        writer.finish()
    }
}
