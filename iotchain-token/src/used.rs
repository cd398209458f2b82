//! Challenges that were answered already: for channel binding type 2, where one challenge is good for one proof.

use crate::challenge::Challenge;
use iotchain_core::{Error, Result, UnixTime};

/// At most `N` challenges, each kept until it expires. `N` is 60 s times the rate of joins the key server bears.
#[derive(Clone, Debug)]
pub struct UsedChallenges<const N: usize> {
    entries: [Option<Challenge>; N],
}

impl<const N: usize> UsedChallenges<N> {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: [None; N] }
    }

    /// Whether `challenge` may still be used and could be recorded.
    ///
    /// # Errors
    /// [`Error::ChallengeReplay`] if it was used; [`Error::Rate`] if the set is full.
    pub fn check(&self, challenge: &Challenge, now: UnixTime) -> Result<()> {
        if self.entries.iter().flatten().any(|used| used == challenge) {
            return Err(Error::ChallengeReplay);
        }
        if self.entries.iter().any(|entry| is_free(entry, now)) {
            Ok(())
        } else {
            Err(Error::Rate)
        }
    }

    /// Records `challenge` as used.
    ///
    /// # Errors
    /// As [`UsedChallenges::check`]; then nothing is recorded.
    pub fn record(&mut self, challenge: &Challenge, now: UnixTime) -> Result<()> {
        self.check(challenge, now)?;
        let free = self
            .entries
            .iter_mut()
            .find(|entry| is_free(entry, now))
            .ok_or(Error::Rate)?;
        *free = Some(*challenge);
        Ok(())
    }
}

impl<const N: usize> Default for UsedChallenges<N> {
    fn default() -> Self {
        Self::new()
    }
}

fn is_free(entry: &Option<Challenge>, now: UnixTime) -> bool {
    entry.is_none_or(|used| now >= used.expires_at())
}
