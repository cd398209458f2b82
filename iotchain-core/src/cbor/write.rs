//! Writing into the caller's buffer.

use super::head::Major;
use crate::error::{Error, Result};

/// A CBOR encoder over a byte slice. Calls chain and never fail; [`Writer::finish`] tells whether all of it fitted.
///
/// The caller writes map keys in bytewise order of their encoding; heads come out in shortest form.
pub struct Writer<'a> {
    out: &'a mut [u8],
    /// Bytes written, counting those that did not fit, so that a too small buffer learns the length it lacked.
    len: usize,
}

impl<'a> Writer<'a> {
    /// Writes to the front of `out`.
    #[must_use]
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    /// Head of an array of `n` elements.
    pub fn array(&mut self, n: u64) -> &mut Self {
        self.head(Major::Array, n)
    }

    /// Head of a map of `n` pairs.
    pub fn map(&mut self, n: u64) -> &mut Self {
        self.head(Major::Map, n)
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.head(Major::Uint, value)
    }

    /// An integer of either sign.
    pub fn int(&mut self, value: i64) -> &mut Self {
        match u64::try_from(value) {
            Ok(value) => self.uint(value),
            // -1 - n
            Err(_) => self.head(Major::Negative, !value as u64),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.bytes_head(value.len() as u64).raw(value)
    }

    /// A text string.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.head(Major::Text, value.len() as u64)
            .raw(value.as_bytes())
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.head(Major::Simple, 20 | u64::from(value))
    }

    /// `null`.
    pub fn null(&mut self) -> &mut Self {
        self.head(Major::Simple, 22)
    }

    /// A tag number; the tagged item follows.
    pub fn tag(&mut self, number: u64) -> &mut Self {
        self.head(Major::Tag, number)
    }

    /// Head of a byte string whose `len` bytes follow by [`Writer::raw`].
    pub fn bytes_head(&mut self, len: u64) -> &mut Self {
        self.head(Major::Bytes, len)
    }

    /// An item that is encoded already, or the content of a string whose head was written by [`Writer::bytes_head`].
    // on a small machine it stands once and is called
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn raw(&mut self, encoded: &[u8]) -> &mut Self {
        // in two steps, so that the compiler sees the equal lengths and leaves the panic out
        let rest = self.out.get_mut(self.len..);
        if let Some(room) = rest.and_then(|rest| rest.get_mut(..encoded.len())) {
            room.copy_from_slice(encoded);
        }
        self.len = self.len.saturating_add(encoded.len());
        self
    }

    /// A head in its shortest form.
    fn head(&mut self, major: Major, argument: u64) -> &mut Self {
        let [a, b, c, d, e, f, g, h] = argument.to_be_bytes();
        let major = (major as u8) << 5;
        match argument {
            0..24 => self.raw(&[major | h]),
            24..0x100 => self.raw(&[major | 24, h]),
            0x100..0x1_0000 => self.raw(&[major | 25, g, h]),
            0x1_0000..0x1_0000_0000 => self.raw(&[major | 26, e, f, g, h]),
            _ => self.raw(&[major | 27, a, b, c, d, e, f, g, h]),
        }
    }

    /// Bytes written so far, counting those that did not fit.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.len
    }

    /// The length of the whole encoding.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the length needed; the buffer is then zeroed.
    pub fn finish(self) -> Result<usize> {
        self.written().map(<[u8]>::len)
    }

    /// The whole encoding.
    ///
    /// # Errors
    /// As [`Writer::finish`].
    pub fn written(self) -> Result<&'a [u8]> {
        let Self { out, len } = self;
        if len > out.len() {
            out.fill(0);
        }
        out.get(..len).ok_or(Error::Buffer { needed: len })
    }
}

/// The length of what `write` writes, in bytes.
#[must_use]
pub fn encoded_len(write: impl FnOnce(&mut Writer<'_>)) -> usize {
    let mut writer = Writer::new(&mut []);
    write(&mut writer);
    writer.position()
}
