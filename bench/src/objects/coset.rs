//! The peer: coset, with AES-CCM of the crate `ccm` under a key that was expanded beforehand.

use super::rustcrypto::{Stock, cipher, open, seal};
use super::scene::{KID, external_aad, kid_context, plaintext};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use coset::cbor::value::Value;
use coset::{CborSerializable, CoseEncrypt0, CoseEncrypt0Builder, HeaderBuilder, iana};
use std::rc::Rc;

fn sealed(cipher: &Stock, plain: &[u8], aad: &[u8], piv: u8) -> Option<Vec<u8>> {
    let protected = HeaderBuilder::new()
        .algorithm(iana::Algorithm::AES_CCM_16_64_128)
        .key_id(KID.to_vec())
        .partial_iv(vec![piv])
        .value(10, Value::Bytes(kid_context()))
        .build();
    CoseEncrypt0Builder::new()
        .protected(protected)
        .try_create_ciphertext(plain, aad, |plain, aad| seal(cipher, plain, aad).ok_or(()))
        .ok()?
        .build()
        .to_vec()
        .ok()
}

fn opened(cipher: &Stock, object: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let object = CoseEncrypt0::from_slice(object).ok()?;
    let open = |text: &[u8], aad: &[u8]| open(cipher, text, aad).ok_or(());
    object.decrypt_ciphertext(aad, || (), open).ok()
}

/// Sealing and opening `size` bytes.
pub(crate) fn cases(peer: &'static str, size: usize) -> Outcome<Vec<Case>> {
    let (cipher, aad, plain) = (Rc::new(cipher()), external_aad(), plaintext(size));
    let object = sealed(&cipher, &plain, &aad, 0).ok_or("coset does not seal")?;
    if opened(&cipher, &object, &aad).as_ref() != Some(&plain) {
        return Err("coset does not open".into());
    }
    let row = |op| Row::new(peer, op).size(size).bytes(object.len());
    let (seal_row, open_row) = (row("seal"), row("open"));
    let (sealer, bound) = (cipher.clone(), aad.clone());
    let mut piv = 0u8;
    Ok(vec![
        Case::same(seal_row, move || {
            piv = piv.wrapping_add(1);
            sealed(&sealer, &plain, &bound, piv)
        }),
        Case::same(open_row, move || opened(&cipher, &object, &aad)),
    ])
}
