//! Additional data in the form that AES-CCM reads (RFC 3610, 2.2).
//!
//! ```text
//! B_1 = length (2 bytes) | data    B_2 = data    ..    the last one padded with zeros
//! ```
//! It is laid out where it is written, so that the cipher takes whole blocks and gathers nothing.

use crate::error::{Error, Result};

/// Longest additional data in bytes that the short length form of CCM carries.
pub const MAX_AAD: usize = 0xfeff;

/// Length of the length.
const PREFIX: usize = 2;

/// Additional data of up to `16 * BLOCKS - 2` bytes.
#[derive(Clone)]
pub struct AdditionalData<const BLOCKS: usize> {
    blocks: [[u8; 16]; BLOCKS],
    len: usize,
}

/// Additional data as blocks; none at all has no block.
#[derive(Clone, Copy)]
pub struct Blocks<'a>(pub(crate) &'a [[u8; 16]]);

impl Blocks<'_> {
    /// No additional data.
    pub const NONE: Self = Self(&[]);
}

impl<const BLOCKS: usize> AdditionalData<BLOCKS> {
    /// None.
    pub const EMPTY: Self = Self {
        blocks: [[0; 16]; BLOCKS],
        len: 0,
    };

    /// The concatenation of `parts`.
    ///
    /// # Errors
    /// [`Error::Size`] if they do not fit.
    pub fn of(parts: &[&[u8]]) -> Result<Self> {
        let mut data = Self::EMPTY;
        data.write(|room| {
            let mut len = 0usize;
            for part in parts {
                // in two steps, so that the compiler sees the equal lengths and leaves the panic out
                let rest = room.get_mut(len..).ok_or(Error::Size)?;
                let place = rest.get_mut(..part.len()).ok_or(Error::Size)?;
                place.copy_from_slice(part);
                len = len.saturating_add(part.len());
            }
            Ok(len)
        })?;
        Ok(data)
    }

    /// Replaces it by what `write` writes to the front of the room that it is given, and whose length it returns.
    ///
    /// # Errors
    /// Those of `write`; [`Error::Size`] above 65279 bytes.
    #[inline]
    pub fn write(&mut self, write: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<()> {
        self.len = 0;
        let (prefix, room) = self
            .blocks
            .as_flattened_mut()
            .split_first_chunk_mut::<PREFIX>()
            .ok_or(Error::Size)?;
        let len = write(room)?;
        let short = u16::try_from(len).ok().filter(|_| len <= MAX_AAD);
        *prefix = short.ok_or(Error::Size)?.to_be_bytes();
        let padding = room.get_mut(len..).ok_or(Error::Size)?;
        // 16 bytes reach the end of the last block
        padding.iter_mut().take(16).for_each(|byte| *byte = 0);
        self.len = len;
        Ok(())
    }

    /// The data.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let bytes = self.blocks.as_flattened().get(PREFIX..);
        bytes
            .and_then(|bytes| bytes.get(..self.len))
            .unwrap_or_default()
    }

    /// The data, to be changed where it stands.
    #[must_use]
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        let bytes = self.blocks.as_flattened_mut().get_mut(PREFIX..);
        bytes
            .and_then(|bytes| bytes.get_mut(..self.len))
            .unwrap_or_default()
    }

    /// What the cipher reads.
    #[must_use]
    pub fn blocks(&self) -> Blocks<'_> {
        let count = match self.len {
            0 => 0,
            len => len.saturating_add(PREFIX).div_ceil(16),
        };
        Blocks(self.blocks.get(..count).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_the_length_the_data_and_zeros() {
        let data = AdditionalData::<2>::of(&[&[7; 10], &[], &[8; 5]]).unwrap();
        let mut first = [7; 16];
        first[..2].copy_from_slice(&[0, 15]);
        first[12..].fill(8);
        let mut last = [0; 16];
        last[0] = 8;
        assert_eq!(data.blocks().0, [first, last]);
        assert_eq!(data.as_bytes(), [&[7; 10][..], &[8; 5]].concat());
        assert!(AdditionalData::<2>::EMPTY.blocks().0.is_empty());
    }

    #[test]
    fn what_was_longer_before_leaves_nothing_behind() {
        for len in 0..=30 {
            let mut data = AdditionalData::<2>::of(&[&[7; 30]]).unwrap();
            let shorter = std::vec![9; len];
            data.write(|room| {
                room[..len].copy_from_slice(&shorter);
                Ok(len)
            })
            .unwrap();
            let fresh = AdditionalData::<2>::of(&[&shorter]).unwrap();
            assert_eq!(data.blocks().0, fresh.blocks().0);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(AdditionalData::<2>::of(&[&[7; 30]]).is_ok());
        let long = AdditionalData::<2>::of(&[&[7; 30], &[7]]);
        assert_eq!(long.map(|_| ()), Err(Error::Size));
        let most = std::vec![7; MAX_AAD];
        assert!(AdditionalData::<4096>::of(&[&most]).is_ok());
        let more = AdditionalData::<4096>::of(&[&most, &[7]]);
        assert_eq!(more.map(|_| ()), Err(Error::Size));
    }
}
