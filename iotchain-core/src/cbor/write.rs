//! Writing into the caller's buffer.

use crate::error::{Error, Result};
use core::convert::Infallible;
use minicbor::data::Tag;
use minicbor::encode::{Encoder, Write};

/// Writes what fits and counts the rest, so that a too small buffer learns the length it lacked.
struct Counting<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Write for Counting<'_> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> core::result::Result<(), Infallible> {
        // in two steps, so that the compiler sees the equal lengths and leaves the panic out
        let rest = self.out.get_mut(self.len..);
        if let Some(room) = rest.and_then(|rest| rest.get_mut(..bytes.len())) {
            room.copy_from_slice(bytes);
        }
        self.len = self.len.saturating_add(bytes.len());
        Ok(())
    }
}

/// A CBOR encoder over a byte slice. Calls chain and never fail; [`Writer::finish`] tells whether all of it fitted.
///
/// The caller writes map keys in bytewise order of their encoding; heads come out in shortest form.
pub struct Writer<'a> {
    encoder: Encoder<Counting<'a>>,
}

macro_rules! item {
    ($(#[$doc:meta])* $name:ident($value:ident: $type:ty) $call:expr) => {
        $(#[$doc])*
        pub fn $name(&mut self, $value: $type) -> &mut Self {
            let write: fn(&mut Encoder<Counting<'a>>, $type) = $call;
            write(&mut self.encoder, $value);
            self
        }
    };
}

impl<'a> Writer<'a> {
    /// Writes to the front of `out`.
    #[must_use]
    pub fn new(out: &'a mut [u8]) -> Self {
        Self {
            encoder: Encoder::new(Counting { out, len: 0 }),
        }
    }

    item!(
        /// Head of an array of `n` elements.
        array(n: u64) |e, n| { let _ = e.array(n); }
    );
    item!(
        /// Head of a map of `n` pairs.
        map(n: u64) |e, n| { let _ = e.map(n); }
    );
    item!(
        /// An unsigned integer.
        uint(value: u64) |e, value| { let _ = e.u64(value); }
    );
    item!(
        /// An integer of either sign.
        int(value: i64) |e, value| { let _ = e.i64(value); }
    );
    item!(
        /// A byte string.
        bytes(value: &[u8]) |e, value| { let _ = e.bytes(value); }
    );
    item!(
        /// A text string.
        text(value: &str) |e, value| { let _ = e.str(value); }
    );
    item!(
        /// `true` or `false`.
        bool(value: bool) |e, value| { let _ = e.bool(value); }
    );
    item!(
        /// A tag number; the tagged item follows.
        tag(number: u64) |e, number| { let _ = e.tag(Tag::new(number)); }
    );
    item!(
        /// An item that is encoded already, or the content of a string whose head was written by [`Writer::bytes_head`].
        raw(encoded: &[u8]) |e, encoded| { let _ = e.writer_mut().write_all(encoded); }
    );
    item!(
        /// Head of a byte string whose `len` bytes follow by [`Writer::raw`].
        bytes_head(len: u64) |e, len| { let _ = e.bytes_len(len); }
    );

    /// `null`.
    pub fn null(&mut self) -> &mut Self {
        let _ = self.encoder.null();
        self
    }

    /// Bytes written so far, counting those that did not fit.
    #[must_use]
    pub fn position(&self) -> usize {
        self.encoder.writer().len
    }

    /// The length of the whole encoding.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the length needed; the buffer is then zeroed.
    pub fn finish(self) -> Result<usize> {
        let Counting { out, len } = self.encoder.into_writer();
        if len <= out.len() {
            return Ok(len);
        }
        out.fill(0);
        Err(Error::Buffer { needed: len })
    }
}

/// The length of what `write` writes, in bytes.
#[must_use]
pub fn encoded_len(write: impl FnOnce(&mut Writer<'_>)) -> usize {
    let mut writer = Writer::new(&mut []);
    write(&mut writer);
    writer.position()
}
