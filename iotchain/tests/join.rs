//! The messages of joining against `keyserver.json`, the cases J of `negative.json`, truncations, bit flips and noise.
#![allow(missing_docs)]

use iotchain::join::{
    AccessResponse, Ccs, GroupPolicies, JoinRequest, JoinResponse, KeyMap, List, Peer,
    ProblemDetails, ServerAccess, TransferRequest, TransferResponse, UnverifiedJoin, kdc_proof,
};
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{
    AccessKey, Address, BootSalt, Error, Gid, PublicKey, Result, Roles, Secret, Session, Sid,
    SignAlg, SigningKey, Suite, Thumbprint, UnixTime,
};
use iotchain_token::{AccountId, Challenge, ChannelBinding, PopInput, TokenRef};
use proptest::prelude::*;
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

fn message(name: &str) -> Vec<u8> {
    hex(&vectors("keyserver")[name]["hex"])
}

fn encoded(encode: impl FnOnce(&mut [u8]) -> Result<usize>) -> Vec<u8> {
    let mut buffer = vec![0; JoinResponse::MAX_LEN];
    let len = encode(&mut buffer).unwrap();
    buffer.truncate(len);
    buffer
}

fn public_key(name: &str) -> PublicKey {
    PublicKey::parse(&hex(&vectors("params")["keys"][name]["cose_key"])).unwrap()
}

fn signing_key(name: &str) -> SigningKey {
    SigningKey::from_bytes(
        SignAlg::Es256k,
        &array(&vectors("params")["keys"][name]["private"]),
    )
    .unwrap()
}

fn pinned() -> Thumbprint {
    Thumbprint::new(array(&vectors("params")["ks"]))
}

fn cnonce() -> Vec<u8> {
    hex(&vectors("keyserver")["kdc_cred_verify"]["cnonce"])
}

fn rs() -> Address {
    Address::new(array(&vectors("params")["rs"]))
}

fn parse(bytes: &[u8]) -> Result<()> {
    JoinResponse::parse(bytes).map(|_| ())
}

/// The value under `label` replaced by `value`, or removed; other pairs as they were. Keys stay in order.
fn with(message: &[u8], label: i64, value: Option<&[u8]>) -> Vec<u8> {
    let mut reader = Reader::new(message);
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = (0..reader.map().unwrap())
        .map(|_| {
            (
                reader.skip().unwrap().to_vec(),
                reader.skip().unwrap().to_vec(),
            )
        })
        .collect();
    let key = encoded(|out| {
        let mut writer = Writer::new(out);
        writer.int(label);
        writer.finish()
    });
    pairs.retain(|(k, _)| *k != key);
    pairs.extend(value.map(|value| (key, value.to_vec())));
    pairs.sort();
    let mut out = encoded(|out| {
        let mut writer = Writer::new(out);
        writer.map(pairs.len() as u64);
        writer.finish()
    });
    pairs
        .iter()
        .for_each(|(key, value)| out.extend([key.as_slice(), value].concat()));
    out
}

fn value(write: impl for<'w, 'b> FnOnce(&'w mut Writer<'b>) -> &'w mut Writer<'b>) -> Vec<u8> {
    encoded(|out| {
        let mut writer = Writer::new(out);
        write(&mut writer);
        writer.finish()
    })
}

#[test]
fn token_transfer() {
    let vectors = vectors("keyserver");
    let token = TokenRef::parse(&message("token_reference")).unwrap();
    assert_eq!(encoded(|out| token.encode(out)), message("token_reference"));
    let request = TransferRequest::parse(&message("token_transfer_request")).unwrap();
    assert_eq!(request.token, token);
    assert_eq!(
        encoded(|out| request.encode(out)),
        message("token_transfer_request")
    );
    let response = TransferResponse::parse(&message("token_transfer_response")).unwrap();
    assert_eq!(response.key_server.thumbprint(), pinned());
    assert_eq!(
        encoded(|out| response.encode(out)),
        message("token_transfer_response")
    );
    assert_eq!(
        message("token_transfer_response").len() as u64,
        vectors["token_transfer_response"]["len"]
    );
    let short = with(
        &message("token_transfer_response"),
        30,
        Some(&value(|w| w.bytes(&[0; 27]))),
    );
    assert_eq!(TransferResponse::parse(&short), Err(Error::Challenge));
    assert_eq!(
        TransferRequest::parse(&vec![0; JoinRequest::MAX_LEN + 1]),
        Err(Error::Size)
    );
    assert_eq!(
        TransferResponse::parse(&vec![0; JoinResponse::MAX_LEN + 1]),
        Err(Error::Size)
    );
}

#[test]
fn join_request_of_a_client() {
    let bytes = message("join_request_client");
    let request = JoinRequest::parse(&bytes).unwrap();
    assert_eq!(encoded(|out| request.encode(out)), bytes);
    let pop = &vectors("pop")["cases"][0];
    assert_eq!(request.proof, hex(&pop["signature"]));
    assert_eq!(request.cnonce, cnonce());
    let binding = ChannelBinding::new(1, &hex(&pop["cb"])).unwrap();
    let key_server = pinned();
    let mut buffer = [0; PopInput::MAX_LEN];
    let len = request
        .pop_input(&binding, &key_server)
        .encode(&mut buffer)
        .unwrap();
    assert_eq!(buffer[..len], hex(&pop["pop_input"]));
}

#[test]
fn join_request_of_a_resource_server() {
    let vector = &vectors("keyserver")["join_request_rs"];
    let bytes = message("join_request_rs");
    let request = JoinRequest::parse(&bytes).unwrap();
    assert_eq!(encoded(|out| request.encode(out)), bytes);
    let credential = request.credential.unwrap();
    assert_eq!(credential.key, public_key("rs"));
    assert!(credential.is_of(&rs()));
    let binding = ChannelBinding::new(1, &hex(&vectors("pop")["cases"][0]["cb"])).unwrap();
    let key_server = pinned();
    let input = request.pop_input(&binding, &key_server);
    let mut buffer = [0; PopInput::MAX_LEN];
    let len = input.encode(&mut buffer).unwrap();
    assert_eq!(buffer[..len], hex(&vector["pop_input"]));
    assert_eq!(
        input.sign_as_server(&signing_key("rs")).unwrap().as_slice(),
        hex(&vector["signature"])
    );
    assert_eq!(input.verify_server(&credential.key, request.proof), Ok(()));
}

#[test]
fn refused_join_requests() {
    let cases: Vec<Value> = vectors("negative")["cases"].as_array().unwrap().clone();
    let cases: Vec<&Value> = cases
        .iter()
        .filter(|case| case["op"] == "join.parse")
        .collect();
    assert!(cases.len() >= 9);
    for case in cases {
        let result = JoinRequest::parse(&hex(&case["request"]))
            .map(|_| ())
            .unwrap_err();
        assert_eq!(
            u64::from(result.number()),
            case["expect"],
            "{} {}",
            case["id"],
            case["attack"]
        );
    }
}

#[test]
fn join_requests_beyond_the_vectors() {
    let client = message("join_request_client");
    let server = message("join_request_rs");
    let parse = |bytes: &[u8]| JoinRequest::parse(bytes).map(|_| ());
    // A20: 2048 bytes are the limit
    let padding = JoinRequest::MAX_LEN - client.len() - 4;
    let unknown = |len: usize| with(&client, 9, Some(&value(|w| w.bytes(&vec![0; len]))));
    assert_eq!(unknown(padding).len(), JoinRequest::MAX_LEN);
    assert_eq!(parse(&unknown(padding)), Ok(()));
    assert_eq!(parse(&unknown(padding + 1)), Err(Error::Size));
    // a credential is the resource server's only, and its own
    assert_eq!(
        JoinRequest::parse(&with(&client, 5, Some(&[0x40])))
            .unwrap()
            .credential,
        None
    );
    assert_eq!(parse(&with(&server, 5, None)), Err(Error::Scope));
    let foreign = Ccs {
        subject: Some(AccountId {
            chain: 1,
            address: Address::ZERO,
        }),
        key: public_key("rs"),
    };
    let foreign = encoded(|out| foreign.encode(out));
    assert_eq!(
        parse(&with(&server, 5, Some(&value(|w| w.bytes(&foreign))))),
        Err(Error::Subject)
    );
    let nameless = encoded(|out| Ccs::key_server(public_key("rs")).encode(out));
    assert_eq!(
        parse(&with(&server, 5, Some(&value(|w| w.bytes(&nameless))))),
        Err(Error::Subject)
    );
    // the producer role stands alone, and without a client's token
    let more = value(|w| w.array(2).text("0007.fa870181").uint(0x81));
    let more = value(|w| w.bytes(&more));
    assert_eq!(parse(&with(&server, 3, Some(&more))), Err(Error::Scope));
    let token = message("token_reference");
    let token = value(|w| w.bytes(&token));
    assert_eq!(
        parse(&with(&server, -65537, Some(&token))),
        Err(Error::Scope)
    );
    for label in [3, 6, 24, 30, -65537] {
        assert_eq!(parse(&with(&client, label, None)), Err(Error::Type));
        assert_eq!(
            parse(&with(&client, label, Some(&[0xf6]))),
            Err(Error::Type)
        );
    }
    let long_nonce = value(|w| w.bytes(&[0; 33]));
    assert_eq!(
        parse(&with(&client, 6, Some(&long_nonce))),
        Err(Error::Type)
    );
}

#[test]
fn join_responses_are_read_verified_and_written_again() {
    for name in [
        "join_response_client_rsd",
        "join_response_client_polynomial",
        "join_response_rs",
    ] {
        let bytes = message(name);
        assert_eq!(bytes.len() as u64, vectors("keyserver")[name]["len"]);
        let response = JoinResponse::parse(&bytes)
            .unwrap()
            .verify(&cnonce(), &pinned())
            .unwrap();
        assert_eq!(encoded(|out| response.encode(out)), bytes, "{name}");
        assert_eq!(
            response.key_map.gid,
            Gid::new(array(&vectors("params")["gid"]))
        );
        assert_eq!(response.key_map.suite, Suite::DEFAULT);
        assert_eq!(
            response.key_server_time(),
            UnixTime::new(vectors("params")["now"].as_u64().unwrap())
        );
        assert_eq!(
            response.policies,
            Some(GroupPolicies {
                check_interval: 3600,
                expiration_delta: 30,
                pre_issue: 0
            })
        );
        assert_eq!(response.key_map.grace, 30);
    }
}

#[test]
fn what_a_client_and_a_resource_server_learn() {
    let bytes = message("join_response_client_rsd");
    let client = JoinResponse::parse(&bytes)
        .unwrap()
        .verify(&cnonce(), &pinned())
        .unwrap();
    let params = vectors("params");
    assert_eq!(client.key_map.sid.as_bytes(), hex(&params["sid"]["client"]));
    let access: Vec<ServerAccess> = client.key_map.access_keys.unwrap().into_iter().collect();
    let rsk = Secret::new(array(&params["rsk"]));
    let expected = AccessKey::derive(&rsk, client.key_map.gid, &client.key_map.sid).unwrap();
    assert_eq!(access.len(), 1);
    assert_eq!(
        (access[0].rs, access[0].key.expose()),
        (rs(), expected.expose())
    );
    let peers: Vec<Peer> = client.peers().collect();
    let sid = Sid::from_slice(&hex(&params["sid"]["rs"])).unwrap();
    assert_eq!(
        peers,
        [Peer {
            sid,
            subject: rs(),
            key: public_key("rs")
        }]
    );
    assert_eq!(client.broadcasts.iter().count(), 2);
    assert!(client.key_map.server_secret.is_none() && client.key_map.boot_salt.is_none());

    let bytes = message("join_response_rs");
    let server = JoinResponse::parse(&bytes)
        .unwrap()
        .verify(&cnonce(), &pinned())
        .unwrap();
    assert!(server.key_map.server_secret.as_ref().unwrap().ct_eq(&rsk));
    assert_eq!(
        server.key_map.boot_salt,
        Some(BootSalt::counter(1).unwrap())
    );
    assert!(server.key_map.access_keys.is_none() && server.broadcasts.is_empty());
    assert_eq!(server.peers().count(), 0);
    assert_eq!(server.session, Session::new(26));
}

#[test]
fn the_key_server_proves_its_key_for_this_request() {
    let proof = &vectors("keyserver")["kdc_cred_verify"];
    let made = kdc_proof(
        &signing_key("ks"),
        &hex(&proof["cnonce"]),
        &hex(&proof["kdc_nonce"]),
    )
    .unwrap();
    assert_eq!(made.as_slice(), hex(&proof["signature"]));

    let bytes = message("join_response_client_rsd");
    let unverified = || JoinResponse::parse(&bytes).unwrap();
    let refused = |result: Result<JoinResponse<'_>>| result.map(|_| ()).unwrap_err();
    assert_eq!(refused(unverified().verify(&[0; 8], &pinned())), Error::Sig);
    assert_eq!(
        refused(unverified().verify(&[0; 33], &pinned())),
        Error::Type
    );
    assert_eq!(
        refused(unverified().verify(&cnonce(), &Thumbprint::new([0; 32]))),
        Error::Kid
    );
    // a proof made for another use of the same key
    let payload = [&[0x48][..], &cnonce(), &[0x48], &hex(&proof["kdc_nonce"])].concat();
    let other_use =
        iotchain_token::sign_bound(&signing_key("ks"), iotchain_token::KeyUse::Join, &payload)
            .unwrap();
    let bytes = with(&bytes, 19, Some(&value(|w| w.bytes(&other_use))));
    assert_eq!(
        refused(
            JoinResponse::parse(&bytes)
                .unwrap()
                .verify(&cnonce(), &pinned())
        ),
        Error::Sig
    );
}

#[test]
fn refused_join_responses() {
    let good = message("join_response_client_rsd");
    let bstr = |bytes: &[u8]| value(|w| w.bytes(bytes));
    let uint = |number: u64| value(|w| w.uint(number));
    for label in [7, 8, 9, 10, 11, 12, 17, 18, 19, 20, 27] {
        assert_eq!(
            parse(&with(&good, label, None)),
            Err(Error::Type),
            "without {label}"
        );
    }
    for (label, other, error) in [
        (7, uint(9), Error::Type),
        (10, uint(1), Error::Type),
        (20, uint(0), Error::Scheme),
        (9, uint(0), Error::Type),
        (9, uint(1 << 32), Error::Type),
        (11, uint(1 << 40), Error::Type),
        (12, uint(1_768_435_201), Error::Type),
        (18, bstr(&[0; 7]), Error::Type),
        (19, bstr(&[0; 63]), Error::Type),
        (14, value(|w| w.array(2).uint(0x80).uint(0x80)), Error::Type),
        (14, value(|w| w.array(1).uint(0x81)), Error::Type),
        (15, value(|w| w.array(1).bytes(&[0x80])), Error::Kid),
        (15, value(|w| w.array(1).bytes(&[0x80, 0, 0])), Error::Kid),
        (27, bstr(&[0x82, 0x02, 0x44, 1, 2, 3, 4]), Error::Group),
        (27, bstr(&[0x81, 0x02]), Error::Type),
        (27, bstr(&[]), Error::Truncated),
        (
            -65538,
            value(|w| w.array(3).bytes(&[]).bytes(&[]).bytes(&[])),
            Error::Type,
        ),
        (
            -65538,
            value(|w| w.array(1).bytes(&[0x84, 0x41, 0xa0, 0xa0, 0x40, 0x40])),
            Error::Header,
        ),
    ] {
        assert_eq!(
            parse(&with(&good, label, Some(&other))),
            Err(error),
            "label {label}"
        );
    }
    let foreign = value(|w| {
        let header = value(|w| w.map(1).int(10).bytes(&[9, 9, 9, 9, 26]));
        let broadcast = value(|w| w.array(4).bytes(&header).map(0).bytes(&[]).bytes(&[]));
        w.array(1).bytes(&broadcast)
    });
    assert_eq!(
        parse(&with(&good, -65538, Some(&foreign))),
        Err(Error::Group)
    );
    let other_key = encoded(|out| Ccs::key_server(public_key("rs_p256")).encode(out));
    assert_eq!(
        parse(&with(&good, 17, Some(&bstr(&other_key)))),
        Err(Error::Alg)
    );
}

#[test]
fn a20_a_join_response_has_at_most_8192_bytes() {
    let good = message("join_response_client_rsd");
    let padded = |len: usize| with(&good, 29, Some(&value(|w| w.bytes(&vec![0; len]))));
    let padding = JoinResponse::MAX_LEN - good.len() - 5;
    assert_eq!(padded(padding).len(), JoinResponse::MAX_LEN);
    assert_eq!(parse(&padded(padding)), Ok(()));
    assert_eq!(parse(&padded(padding + 1)), Err(Error::Size));
    let mut response = verified(&good);
    let long = vec![0; JoinResponse::MAX_LEN];
    response.personal_key = &long;
    assert_eq!(
        response.encode(&mut vec![0; 2 * JoinResponse::MAX_LEN]),
        Err(Error::Size)
    );
}

fn verified(bytes: &[u8]) -> JoinResponse<'_> {
    JoinResponse::parse(bytes)
        .and_then(|response: UnverifiedJoin<'_>| response.verify(&cnonce(), &pinned()))
        .unwrap()
}

#[test]
fn nothing_of_an_unsent_response_stays_in_the_buffer() {
    let good = message("join_response_client_rsd");
    let mut response = verified(&good);
    let mut buffer = vec![0xaa; 2 * JoinResponse::MAX_LEN];
    let long = vec![0; JoinResponse::MAX_LEN];
    response.personal_key = &long;
    assert_eq!(response.encode(&mut buffer), Err(Error::Size));
    assert!(buffer.iter().all(|byte| *byte == 0));
}

#[test]
fn access_keys_for_one_more_resource_server() {
    let access = [ServerAccess {
        rs: rs(),
        key: AccessKey::new([7; 32]),
    }];
    let bytes = encoded(|out| {
        AccessResponse {
            access_keys: List::new(&access),
        }
        .encode(out)
    });
    let read = AccessResponse::parse(&bytes).unwrap();
    let only = read.access_keys.iter().next().unwrap();
    assert_eq!(
        (read.access_keys.len(), only.rs, *only.key.expose()),
        (1, rs(), [7; 32])
    );
    assert_eq!(
        bytes,
        with(
            &[0xa0],
            6,
            Some(&value(|w| w
                .array(1)
                .array(2)
                .bytes(rs().as_bytes())
                .bytes(&[7; 32])))
        )
    );
    (0..bytes.len()).for_each(|len| assert!(AccessResponse::parse(&bytes[..len]).is_err()));
    let parse = |value: &[u8]| AccessResponse::parse(&with(&[0xa0], 6, Some(value))).map(|_| ());
    assert_eq!(
        parse(&value(|w| w.array(1).array(1).bytes(&[1; 20]))),
        Err(Error::Type)
    );
    assert_eq!(
        parse(&value(|w| w
            .array(1)
            .array(2)
            .bytes(&[1; 20])
            .bytes(&[1; 31]))),
        Err(Error::Type)
    );
    assert_eq!(AccessResponse::parse(&[0xa0]).map(|_| ()), Err(Error::Type));
    assert_eq!(
        AccessResponse::parse(&vec![0; JoinResponse::MAX_LEN + 1]).map(|_| ()),
        Err(Error::Size)
    );
}

#[test]
fn peers_are_named_once_each() {
    let good = message("join_response_client_rsd");
    let mut response = verified(&good);
    let sid = Sid::from_slice(&[0x80, 0]).unwrap();
    let named = Ccs {
        subject: Some(AccountId {
            chain: 1,
            address: rs(),
        }),
        key: public_key("rs"),
    };
    let (creds, roles, sids) = ([named; 2], [Roles::PRODUCER; 2], [sid; 2]);
    (response.creds, response.peer_roles) = (List::new(&creds), List::new(&roles));
    response.peer_identifiers = List::new(&sids);
    assert_eq!(parse(&encoded(|out| response.encode(out))), Err(Error::Kid));
    response.peer_identifiers = List::new(&sids[..1]);
    assert_eq!(response.encode(&mut [0; 4096]), Err(Error::Type));
    let nameless = [Ccs::key_server(public_key("rs"))];
    (response.creds, response.peer_roles) = (List::new(&nameless), List::new(&roles[..1]));
    assert_eq!(
        parse(&encoded(|out| response.encode(out))),
        Err(Error::Type)
    );
}

#[test]
fn key_maps_are_a_closed_world() {
    let good = message("join_response_client_rsd");
    let mut key_map = Vec::new();
    let mut reader = Reader::new(&good);
    for _ in 0..reader.map().unwrap() {
        let label = reader.int().unwrap();
        let item = reader.skip().unwrap();
        if label == 8 {
            key_map = item.to_vec();
        }
    }
    let parse =
        |label, other: Option<&[u8]>| parse(&with(&good, 8, Some(&with(&key_map, label, other))));
    assert_eq!(parse(6, None), Ok(()));
    for label in [1, 2, 3, 4, 5] {
        assert_eq!(parse(label, None), Err(Error::Type));
    }
    assert_eq!(parse(9, Some(&[0x00])), Err(Error::Type));
    assert_eq!(parse(1, Some(&[0x43, 1, 2, 3])), Err(Error::Type));
    assert_eq!(parse(1, Some(&[0x44, 1, 2, 3, 4])), Err(Error::Group));
    assert_eq!(parse(2, Some(&[0x41, 7])), Err(Error::Kid));
    assert_eq!(parse(3, Some(&[0x01])), Err(Error::Alg));
    assert_eq!(parse(4, Some(&[0x26])), Err(Error::Alg));
    assert_eq!(
        parse(7, Some(&value(|w| w.bytes(&[0; 32])))),
        Err(Error::Type)
    );
    assert_eq!(parse(8, Some(&[0x41, 0])), Err(Error::Kid));
    assert_eq!(parse(8, Some(&[0x40])), Err(Error::Kid));
    assert_eq!(
        parse(8, Some(&value(|w| w.bytes(&[1; 8])))),
        Err(Error::Kid)
    );
}

#[test]
fn only_the_suites_of_the_specification_are_accepted() {
    let good = message("join_response_client_rsd");
    let ed25519 = encoded(|out| Ccs::key_server(public_key("rs_ed25519")).encode(out));
    let in_suite = |alg: u64| {
        let gid = array::<4>(&vectors("params")["gid"]);
        let key_map = value(|w| {
            w.map(5).int(1).bytes(&gid).int(2).bytes(&[7, 0x2a]);
            w.int(3).uint(alg).int(4).int(-19).int(5).uint(30)
        });
        let message = with(&good, 17, Some(&value(|w| w.bytes(&ed25519))));
        parse(&with(&message, 8, Some(&key_map)))
    };
    assert_eq!(in_suite(10), Ok(()));
    assert_eq!(in_suite(30), Err(Error::Alg));
}

#[test]
fn problem_details_carry_registry_numbers() {
    let cases = [
        (
            "problem_details",
            ProblemDetails::new(Error::Scope, "join refused"),
            0x83,
        ),
        (
            "problem_details_groupcomm",
            ProblemDetails::new(Error::RevokedMember, "not a member any more"),
            0x83,
        ),
    ];
    for (name, problem, code) in cases {
        let bytes = message(name);
        assert_eq!(ProblemDetails::parse(&bytes), Ok(problem));
        assert_eq!(encoded(|out| problem.encode(out)), bytes);
        assert_eq!(problem.code(), code);
    }
    for number in 0..200 {
        let Some(error) = Error::from_number(number).filter(|error| error.coap().is_some()) else {
            continue;
        };
        let bytes = encoded(|out| ProblemDetails::new(error, "").encode(out));
        assert_eq!(ProblemDetails::parse(&bytes).unwrap().error, Some(error));
    }
    // strangers' problems are readable too
    let other = value(|w| {
        w.map(2)
            .int(-1)
            .text("no")
            .text("tag:example,2026:x")
            .uint(1)
    });
    assert_eq!(
        ProblemDetails::parse(&other),
        Ok(ProblemDetails {
            error: None,
            title: "no"
        })
    );
    let unknown = value(|w| w.map(1).text("tag:iotchain,2026:e").map(1).int(0).uint(999));
    assert_eq!(ProblemDetails::parse(&unknown).unwrap().error, None);
    assert_eq!(
        ProblemDetails::parse(&value(|w| w.map(1).int(-1).uint(1))),
        Err(Error::Type)
    );
}

#[test]
fn truncations_fail_and_flips_never_pass_for_the_original() {
    for name in ["join_request_client", "join_request_rs"] {
        let bytes = message(name);
        let original = JoinRequest::parse(&bytes).unwrap();
        (0..bytes.len()).for_each(|len| assert!(JoinRequest::parse(&bytes[..len]).is_err()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(
                JoinRequest::parse(&flipped),
                Ok(original),
                "{name} bit {bit}"
            );
        }
    }
    for name in [
        "join_response_client_rsd",
        "join_response_client_polynomial",
        "join_response_rs",
    ] {
        let (cnonce, pinned) = (cnonce(), pinned());
        // policies unlike the defaults, so that a label lost by a flip shows
        let policies = value(|w| w.map(2).uint(1).uint(1800).uint(2).uint(31));
        let bytes = with(&message(name), 16, Some(&policies));
        (0..bytes.len()).for_each(|len| assert!(parse(&bytes[..len]).is_err()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // whatever still parses writes the flipped bytes, not the original ones
            if let Ok(response) = JoinResponse::parse(&flipped)
                && let Ok(response) = response.verify(&cnonce, &pinned)
            {
                assert_ne!(
                    encoded(|out| response.encode(out)),
                    bytes,
                    "{name} bit {bit}"
                );
            }
        }
    }
}

#[test]
fn the_next_personal_key_is_of_the_next_epoch_and_was_issued_before_it_opened() {
    let bytes = message("join_response_client_rsd");
    let own = verified(&bytes).personal_key.to_vec();
    // the elements of S_i, and an S_i in which some of them are others
    let mut reader = Reader::new(&own);
    let elements: Vec<Vec<u8>> = (0..reader.array().unwrap())
        .map(|_| reader.skip().unwrap().to_vec())
        .collect();
    let epoch = Reader::new(&elements[2]).u32().unwrap();
    let next = |changes: &[(usize, Vec<u8>)]| {
        let mut elements = elements.clone();
        let pre_issued = [
            (2, value(|w| w.uint(u64::from(epoch) + 1))),
            (7, value(|w| w.uint(0))),
            (8, value(|w| w.bytes(&[]))),
            (9, value(|w| w.bytes(&[]))),
        ];
        for (place, element) in pre_issued.iter().chain(changes) {
            elements[*place].clone_from(element);
        }
        [value(|w| w.array(elements.len() as u64)), elements.concat()].concat()
    };
    let told = |next: &[u8]| with(&bytes, -65539, Some(&value(|w| w.bytes(next))));
    let uint = |number: u64| value(|w| w.uint(number));

    let good = next(&[]);
    let response = told(&good);
    assert_eq!(verified(&response).next_personal_key, Some(&good[..]));
    assert_eq!(verified(&bytes).next_personal_key, None);
    let cases = [
        (next(&[(1, value(|w| w.bytes(&[9; 4])))]), Error::Group),
        (next(&[(0, uint(1))]), Error::Scheme),
        (next(&[(2, uint(epoch.into()))]), Error::Epoch),
        (next(&[(2, uint(u64::from(epoch) + 2))]), Error::Epoch),
        (next(&[(2, uint(0))]), Error::Epoch),
        (next(&[(7, uint(1))]), Error::Type),
        (
            [value(|w| w.array(2).uint(2)), elements[1].clone()].concat(),
            Error::Type,
        ),
        (good[..good.len() - 1].to_vec(), Error::Truncated),
    ];
    for (next, error) in cases {
        assert_eq!(parse(&told(&next)), Err(error), "{next:02x?}");
    }
    let no_bytes = with(&bytes, -65539, Some(&uint(1)));
    assert_eq!(parse(&no_bytes), Err(Error::Type));
}

#[test]
fn too_small_buffers_learn_the_length() {
    let bytes = message("join_request_client");
    let needed = bytes.len();
    let request = JoinRequest::parse(&bytes).unwrap();
    assert_eq!(
        request.encode(&mut vec![0; needed - 1]),
        Err(Error::Buffer { needed })
    );
    let bytes = message("join_response_rs");
    let needed = bytes.len();
    assert_eq!(
        verified(&bytes).encode(&mut vec![0; needed - 1]),
        Err(Error::Buffer { needed })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn responses_round_trip(
        gid in any::<[u8; 4]>(),
        index in any::<u8>(),
        j in 1..u32::MAX,
        keys in proptest::collection::vec(any::<([u8; 20], [u8; 32])>(), 0..4),
        uri in proptest::option::of("[a-z]{1,20}"),
        salt in proptest::option::of(1..u32::MAX),
        epoch in 0..u32::MAX,
        prepared in any::<bool>(),
        pre_issue in any::<u32>(),
    ) {
        let key = signing_key("ks");
        let access: Vec<ServerAccess> = keys
            .iter()
            .map(|(rs, ak)| ServerAccess { rs: Address::new(*rs), key: AccessKey::new(*ak) })
            .collect();
        let personal_key = value(|w| w.array(3).uint(1).bytes(&gid).uint(epoch.into()));
        let next = value(|w| w.array(3).uint(1).bytes(&gid).uint(u64::from(epoch) + 1));
        let response = JoinResponse {
            key_map: KeyMap {
                gid: Gid::new(gid),
                sid: Sid::from_slice(&[1, index]).unwrap(),
                suite: Suite::DEFAULT,
                grace: 30,
                access_keys: Some(List::new(&access)),
                server_secret: None,
                boot_salt: salt.map(|boots| BootSalt::counter(boots).unwrap()),
            },
            session: Session::new(j),
            expires_at: UnixTime::new(1_768_435_200),
            expires_in: 60,
            creds: List::EMPTY,
            peer_roles: List::EMPTY,
            peer_identifiers: List::EMPTY,
            policies: Some(GroupPolicies { pre_issue, ..GroupPolicies::default() }),
            key_server: public_key("ks"),
            kdc_nonce: &[1; 16],
            kdc_proof: kdc_proof(&key, &[2; 32], &[1; 16]).unwrap(),
            personal_key: &personal_key,
            control_uri: uri.as_deref(),
            broadcasts: List::EMPTY,
            next_personal_key: prepared.then_some(&next),
        };
        let bytes = encoded(|out| response.encode(out));
        let read = JoinResponse::parse(&bytes).unwrap().verify(&[2; 32], &pinned()).unwrap();
        prop_assert_eq!(encoded(|out| read.encode(out)), bytes.clone());
        prop_assert_eq!(read.control_uri, uri.as_deref());
        prop_assert_eq!(read.next_personal_key, prepared.then_some(&next[..]));
        prop_assert_eq!(read.policies.map(|policies| policies.pre_issue), Some(pre_issue));
        prop_assert_eq!(read.session, Session::new(j));
        let read: Vec<_> = read.key_map.access_keys.unwrap().iter().map(|a| (*a.rs.as_bytes(), *a.key.expose())).collect();
        prop_assert_eq!(read, keys);
    }

    #[test]
    fn noise_is_no_trouble(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (JoinRequest::parse(&bytes), TransferRequest::parse(&bytes), TransferResponse::parse(&bytes));
        let _ = (parse(&bytes), ProblemDetails::parse(&bytes), Ccs::parse(&bytes), Challenge::from_slice(&bytes));
    }
}

#[test]
fn secrets_are_never_printed() {
    let digits = |bytes: &[u8]| {
        let text = format!("{bytes:?}");
        text.trim_matches(['[', ']']).to_owned()
    };
    for name in ["join_response_client_rsd", "join_response_rs"] {
        let bytes = message(name);
        let unverified = JoinResponse::parse(&bytes).unwrap();
        let printed = format!("{unverified:?} {unverified:#?}").replace(",\n", ", ");
        let response = unverified.verify(&cnonce(), &pinned()).unwrap();
        let squeezed: String = printed.split_whitespace().collect();
        let mut secrets: Vec<Vec<u8>> = response
            .personal_key
            .chunks(16)
            .map(<[u8]>::to_vec)
            .collect();
        let keys = response.key_map.access_keys.into_iter().flatten();
        secrets.extend(keys.map(|access| access.key.expose().to_vec()));
        let own = response.key_map.server_secret.as_ref();
        secrets.extend(own.map(|secret| secret.expose().to_vec()));
        for secret in secrets.iter().filter(|secret| secret.len() >= 8) {
            let hidden: String = digits(secret).split_whitespace().collect();
            assert!(!squeezed.contains(&hidden), "{name} prints {hidden}");
        }
    }
    let keys = [ServerAccess {
        rs: rs(),
        key: AccessKey::new([0xa5; 32]),
    }];
    let access = AccessResponse {
        access_keys: List::new(&keys),
    };
    let bytes = encoded(|out| access.encode(out));
    let read = AccessResponse::parse(&bytes).unwrap();
    for printed in [
        format!("{access:?}"),
        format!("{read:?} {:?}", read.access_keys.iter()),
    ] {
        assert!(!printed.contains("165, 165"), "{printed}");
    }
}

#[test]
fn types_of_a_join_request_come_before_its_rights() {
    let bytes = message("join_request_client");
    let no_roles = value(|w| w.bytes(&value(|w| w.array(2).text("0007.fa870181").uint(0))));
    let request = with(&bytes, 3, Some(&no_roles));
    assert_eq!(JoinRequest::parse(&request), Err(Error::Scope));
    let no_client = value(|w| w.bytes(&value(|w| w.array(1).uint(1337))));
    let request = with(&request, -65537, Some(&no_client));
    assert_eq!(JoinRequest::parse(&request), Err(Error::Type));
}
