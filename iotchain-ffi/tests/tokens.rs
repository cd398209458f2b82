//! Tokens through the C interface: the CWTs of `token.json` and `negative.json`, the proofs of `token-proof.json`.
#![cfg(feature = "token")]
#![allow(missing_docs)]

use core::mem::zeroed;
use iotchain::token::AccountId;
use iotchain::{PublicKey, SignAlg};
use iotchain_ffi::*;
use serde_json::Value;
use std::ffi::CString;
use std::ptr::null;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn token(value: &Value) -> iotchain_token_ref {
    iotchain_token_ref {
        chain: number(&value["chain"]),
        contract: array(&value["contract"]),
        client: array(&value["client"]),
    }
}

/// Calls `f` with a query.
fn with_query<T>(
    (token, rs): (&iotchain_token_ref, &[u8; 20]),
    (group, roles): (&str, u8),
    f: impl FnOnce(&iotchain_query) -> T,
) -> T {
    let group = CString::new(group).unwrap();
    let scope = iotchain_scope {
        group: group.as_ptr(),
        roles,
    };
    f(&iotchain_query {
        token,
        rs: rs.as_ptr(),
        scope: &scope,
    })
}

fn issuer(env: &Value, rs: [u8; 20]) -> iotchain_cwt_issuer {
    let [issuer] = env["issuers"].as_array().unwrap().as_slice() else {
        panic!("one issuer in each case");
    };
    let account = AccountId::parse(issuer["iss"].as_str().unwrap()).unwrap();
    let key = PublicKey::parse(&hex(&issuer["cose_key"])).unwrap();
    assert_eq!(key.alg(), SignAlg::Es256k);
    iotchain_cwt_issuer {
        chain: account.chain,
        contract: *account.address.as_bytes(),
        rs,
        id: array(&issuer["id"]),
        key: iotchain_public_key {
            alg: IOTCHAIN_ES256K,
            x: *key.x(),
            y: *key.y(),
        },
    }
}

fn verify_cwt(case: &Value) -> (i32, iotchain_cwt_grant) {
    let (env, asked, cwt) = (&case["env"], &case["query"], hex(&case["cwt"]));
    let rs = array(&asked["rs"]);
    let limits = iotchain_token_limits {
        max_head_age: 60,
        leeway: number(&env["leeway"]),
        max_life: number(&env["max_life"]),
        confirmations: 12,
    };
    let scope = (
        asked["gname"].as_str().unwrap(),
        number(&asked["roles"]).try_into().unwrap(),
    );
    with_query((&token(asked), &rs), scope, |query| {
        // SAFETY: a structure of numbers.
        let mut grant = unsafe { zeroed() };
        let (issuer, now) = (issuer(env, rs), number(&env["now"]));
        // SAFETY: references, and a buffer with its length.
        let result = unsafe {
            iotchain_cwt_verify(
                cwt.as_ptr(),
                cwt.len(),
                query,
                &issuer,
                &limits,
                now,
                &mut grant,
            )
        };
        (result as i32, grant)
    })
}

#[test]
fn cwts_are_judged_as_in_the_vectors() {
    let mut cases = vectors("negative")["cases"].as_array().unwrap().clone();
    cases.extend_from_slice(vectors("token")["positive"].as_array().unwrap());
    cases.retain(|case| case["op"] == "cwt.validate");
    assert!(cases.len() > 20);
    for case in cases {
        let (result, grant) = verify_cwt(&case);
        let expected = number(&case["expect"]);
        assert_eq!(u64::from(result.unsigned_abs()), expected, "{}", case["id"]);
        if expected == 0 {
            assert!(grant.roles != 0 && grant.key.alg == IOTCHAIN_ES256K);
            assert!(grant.expires_at > number(&case["env"]["now"]));
        } else {
            assert!(grant.roles == 0 && grant.expires_at == 0 && grant.key.x == [0; 32]);
        }
    }
}

/// A case of `token-proof.json`.
struct Case {
    file: Value,
    headers: Vec<Vec<u8>>,
    nodes: Vec<Vec<u8>>,
    token: iotchain_token_ref,
    rs: [u8; 20],
}

fn cases() -> Vec<Case> {
    let list =
        |value: &Value| -> Vec<Vec<u8>> { value.as_array().unwrap().iter().map(hex).collect() };
    let files = vectors("token-proof")["cases"].as_array().unwrap().clone();
    let case = |file: Value| Case {
        headers: list(&file["headers"]),
        nodes: ["account", "token", "resource"]
            .iter()
            .flat_map(|part| list(&file[part]))
            .collect(),
        token: token(&file),
        rs: array(&file["res"]),
        file,
    };
    files.into_iter().map(case).collect()
}

impl Case {
    fn block(&self, block: &mut iotchain_block, header: &[u8]) -> iotchain_err {
        let tip = hex(&self.file["tip"]);
        // SAFETY: buffers with their lengths.
        unsafe { iotchain_block_init(block, tip.as_ptr(), header.as_ptr(), header.len()) }
    }

    fn start(&self, proof: &mut iotchain_proof) {
        let code_hash = hex(&self.file["code_hash"]);
        let place = iotchain_token_place {
            token: &self.token,
            rs: self.rs.as_ptr(),
            code_hash: code_hash.as_ptr(),
        };
        // SAFETY: references to storage of this frame; a zeroed block is none.
        unsafe {
            let mut block = zeroed();
            assert_eq!(
                iotchain_proof_start(proof, &block, &place),
                iotchain_err::NotReady
            );
            assert_eq!(self.block(&mut block, &self.headers[0]), iotchain_err::Ok);
            assert_eq!(
                iotchain_proof_start(proof, &block, &place),
                iotchain_err::Ok
            );
            iotchain_block_wipe(&mut block);
        }
    }
}

fn push(proof: &mut iotchain_proof, node: &[u8]) -> iotchain_err {
    // SAFETY: a reference, and a buffer with its length.
    unsafe { iotchain_proof_push(proof, node.as_ptr(), node.len()) }
}

#[test]
fn proofs_of_real_nodes() {
    for case in cases() {
        let (mut word, mut resource) = ([0xaa; 32], [0xaa; 32]);
        // SAFETY: zeroed storage is no proof.
        let mut proof = unsafe { zeroed() };
        assert_eq!(push(&mut proof, &case.nodes[0]), iotchain_err::NotReady);
        case.start(&mut proof);
        for node in &case.nodes {
            // SAFETY: a reference and arrays of 32 bytes.
            let early =
                unsafe { iotchain_proof_words(&proof, word.as_mut_ptr(), resource.as_mut_ptr()) };
            assert_eq!(
                (early, word, resource),
                (iotchain_err::Truncated, [0xaa; 32], [0xaa; 32])
            );
            // what does not lead on changes nothing
            let mut other = node.clone();
            other[5] ^= 1;
            assert_eq!(push(&mut proof, &other), iotchain_err::Proof);
            assert_eq!(push(&mut proof, node), iotchain_err::Ok);
        }
        assert_eq!(push(&mut proof, &case.nodes[0]), iotchain_err::Trailing);
        // SAFETY: as above.
        let done =
            unsafe { iotchain_proof_words(&proof, word.as_mut_ptr(), resource.as_mut_ptr()) };
        assert_eq!(done, iotchain_err::Ok);
        assert_eq!(word, array(&case.file["word"]), "{}", case.file["id"]);
        assert_eq!(resource, array(&case.file["resource_word"]));

        // SAFETY: a reference; wiped storage is no proof.
        unsafe { iotchain_proof_wipe(&mut proof) };
        assert_eq!(push(&mut proof, &case.nodes[0]), iotchain_err::NotReady);
    }
}

fn validate(
    (case, proof): (&Case, &iotchain_proof),
    (class, mask): (u16, u8),
    now: u64,
) -> (iotchain_err, iotchain_grant) {
    let group = iotchain::token::Class::new(class).group(&iotchain::Address::new(case.rs));
    let limits = iotchain_token_limits {
        max_head_age: 60,
        leeway: 60,
        max_life: 366 * 86400,
        confirmations: 0,
    };
    with_query((&case.token, &case.rs), (group.as_str(), mask), |query| {
        // SAFETY: references, and an array of one number.
        unsafe {
            let mut grant = zeroed();
            let result = iotchain_proof_validate(proof, query, &limits, &class, 1, now, &mut grant);
            (result, grant)
        }
    })
}

#[test]
fn a_proven_token_is_validated() {
    for case in cases() {
        // SAFETY: zeroed storage is no proof.
        let mut proof = unsafe { zeroed() };
        case.start(&mut proof);
        let now = number(&case.file["timestamp"]);
        let word = iotchain::token::TokenWord::parse(&hex(&case.file["word"])).unwrap();
        let Ok(claims) = iotchain::token::Claims::parse(word.claims) else {
            continue;
        };
        let asked = (claims.class().get(), claims.mask().bits());
        assert_eq!(
            validate((&case, &proof), asked, now).0,
            iotchain_err::Truncated
        );
        for node in &case.nodes {
            assert_eq!(push(&mut proof, node), iotchain_err::Ok);
        }
        let (result, grant) = validate((&case, &proof), asked, now);
        let resource = hex(&case.file["resource_word"]);
        let expected = if iotchain::token::resource_epoch(&resource) == Ok(word.epoch) {
            iotchain_err::Ok
        } else {
            iotchain_err::TokenRevoked
        };
        assert_eq!(result, expected, "{}", case.file["id"]);
        if result == iotchain_err::Ok {
            assert_eq!((grant.access_class, grant.roles), asked);
            assert_eq!(grant.serial, word.serial);
            assert_eq!(grant.expires_at, word.expires_at.get());
            let refused = |asked, now| {
                let (result, grant) = validate((&case, &proof), asked, now);
                assert_eq!((grant.serial, grant.roles), (0, 0), "nothing is written");
                result
            };
            assert_eq!(refused((asked.0, 0x20), now), iotchain_err::Scope);
            assert_eq!(refused((asked.0 ^ 1, asked.1), now), iotchain_err::Claims);
            assert_eq!(refused(asked, now + 61), iotchain_err::LedgerStale);
        }
    }
}

fn read(block: &iotchain_block) -> (u64, u64, [u8; 32]) {
    let (mut number, mut time, mut hash) = (0, 0, [0; 32]);
    // SAFETY: references and an array of 32 bytes.
    let result = unsafe { iotchain_block_read(block, &mut number, &mut time, hash.as_mut_ptr()) };
    assert_eq!(result, iotchain_err::Ok);
    (number, time, hash)
}

#[test]
fn blocks_lead_back_and_forth() {
    for case in cases() {
        // SAFETY: zeroed storage is no block.
        let mut block = unsafe { zeroed() };
        assert_eq!(
            case.block(&mut block, &case.headers[1]),
            iotchain_err::Proof
        );
        assert_eq!(case.block(&mut block, &case.headers[0]), iotchain_err::Ok);
        let tip = read(&block);
        assert_eq!(tip.0, number(&case.file["number"]));
        assert_eq!(tip.1, number(&case.file["timestamp"]));
        assert_eq!(tip.2, array(&case.file["tip"]));
        let parent = |block: &mut iotchain_block, header: &[u8]| {
            // SAFETY: a reference, and a buffer with its length.
            unsafe { iotchain_block_parent(block, header.as_ptr(), header.len()) }
        };
        for (back, header) in (1..).zip(&case.headers[1..]) {
            assert_eq!(parent(&mut block, &case.headers[0]), iotchain_err::Proof);
            assert_eq!(parent(&mut block, header), iotchain_err::Ok);
            assert_eq!(read(&block).0 + back, tip.0);
        }
        let Some(accounts) = case.file.get("sealers").and_then(Value::as_array) else {
            continue;
        };
        // SAFETY: arrays of the lengths asked for; zeroed sealers are nobody.
        let mut sealers: Vec<iotchain_sealer> =
            accounts.iter().map(|_| unsafe { zeroed() }).collect();
        let child = |block: &mut iotchain_block, header: &[u8], sealers: &mut [iotchain_sealer]| {
            let (at, count) = (sealers.as_mut_ptr(), sealers.len());
            // SAFETY: a reference, and arrays with their lengths.
            unsafe { iotchain_block_sealed_child(block, header.as_ptr(), header.len(), at, count) }
        };
        let next = &case.headers[case.headers.len() - 2];
        assert_eq!(child(&mut block, next, &mut sealers), iotchain_err::Signer);
        assert_eq!(child(&mut block, next, &mut []), iotchain_err::Signer);
        for (sealer, account) in sealers.iter_mut().zip(accounts) {
            // SAFETY: a reference and an array of 20 bytes.
            let named = unsafe { iotchain_sealer_init(sealer, hex(account).as_ptr()) };
            assert_eq!(named, iotchain_err::Ok);
        }
        for header in case.headers.iter().rev().skip(1) {
            assert_eq!(child(&mut block, header, &mut sealers), iotchain_err::Ok);
        }
        assert_eq!(read(&block), tip);
        // SAFETY: a reference; null is no header.
        let none = unsafe { iotchain_block_parent(&mut block, null(), 9) };
        assert_eq!(none, iotchain_err::NullArgument);
    }
}
