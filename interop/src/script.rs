//! Randomness as a vector tells it.

use crate::report::{Checked, Fault};
use std::collections::VecDeque;
use std::fmt;

/// A generator that gives out known bytes and then fails.
#[derive(Default)]
pub(crate) struct Script(VecDeque<u8>);

impl Script {
    pub(crate) fn of(draws: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(draws.into_iter().flatten().collect())
    }

    /// All known bytes were drawn.
    pub(crate) fn check_spent(&self) -> Checked {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Fault::new(format!(
                "{} random bytes were not drawn",
                self.0.len()
            )))
        }
    }
}

impl rand_core::TryRng for Script {
    type Error = fmt::Error;

    fn try_next_u32(&mut self) -> Result<u32, fmt::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, fmt::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), fmt::Error> {
        out.iter_mut().try_for_each(|byte| {
            *byte = self.0.pop_front().ok_or(fmt::Error)?;
            Ok(())
        })
    }
}

impl rand_core::TryCryptoRng for Script {}
