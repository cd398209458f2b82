//! The structures of COSE around an object, built from their definition (RFC 9052, 5.3; spec 2.1 to 2.3).
//!
//! The crates assemble them in parts and never as a whole; the vectors give them whole.

use crate::json::Item;
use crate::report::{Checked, Fault};
use iotchain::core::cbor::{Writer, encoded_len};

/// What `write` writes.
pub(crate) fn encoded(write: impl Fn(&mut Writer<'_>)) -> Checked<Vec<u8>> {
    let mut out = vec![0; encoded_len(&write)];
    let mut writer = Writer::new(&mut out);
    write(&mut writer);
    writer.finish()?;
    Ok(out)
}

/// The shortest big-endian form of a number, one byte for 0.
fn minimal(number: u32) -> Vec<u8> {
    let zeros = (number.leading_zeros() / 8).min(3) as usize;
    number.to_be_bytes().into_iter().skip(zeros).collect()
}

/// The protected header of a case.
pub(crate) fn protected(case: &Item<'_>, gid: &[u8]) -> Checked<Vec<u8>> {
    let alg: i64 = case.get("alg")?.int()?;
    let (kid, piv) = (case.get("kid")?.bytes()?, minimal(case.get("piv")?.int()?));
    let context = [gid, &minimal(case.get("j")?.int()?)].concat();
    let content_format: Option<u64> = case.optional("content_format", Item::int)?;
    let iat: Option<u64> = case.optional("iat", Item::int)?;
    let exp: Option<u64> = case.optional("exp", Item::int)?;
    encoded(|w| {
        w.map(4 + u64::from(content_format.is_some()) + u64::from(iat.is_some()))
            .uint(1)
            .int(alg);
        if let Some(content_format) = content_format {
            w.uint(3).uint(content_format);
        }
        w.uint(4)
            .bytes(&kid)
            .uint(6)
            .bytes(&piv)
            .uint(10)
            .bytes(&context);
        if let Some(iat) = iat {
            w.uint(15).map(1 + u64::from(exp.is_some()));
            if let Some(exp) = exp {
                w.uint(4).uint(exp);
            }
            w.uint(6).uint(iat);
        }
    })
}

/// The protected header of a response of mode P.
pub(crate) fn protected_answer(case: &Item<'_>) -> Checked<Vec<u8>> {
    match case.optional("content_format", Item::int)? {
        None => Ok(vec![]),
        Some(content_format) => encoded(|w| {
            w.map(1).uint(3).uint(content_format);
        }),
    }
}

/// `[1, mode, code, rs, [path], [query], bind, signer]`.
pub(crate) fn external_aad(case: &Item<'_>) -> Checked<Vec<u8>> {
    let mode = match case.get("mode")?.text()? {
        "G" => 0,
        "P" => 1,
        "S" => 2,
        other => return Err(Fault::new(format!("mode {other}"))),
    };
    let code = case.get("code")?.int()?;
    let rs = case.get("rs")?.bytes()?;
    let texts = [case.get("path")?.texts()?, case.get("query")?.texts()?];
    let (bind, signer) = (
        case.get("bind")?.bytes()?,
        case.optional("signer_thumbprint", Item::bytes)?
            .unwrap_or_default(),
    );
    encoded(|w| {
        w.array(8).uint(1).uint(mode).uint(code).bytes(&rs);
        for list in &texts {
            w.array(list.len() as u64);
            list.iter().for_each(|text| {
                w.text(text);
            });
        }
        w.bytes(&bind).bytes(&signer);
    })
}

/// `["Encrypt0", protected, external_aad]`.
pub(crate) fn enc_structure(protected: &[u8], external_aad: &[u8]) -> Checked<Vec<u8>> {
    encoded(|w| {
        w.array(3)
            .text("Encrypt0")
            .bytes(protected)
            .bytes(external_aad);
    })
}

/// `["CounterSignature0", protected, external_aad, ciphertext]`.
pub(crate) fn to_be_signed(
    protected: &[u8],
    external_aad: &[u8],
    ciphertext: &[u8],
) -> Checked<Vec<u8>> {
    encoded(|w| {
        w.array(4)
            .text("CounterSignature0")
            .bytes(protected)
            .bytes(external_aad)
            .bytes(ciphertext);
    })
}

/// `[protected, {} or {12: signature}, ciphertext]`.
pub(crate) fn object(
    protected: &[u8],
    signature: Option<&[u8]>,
    ciphertext: &[u8],
) -> Checked<Vec<u8>> {
    encoded(|w| {
        w.array(3).bytes(protected).map(signature.is_some().into());
        if let Some(signature) = signature {
            w.uint(12).bytes(signature);
        }
        w.bytes(ciphertext);
    })
}
