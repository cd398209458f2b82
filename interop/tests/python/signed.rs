//! COSE_Sign1 by pycose and python-cwt: broadcasts, proofs of a resource server, and the keys themselves.

use iotchain::core::{GroupName, Signature};
use iotchain::selfheal::{Authority, Envelope};
use iotchain::token::{
    Challenge, ChannelBinding, KeyUse, PopInput, Scope, TokenRef, sign_bound, verify_bound,
};
use iotchain::{
    Address, Error, Gid, PublicKey, Roles, Session, SignAlg, Signer, SigningKey, Thumbprint,
};
use serde_json::{Value, json};

use crate::stack::{Stack, hex};
use crate::world::event::event;
use crate::world::{GID, KS, RS, array, cbor};

const ALGS: [SignAlg; 3] = [SignAlg::Es256k, SignAlg::Esp256, SignAlg::Ed25519];
const PRIVATE: [u8; 32] = [7; 32];

/// Each algorithm with each library that signs with it: python-cwt has no number for ESP256 and Ed25519.
const SIGNERS: [(SignAlg, &str); 4] = [
    (SignAlg::Es256k, "cwt"),
    (SignAlg::Es256k, "pycose"),
    (SignAlg::Esp256, "pycose"),
    (SignAlg::Ed25519, "pycose"),
];

fn key(alg: SignAlg) -> SigningKey {
    SigningKey::from_bytes(alg, &PRIVATE).unwrap()
}

fn cose_key(key: &PublicKey) -> Value {
    let mut out = [0; PublicKey::MAX_ENCODED];
    let len = key.encode(&mut out).unwrap();
    hex(&out[..len])
}

fn external_aad() -> Vec<u8> {
    cbor(&array(["IoTC1".into(), "bcast".into()]))
}

#[test]
fn public_keys_and_thumbprints() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    for alg in ALGS {
        let public = key(alg).public();
        let args = json!({"alg": alg.cose(), "private": hex(PRIVATE)});
        assert_eq!(python.ask("signed.public", &args), Ok(cose_key(&public)));
        let thumbprint = python.bytes("signed.thumbprint", &json!({"key": cose_key(&public)}));
        assert_eq!(thumbprint, public.thumbprint().as_bytes(), "{alg:?}");
    }
}

#[test]
fn broadcasts() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    for alg in ALGS {
        let key = key(alg);
        let ours = event(&key);
        for by in ["cwt", "pycose"] {
            let mut args = json!({
                "by": by, "alg": alg.cose(), "key": cose_key(&key.public()),
                "message": hex(&ours), "external_aad": hex(external_aad()),
            });
            let authority = Authority::new(Gid::new(GID), key.public());
            let payload = Envelope::open(&authority, &ours).unwrap().payload();
            assert_eq!(
                python.bytes("signed.verify", &args),
                payload,
                "{by} {alg:?}"
            );
            python.refuses_every_flip("signed.verify", &args, "message");
            args["external_aad"] = hex(b"");
            python.ask("signed.verify", &args).unwrap_err();
        }
    }
    for (alg, by) in SIGNERS {
        let public = key(alg).public();
        let mut args = json!({
            "by": by, "alg": alg.cose(), "private": hex(PRIVATE),
            "header": {
                "4": hex(&public.thumbprint().as_bytes()[..8]),
                "10": hex([&GID[..], &[1]].concat()),
            },
            "payload": hex(b"payload"), "external_aad": hex(external_aad()),
        });
        let authority = Authority::new(Gid::new(GID), public);
        let theirs = python.bytes("signed.sign", &args);
        let envelope = Envelope::open(&authority, &theirs).unwrap();
        assert_eq!(envelope.session(), Session::new(1));
        assert_eq!(envelope.payload(), b"payload");

        args["external_aad"] = hex(b"");
        let unbound = python.bytes("signed.sign", &args);
        let refused = Envelope::open(&authority, &unbound).map(|envelope| envelope.session());
        assert_eq!(refused, Err(Error::Sig), "{by} {alg:?}");
    }
}

/// Proofs over `payload` for `purpose`, which count for no `other` purpose.
fn proofs(
    (purpose, other): (&str, &str),
    payload: &[u8],
    sign: impl Fn(&SigningKey) -> Signature,
    verify: impl Fn(&PublicKey, &[u8]) -> iotchain::Result<()>,
) {
    let Some(mut python) = Stack::python() else {
        return;
    };
    for alg in ALGS {
        let key = key(alg);
        for by in ["cwt", "pycose"] {
            let mut args = json!({
                "by": by, "alg": alg.cose(), "key": cose_key(&key.public()), "use": purpose,
                "payload": hex(payload), "signature": hex(sign(&key)),
            });
            python.refuses_every_flip("signed.verify_bound", &args, "signature");
            python.refuses_every_flip("signed.verify_bound", &args, "payload");
            args["use"] = other.into();
            python.ask("signed.verify_bound", &args).unwrap_err();
        }
    }
    for (alg, by) in SIGNERS {
        let mut args = json!({
            "by": by, "alg": alg.cose(), "private": hex(PRIVATE), "use": purpose,
            "payload": hex(payload),
        });
        let public = key(alg).public();
        let signature = python.bytes("signed.sign_bound", &args);
        assert_eq!(verify(&public, &signature), Ok(()), "{by} {alg:?}");
        args["use"] = other.into();
        let signature = python.bytes("signed.sign_bound", &args);
        assert_eq!(verify(&public, &signature), Err(Error::Sig), "{by} {alg:?}");
    }
}

#[test]
fn proofs_of_a_resource_server() {
    let input = PopInput {
        binding: &ChannelBinding::Exporter([0xcb; 32]),
        key_server: &Thumbprint::new(KS),
        token: &TokenRef::resource_server(Address::new(RS)),
        scope: &Scope {
            group: GroupName::new("0007.fafafafa").unwrap(),
            roles: Roles::PRODUCER,
        },
        challenge: &Challenge::from_slice(&[0x17; Challenge::LEN]).unwrap(),
        cnonce: b"a nonce of ours",
    };
    let mut encoded = [0; PopInput::MAX_LEN];
    let len = input.encode(&mut encoded).unwrap();
    proofs(
        ("join", "kdc"),
        &encoded[..len],
        |key| input.sign_as_server(key).unwrap(),
        |public, signature| input.verify_server(public, signature),
    );
}

#[test]
fn proofs_of_the_key_server() {
    // Both nonces as CBOR byte strings, one after the other.
    let nonces = b"\x48of ours.\x48of its.." as &[u8];
    proofs(
        ("kdc", "join"),
        nonces,
        |key| sign_bound(key, KeyUse::Kdc, nonces).unwrap(),
        |public, signature| verify_bound(public, KeyUse::Kdc, nonces, signature),
    );
}
