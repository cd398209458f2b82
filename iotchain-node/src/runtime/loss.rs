//! Datagrams lost on purpose, the same ones in every run with one seed.

use crate::coap::Dice;
use core::{fmt, str::FromStr};

/// How many datagrams to lose, in each direction. Written `20` or, with a seed, `20:7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    percent: u8,
    seed: u64,
}

/// The text is not a percentage, or a percentage and a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLoss;

impl fmt::Display for InvalidLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a loss of 0 to 100 percent and perhaps a seed, such as 20 or 20:7")
    }
}

impl std::error::Error for InvalidLoss {}

impl Loss {
    /// Loses `percent` of 100 datagrams, chosen by `seed`; more than 100 counts as 100.
    pub fn new(percent: u8, seed: u64) -> Self {
        Loss {
            percent: percent.min(100),
            seed,
        }
    }

    /// What the environment variable `IOTCHAIN_LOSS` asks for.
    ///
    /// # Errors
    /// [`InvalidLoss`] if it is set to something else.
    pub fn from_env() -> Result<Option<Self>, InvalidLoss> {
        match std::env::var("IOTCHAIN_LOSS") {
            Ok(text) => text.parse().map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(InvalidLoss),
        }
    }

    /// A gate for one direction.
    pub(crate) fn gate(self, direction: u64) -> Gate {
        Gate {
            percent: self.percent.into(),
            dice: Dice::new(self.seed.wrapping_mul(2).wrapping_add(direction)),
        }
    }
}

impl FromStr for Loss {
    type Err = InvalidLoss;

    fn from_str(text: &str) -> Result<Self, InvalidLoss> {
        let (percent, seed) = text.split_once(':').unwrap_or((text, "1"));
        let percent = percent
            .parse()
            .ok()
            .filter(|p| *p <= 100)
            .ok_or(InvalidLoss)?;
        Ok(Loss {
            percent,
            seed: seed.parse().map_err(|_| InvalidLoss)?,
        })
    }
}

/// One direction of a lossy path.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    percent: u64,
    dice: Dice,
}

impl Gate {
    /// Whether the next datagram is lost.
    pub(crate) fn drops(&mut self) -> bool {
        self.dice.roll() % 100 < self.percent
    }

    /// Two gates, in and out, if there is a loss at all.
    pub(crate) fn pair(loss: Option<Loss>) -> [Option<Gate>; 2] {
        [loss.map(|l| l.gate(0)), loss.map(|l| l.gate(1))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_as_many_as_asked_and_repeatable() {
        let count = |loss: Loss| {
            let mut gate = loss.gate(0);
            (0..10_000).filter(|_| gate.drops()).count()
        };
        assert!((1800..2200).contains(&count(Loss::new(20, 1))));
        assert_eq!(count("20:7".parse().unwrap()), count(Loss::new(20, 7)));
        assert_eq!(
            (count(Loss::new(0, 1)), count(Loss::new(100, 1))),
            (0, 10_000)
        );
        for text in ["", "101", "-1", "20:", "20:x", "a"] {
            assert_eq!(text.parse::<Loss>(), Err(InvalidLoss), "{text}");
        }
    }
}
