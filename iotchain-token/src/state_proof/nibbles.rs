//! Half-bytes: the way to a key, and the part of it that a node names (Yellow Paper, appendix C).
//!
//! ```text
//! first byte  0x00 extension, even   0x1n extension, odd, n is the first nibble
//!             0x20 leaf, even        0x3n leaf, odd
//! ```

use iotchain_core::{Error, Result};

/// Nibbles of a hashed key.
const KEY_LEN: u8 = 64;
const LEAF: u8 = 0x20;
const ODD: u8 = 0x10;

/// A hashed key, and how much of it was walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    hash: [u8; 32],
    walked: u8,
}

impl Key {
    pub(super) const fn new(hash: [u8; 32]) -> Self {
        Self { hash, walked: 0 }
    }

    /// Walks the next nibble; `None` at the end.
    pub(super) fn step(&mut self) -> Option<u8> {
        let byte = self.hash.get(usize::from(self.walked >> 1))?;
        let nibble = if self.walked & 1 == 0 {
            byte >> 4
        } else {
            byte & 15
        };
        self.walked = self.walked.wrapping_add(1);
        Some(nibble)
    }

    /// Walks `path`; says whether the key takes that way.
    pub(super) fn follow(&mut self, path: &Path<'_>) -> bool {
        path.nibbles().all(|nibble| self.step() == Some(nibble))
    }

    const fn left(&self) -> u8 {
        KEY_LEN.saturating_sub(self.walked)
    }
}

/// The path of a leaf or an extension.
pub(super) struct Path<'a> {
    /// The first nibble of an odd path.
    odd: Option<u8>,
    pairs: &'a [u8],
    pub(super) is_leaf: bool,
}

impl<'a> Path<'a> {
    /// From its encoding in a node. All keys have one length: a leaf ends at it, an extension stops before it.
    pub(super) fn parse(encoded: &'a [u8], key: &Key) -> Result<Self> {
        let (first, pairs) = encoded.split_first().ok_or(Error::Proof)?;
        let is_leaf = first & LEAF != 0;
        let odd = match first & !LEAF {
            0 => None,
            nibble @ 0x10..=0x1f => Some(nibble & !ODD),
            _ => return Err(Error::Proof),
        };
        let path = Self {
            odd,
            pairs,
            is_leaf,
        };
        let len = pairs
            .len()
            .saturating_mul(2)
            .saturating_add(usize::from(odd.is_some()));
        let left = usize::from(key.left());
        let fits = if is_leaf {
            len == left
        } else {
            (1..left).contains(&len)
        };
        fits.then_some(path).ok_or(Error::Proof)
    }

    fn nibbles(&self) -> impl Iterator<Item = u8> {
        let pairs = self.pairs.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        self.odd.into_iter().chain(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(walked: u8) -> Key {
        let mut key = Key::new([0x12; 32]);
        for _ in 0..walked {
            key.step().unwrap();
        }
        key
    }

    #[test]
    fn a_key_has_64_nibbles() {
        let mut key = key(0);
        for expected in [1, 2].into_iter().cycle().take(64) {
            assert_eq!(key.step(), Some(expected));
        }
        assert_eq!(key.step(), None);
    }

    #[test]
    fn a_leaf_ends_at_the_key_and_an_extension_before() {
        let parse =
            |encoded: &[u8], walked| Path::parse(encoded, &key(walked)).map(|path| path.is_leaf);
        assert_eq!(parse(&[0x20], 64), Ok(true));
        assert_eq!(parse(&[0x31], 63), Ok(true));
        assert_eq!(parse(&[0x20, 0x12], 62), Ok(true));
        assert_eq!(parse(&[0x00, 0x12], 61), Ok(false));
        assert_eq!(parse(&[0x11], 0), Ok(false));
        let wrong: [(&[u8], u8); 11] = [
            (&[], 64),
            (&[0x20], 63),
            (&[0x31], 64),
            (&[0x31], 62),
            (&[0x00], 0),
            (&[0x00, 0x12], 62),
            (&[0x11], 63),
            (&[0x01, 0x12], 0),
            (&[0x21], 64),
            (&[0x40], 64),
            (&[0x91], 0),
        ];
        for (encoded, walked) in wrong {
            assert_eq!(parse(encoded, walked), Err(Error::Proof), "{encoded:02x?}");
        }
    }

    #[test]
    fn following_stops_where_the_ways_part() {
        let follows = |encoded: &[u8]| {
            let mut key = key(0);
            let path = Path::parse(encoded, &key).unwrap();
            key.follow(&path)
        };
        assert!(follows(&[0x00, 0x12, 0x12]) && follows(&[0x11, 0x21]));
        assert!(!follows(&[0x00, 0x12, 0x13]) && !follows(&[0x12, 0x12]));
    }
}
