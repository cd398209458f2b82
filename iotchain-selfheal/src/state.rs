//! What a member knows, sealed for the time that its memory is off.
//!
//! ```text
//! version(1) | nonce(13) | AES-CCM-16-128-128 of the state | tag(16)
//! additional data: SHA-256 of "IoTChain member state" | version | ks | S_i
//!             or of "IoTChain member of epochs" | version | S_i | S_i of the later epoch, if there is one
//! ```
//!
//! S_i is not inside: it does not change, so a device keeps it once, and it names gid, epoch and slot. It and the
//! thumbprint of the key server tie the state to both; a member of epochs has the key server inside. The nonce is drawn at random: 2^32 states under one key meet twice in
//! one with a probability of 2^-41, and no counter has to survive the sleep.

use crate::broadcast::Authority;
use iotchain_core::aead::NONCE_LEN;
use iotchain_core::cbor::{self, Reader, Writer, encoded_len};
use iotchain_core::hash::sha256;
use iotchain_core::{
    AdditionalData, AeadAlg, AeadKey, Error, Result, Secret, TryCryptoRng, UnixTime,
};

const CONTEXT: &[u8] = b"IoTChain member state";
const EPOCHS_CONTEXT: &[u8] = b"IoTChain member of epochs";
const VERSION: u8 = 3;
const TAG_LEN: usize = 16;

/// Bytes around the state.
pub(crate) const OVERHEAD: usize = 1 + NONCE_LEN + TAG_LEN;

/// Whose state it is: what is authenticated with it.
pub(crate) struct Binding(AdditionalData<3>);

impl Binding {
    /// # Errors
    /// None in practice: a hash always fits.
    // apart, so that the stack of the hash is free again when the cipher runs
    #[inline(never)]
    pub(crate) fn new(personal_key: &[u8], authority: &Authority) -> Result<Self> {
        let ks = authority.key().thumbprint();
        let whose = sha256(&[CONTEXT, &[VERSION], ks.as_bytes(), personal_key]);
        AdditionalData::of(&[&whose]).map(Self)
    }

    /// As [`Binding::new`], for the personal keys of one or two epochs, the second one empty if there is none.
    ///
    /// # Errors
    /// None in practice: a hash always fits.
    #[inline(never)]
    pub(crate) fn of_epochs(personal_keys: [&[u8]; 2]) -> Result<Self> {
        let [earlier, later] = personal_keys;
        let whose = sha256(&[EPOCHS_CONTEXT, &[VERSION], earlier, later]);
        AdditionalData::of(&[&whose]).map(Self)
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
    aead(key).seal_in_place(&nonce, binding.0.blocks(), sealed)?;
    for (to, from) in head.iter_mut().zip([VERSION].into_iter().chain(nonce)) {
        *to = from;
    }
    Ok(needed)
}

/// Opens a sealed state where it is.
///
/// # Errors
/// [`Error::Version`] for another first byte; [`Error::Aead`] for anything else that is not what [`seal`] wrote.
#[inline(never)]
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
    let len = aead(key).open_in_place(nonce, binding.0.blocks(), body)?;
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
