//! Heads of items: what every item begins with.

use crate::error::{Error, Result};

/// Major types (RFC 8949, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Major {
    /// 0: unsigned integer.
    Uint = 0,
    /// 1: negative integer.
    Negative,
    /// 2: byte string.
    Bytes,
    /// 3: text string.
    Text,
    /// 4: array.
    Array,
    /// 5: map.
    Map,
    /// 6: tag.
    Tag,
    /// 7: false, true, null.
    Simple,
}

impl Major {
    pub(super) const fn of(initial: u8) -> Self {
        match initial >> 5 {
            0 => Self::Uint,
            1 => Self::Negative,
            2 => Self::Bytes,
            3 => Self::Text,
            4 => Self::Array,
            5 => Self::Map,
            6 => Self::Tag,
            _ => Self::Simple,
        }
    }
}

/// One head: major type, argument and what follows it. Shortest form only.
pub(super) fn head(bytes: &[u8]) -> Result<(Major, u64, &[u8])> {
    let (initial, rest) = bytes.split_first().ok_or(Error::Truncated)?;
    let major = Major::of(*initial);
    let (argument, rest, least) = match initial & 31 {
        short @ 0..24 => (u64::from(short), rest, 0),
        24 => rest
            .split_first_chunk::<1>()
            .map(|(b, r)| (u64::from(b[0]), r, 24))
            .ok_or(Error::Truncated)?,
        25 => rest
            .split_first_chunk()
            .map(|(b, r)| (u64::from(u16::from_be_bytes(*b)), r, 1 << 8))
            .ok_or(Error::Truncated)?,
        26 => rest
            .split_first_chunk()
            .map(|(b, r)| (u64::from(u32::from_be_bytes(*b)), r, 1 << 16))
            .ok_or(Error::Truncated)?,
        27 => rest
            .split_first_chunk()
            .map(|(b, r)| (u64::from_be_bytes(*b), r, 1 << 32))
            .ok_or(Error::Truncated)?,
        31 => return Err(Error::Indefinite),
        _ => return Err(Error::Item),
    };
    if major == Major::Simple {
        // false, true and null are the only simple values of the profile; floats share the major type
        return if matches!(initial & 31, 20..=22) {
            Ok((major, argument, rest))
        } else {
            Err(Error::Item)
        };
    }
    if argument < least {
        Err(Error::NonMinimal)
    } else {
        Ok((major, argument, rest))
    }
}
