//! What the group managers of both schemes share.

mod course;
mod journal;
mod keeper;

pub(crate) use course::Course;
pub use journal::{Journal, Journaled, Replayed};
pub use keeper::{Keeper, Storage, Stored};

use crate::broadcast::{Envelope, MAX_OVERHEAD};
use alloc::vec::Vec;
use iotchain_core::cbor::{self, Reader, Writer, encoded_len};
use iotchain_core::{Error, Gid, Result, Secret, Session, Signer, TryCryptoRng};
use zeroize::{Zeroize, Zeroizing};

/// 16 fresh secret bytes.
pub(crate) fn draw(rng: &mut impl TryCryptoRng) -> Result<Secret<16>> {
    let mut bytes = [0; 16];
    rng.try_fill_bytes(&mut bytes).map_err(|_| Error::Random)?;
    let secret = Secret::new(bytes);
    bytes.zeroize();
    Ok(secret)
}

/// What `write` writes, in a buffer of exactly that length that is wiped on drop.
pub(crate) fn encode(write: impl Fn(&mut Writer<'_>)) -> Result<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(alloc::vec![0; encoded_len(&write)]);
    let mut writer = Writer::new(&mut out);
    write(&mut writer);
    writer.finish()?;
    Ok(out)
}

/// The signed message of a session.
pub(crate) fn seal(
    signer: &impl Signer,
    gid: Gid,
    session: u32,
    payload: &[u8],
) -> Result<Vec<u8>> {
    let mut message = alloc::vec![0; payload.len().saturating_add(MAX_OVERHEAD)];
    let len = Envelope::seal(signer, gid, Session::new(session), payload, &mut message)?;
    message.truncate(len);
    Ok(message)
}

/// Reads past the head and the version of an exported state.
///
/// # Errors
/// A format error, [`Error::Version`] for a state of another version, else [`Error::Type`].
pub(crate) fn read_state(bytes: &[u8], version: u32, elements: usize) -> Result<Reader<'_>> {
    cbor::check(bytes)?;
    let mut reader = Reader::new(bytes);
    let found = reader.array()?;
    if found == 0 {
        return Err(Error::Type);
    }
    if reader.u32()? != version {
        return Err(Error::Version);
    }
    if found == elements {
        Ok(reader)
    } else {
        Err(Error::Type)
    }
}

/// Groups of `N` numbers as one flat array.
pub(crate) fn write_groups<const N: usize>(
    writer: &mut Writer<'_>,
    groups: impl ExactSizeIterator<Item = [u32; N]>,
) {
    writer.array((groups.len() as u64).saturating_mul(N as u64));
    groups.flatten().for_each(|number| {
        writer.uint(number.into());
    });
}

/// What [`write_groups`] wrote.
pub(crate) fn read_groups<const N: usize>(reader: &mut Reader<'_>) -> Result<Vec<[u32; N]>> {
    let numbers = (0..reader.array()?)
        .map(|_| reader.u32())
        .collect::<Result<Vec<u32>>>()?;
    let (groups, rest) = numbers.as_chunks();
    if rest.is_empty() {
        Ok(groups.to_vec())
    } else {
        Err(Error::Type)
    }
}
