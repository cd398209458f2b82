//! Strict RLP (Ethereum Yellow Paper, appendix B): shortest forms only, nothing left over.
//!
//! ```text
//! 00..7f         one byte, itself         c0..f7         list, length in the head
//! 80..b7         string, length in head   f8..ff         list, length in 1 to 8 bytes
//! b8..bf         string, length in 1 to 8 bytes
//! ```

use iotchain_core::{Error, Result};

/// Longest length that stands in the head itself; longer ones follow it.
const SHORT: u8 = 55;
/// Bytes of a length: nothing that is proved comes near 4 GiB.
const MAX_LENGTH_BYTES: usize = 4;

/// One item.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    String(&'a [u8]),
    List {
        items: Items<'a>,
        /// Length of the whole encoding, head included.
        encoded_len: usize,
    },
}

/// The items of a list that were not read yet.
#[derive(Clone, Copy)]
pub(super) struct Items<'a>(&'a [u8]);

/// Exactly one list.
pub(super) fn list(bytes: &[u8]) -> Result<Items<'_>> {
    match split(bytes) {
        Some((Item::List { items, .. }, [])) => Ok(items),
        _ => Err(Error::Proof),
    }
}

/// Exactly one string.
pub(super) fn string(bytes: &[u8]) -> Result<&[u8]> {
    match split(bytes) {
        Some((Item::String(string), [])) => Ok(string),
        _ => Err(Error::Proof),
    }
}

impl<'a> Items<'a> {
    /// The next item.
    pub(super) fn next(&mut self) -> Result<Item<'a>> {
        let (item, rest) = split(self.0).ok_or(Error::Proof)?;
        self.0 = rest;
        Ok(item)
    }

    /// The next item, a string.
    pub(super) fn string(&mut self) -> Result<&'a [u8]> {
        match self.next()? {
            Item::String(string) => Ok(string),
            Item::List { .. } => Err(Error::Proof),
        }
    }

    /// The next item, a string of exactly `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.string()?.try_into().map_err(|_| Error::Proof)
    }

    /// The next item, a number below 2^64 without leading zeros.
    pub(super) fn uint(&mut self) -> Result<u64> {
        let string = self.string()?;
        if string.len() > 8 || string.first() == Some(&0) {
            return Err(Error::Proof);
        }
        Ok(string
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// The bytes not read yet.
    pub(super) const fn remaining(&self) -> &'a [u8] {
        self.0
    }

    /// Whether every item was read.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Head of a string or a list of `len` bytes, to be hashed: at most 9 bytes in a slice of `out`.
pub(super) fn head(kind: Kind, len: usize, out: &mut [u8; 9]) -> &[u8] {
    let base = match kind {
        Kind::String => 0x80u8,
        Kind::List => 0xc0,
    };
    let bytes = (len as u64).to_be_bytes();
    if len <= usize::from(SHORT) {
        let [.., low] = bytes;
        *out = [base.wrapping_add(low), 0, 0, 0, 0, 0, 0, 0, 0];
        return out.get(..1).unwrap_or_default();
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = bytes.get(zeros..).unwrap_or_default();
    let [count, ..] = significant.len().to_le_bytes();
    let first = base.wrapping_add(SHORT).wrapping_add(count);
    let content = core::iter::once(&first).chain(significant);
    out.iter_mut()
        .zip(content)
        .for_each(|(slot, byte)| *slot = *byte);
    out.get(..significant.len().saturating_add(1))
        .unwrap_or_default()
}

/// What a head announces.
pub(super) enum Kind {
    String,
    List,
}

/// The first item and the bytes behind it.
fn split(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        let (byte, rest) = bytes.split_at_checked(1)?;
        return Some((Item::String(byte), rest));
    }
    let (len, rest) = match first & 0x3f {
        short @ ..=SHORT => (usize::from(short), rest),
        long => length(rest, usize::from(long.wrapping_sub(SHORT)))?,
    };
    let (body, rest) = rest.split_at_checked(len)?;
    let item = match (first & 0x40, body) {
        (0, [0..=0x7f]) => return None,
        (0, _) => Item::String(body),
        _ => Item::List {
            items: Items(body),
            encoded_len: bytes.len().saturating_sub(rest.len()),
        },
    };
    Some((item, rest))
}

/// A length of `count` bytes: no leading zero, and too long for the head.
fn length(bytes: &[u8], count: usize) -> Option<(usize, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(count)?;
    if count > MAX_LENGTH_BYTES || digits.first() == Some(&0) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let len = usize::try_from(value).ok()?;
    (len > usize::from(SHORT)).then_some((len, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn heads_are_read_back() {
        for len in [0, 1, 2, 55, 56, 57, 255, 256, 600, 65_535, 65_536, 1 << 20] {
            for kind in [Kind::String, Kind::List] {
                let is_list = matches!(kind, Kind::List);
                let mut out = [0; 9];
                // A list of so many bytes holds one-byte strings; a string of one byte must not be its own encoding.
                let body = vec![if is_list { 1 } else { 0x81 }; len];
                let encoded = [head(kind, len, &mut out), &body].concat();
                match split(&encoded) {
                    Some((Item::String(string), [])) => assert!(!is_list && string == body),
                    Some((Item::List { items, encoded_len }, [])) => {
                        assert!(is_list && items.remaining() == body);
                        assert_eq!(encoded_len, encoded.len());
                    }
                    _ => panic!("{len}"),
                }
                for short in 0..encoded.len().min(70) {
                    assert!(split(&encoded[..short]).is_none());
                }
            }
        }
    }

    #[test]
    fn only_shortest_forms_are_read() {
        let long = |head: &[u8], len: usize| [head, &vec![0xff; len][..]].concat();
        let wrong = [
            vec![],
            vec![0x81, 0x00],
            vec![0x81, 0x7f],
            vec![0x82, 0xff],
            long(&[0xb8, 55], 55),
            long(&[0xb9, 0, 56], 56),
            long(&[0xf8, 55], 55),
            long(&[0xf9, 0, 56], 56),
            vec![0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            vec![0xbc, 1, 0, 0, 0, 0],
            vec![0xb8],
            vec![0xf9, 1],
        ];
        for bytes in wrong {
            assert!(split(&bytes).is_none(), "{bytes:02x?}");
        }
        assert_eq!(string(&[0x7f]), Ok(&[0x7f][..]));
        assert_eq!(string(&[0x80]), Ok(&[][..]));
        assert_eq!(string(&[0x81, 0x80]), Ok(&[0x80][..]));
        assert_eq!(string(&[0x80, 0x80]), Err(Error::Proof));
        assert_eq!(string(&[0xc0]), Err(Error::Proof));
        assert!(list(&[0xc0]).is_ok_and(|items| items.is_empty()));
        assert!(list(&[0x80]).is_err() && list(&[0xc0, 0xc0]).is_err());
    }

    #[test]
    fn numbers_have_no_leading_zeros() {
        let uint = |bytes: &[u8]| Items(bytes).uint();
        assert_eq!(uint(&[0x80]), Ok(0));
        assert_eq!(uint(&[0x01]), Ok(1));
        assert_eq!(uint(&[0x82, 0x01, 0x00]), Ok(256));
        assert_eq!(uint(&[0x00]), Err(Error::Proof));
        assert_eq!(uint(&[0x82, 0x00, 0xff]), Err(Error::Proof));
        assert_eq!(
            uint(&[[0x88].as_slice(), &[0xff; 8]].concat()),
            Ok(u64::MAX)
        );
        assert_eq!(
            uint(&[[0x89].as_slice(), &[0xff; 9]].concat()),
            Err(Error::Proof)
        );
        assert_eq!(uint(&[0xc0]), Err(Error::Proof));
    }
}
