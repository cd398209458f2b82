//! Our own cipher, raw, for comparison with the other raw ciphers.

use super::scene::{KEY, RAW_AAD, plaintext};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use iotchain_core::AdditionalData;
use iotchain_core::aead::{AeadAlg, AeadKey};
use std::rc::Rc;

const NONCE: [u8; 13] = [4; 13];

/// Encrypting and decrypting `size` bytes.
pub(crate) fn cases(peer: &'static str, size: usize) -> Outcome<Vec<Case>> {
    let key = Rc::new(AeadKey::new(AeadAlg::AesCcm16_64_128, &KEY));
    let row = |op| Row::new(peer, op).size(size);
    let aad = AdditionalData::<3>::of(&[&RAW_AAD])?;
    let (plain, mut out) = (plaintext(size), vec![0; size + 8]);
    let len = key.seal(&NONCE, aad.blocks(), &plain, &mut out)?;
    let sealed = out[..len].to_vec();
    let (sealer, bound) = (key.clone(), aad.clone());
    let encrypt = Case::same(row("ccm-seal"), move || {
        sealer.seal(&NONCE, bound.blocks(), &plain, &mut out)
    });
    let mut out = vec![0; size];
    let decrypt = Case::same(row("ccm-open"), move || {
        key.open(&NONCE, aad.blocks(), &sealed, &mut out)
    });
    Ok(vec![encrypt, decrypt])
}
