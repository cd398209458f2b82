//! Channel binding: what ties a proof to one connection or to one key server (spec 5.6).

use iotchain_core::{Error, Result};

/// The value both ends know about their DTLS connection, 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Type 1: the TLS exporter `EXPORTER-Channel-Binding` with empty context (RFC 9266). Binds to the connection.
    Exporter([u8; 32]),
    /// Type 2: SHA-256 of the key server's DER certificate (after RFC 5929). Binds to the server only, therefore each
    /// challenge is good for one proof.
    Certificate([u8; 32]),
}

impl ChannelBinding {
    /// From its type number and value.
    ///
    /// # Errors
    /// [`Error::Channel`] for a type other than 1 and 2 or a value that has not 32 bytes.
    pub fn new(cb_type: u8, value: &[u8]) -> Result<Self> {
        let value = value.try_into().map_err(|_| Error::Channel)?;
        match cb_type {
            1 => Ok(Self::Exporter(value)),
            2 => Ok(Self::Certificate(value)),
            _ => Err(Error::Channel),
        }
    }

    /// The type number.
    #[must_use]
    pub const fn cb_type(&self) -> u8 {
        match self {
            Self::Exporter(_) => 1,
            Self::Certificate(_) => 2,
        }
    }

    /// The value.
    #[must_use]
    pub const fn value(&self) -> &[u8; 32] {
        match self {
            Self::Exporter(value) | Self::Certificate(value) => value,
        }
    }
}
