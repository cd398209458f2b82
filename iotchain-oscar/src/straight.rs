//! Reading an object in the one form that senders of v1 write, straight through (spec 2.1).
//!
//! ```text
//! 83 | bstr { 1: alg, ? 3: content-format, 4: kid, 6: PIV, 10: kid context } | a0 | bstr ciphertext
//! ```
//! Whatever deviates, be it right or wrong, is left to the strict reader, which also knows the number of what is wrong
//! with it; signed objects go there too, because their signature costs a hundred times as much.

use crate::frame::{ARRAY, BYTES, MAP};
use crate::header::{ALG, CONTENT_FORMAT, Header, KID, KID_CONTEXT, MAX_PROTECTED, PIV};

/// Protected header, its fields, and the ciphertext.
pub(crate) type Parts<'a> = (&'a [u8], Header<'a>, &'a [u8]);

/// The parts of an unsigned object in its usual form.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> Option<Parts<'_>> {
    const TRIPLE: u8 = ARRAY | 3;
    let [TRIPLE, rest @ ..] = bytes else {
        return None;
    };
    let (protected, rest) = string(rest)?;
    let [MAP, rest @ ..] = rest else {
        return None;
    };
    match string(rest)? {
        (ciphertext, []) if protected.len() <= MAX_PROTECTED => {
            Some((protected, header(protected)?, ciphertext))
        }
        _ => None,
    }
}

#[inline]
fn header(protected: &[u8]) -> Option<Header<'_>> {
    const FOUR: u8 = MAP | 4;
    const FIVE: u8 = MAP | 5;
    let (alg, rest, has_format) = match protected {
        [labels @ (FOUR | FIVE), ALG, alg @ 0..24, rest @ ..] => (*alg, rest, *labels == FIVE),
        [labels @ (FOUR | FIVE), ALG, 24, alg @ 24..=255, rest @ ..] => {
            (*alg, rest, *labels == FIVE)
        }
        _ => return None,
    };
    let (content_format, rest) = match (has_format, rest) {
        (false, rest) => (None, rest),
        (
            true,
            [CONTENT_FORMAT, low @ 0..24, rest @ ..]
            | [CONTENT_FORMAT, 24, low @ 24..=255, rest @ ..],
        ) => (Some(u16::from(*low)), rest),
        (true, [CONTENT_FORMAT, 25, high @ 1..=255, low, rest @ ..]) => {
            (Some(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    let (kid, rest) = labelled(KID, rest)?;
    let (piv, rest) = labelled(PIV, rest)?;
    let (kid_context, rest) = labelled(KID_CONTEXT, rest)?;
    if !rest.is_empty() {
        return None;
    }
    Some(Header {
        alg: alg.into(),
        content_format,
        kid,
        piv,
        kid_context,
        claims: None,
    })
}

/// A label and its byte string of less than 24 bytes.
#[inline(always)]
fn labelled(label: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes {
        [first, head @ BYTES..0x58, rest @ ..] if *first == label => {
            rest.split_at_checked(usize::from(head ^ BYTES))
        }
        _ => None,
    }
}

/// A byte string and what follows it.
#[inline(always)]
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match *bytes {
        [head @ BYTES..0x58, ref rest @ ..] => (usize::from(head ^ BYTES), rest),
        [0x58, len @ 24..=255, ref rest @ ..] => (usize::from(len), rest),
        [0x59, high @ 1..=255, low, ref rest @ ..] => {
            (usize::from(u16::from_be_bytes([high, low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(len)
}
