//! What a member knows, sealed for the time that its memory is off.
//!
//! ```text
//! version(1) | nonce(13) | AES-CCM-16-128-128 of the state | tag(16)
//! additional data: "IoTChain member state" | version | SHA-256 of S_i | ks
//! ```
//!
//! S_i is not inside: it does not change, so a device keeps it once, and it names gid, epoch and slot. Its hash and the
//! thumbprint of the key server tie the state to both. The nonce is drawn at random: 2^32 states under one key meet twice in
//! one with a probability of 2^-41, and no counter has to survive the sleep.

use crate::broadcast::Authority;
use iotchain_core::aead::NONCE_LEN;
use iotchain_core::cbor::{self, Reader, Writer, encoded_len};
use iotchain_core::hash::sha256;
use iotchain_core::{
    AdditionalData, AeadAlg, AeadKey, Error, Result, Secret, TryCryptoRng, UnixTime,
};

const CONTEXT: &[u8] = b"IoTChain member state";
const VERSION: u8 = 2;
const TAG_LEN: usize = 16;

/// Bytes around the state.
pub(crate) const OVERHEAD: usize = 1 + NONCE_LEN + TAG_LEN;

/// Whose state it is: part of what is authenticated.
pub(crate) struct Binding {
    personal_key: [u8; 32],
    key_server: [u8; 32],
}

impl Binding {
    pub(crate) fn new(personal_key: &[u8], authority: &Authority) -> Self {
        Self {
            personal_key: sha256(&[personal_key]),
            key_server: *authority.key().thumbprint().as_bytes(),
        }
    }

    fn additional_data(&self) -> Result<AdditionalData<6>> {
        AdditionalData::of(&[CONTEXT, &[VERSION], &self.personal_key, &self.key_server])
    }
}

/// Seals what `write` writes to the front of `out`; the length written.
///
/// # Errors
/// [`Error::Buffer`] and [`Error::Random`], nothing written.
pub(crate) fn seal(
    key: &Secret<16>,
    binding: &Binding,
    rng: &mut impl TryCryptoRng,
    out: &mut [u8],
    write: impl Fn(&mut Writer<'_>),
) -> Result<usize> {
    let needed = encoded_len(&write).saturating_add(OVERHEAD);
    let out = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
    let mut nonce = [0; NONCE_LEN];
    rng.try_fill_bytes(&mut nonce).map_err(|_| Error::Random)?;
    let (head, sealed) = out
        .split_first_chunk_mut::<{ 1 + NONCE_LEN }>()
        .ok_or(Error::Size)?;
    let (body, _) = sealed
        .split_last_chunk_mut::<TAG_LEN>()
        .ok_or(Error::Size)?;
    let mut writer = Writer::new(body);
    write(&mut writer);
    writer.finish()?;
    let aad = binding.additional_data()?;
    aead(key).seal_in_place(&nonce, aad.blocks(), sealed)?;
    for (to, from) in head.iter_mut().zip([VERSION].into_iter().chain(nonce)) {
        *to = from;
    }
    Ok(needed)
}

/// Opens a sealed state where it is.
///
/// # Errors
/// [`Error::Version`] for another first byte; [`Error::Aead`] for anything else that is not what [`seal`] wrote.
pub(crate) fn open<'a>(
    key: &Secret<16>,
    binding: &Binding,
    sealed: &'a mut [u8],
) -> Result<Reader<'a>> {
    let (version, rest) = sealed.split_first_mut().ok_or(Error::Aead)?;
    if *version != VERSION {
        return Err(Error::Version);
    }
    let (nonce, body) = rest.split_first_chunk_mut().ok_or(Error::Aead)?;
    let aad = binding.additional_data()?;
    let len = aead(key).open_in_place(nonce, aad.blocks(), body)?;
    let state = body.get(..len).ok_or(Error::Aead)?;
    cbor::check(state)?;
    Ok(Reader::new(state))
}

fn aead(key: &Secret<16>) -> AeadKey {
    AeadKey::new(AeadAlg::AesCcm16_128_128, key.expose())
}

/// Opens an array that must have `elements` elements.
pub(crate) fn read_array(reader: &mut Reader<'_>, elements: usize) -> Result<()> {
    if reader.array()? == elements {
        Ok(())
    } else {
        Err(Error::Type)
    }
}

/// `value` as an array of the elements that `write` writes for it, or as an empty one.
pub(crate) fn write_option<T>(
    writer: &mut Writer<'_>,
    elements: u64,
    value: Option<T>,
    write: impl FnOnce(&mut Writer<'_>, T),
) {
    match value {
        None => {
            writer.array(0);
        }
        Some(value) => {
            writer.array(elements);
            write(writer, value);
        }
    }
}

/// What [`write_option`] wrote.
pub(crate) fn read_option<T>(
    reader: &mut Reader<'_>,
    elements: usize,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
) -> Result<Option<T>> {
    match reader.array()? {
        0 => Ok(None),
        found if found == elements => read(reader).map(Some),
        _ => Err(Error::Type),
    }
}

pub(crate) fn read_time(reader: &mut Reader<'_>) -> Result<UnixTime> {
    reader.uint().map(UnixTime::new)
}
