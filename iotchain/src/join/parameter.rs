//! Parameters: pairs of a message map, known by integer labels (RFC 9594, 8).

use iotchain_core::cbor::{self, Reader, Writer};
use iotchain_core::{Error, Result};

/// gkty, ace_groupcomm_profile and rekeying_scheme of this profile, and the label of the token reference (spec 4.1).
pub(super) const PRIVATE_USE: i64 = -65537;

/// What becomes of a pair whose label means nothing here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// RFC 9594, 4.1.2: "silently ignore".
    Skip,
    /// A map of this specification: closed world (spec 1.2).
    Refuse,
}

/// Checks that `bytes` is one map and calls `f` for each integer label; `f` reads the value and says whether it knew
/// the label.
pub(super) fn each_parameter<'a>(
    bytes: &'a [u8],
    unknown: Unknown,
    f: impl FnMut(i64, &mut Reader<'a>) -> Result<bool>,
) -> Result<()> {
    cbor::check(bytes)?;
    let mut reader = Reader::new(bytes);
    each_pair(&mut reader, unknown, f)
}

/// As [`each_parameter`] for a map inside a checked item.
pub(super) fn each_pair<'a>(
    reader: &mut Reader<'a>,
    unknown: Unknown,
    mut f: impl FnMut(i64, &mut Reader<'a>) -> Result<bool>,
) -> Result<()> {
    for _ in 0..reader.map()? {
        let known = match Reader::new(reader.skip()?).int() {
            Ok(label) => f(label, reader)?,
            Err(_) => false,
        };
        match (known, unknown) {
            (true, _) => {}
            (false, Unknown::Skip) => drop(reader.skip()?),
            (false, Unknown::Refuse) => return Err(Error::Type),
        }
    }
    Ok(())
}

/// Writes a byte string around what `encode` writes, at most `N` bytes.
pub(super) fn wrap<const N: usize>(
    writer: &mut Writer<'_>,
    encode: impl FnOnce(&mut [u8]) -> Result<usize>,
) -> Result<()> {
    let mut buffer = [0; N];
    let len = encode(&mut buffer)?;
    writer.bytes(buffer.get(..len).unwrap_or_default());
    Ok(())
}

/// A nonce of either side: 8 to 32 bytes.
pub(super) fn check_nonce(nonce: &[u8]) -> Result<&[u8]> {
    if (8..=32).contains(&nonce.len()) {
        Ok(nonce)
    } else {
        Err(Error::Type)
    }
}
