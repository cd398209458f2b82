//! The peer: cose-rust, which is COSE over OpenSSL. Its header lacks the key id context, so it is shorter than ours.

use super::scene::{KEY, KID, external_aad, plaintext};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use cose::message::CoseMessage;
use cose::{algs, keys};

fn key() -> keys::CoseKey {
    let mut key = keys::CoseKey::new();
    key.kty(keys::SYMMETRIC);
    key.alg(algs::AES_CCM_16_64_128);
    key.k(KEY.to_vec());
    key.base_iv(vec![4; 13]);
    key.key_ops(vec![keys::KEY_OPS_ENCRYPT, keys::KEY_OPS_DECRYPT]);
    key
}

fn sealed(key: &keys::CoseKey, plain: &[u8], aad: &[u8], piv: u8) -> Option<Vec<u8>> {
    let mut message = CoseMessage::new_encrypt();
    message.header.alg(algs::AES_CCM_16_64_128, true, false);
    message.header.kid(KID.to_vec(), true, false);
    message.header.partial_iv(vec![piv], true, false);
    message.payload(plain.to_vec());
    message.key(key).ok()?;
    message.secure_content(Some(aad.to_vec())).ok()?;
    message.encode(true).ok()?;
    Some(message.bytes)
}

fn opened(key: &keys::CoseKey, object: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let mut message = CoseMessage::new_encrypt();
    message.bytes = object.to_vec();
    message.init_decoder(None).ok()?;
    message.key(key).ok()?;
    message.decode(Some(aad.to_vec()), None).ok()
}

/// Sealing and opening `size` bytes.
pub(crate) fn cases(peer: &'static str, size: usize) -> Outcome<Vec<Case>> {
    let (aad, plain) = (external_aad(), plaintext(size));
    let object = sealed(&key(), &plain, &aad, 0).ok_or("cose-rust does not seal")?;
    if opened(&key(), &object, &aad).as_ref() != Some(&plain) {
        return Err("cose-rust does not open".into());
    }
    let row = |op| Row::new(peer, op).size(size).bytes(object.len());
    let (seal_row, open_row) = (row("seal"), row("open"));
    let (sealer, opener, bound) = (key(), key(), aad.clone());
    let mut piv = 0u8;
    Ok(vec![
        Case::same(seal_row, move || {
            piv = piv.wrapping_add(1);
            sealed(&sealer, &plain, &bound, piv)
        }),
        Case::same(open_row, move || opened(&opener, &object, &aad)),
    ])
}
