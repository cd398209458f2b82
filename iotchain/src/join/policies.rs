//! Policies of a group: `{1: key update check interval, 2: expiration delta, ? -65537: pre-issue period}` (RFC 9594, 4.3.1;
//! spec 4.7).

use super::parameter::{PRIVATE_USE, Unknown, each_pair};
use iotchain_core::Result;
use iotchain_core::cbor::{Reader, Writer};

const CHECK_INTERVAL: i64 = 1;
const EXPIRATION_DELTA: i64 = 2;
const PRE_ISSUE: i64 = PRIVATE_USE;

/// Policies of a group (RFC 9594, 4.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupPolicies {
    /// Key Update Check Interval, seconds: how often to poll `num`.
    pub check_interval: u64,
    /// Expiration Delta, seconds: the grace after `exp`.
    pub expiration_delta: u64,
    /// Sessions at the end of an epoch in which the personal keys of the next one are given out; 0 if they are not.
    pub pre_issue: u32,
}

impl Default for GroupPolicies {
    /// The default values of RFC 9594, 3600 and 0, and no pre-issue.
    fn default() -> Self {
        Self {
            check_interval: 3600,
            expiration_delta: 0,
            pre_issue: 0,
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
                PRE_ISSUE => policies.pre_issue = reader.u32()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(policies)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.map(if self.pre_issue == 0 { 2 } else { 3 });
        writer.int(CHECK_INTERVAL).uint(self.check_interval);
        writer.int(EXPIRATION_DELTA).uint(self.expiration_delta);
        if self.pre_issue != 0 {
            writer.int(PRE_ISSUE).uint(self.pre_issue.into());
        }
    }
}
