//! The strict walk over one item.

use super::head::{Major, head};
use super::utf8::is_utf8;
use crate::error::{Error, Result};

/// Deepest nesting; the outermost item is level 1 (spec 1.2, rule 3).
pub const MAX_DEPTH: u8 = 6;

/// Checks that `bytes` is exactly one item in core deterministic form, without tags.
///
/// # Errors
/// The first violation: [`Error::Truncated`], [`Error::Trailing`], [`Error::NonMinimal`], [`Error::Indefinite`],
/// [`Error::Order`], [`Error::DuplicateKey`], [`Error::Depth`], [`Error::Utf8`], [`Error::Item`].
pub fn check(bytes: &[u8]) -> Result<()> {
    check_tagged(bytes, &[])
}

/// As [`check`], with the tag numbers in `tags` allowed.
///
/// # Errors
/// As [`check`]; a tag outside `tags` is [`Error::Item`].
pub fn check_tagged(bytes: &[u8], tags: &[u64]) -> Result<()> {
    match walk(bytes, 1, Some(tags))? {
        [] => Ok(()),
        _ => Err(Error::Trailing),
    }
}

/// Walks one item at nesting level `depth` and gives the bytes behind it; tags are those of `tags`, or any. Recursion is
/// bounded by [`MAX_DEPTH`].
pub(super) fn walk<'a>(bytes: &'a [u8], depth: u8, tags: Option<&[u64]>) -> Result<&'a [u8]> {
    if depth > MAX_DEPTH {
        return Err(Error::Depth);
    }
    let inner = depth.saturating_add(1);
    let (major, argument, mut rest) = head(bytes)?;
    let fits = |per_item: u64| {
        argument
            .checked_mul(per_item)
            .is_some_and(|n| n <= rest.len() as u64)
    };
    match major {
        Major::Uint | Major::Negative | Major::Simple => Ok(rest),
        Major::Bytes | Major::Text => {
            let len = usize::try_from(argument).map_err(|_| Error::Truncated)?;
            let (string, rest) = rest.split_at_checked(len).ok_or(Error::Truncated)?;
            if major == Major::Text && !is_utf8(string) {
                return Err(Error::Utf8);
            }
            Ok(rest)
        }
        Major::Array => {
            if !fits(1) {
                return Err(Error::Truncated);
            }
            for _ in 0..argument {
                rest = walk(rest, inner, tags)?;
            }
            Ok(rest)
        }
        Major::Map => {
            if !fits(2) {
                return Err(Error::Truncated);
            }
            let mut last: Option<&[u8]> = None;
            for _ in 0..argument {
                let start = rest;
                rest = walk(start, inner, tags)?;
                let key = start
                    .get(..start.len().saturating_sub(rest.len()))
                    .ok_or(Error::Truncated)?;
                if !matches!(
                    key.first().map(|initial| Major::of(*initial)),
                    Some(Major::Uint | Major::Negative | Major::Text)
                ) {
                    return Err(Error::Item);
                }
                match last.map(|last| last.cmp(key)) {
                    Some(core::cmp::Ordering::Equal) => return Err(Error::DuplicateKey),
                    Some(core::cmp::Ordering::Greater) => return Err(Error::Order),
                    _ => last = Some(key),
                }
                rest = walk(rest, inner, tags)?;
            }
            Ok(rest)
        }
        Major::Tag if tags.is_none_or(|tags| tags.contains(&argument)) => walk(rest, inner, tags),
        Major::Tag => Err(Error::Item),
    }
}
