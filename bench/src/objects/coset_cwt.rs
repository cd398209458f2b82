//! The peer: CWTs of coset, signed and verified by k256 with keys that were loaded beforehand.

use super::scene::signer;
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use coset::cbor::value::Value;
use coset::cwt::{ClaimsSet, ClaimsSetBuilder, Timestamp};
use coset::iana::{Algorithm, CwtClaimName};
use coset::{AsCborValue, TaggedCborSerializable, iana::EllipticCurve};
use coset::{CborSerializable, CoseKeyBuilder, CoseSign1, CoseSign1Builder, HeaderBuilder};
use iotchain_core::{SignAlg, Signer as _, SigningKey as Key};
use k256::ecdsa::signature::{Signer, Verifier};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};

const NOW: i64 = 1_767_225_600;

fn issue(key: &SigningKey, id: &[u8], claims: ClaimsSet) -> Option<Vec<u8>> {
    let protected = HeaderBuilder::new()
        .algorithm(Algorithm::ES256K)
        .key_id(id.to_vec())
        .build();
    CoseSign1Builder::new()
        .protected(protected)
        .payload(claims.to_vec().ok()?)
        .create_signature(b"", |message| {
            let signature: Signature = key.sign(message);
            signature.to_vec()
        })
        .build()
        .to_tagged_vec()
        .ok()
}

/// Signature, then who it is for and until when.
fn validate(key: &VerifyingKey, cwt: &[u8], audience: &str) -> Option<ClaimsSet> {
    let signed = CoseSign1::from_tagged_slice(cwt).ok()?;
    let verify = |signature: &[u8], message: &[u8]| {
        let signature = Signature::from_slice(signature).map_err(|_| ())?;
        key.verify(message, &signature).map_err(|_| ())
    };
    signed.verify_signature(b"", verify).ok()?;
    let claims = ClaimsSet::from_slice(&signed.payload?).ok()?;
    let is_live = matches!(claims.expiration_time, Some(Timestamp::WholeSeconds(end)) if end > NOW);
    (is_live && claims.audience.as_deref() == Some(audience)).then_some(claims)
}

/// The claims of ours: three accounts, four times and ids, a key, one scope.
fn claims() -> Outcome<ClaimsSet> {
    let client = Key::from_bytes(SignAlg::Es256k, &[8; 32])?.public();
    let key = CoseKeyBuilder::new_ec2_pub_key(
        EllipticCurve::Secp256k1,
        client.x().to_vec(),
        client.y().to_vec(),
    );
    let key = key.build().to_cbor_value().map_err(|_| "no COSE_Key")?;
    let confirmation = Value::Map(vec![(Value::from(1), key)]);
    let account = |digit: &str| format!("eip155:1337:0x{}", digit.repeat(40));
    Ok(ClaimsSetBuilder::new()
        .issuer(account("1"))
        .subject(account("2"))
        .audience(account("3"))
        .expiration_time(Timestamp::WholeSeconds(NOW + 600))
        .not_before(Timestamp::WholeSeconds(NOW))
        .issued_at(Timestamp::WholeSeconds(NOW))
        .cwt_id(vec![5; 8])
        .claim(CwtClaimName::Cnf, confirmation)
        .claim(CwtClaimName::Scope, Value::Bytes(vec![6; 18]))
        .build())
}

/// Issuing and validating a CWT.
pub(crate) fn cases(peer: &'static str) -> Outcome<Vec<Case>> {
    let key = SigningKey::from_slice(signer()?.expose())?;
    let public = *key.verifying_key();
    let (claims, id) = (claims()?, [4; 20]);
    let audience = claims.audience.clone().ok_or("no audience")?;
    let cwt = issue(&key, &id, claims.clone()).ok_or("coset issues no CWT")?;
    validate(&public, &cwt, &audience).ok_or("coset refuses its own CWT")?;
    let row = |op| Row::new(peer, op).bytes(cwt.len());
    let (issue_row, validate_row) = (row("cwt-issue"), row("cwt-validate"));
    Ok(vec![
        Case::same(issue_row, move || issue(&key, &id, claims.clone())),
        Case::same(validate_row, move || validate(&public, &cwt, &audience)),
    ])
}
