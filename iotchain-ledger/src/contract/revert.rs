//! Why the contract refused, in words.

use std::fmt;

use alloy_sol_types::{Revert as StringRevert, SolError};

use crate::contract::abi;

/// What a reverted call returned: the ABI encoding of an error, or nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Revert(Vec<u8>);

impl Revert {
    /// From the returned bytes.
    #[must_use]
    pub const fn new(data: Vec<u8>) -> Self {
        Self(data)
    }

    /// The returned bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.0
    }

    /// Name of the contract's error, if it is one of `AccessToken`'s.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        abi::error_name(self.0.first_chunk()?)
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.name() {
            return f.write_str(name);
        }
        match StringRevert::abi_decode_validate(&self.0) {
            Ok(revert) => f.write_str(&revert.reason),
            Err(_) if self.0.is_empty() => f.write_str("without a reason"),
            Err(_) => write!(f, "error 0x{}", alloy_primitives::hex::encode(&self.0)),
        }
    }
}

impl fmt::Debug for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revert({self})")
    }
}
