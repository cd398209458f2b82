//! `keyserver.json` through the C interface, and the ways from a join to the next epoch. Nothing runs the attacks `join.parse` of
//! `negative.json` here: they are on join requests, which C writes and never reads.
#![cfg(feature = "member")]
#![allow(missing_docs)]

mod vectors;

use iotchain::join::JoinRequest;
use iotchain::token::TokenRef;
use iotchain::{Signer, Thumbprint};
use iotchain_ffi::*;
use serde_json::Value;
use std::ffi::CString;
use std::ptr::null;
use vectors::{Held, NONCE, file, hex, join_response, ok, signing_key, told, zeroed};

fn message(name: &str) -> Vec<u8> {
    hex(&file("keyserver")[name]["hex"])
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

fn pinned() -> Thumbprint {
    Thumbprint::new(array(&file("params")["ks"]))
}

fn cnonce() -> Vec<u8> {
    hex(&file("keyserver")["kdc_cred_verify"]["cnonce"])
}

/// A response that stays verified as long as this lives.
struct Verified {
    response: Box<iotchain_join_response>,
    _message: Vec<u8>,
}

impl Verified {
    fn new(message: Vec<u8>, cnonce: &[u8], ks: &Thumbprint) -> Result<Self, iotchain_err> {
        let mut response = zeroed::<iotchain_join_response>();
        // SAFETY: every pointer is of a value that lives, the message as long as the response.
        ok(unsafe {
            iotchain_join_response_verify(
                &mut *response,
                message.as_ptr(),
                message.len(),
                cnonce.as_ptr(),
                cnonce.len(),
                ks.as_bytes().as_ptr(),
            )
        })?;
        Ok(Self {
            response,
            _message: message,
        })
    }

    fn info(&self) -> iotchain_join_info {
        // SAFETY: every pointer is of a value that lives.
        told(|info| unsafe { iotchain_join_response_info(&*self.response, info) }).unwrap()
    }
}

fn c_token(token: TokenRef) -> iotchain_token_ref {
    iotchain_token_ref {
        chain: token.chain,
        contract: *token.contract.as_bytes(),
        client: *token.client.as_bytes(),
    }
}

#[test]
fn token_transfer() {
    let token = c_token(TokenRef::parse(&message("token_reference")).unwrap());
    let mut out = [0; IOTCHAIN_TRANSFER_REQUEST_MAX];
    // SAFETY: every pointer is of a value that lives.
    unsafe {
        let len =
            told(|len| iotchain_transfer_request_encode(&token, out.as_mut_ptr(), out.len(), len));
        assert_eq!(out[..len.unwrap()], message("token_transfer_request"));
        let answer = message("token_transfer_response");
        let response = told(|response| {
            iotchain_transfer_response_parse(answer.as_ptr(), answer.len(), response)
        })
        .unwrap();
        assert_eq!(response.key_server, *pinned().as_bytes());
        assert_eq!(response.key.alg, IOTCHAIN_ES256K);
        assert!(answer.ends_with(&response.challenge));
        for end in 0..answer.len() {
            let cut = told::<iotchain_transfer_response>(|response| {
                iotchain_transfer_response_parse(answer.as_ptr(), end, response)
            });
            assert_eq!(cut.err(), Some(iotchain_err::Truncated));
        }
    }
}

/// The request with these fields, written by C.
fn encoded(
    request: &JoinRequest<'_>,
    proof: &[u8],
    key: Option<iotchain_public_key>,
) -> Result<Vec<u8>, iotchain_err> {
    let group = CString::new(request.scope.group.as_str()).unwrap();
    let scope = iotchain_scope {
        group: group.as_ptr(),
        roles: request.scope.roles.bits(),
    };
    let binding = iotchain_binding {
        kind: IOTCHAIN_BINDING_EXPORTER,
        value: [0; 32],
    };
    let token = c_token(request.token);
    let input = iotchain_pop_input {
        binding: &binding,
        key_server: pinned().as_bytes().as_ptr(),
        token: &token,
        scope: &scope,
        challenge: request.challenge.as_bytes().as_ptr(),
        cnonce: request.cnonce.as_ptr(),
        cnonce_len: request.cnonce.len(),
    };
    let mut out = vec![0; IOTCHAIN_JOIN_REQUEST_MAX];
    // SAFETY: every pointer is of a value that lives.
    let len = told(|len| unsafe {
        iotchain_join_request_encode(
            &input,
            proof.as_ptr(),
            proof.len(),
            key.as_ref().map_or(null(), |key| key),
            out.as_mut_ptr(),
            out.len(),
            len,
        )
    })?;
    out.truncate(len);
    Ok(out)
}

#[test]
fn join_requests() {
    let client = message("join_request_client");
    let request = JoinRequest::parse(&client).unwrap();
    assert_eq!(encoded(&request, request.proof, None), Ok(client.clone()));
    let short = encoded(&request, &request.proof[1..], None);
    assert_eq!(short, Err(iotchain_err::PopFormat));
    let nonce = JoinRequest {
        cnonce: &[0; 7],
        ..request
    };
    assert_eq!(
        encoded(&nonce, request.proof, None),
        Err(iotchain_err::Type)
    );

    let server = message("join_request_rs");
    let request = JoinRequest::parse(&server).unwrap();
    let key = request.credential.unwrap().key;
    let key = iotchain_public_key {
        alg: IOTCHAIN_ES256K,
        x: *key.x(),
        y: *key.y(),
    };
    let written = encoded(&request, request.proof, Some(key)).unwrap();
    let mut again = JoinRequest::parse(&written).unwrap();
    // the chain in the subject says nothing about a resource server
    again.credential = request.credential;
    assert_eq!(again, request);
    // the longest there is finds room
    let group = iotchain::GroupName::new(&"g".repeat(32)).unwrap();
    let mut token = request.token;
    token.chain = u64::MAX;
    let scope = iotchain::token::Scope {
        group,
        ..request.scope
    };
    let longest = JoinRequest {
        scope,
        cnonce: &[7; 32],
        token,
        ..request
    };
    encoded(&longest, request.proof, Some(key)).unwrap();
}

#[test]
fn join_response_of_a_client() {
    let bytes = message("join_response_client_rsd");
    let verified = Verified::new(bytes.clone(), &cnonce(), &pinned()).unwrap();
    let info = verified.info();
    let expected = iotchain::join::JoinResponse::parse(&bytes).unwrap();
    let expected = expected.verify(&cnonce(), &pinned()).unwrap();
    assert_eq!(info.session, expected.session.get());
    assert_eq!(info.expires_at, expected.expires_at.get());
    assert_eq!(info.key_server_time, expected.key_server_time().get());
    assert_eq!(info.broadcasts, expected.broadcasts.len());
    assert_eq!(info.access_keys, 1);
    assert_eq!(info.boot_salt_len, 0);
    let access = expected.key_map.access_keys.unwrap().iter().next().unwrap();
    // SAFETY: every pointer is of a value that lives.
    unsafe {
        let (mut rs, mut key) = ([0; 20], [0; 32]);
        let ask = |index, rs: &mut [u8; 20], key: &mut [u8; 32]| {
            iotchain_join_response_access_key(
                &*verified.response,
                index,
                rs.as_mut_ptr(),
                key.as_mut_ptr(),
            )
        };
        assert_eq!(ask(0, &mut rs, &mut key), iotchain_err::Ok);
        assert_eq!((&rs, &key), (access.rs.as_bytes(), access.key.expose()));
        assert_eq!(ask(1, &mut rs, &mut key), iotchain_err::Type);
        let none = iotchain_join_response_server_secret(&*verified.response, key.as_mut_ptr());
        assert_eq!(none, iotchain_err::Type);
    }
    // and it makes a member, who takes the broadcasts that came along
    let mut member = Held::join(&bytes, &cnonce(), &pinned()).unwrap();
    for (index, expected) in expected.broadcasts.iter().enumerate() {
        let (mut at, mut len) = (null(), 0);
        // SAFETY: every pointer is of a value that lives.
        let broadcast = unsafe {
            let told =
                iotchain_join_response_broadcast(&*verified.response, index, &mut at, &mut len);
            assert_eq!(told, iotchain_err::Ok);
            std::slice::from_raw_parts(at, len)
        };
        assert_eq!(broadcast, expected);
        member.receive(broadcast, 0).unwrap();
    }
    assert_eq!(member.status(info.key_server_time).newest, info.session);
}

#[test]
fn join_response_of_a_resource_server() {
    let bytes = message("join_response_rs");
    let verified = Verified::new(bytes.clone(), &cnonce(), &pinned()).unwrap();
    // SAFETY: every pointer is of a value that lives.
    let secret = told(|secret: *mut [u8; 32]| unsafe {
        iotchain_join_response_server_secret(&*verified.response, secret.cast())
    });
    assert_eq!(secret, Ok(array(&file("params")["rsk"])));
}

#[test]
fn only_the_pinned_key_server_that_answered_is_believed() {
    let bytes = message("join_response_client_rsd");
    let refused = |bytes: &[u8], cnonce: &[u8], ks: [u8; 32]| {
        Verified::new(bytes.to_vec(), cnonce, &Thumbprint::new(ks)).err()
    };
    let ks = *pinned().as_bytes();
    assert_eq!(refused(&bytes, &cnonce(), [7; 32]), Some(iotchain_err::Kid));
    assert_eq!(refused(&bytes, &[7; 8], ks), Some(iotchain_err::Sig));
    assert_eq!(refused(&bytes, &[7; 7], ks), Some(iotchain_err::Type));
    let other = message("join_response_client_polynomial");
    assert_eq!(
        Held::join(&other, &cnonce(), &pinned()).err(),
        Some(iotchain_err::Scheme)
    );
}

#[test]
fn problems() {
    for (name, expected, title) in [
        ("problem_details", iotchain_err::Scope, "join refused"),
        (
            "problem_details_groupcomm",
            iotchain_err::RevokedMember,
            "not a member any more",
        ),
    ] {
        let bytes = message(name);
        // SAFETY: every pointer is of a value that lives.
        unsafe {
            let problem =
                told(|problem| iotchain_problem_parse(bytes.as_ptr(), bytes.len(), problem))
                    .unwrap();
            assert_eq!(problem.error, expected as i32);
            let text = std::slice::from_raw_parts(problem.title.cast::<u8>(), problem.title_len);
            assert_eq!(text, title.as_bytes());
        }
    }
}

/// S_i of the epoch after that of `personal_key`, issued before it opens.
fn next_of(personal_key: &[u8]) -> Vec<u8> {
    // [2, gid, epoch, depth, slot, join, last, event, C, v, labels, history], rebuilt with the next epoch
    let mut reader = iotchain::core::cbor::Reader::new(personal_key);
    reader.array().unwrap();
    let mut out = vec![0; personal_key.len() + 16];
    let mut writer = iotchain::core::cbor::Writer::new(&mut out);
    let (scheme, gid) = (reader.uint().unwrap(), reader.bytes().unwrap());
    let epoch = reader.uint().unwrap() + 1;
    writer.array(12).uint(scheme).bytes(gid).uint(epoch);
    writer
        .uint(reader.uint().unwrap())
        .uint(reader.uint().unwrap());
    reader.uint().unwrap();
    let last = reader.uint().unwrap();
    writer
        .uint(last)
        .uint(last + 50)
        .uint(0)
        .bytes(&[])
        .bytes(&[]);
    for _ in 0..3 {
        reader.skip().unwrap();
    }
    writer.bytes(reader.bytes().unwrap()).array(0);
    let len = writer.finish().unwrap();
    out.truncate(len);
    out
}

#[test]
fn a_membership_is_renewed_in_storage_of_its_own() {
    let case = &file("broadcast-rsd")["cases"][0];
    let key = signing_key(&hex(&case["ks_key"])).unwrap();
    let ks = key.public().thumbprint();
    // a key of a member that joined later: longer than the next one, by a chain state and a beacon
    let mut keys: Vec<Vec<u8>> = case["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| hex(&member["personal_key"]))
        .collect();
    keys.sort_by_key(Vec::len);
    let (own, foreign) = (keys.pop().unwrap(), keys.remove(0));
    let next = next_of(&own);
    let mut member = Held::join(&join_response(&key, &own, None), NONCE, &ks).unwrap();
    let renewed = |member: &mut Held, response: &[u8], storage: *mut u8, cap: usize| {
        let verified = Verified::new(response.to_vec(), NONCE, &ks).unwrap();
        // SAFETY: every pointer is of a value that lives.
        told(|prepared| unsafe {
            iotchain_member_renew(
                &mut *member.member,
                &*verified.response,
                storage,
                cap,
                prepared,
            )
        })
    };
    let with_next = join_response(&key, &own, Some(&next));
    let plain = join_response(&key, &own, None);
    let mut second = vec![0; next.len()];
    let (at, cap) = (second.as_mut_ptr(), second.len());
    // nothing to take, no storage needed
    assert_eq!(renewed(&mut member, &plain, std::ptr::null_mut(), 0), Ok(0));
    let small = renewed(&mut member, &with_next, at, cap - 1);
    assert_eq!(small, Err(iotchain_err::Buffer));
    let used = (member.storage.as_mut_ptr(), member.storage.len());
    let in_use = renewed(&mut member, &with_next, used.0, used.1);
    assert_eq!(in_use, Err(iotchain_err::Capacity));
    assert_eq!(member.status(0).next_prepared, 0);
    assert_eq!(renewed(&mut member, &with_next, at, cap), Ok(1));
    assert_eq!(member.status(0).next_prepared, 1);
    // again with the same storage: the key is there and stays
    assert_eq!(renewed(&mut member, &with_next, at, cap), Ok(1));
    assert_eq!(second, next);
    // another place, another epoch
    let foreign = join_response(&key, &foreign, None);
    assert_eq!(
        renewed(&mut member, &foreign, at, cap),
        Err(iotchain_err::Type)
    );
    let late = join_response(&key, &next_of(&next), None);
    assert_eq!(
        renewed(&mut member, &late, at, cap),
        Err(iotchain_err::Epoch)
    );
    drop(member);
    assert_eq!(second, vec![0; next.len()], "wiped with its member");
}
