//! The peer: the crate `ccm` over the same `aes`, raw, under a key that was expanded beforehand.

use super::scene::{KEY, RAW_AAD, plaintext};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use ccm::Ccm;
use ccm::aead::inout::InOutBuf;
use ccm::aead::{AeadInOut, KeyInit};
use ccm::consts::{U8, U13};
use std::rc::Rc;

pub(crate) type Stock = Ccm<aes::Aes128, U8, U13>;

const NONCE: [u8; 13] = [4; 13];

pub(crate) fn cipher() -> Stock {
    Stock::new(&KEY.into())
}

/// Ciphertext and tag.
pub(crate) fn seal(cipher: &Stock, plain: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(plain.len() + 8);
    out.extend_from_slice(plain);
    let tag = cipher.encrypt_inout_detached(&NONCE.into(), aad, InOutBuf::from(out.as_mut_slice()));
    out.extend_from_slice(&tag.ok()?);
    Some(out)
}

pub(crate) fn open(cipher: &Stock, sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let (text, tag) = sealed.split_last_chunk::<8>()?;
    let mut out = text.to_vec();
    let buffer = InOutBuf::from(out.as_mut_slice());
    cipher
        .decrypt_inout_detached(&NONCE.into(), aad, buffer, &(*tag).into())
        .ok()?;
    Some(out)
}

/// Encrypting and decrypting `size` bytes in place.
pub(crate) fn cases(peer: &'static str, size: usize) -> Outcome<Vec<Case>> {
    let cipher = Rc::new(cipher());
    let row = |op| Row::new(peer, op).size(size);
    let mut text = plaintext(size);
    let sealer = cipher.clone();
    let encrypt = Case::same(row("ccm-seal"), move || {
        let buffer = InOutBuf::from(text.as_mut_slice());
        sealer.encrypt_inout_detached(&NONCE.into(), &RAW_AAD, buffer)
    });
    let sealed = seal(&cipher, &plaintext(size), &RAW_AAD).ok_or("ccm does not seal")?;
    let (text, tag) = sealed.split_last_chunk::<8>().ok_or("no tag")?;
    let (text, tag) = (text.to_vec(), *tag);
    let decrypt = Case::new(
        row("ccm-open"),
        move || text.clone(),
        move |text| {
            let buffer = InOutBuf::from(text.as_mut_slice());
            cipher.decrypt_inout_detached(&NONCE.into(), &RAW_AAD, buffer, &tag.into())
        },
    );
    Ok(vec![encrypt, decrypt])
}
