//! Pulling values out of an item, head by head.

use super::check::walk;
use super::head::{Major, head};
use crate::error::{Error, Result};

/// A cursor over CBOR bytes. Every call checks what it reads; a wrong type is [`Error::Type`] and moves nothing.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes not read yet.
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// The major type of the next item, `None` at the end.
    #[must_use]
    pub fn peek(&self) -> Option<Major> {
        self.rest.first().map(|initial| Major::of(*initial))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Error::Trailing`] if bytes are left.
    pub const fn done(self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Error::Trailing)
        }
    }

    /// The head of the next item: its major type and argument. What it announces follows.
    ///
    /// # Errors
    /// A format error; [`Error::Truncated`] also for a head that goes on behind the last byte.
    pub fn head(&mut self) -> Result<(Major, u64)> {
        let (major, argument, rest) = head(self.rest)?;
        self.rest = rest;
        Ok((major, argument))
    }

    fn expect(&mut self, wanted: Major) -> Result<u64> {
        let (major, argument, rest) = head(self.rest)?;
        if major != wanted {
            return Err(Error::Type);
        }
        self.rest = rest;
        Ok(argument)
    }

    /// A count of items that are still to come: never more than the bytes that could hold them.
    fn count(&mut self, wanted: Major) -> Result<usize> {
        let before = self.rest;
        let count = usize::try_from(self.expect(wanted)?).map_err(|_| Error::Truncated);
        match count {
            Ok(n) if n <= self.rest.len() => Ok(n),
            _ => {
                self.rest = before;
                Err(Error::Truncated)
            }
        }
    }

    fn string(&mut self, wanted: Major) -> Result<&'a [u8]> {
        let before = self.rest;
        let len = usize::try_from(self.expect(wanted)?).unwrap_or(usize::MAX);
        match self.rest.split_at_checked(len) {
            Some((string, rest)) => {
                self.rest = rest;
                Ok(string)
            }
            None => {
                self.rest = before;
                Err(Error::Truncated)
            }
        }
    }

    /// Opens an array; the number of its elements.
    ///
    /// # Errors
    /// [`Error::Type`] for another item, or a format error.
    pub fn array(&mut self) -> Result<usize> {
        self.count(Major::Array)
    }

    /// Opens a map; the number of its pairs.
    ///
    /// # Errors
    /// [`Error::Type`] for another item, or a format error.
    pub fn map(&mut self) -> Result<usize> {
        self.count(Major::Map)
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`Error::Type`] for another item, or a format error.
    pub fn uint(&mut self) -> Result<u64> {
        self.expect(Major::Uint)
    }

    /// An unsigned integer below 2^32.
    ///
    /// # Errors
    /// [`Error::Type`] for another item or a larger value, or a format error.
    pub fn u32(&mut self) -> Result<u32> {
        let before = self.rest;
        u32::try_from(self.uint()?).map_err(|_| {
            self.rest = before;
            Error::Type
        })
    }

    /// An integer of either sign within `i64`.
    ///
    /// # Errors
    /// [`Error::Type`] for another item or a value beyond `i64`, or a format error.
    pub fn int(&mut self) -> Result<i64> {
        let (major, argument, rest) = head(self.rest)?;
        let value = match (major, i64::try_from(argument)) {
            (Major::Uint, Ok(n)) => n,
            (Major::Negative, Ok(n)) => !n, // -1 - n
            _ => return Err(Error::Type),
        };
        self.rest = rest;
        Ok(value)
    }

    /// A byte string.
    ///
    /// # Errors
    /// [`Error::Type`] for another item, or a format error.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        self.string(Major::Bytes)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// [`Error::Type`] for another item or another length, or a format error.
    pub fn array_of<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let before = self.rest;
        self.bytes()?.try_into().map_err(|_| {
            self.rest = before;
            Error::Type
        })
    }

    /// A text string.
    ///
    /// # Errors
    /// [`Error::Type`] for another item, [`Error::Utf8`], or a format error.
    pub fn text(&mut self) -> Result<&'a str> {
        let before = self.rest;
        core::str::from_utf8(self.string(Major::Text)?).map_err(|_| {
            self.rest = before;
            Error::Utf8
        })
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// [`Error::Type`] for another item, or a format error.
    pub fn bool(&mut self) -> Result<bool> {
        match head(self.rest)? {
            (Major::Simple, value @ (20 | 21), rest) => {
                self.rest = rest;
                Ok(value == 21)
            }
            _ => Err(Error::Type),
        }
    }

    /// A tag number; the tagged item follows.
    ///
    /// # Errors
    /// [`Error::Type`] for another item, or a format error.
    pub fn tag(&mut self) -> Result<u64> {
        self.expect(Major::Tag)
    }

    /// Skips one item with everything inside it and gives its encoding. Bounded by the bytes present.
    ///
    /// # Errors
    /// A format error; [`Error::Depth`] beyond the nesting limit.
    pub fn skip(&mut self) -> Result<&'a [u8]> {
        let start = self.rest;
        let rest = walk(start, 1, None)?;
        self.rest = rest;
        let len = start.len().saturating_sub(rest.len());
        start.get(..len).ok_or(Error::Truncated)
    }
}
