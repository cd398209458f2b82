//! Writing the few CBOR items of an object straight into place.
//!
//! The layout of every object and of its additional data is fixed, so their bytes are put one after the other instead of
//! through a general encoder: this is what small objects pay for besides AES.

use core::mem::take;
use iotchain_core::{Error, Result};

/// Bytes appended to the front of a buffer. On a small machine, what is called often stands once and is called; elsewhere it
/// is inlined. Calls chain and never fail; [`Frame::finish`] tells whether all fitted.
pub(crate) struct Frame<'a> {
    /// Not written yet; empty after something did not fit.
    rest: &'a mut [u8],
    size: usize,
    is_full: bool,
}

/// Whether code is dearer than time here.
const IS_SMALL: bool = cfg!(not(target_pointer_width = "64"));

/// Major types, as in the initial byte.
pub(crate) const UINT: u8 = 0;
pub(crate) const BYTES: u8 = 0x40;
pub(crate) const TEXT: u8 = 0x60;
pub(crate) const ARRAY: u8 = 0x80;
pub(crate) const MAP: u8 = 0xa0;

/// Length of the head of a string of `len` bytes, at most 65535.
pub(crate) const fn head_len(len: usize) -> usize {
    match len {
        0..24 => 1,
        24..256 => 2,
        _ => 3,
    }
}

impl<'a> Frame<'a> {
    pub(crate) const fn new(out: &'a mut [u8]) -> Self {
        Self {
            size: out.len(),
            rest: out,
            is_full: false,
        }
    }

    /// A few bytes of known number.
    #[inline(always)]
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) -> &mut Self {
        // one byte takes no more room than a call
        if IS_SMALL && N > 1 {
            return self.extend(&bytes);
        }
        match take(&mut self.rest).split_first_chunk_mut::<N>() {
            Some((place, rest)) => {
                *place = bytes;
                self.rest = rest;
            }
            None => self.is_full = true,
        }
        self
    }

    /// Any bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> &mut Self {
        match take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            Some((place, rest)) => {
                copy(place, bytes);
                self.rest = rest;
            }
            None => self.is_full = true,
        }
        self
    }

    /// The head of an item of major type `major` with argument `argument`, in its shortest form.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn head(&mut self, major: u8, argument: usize) -> &mut Self {
        let [.., high, low] = argument.to_be_bytes();
        match head_len(argument) {
            1 => self.put([major | low]),
            2 => self.put([major | 24, low]),
            _ => self.put([major | 25, high, low]),
        }
    }

    /// An unsigned integer of any size.
    pub(crate) fn uint(&mut self, value: u64) -> &mut Self {
        match value {
            0..0x1_0000 => self.head(UINT, value as usize),
            0x1_0000..0x1_0000_0000 => self.put([26]).put((value as u32).to_be_bytes()),
            _ => self.put([27]).put(value.to_be_bytes()),
        }
    }

    /// A byte string of at most 65535 bytes.
    #[inline(always)]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(BYTES, bytes.len()).extend(bytes)
    }

    /// Bytes written so far.
    pub(crate) const fn position(&self) -> usize {
        self.size.wrapping_sub(self.rest.len())
    }

    /// The number of bytes written.
    ///
    /// # Errors
    /// [`Error::Size`] if not all fitted.
    pub(crate) const fn finish(&self) -> Result<usize> {
        if self.is_full {
            Err(Error::Size)
        } else {
            Ok(self.position())
        }
    }
}

/// Copies a string of equal length. Up to 32 bytes it takes two moves that overlap, which is less than a call, but more
/// than a small machine has room for.
#[inline(always)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    if IS_SMALL {
        return whole(to, from);
    }
    match from.len() {
        0 => {}
        1 => ends::<1>(to, from),
        2..=3 => ends::<2>(to, from),
        4..=7 => ends::<4>(to, from),
        8..=16 => ends::<8>(to, from),
        17..=32 => ends::<16>(to, from),
        _ => whole(to, from),
    }
}

/// Copies by a call.
#[inline(always)]
fn whole(to: &mut [u8], from: &[u8]) {
    // shortened to the length that it has: the compiler sees it then, and leaves the panic out
    if let Some(to) = to.get_mut(..from.len()) {
        to.copy_from_slice(from);
    }
}

/// Copies the first and the last `N` bytes.
#[inline(always)]
fn ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain_core::cbor::Writer;

    #[test]
    fn heads_are_those_of_the_general_encoder() {
        for len in [0, 1, 23, 24, 25, 255, 256, 257, 65_535] {
            let (mut ours, mut theirs) = ([0; 9], [0; 9]);
            let mut writer = Writer::new(&mut theirs);
            writer.bytes_head(len as u64);
            let expected = writer.finish().unwrap();
            let mut frame = Frame::new(&mut ours);
            assert_eq!(frame.head(BYTES, len).finish(), Ok(expected));
            assert_eq!((head_len(len), ours), (expected, theirs));
        }
    }

    #[test]
    fn numbers_are_those_of_the_general_encoder() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, !0 >> shift] {
                let (mut ours, mut theirs) = ([0; 9], [0; 9]);
                let mut writer = Writer::new(&mut theirs);
                writer.uint(value);
                let expected = writer.finish().unwrap();
                assert_eq!(Frame::new(&mut ours).uint(value).finish(), Ok(expected));
                assert_eq!(ours, theirs);
            }
        }
    }

    #[test]
    fn strings_of_every_length_arrive_whole() {
        let from: std::vec::Vec<u8> = (1..=100).collect();
        for len in 0..=from.len() {
            let mut out = [0; 101];
            let mut frame = Frame::new(&mut out);
            assert_eq!(frame.extend(&from[..len]).finish(), Ok(len));
            assert_eq!(out[..len], from[..len]);
            assert_eq!(out[len], 0);
        }
    }

    #[test]
    fn what_does_not_fit_is_told_and_left_out() {
        let mut out = [0xee; 4];
        let mut frame = Frame::new(&mut out);
        frame.put([1, 2, 3]).extend(&[4, 5]);
        assert_eq!(frame.finish(), Err(Error::Size));
        assert_eq!(out, [1, 2, 3, 0xee]);
    }
}
