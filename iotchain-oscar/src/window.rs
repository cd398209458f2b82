//! Which Partial IVs of one sender context were accepted (RFC 8613, 7.4): a window of 32.
//!
//! ```text
//!   bit 31 ............ bit 1   bit 0
//!   highest - 31               highest      below: refused; above: the window slides
//! ```

use iotchain_core::{Error, Piv, Result};

/// The highest Partial IV and, bit by bit, those below it that count as seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    highest: u32,
    seen: u32,
}

impl Window {
    /// A context begins with everything up to its first Partial IV counted as seen (A1): what an earlier life of the
    /// server accepted cannot come again.
    pub(crate) const fn closed(first: Piv) -> Self {
        Self {
            highest: first.get(),
            seen: u32::MAX,
        }
    }

    /// Whether `piv` may still be accepted.
    pub(crate) fn check(self, piv: Piv) -> Result<()> {
        match self.highest.checked_sub(piv.get()) {
            None => Ok(()),
            Some(below) => match self.seen.checked_shr(below) {
                Some(seen) if seen & 1 == 0 => Ok(()),
                _ => Err(Error::Replay),
            },
        }
    }

    /// `piv` was accepted.
    pub(crate) fn accept(&mut self, piv: Piv) {
        match piv.get().checked_sub(self.highest) {
            Some(above) => {
                self.highest = piv.get();
                self.seen = self.seen.checked_shl(above).unwrap_or_default() | 1;
            }
            None => {
                let below = self.highest.wrapping_sub(piv.get());
                self.seen |= 1u32.checked_shl(below).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn piv(value: u32) -> Piv {
        Piv::new(value).unwrap()
    }

    /// A model that remembers everything.
    #[test]
    fn agrees_with_a_memory_of_all() {
        let mut state = 1u32;
        for first in [0, 5, 31, 32, 100] {
            let mut window = Window::closed(piv(first));
            let mut accepted: BTreeSet<u32> = (0..=first).collect();
            for _ in 0..4000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let highest = *accepted.last().unwrap();
                let next = (highest + 4).saturating_sub((state >> 16) % 44);
                let fresh = !accepted.contains(&next) && next + 32 > highest;
                assert_eq!(
                    window.check(piv(next)).is_ok(),
                    fresh,
                    "{next} at {highest}"
                );
                if fresh {
                    window.accept(piv(next));
                    accepted.insert(next);
                }
            }
        }
    }

    #[test]
    fn a_wide_gap_forgets_what_is_below_it() {
        let mut window = Window::closed(Piv::ZERO);
        window.accept(piv(32));
        assert_eq!(window.check(piv(0)), Err(Error::Replay));
        assert_eq!(window.check(piv(1)), Ok(()));
        window.accept(Piv::MAX);
        assert_eq!(window.check(piv(33)), Err(Error::Replay));
        assert_eq!(window.check(piv(Piv::MAX.get() - 31)), Ok(()));
        assert_eq!(window.check(Piv::MAX), Err(Error::Replay));
    }
}
