//! What is sealed or opened, and where it lies: elsewhere, or in the very buffer that the result goes to.
//!
//! ```text
//! CoAP stacks hand out one buffer:   | options | object, or plaintext | free |      both ways, the result goes to its front
//! ```

use crate::frame::{copy, head_len};
use core::cell::Cell;
use core::ops::Range;
use iotchain_core::{Error, Result};

/// Bytes that go into an object or come out of one.
///
/// ```
/// use iotchain_oscar::Input;
/// let object = [0x83, 0x40, 0xa0];
/// assert_eq!(Input::from(&object), Input::Apart(&object));
/// assert_eq!(Input::from(20..90), Input::Within { at: 20, len: 70 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Outside of the output buffer; any slice of bytes becomes this.
    Apart(&'a [u8]),
    /// In the output buffer, which they may fill and in which they are overwritten; any range becomes this.
    Within {
        /// Where they begin.
        at: usize,
        /// Their number.
        len: usize,
    },
}

impl<'a, T: AsRef<[u8]> + ?Sized> From<&'a T> for Input<'a> {
    fn from(bytes: &'a T) -> Self {
        Self::Apart(bytes.as_ref())
    }
}

impl From<Range<usize>> for Input<'_> {
    fn from(range: Range<usize>) -> Self {
        Self::Within {
            at: range.start,
            len: range.len(),
        }
    }
}

impl Input<'_> {
    /// Their number.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Apart(bytes) => bytes.len(),
            Self::Within { len, .. } => *len,
        }
    }

    /// The bytes, if they have to be looked for in `out`.
    ///
    /// # Errors
    /// [`Error::Buffer`] if they reach beyond it.
    #[inline]
    pub(crate) fn bytes<'b>(&'b self, out: &'b [u8]) -> Result<&'b [u8]> {
        match *self {
            Self::Apart(bytes) => Ok(bytes),
            Self::Within { at, len } => {
                let needed = at.saturating_add(len);
                out.get(at..needed).ok_or(Error::Buffer { needed })
            }
        }
    }

    /// `len` of them behind the first `skipped`.
    fn part(self, skipped: usize, len: usize) -> Self {
        match self {
            Self::Apart(bytes) => {
                let part = bytes.get(skipped..).and_then(|rest| rest.get(..len));
                Self::Apart(part.unwrap_or_default())
            }
            Self::Within { at, .. } => Self::Within {
                at: at.saturating_add(skipped),
                len,
            },
        }
    }

    /// Brings them to `to` in `out`. The bytes there.
    ///
    /// # Errors
    /// [`Error::Buffer`] if they or their place reach beyond it; nothing is moved then.
    #[inline]
    pub(crate) fn bring(self, out: &mut [u8], to: usize) -> Result<&mut [u8]> {
        let place = to..to.saturating_add(self.len());
        let needed = place.end;
        if needed > out.len() {
            return Err(Error::Buffer { needed });
        }
        if let Self::Within { at, len } = self {
            let needed = at.saturating_add(len);
            if needed > out.len() {
                return Err(Error::Buffer { needed });
            }
            move_within(out, at..needed, place.clone());
        }
        let there = out.get_mut(place).ok_or(Error::Buffer { needed })?;
        if let Self::Apart(bytes) = self {
            copy(there, bytes);
        }
        Ok(there)
    }
}

/// Where the parts of an object lie that opening it takes.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) protected: Input<'a>,
    pub(crate) ciphertext: Input<'a>,
}

impl<'a> Text<'a> {
    /// Of a well-formed object: it begins with the head of an array and the protected header, and ends with the
    /// ciphertext.
    pub(crate) fn of(object: Input<'a>, protected: &[u8], ciphertext: &[u8]) -> Self {
        let before = head_len(protected.len()).wrapping_add(1);
        let behind = object.len().saturating_sub(ciphertext.len());
        Self {
            protected: object.part(before, protected.len()),
            ciphertext: object.part(behind, ciphertext.len()),
        }
    }
}

/// Moves bytes to a place that may overlap theirs and is as long. In a build for size, the linker finds a way from
/// `copy_within` to a panic.
fn move_within(out: &mut [u8], from: Range<usize>, to: Range<usize>) {
    let forward = to.start < from.start;
    let cells = Cell::from_mut(out).as_slice_of_cells();
    let (Some(from), Some(to)) = (cells.get(from), cells.get(to)) else {
        return;
    };
    if forward {
        from.iter()
            .zip(to)
            .for_each(|(from, to)| to.set(from.get()));
    } else {
        let backward = from.iter().rev().zip(to.iter().rev());
        backward.for_each(|(from, to)| to.set(from.get()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_brought_to_any_place_over_any_distance() {
        for at in 0..8 {
            for len in 0..=8 - at {
                for to in 0..=8 - len {
                    let mut out: [u8; 8] = core::array::from_fn(|byte| byte as u8);
                    let before = out;
                    let within = Input::from(at..at + len);
                    assert_eq!(within.bytes(&out), Ok(&before[at..at + len]));
                    assert_eq!(within.bring(&mut out, to).unwrap(), &before[at..at + len]);
                    assert_eq!(out[to..to + len], before[at..at + len]);
                    let mut other = [0; 8];
                    Input::from(&before[at..at + len])
                        .bring(&mut other, to)
                        .unwrap();
                    assert_eq!(other[to..to + len], before[at..at + len]);
                }
            }
        }
    }

    #[test]
    fn what_reaches_beyond_the_buffer_is_refused() {
        let needed = |needed| Err(Error::Buffer { needed });
        let mut out = [7; 8];
        assert_eq!(Input::from(6..9).bytes(&out), needed(9));
        assert_eq!(
            Input::from(6..9).bring(&mut out, 0),
            Err(Error::Buffer { needed: 9 })
        );
        assert_eq!(
            Input::from(0..3).bring(&mut out, 6),
            Err(Error::Buffer { needed: 9 })
        );
        assert_eq!(
            Input::from(&[1; 3]).bring(&mut out, 6),
            Err(Error::Buffer { needed: 9 })
        );
        let endless = Input::Within {
            at: 1,
            len: usize::MAX,
        };
        assert_eq!(endless.bytes(&out), needed(usize::MAX));
        assert_eq!(out, [7; 8]);
    }

    #[test]
    fn parts_of_an_object_are_where_it_is() {
        let object = [0x83, 0x42, 1, 2, 0xa0, 0x43, 3, 4, 5];
        let text = Text::of(Input::from(&object), &[1, 2], &[3, 4, 5]);
        assert_eq!(text.protected, Input::Apart(&[1, 2]));
        assert_eq!(text.ciphertext, Input::Apart(&[3, 4, 5]));
        let text = Text::of(Input::from(10..19), &[1, 2], &[3, 4, 5]);
        assert_eq!(text.protected, Input::from(12..14));
        assert_eq!(text.ciphertext, Input::from(16..19));
    }
}
