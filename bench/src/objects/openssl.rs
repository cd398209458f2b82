//! The peer: AES-128-CCM of OpenSSL, raw, in a context that keeps the key.

use super::scene::{KEY, RAW_AAD, plaintext};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;

const NONCE: [u8; 13] = [4; 13];

fn encrypting() -> Result<CipherCtx, ErrorStack> {
    let mut context = CipherCtx::new()?;
    context.encrypt_init(Some(Cipher::aes_128_ccm()), None, None)?;
    context.set_iv_length(NONCE.len())?;
    context.set_tag_length(8)?;
    context.encrypt_init(None, Some(&KEY), None)?;
    Ok(context)
}

fn decrypting() -> Result<CipherCtx, ErrorStack> {
    let mut context = CipherCtx::new()?;
    context.decrypt_init(Some(Cipher::aes_128_ccm()), None, None)?;
    context.set_iv_length(NONCE.len())?;
    context.set_tag(&[0; 8])?;
    context.decrypt_init(None, Some(&KEY), None)?;
    Ok(context)
}

fn seal(
    context: &mut CipherCtx,
    plain: &[u8],
    out: &mut [u8],
    tag: &mut [u8; 8],
) -> Result<usize, ErrorStack> {
    context.encrypt_init(None, None, Some(&NONCE))?;
    context.set_data_len(plain.len())?;
    context.cipher_update(&RAW_AAD, None)?;
    let len = context.cipher_update(plain, Some(out))?;
    context.tag(tag)?;
    Ok(len)
}

fn open(
    context: &mut CipherCtx,
    text: &[u8],
    tag: &[u8; 8],
    out: &mut [u8],
) -> Result<usize, ErrorStack> {
    context.set_tag(tag)?;
    context.decrypt_init(None, None, Some(&NONCE))?;
    context.set_data_len(text.len())?;
    context.cipher_update(&RAW_AAD, None)?;
    context.cipher_update(text, Some(out))
}

/// Encrypting and decrypting `size` bytes.
pub(crate) fn cases(peer: &'static str, size: usize) -> Outcome<Vec<Case>> {
    let row = |op| Row::new(peer, op).size(size);
    let (mut sealer, mut opener) = (encrypting()?, decrypting()?);
    let plain = plaintext(size);
    let (mut out, mut tag) = (vec![0; size + 32], [0; 8]);
    seal(&mut sealer, &plain, &mut out, &mut tag)?;
    let (text, sealed_tag) = (out[..size].to_vec(), tag);
    let mut opened = vec![0; size + 32];
    open(&mut opener, &text, &sealed_tag, &mut opened)?;
    if opened[..size] != plain {
        return Err("OpenSSL does not open".into());
    }
    Ok(vec![
        Case::same(row("ccm-seal"), move || {
            seal(&mut sealer, &plain, &mut out, &mut tag).is_ok()
        }),
        Case::same(row("ccm-open"), move || {
            open(&mut opener, &text, &sealed_tag, &mut opened).is_ok()
        }),
    ])
}
