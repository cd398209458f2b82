//! Signed broadcasts are COSE_Sign1: coset verifies ours, with RustCrypto and with OpenSSL, and we accept those of coset.

mod world;

use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, Label, iana};
use iotchain::selfheal::{Authority, Envelope};
use iotchain::{Error, Gid, Session, Signer};
use k256::ecdsa::signature::{Signer as _, Verifier};
use k256::ecdsa::{Signature, VerifyingKey};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use world::event::event;
use world::{GID, array, bytes, cbor, signer};

fn external_aad() -> Vec<u8> {
    cbor(&array(["IoTC1".into(), "bcast".into()]))
}

fn point() -> Vec<u8> {
    [&[4][..], signer().public().x(), signer().public().y()].concat()
}

#[test]
fn coset_verifies_an_event() {
    let message = CoseSign1::from_slice(&event(&signer())).unwrap();
    let header = &message.protected.header;
    assert_eq!(
        header.alg,
        Some(coset::RegisteredLabelWithPrivate::Assigned(
            iana::Algorithm::ES256K
        ))
    );
    assert_eq!(
        header.key_id,
        signer().public().thumbprint().as_bytes()[..8]
    );
    assert_eq!(
        header.rest,
        [(Label::Int(10), bytes([&GID[..], &[1]].concat()))]
    );

    let verifier = VerifyingKey::from_sec1_bytes(&point()).unwrap();
    let verify = |signature: &[u8], signed: &[u8]| {
        verifier.verify(signed, &Signature::from_slice(signature)?)
    };
    message.verify_signature(&external_aad(), verify).unwrap();
    message.verify_signature(b"", verify).unwrap_err();
}

#[test]
fn openssl_verifies_an_event() {
    let group = EcGroup::from_curve_name(Nid::SECP256K1).unwrap();
    let point = EcPoint::from_bytes(&group, &point(), &mut BigNumContext::new().unwrap()).unwrap();
    let key = EcKey::from_public_key(&group, &point).unwrap();
    let verify = |signature: &[u8], signed: &[u8]| {
        let (r, s) = signature.split_at(32);
        let signature =
            EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
        signature.verify(&openssl::sha::sha256(signed), &key)
    };
    let message = CoseSign1::from_slice(&event(&signer())).unwrap();
    let valid = |aad: &[u8]| {
        let mut valid = false;
        message
            .verify_signature(aad, |signature, signed| {
                verify(signature, signed).map(|yes| valid = yes)
            })
            .unwrap();
        valid
    };
    assert!(valid(&external_aad()));
    assert!(!valid(b""));
}

#[test]
fn we_accept_a_message_of_coset() {
    let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let sign = |aad: &[u8]| {
        let header = HeaderBuilder::new()
            .algorithm(iana::Algorithm::ES256K)
            .key_id(signer().public().thumbprint().as_bytes()[..8].to_vec())
            .value(10, bytes([&GID[..], &[1]].concat()));
        let message = CoseSign1Builder::new()
            .protected(header.build())
            .payload(b"payload".to_vec());
        let sign = |signed: &[u8]| -> Vec<u8> {
            let signature: Signature = key.sign(signed);
            signature.to_bytes().to_vec()
        };
        message
            .create_signature(aad, sign)
            .build()
            .to_vec()
            .unwrap()
    };
    let authority = Authority::new(Gid::new(GID), signer().public());
    let message = sign(&external_aad());
    let envelope = Envelope::open(&authority, &message).unwrap();
    assert_eq!(
        (envelope.session(), envelope.payload()),
        (Session::new(1), &b"payload"[..])
    );
    assert_eq!(Envelope::open(&authority, &sign(b"")), Err(Error::Sig));
}
