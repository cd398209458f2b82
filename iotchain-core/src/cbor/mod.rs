//! Deterministic CBOR (RFC 8949, 4.2.1) as the wire uses it (spec 1.2).
//!
//! Reading is strict: [`check`] walks one whole item and reports the first violation with its registry number, then
//! [`Reader`] takes values out of it. Call [`check`] first on anything untrusted: format errors (1 to 11) come before
//! type errors, as the specification orders them. Writing goes into the caller's buffer.
//!
//! ```
//! use iotchain_core::cbor::{self, Reader, Writer};
//! let mut buffer = [0; 16];
//! let mut writer = Writer::new(&mut buffer);
//! writer.array(2).uint(7).bytes(b"abc");
//! let len = writer.finish()?;
//! let item = &buffer[..len];
//! cbor::check(item)?;
//! let mut reader = Reader::new(item);
//! assert_eq!(reader.array()?, 2);
//! assert_eq!((reader.uint()?, reader.bytes()?), (7, &b"abc"[..]));
//! reader.done()?;
//! # Ok::<(), iotchain_core::Error>(())
//! ```

mod check;
mod head;
mod read;
mod utf8;
mod write;

pub use check::{MAX_DEPTH, check, check_tagged};
pub use head::Major;
pub use read::Reader;
pub use utf8::is_utf8;
pub use write::{Writer, encoded_len};
