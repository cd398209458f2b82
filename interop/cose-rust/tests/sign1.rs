//! COSE_Sign1 with ES256K: CWTs and the proofs of resource servers.

use cose::algs::ES256K;
use cose::errors::CoseError;
use cose::keys::{CoseKey, EC2, KEY_OPS_SIGN, KEY_OPS_VERIFY, SECP256K1};
use cose::message::CoseMessage;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{
    Address, Error, GroupName, Roles, SignAlg, Signature, Signer, SigningKey, Thumbprint, UnixTime,
};
use iotchain_token::{
    AccountId, Challenge, ChannelBinding, Confirmation, CwtClaims, CwtIssuer, CwtTrust, Policy,
    PopInput, Query, Scope, TokenRef, validate_cwt,
};

const PRIVATE: [u8; 32] = [7; 32];
const CONTRACT: Address = Address::new([0xc0; 20]);
const RES: Address = Address::new([0xfa; 20]);
const NOW: UnixTime = UnixTime::new(1_767_225_600);
/// Tag 61 of a CWT, which cose-rust does not take off.
const CWT_TAG: &[u8] = &[0xd8, 61];
/// CBOR ["IoTC1", "join"].
const JOIN: &[u8] = b"\x82\x65IoTC1\x64join";

fn key(private: [u8; 32]) -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &private).unwrap()
}

fn their_key() -> CoseKey {
    let public = key(PRIVATE).public();
    let mut key = CoseKey::new();
    key.kty(EC2);
    key.alg(ES256K);
    key.crv(SECP256K1);
    key.x(public.x().to_vec());
    key.y(public.y().to_vec());
    key.d(PRIVATE.to_vec());
    key.key_ops(vec![KEY_OPS_SIGN, KEY_OPS_VERIFY]);
    key
}

/// The payload of a COSE_Sign1 with tag 18, if the key signed it.
fn verified(message: &[u8], external_aad: &[u8]) -> Result<Vec<u8>, CoseError> {
    let mut verifier = CoseMessage::new_sign();
    verifier.bytes = message.to_vec();
    verifier.init_decoder(None)?;
    verifier.key(&their_key())?;
    verifier.decode(Some(external_aad.to_vec()), None)
}

/// A COSE_Sign1 with tag 18, and its signature with the smaller s.
fn signed(kid: Option<&Address>, payload: &[u8], external_aad: &[u8]) -> (Vec<u8>, Signature) {
    let mut signer = CoseMessage::new_sign();
    signer.header.alg(ES256K, true, false);
    if let Some(kid) = kid {
        signer.header.kid(kid.as_bytes().to_vec(), true, false);
    }
    signer.payload(payload.to_vec());
    signer.key(&their_key()).unwrap();
    signer.secure_content(Some(external_aad.to_vec())).unwrap();
    signer.encode(true).unwrap();
    let mut message = signer.bytes;
    let signature = message.last_chunk_mut::<64>().unwrap();
    let either = k256::ecdsa::Signature::from_slice(signature).unwrap();
    *signature = either.normalize_s().to_bytes().into();
    let signature = *signature;
    (message, signature)
}

fn account(address: Address) -> AccountId {
    AccountId {
        chain: 1337,
        address,
    }
}

fn scope() -> Scope {
    Scope {
        group: GroupName::new("0007.fafafafa").unwrap(),
        roles: Roles::GET,
    }
}

fn cwt() -> Vec<u8> {
    let client = key([8; 32]).public();
    let claims = CwtClaims {
        issuer: account(CONTRACT),
        subject: account(client.address().unwrap()),
        audience: account(RES),
        expires_at: NOW.saturating_add(3600),
        not_before: NOW,
        issued_at: NOW,
        token_id: b"sixteen bytes id",
        confirmation: Confirmation::Key(client),
        scope: &[scope()],
    };
    let mut out = vec![0; 512];
    let id = key(PRIVATE).public().address().unwrap();
    let len = claims.issue(&key(PRIVATE), &id, &mut out).unwrap();
    out.truncate(len);
    out
}

fn validate(cwt: &[u8]) -> iotchain_core::Result<Roles> {
    let key = key(PRIVATE).public();
    let issuers = [CwtIssuer {
        account: account(CONTRACT),
        rs: RES,
        id: key.address().unwrap(),
        key,
    }];
    let trust = CwtTrust {
        alg: SignAlg::Es256k,
        issuers: &issuers,
    };
    let token = TokenRef {
        chain: 1337,
        contract: CONTRACT,
        client: self::key([8; 32]).public().address().unwrap(),
    };
    let query = Query {
        token,
        rs: RES,
        scope: scope(),
    };
    validate_cwt(cwt, &query, &Policy::default(), &trust, NOW).map(|grant| grant.mask())
}

#[test]
fn cwts() {
    let ours = cwt();
    let message = ours.strip_prefix(CWT_TAG).unwrap();
    let payload = verified(message, &[]).unwrap();
    // cose-rust overlooks wrong tags and array lengths and panics on a short signature: only what is signed is touched.
    let len = payload.len();
    let start = message.windows(len).position(|part| part == payload);
    for at in start.unwrap()..start.unwrap() + len {
        let mut flipped = message.to_vec();
        flipped[at] ^= 1 << (at % 8);
        assert!(verified(&flipped, &[]).is_err(), "byte {at}");
    }

    let id = key(PRIVATE).public().address().unwrap();
    let theirs = [CWT_TAG, &signed(Some(&id), &payload, &[]).0].concat();
    assert_eq!(validate(&theirs), Ok(Roles::GET));
    let (body, _) = theirs.split_last_chunk::<64>().unwrap();
    assert_eq!(ours.split_last_chunk::<64>().unwrap().0, body);
    let bound = [CWT_TAG, &signed(Some(&id), &payload, JOIN).0].concat();
    assert_eq!(validate(&bound), Err(Error::Sig));
    for at in 0..theirs.len() {
        let mut flipped = theirs.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(validate(&flipped).is_err(), "byte {at}");
    }
}

#[test]
fn proofs_of_a_resource_server() {
    let input = PopInput {
        binding: &ChannelBinding::Exporter([0xcb; 32]),
        key_server: &Thumbprint::new([3; 32]),
        token: &TokenRef::resource_server(RES),
        scope: &Scope {
            roles: Roles::PRODUCER,
            ..scope()
        },
        challenge: &Challenge::from_slice(&[0x17; Challenge::LEN]).unwrap(),
        cnonce: b"a nonce of ours",
    };
    let mut encoded = [0; PopInput::MAX_LEN];
    let len = input.encode(&mut encoded).unwrap();
    let payload = &encoded[..len];

    // The COSE_Sign1 around a proof is not transmitted: [{1: -47}, {}, pop-input, signature].
    let signature = input.sign_as_server(&key(PRIVATE)).unwrap();
    let mut message = [0; 512];
    let mut writer = Writer::new(&mut message);
    writer.tag(18).array(4).bytes(&[0xa1, 1, 0x38, 46]).map(0);
    writer.bytes(payload).bytes(&signature);
    let len = writer.finish().unwrap();
    assert_eq!(verified(&message[..len], JOIN).unwrap(), payload);
    assert!(verified(&message[..len], &[]).is_err());

    let public = key(PRIVATE).public();
    let (theirs, signature) = signed(None, payload, JOIN);
    assert_eq!(input.verify_server(&public, &signature), Ok(()));
    let mut reader = Reader::new(&theirs);
    assert_eq!((reader.tag(), reader.array()), (Ok(18), Ok(4)));
    assert_eq!(reader.bytes(), Ok(&[0xa1, 1, 0x38, 46][..]));
    let (_, unbound) = signed(None, payload, &[]);
    assert_eq!(input.verify_server(&public, &unbound), Err(Error::Sig));
}
