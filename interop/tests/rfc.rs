//! The examples of RFC 9052, RFC 8392 and RFC 9679 that use our algorithms: AES-CCM-16-64-128, ECDSA with P-256, SHA-256.

use iotchain::core::cbor::{Reader, Writer};
use iotchain::core::sign::sig_structure;
use iotchain::core::{AdditionalData, AeadAlg, AeadKey, Blocks};
use iotchain::{Error, PublicKey, SignAlg};
use serde_json::Value;

const VECTORS: &str = include_str!("../vectors/cose.json");

fn cases(kind: &str, expected: usize) -> Vec<Value> {
    let mut vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let Value::Array(cases) = vectors[kind].take() else {
        panic!("no {kind}");
    };
    assert_eq!(cases.len(), expected);
    cases
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn p256_key(case: &Value) -> PublicKey {
    PublicKey::ec2(SignAlg::Esp256, array(&case["x"]), array(&case["y"]))
}

/// The protected header of a tagged message and what follows its unprotected header.
fn open<'a>(message: &'a [u8], tag: u64, elements: usize) -> (&'a [u8], Reader<'a>) {
    let mut reader = Reader::new(message);
    assert_eq!((reader.tag(), reader.array()), (Ok(tag), Ok(elements)));
    let protected = reader.bytes().unwrap();
    reader.skip().unwrap();
    (protected, reader)
}

#[test]
fn encrypt0() {
    for case in cases("encrypt0", 3) {
        let (input, plaintext) = (&case["in"], bytes(&case["out"]));
        let message = bytes(&input["message"]);
        let (protected, mut rest) = open(&message, 16, 3);
        let ciphertext = rest.bytes().unwrap();
        let mut aad = [0; 64];
        let mut writer = Writer::new(&mut aad);
        writer.array(3).text("Encrypt0").bytes(protected).bytes(&[]);
        let len = writer.finish().unwrap();
        let aad = AdditionalData::<5>::of(&[&aad[..len]]).unwrap();

        let key = AeadKey::new(AeadAlg::AesCcm16_64_128, &array(&input["key"]));
        let nonce = array(&input["nonce"]);
        let mut out = [0; 128];
        let opened = key.open(&nonce, aad.blocks(), ciphertext, &mut out);
        assert_eq!(opened.map(|len| &out[..len]), Ok(&plaintext[..]), "{case}");
        let sealed = key.seal(&nonce, aad.blocks(), &plaintext, &mut out);
        assert_eq!(sealed.map(|len| &out[..len]), Ok(ciphertext), "{case}");
        let unbound = key.open(&nonce, Blocks::NONE, ciphertext, &mut out);
        assert_eq!(unbound, Err(Error::Aead), "{case}");
    }
}

#[test]
fn sign1() {
    for case in cases("sign1", 2) {
        let message = bytes(&case["in"]["message"]);
        let (protected, mut rest) = open(&message, 18, 4);
        let (payload, signature) = (rest.bytes().unwrap(), rest.bytes().unwrap());
        assert_eq!(payload, bytes(&case["out"]));
        let key = p256_key(&case["in"]);
        let verify = |external_aad: &[u8]| {
            sig_structure(protected, external_aad, payload, |message| {
                key.verify(SignAlg::Esp256, message, signature)
            })
        };
        assert_eq!(verify(&[]), Ok(()), "{case}");
        assert_eq!(verify(b"bound"), Err(Error::Sig), "{case}");
    }
}

#[test]
fn thumbprint() {
    for case in cases("thumbprint", 1) {
        let thumbprint = p256_key(&case["in"]).thumbprint();
        assert_eq!(thumbprint.as_bytes()[..], bytes(&case["out"]), "{case}");
    }
}
