//! Policies of a group: `{1: key update check interval, 2: expiration delta}` (RFC 9594, 4.3.1).

use super::parameter::{Unknown, each_pair};
use iotchain_core::Result;
use iotchain_core::cbor::{Reader, Writer};

const CHECK_INTERVAL: i64 = 1;
const EXPIRATION_DELTA: i64 = 2;

/// Policies of a group (RFC 9594, 4.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupPolicies {
    /// Key Update Check Interval, seconds: how often to poll `num`.
    pub check_interval: u64,
    /// Expiration Delta, seconds: the grace after `exp`.
    pub expiration_delta: u64,
}

impl Default for GroupPolicies {
    /// The default values of RFC 9594: 3600 and 0.
    fn default() -> Self {
        Self {
            check_interval: 3600,
            expiration_delta: 0,
        }
    }
}

impl GroupPolicies {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut policies = Self::default();
        each_pair(reader, Unknown::Skip, |label, reader| {
            match label {
                CHECK_INTERVAL => policies.check_interval = reader.uint()?,
                EXPIRATION_DELTA => policies.expiration_delta = reader.uint()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(policies)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.map(2);
        writer.int(CHECK_INTERVAL).uint(self.check_interval);
        writer.int(EXPIRATION_DELTA).uint(self.expiration_delta);
    }
}
