//! `pop.json` through the C interface: proofs of possession by keys in memory and by secure elements.
#![cfg(feature = "member")]
#![allow(missing_docs)]

use core::ffi::c_void;
use iotchain::core::sign::with_low_s;
use iotchain_ffi::*;
use serde_json::Value;
use std::ffi::CString;
use std::ptr;

fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/pop.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

/// Calls `f` with the input of a case.
fn with_input(case: &Value, f: impl FnOnce(&mut iotchain_pop_input)) {
    let challenge = &case["challenge"];
    let binding = iotchain_binding {
        kind: case["cb_type"].as_u64().unwrap().try_into().unwrap(),
        value: array(&case["cb"]),
    };
    let token = iotchain_token_ref {
        chain: challenge["chain"].as_u64().unwrap(),
        contract: array(&challenge["contract"]),
        client: array(&challenge["client"]),
    };
    let parsed = iotchain::token::Scope::parse(&hex(&case["scope"])).unwrap();
    let group = CString::new(parsed.group.as_str()).unwrap();
    let scope = iotchain_scope {
        group: group.as_ptr(),
        roles: parsed.roles.bits(),
    };
    let (key_server, challenge) = (hex(&case["ks"]), hex(&challenge["value"]));
    let cnonce = hex(&case["cnonce"]);
    f(&mut iotchain_pop_input {
        binding: &binding,
        key_server: key_server.as_ptr(),
        token: &token,
        scope: &scope,
        challenge: challenge.as_ptr(),
        cnonce: cnonce.as_ptr(),
        cnonce_len: cnonce.len(),
    });
}

/// Calls `f` with a signer in memory.
fn with_key(private: &[u8; 32], f: impl FnOnce(&iotchain_signer)) {
    // SAFETY: every pointer is to storage of this frame; the key stays where it is.
    unsafe {
        let mut key: iotchain_signing_key = core::mem::zeroed();
        let result = iotchain_signing_key_init(&mut key, IOTCHAIN_ES256K, private.as_ptr());
        assert_eq!(result, iotchain_err::Ok);
        let mut signer = core::mem::zeroed();
        assert_eq!(
            iotchain_signing_key_signer(&key, &mut signer),
            iotchain_err::Ok
        );
        f(&signer);
        iotchain_signing_key_wipe(&mut key);
    }
}

fn sign_client(
    input: &iotchain_pop_input,
    signer: &iotchain_signer,
) -> Result<[u8; 65], iotchain_err> {
    let mut answer = [0xaa; 65];
    // SAFETY: all pointers are references or arrays of the length asked for.
    match unsafe { iotchain_pop_sign_client(input, signer, answer.as_mut_ptr()) } {
        iotchain_err::Ok => Ok(answer),
        error => {
            assert_eq!(answer, [0xaa; 65], "nothing is written");
            Err(error)
        }
    }
}

/// A secure element: signs with the key that `ctx` points to, and gives the higher s.
unsafe extern "C" fn high_s(ctx: *mut c_void, digest: *const u8, signature: *mut u8) -> i32 {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36,
        0x41, 0x41,
    ];
    // SAFETY: the test passes a signer; the library keeps the lengths of the contract.
    unsafe {
        let signer = &*ctx.cast::<iotchain_signer>();
        let result = signer.sign.unwrap()(signer.ctx, digest, signature);
        let signature = &mut *signature.cast::<[u8; 64]>();
        let mut borrow = 0;
        for (s, n) in signature[32..].iter_mut().zip(ORDER).rev() {
            let difference = i16::from(n) - i16::from(*s) - borrow;
            borrow = i16::from(difference < 0);
            *s = difference.rem_euclid(256).try_into().unwrap();
        }
        assert_ne!(with_low_s(*signature), *signature);
        result
    }
}

#[test]
fn clients_answer_as_in_the_vectors() {
    for case in cases() {
        with_input(&case, |input| {
            let mut digest = [0; 32];
            // SAFETY: a reference and an array of 32 bytes.
            let result = unsafe { iotchain_pop_digest(input, digest.as_mut_ptr()) };
            assert_eq!(result, iotchain_err::Ok);
            assert_eq!(digest, array(&case["eip191_digest"]));
            with_key(&array(&case["private"]), |signer| {
                let expected = array(&case["signature"]);
                assert_eq!(sign_client(input, signer), Ok(expected));
                let element = iotchain_signer {
                    key: signer.key,
                    sign: Some(high_s),
                    ctx: ptr::from_ref(signer).cast_mut().cast(),
                };
                assert_eq!(sign_client(input, &element), Ok(expected));
            });
        });
    }
}

#[test]
fn another_key_is_not_the_clients() {
    for case in cases() {
        with_input(&case, |input| {
            with_key(&[7; 32], |signer| {
                assert_eq!(sign_client(input, signer), Err(iotchain_err::Pop));
                input.cnonce_len = 33;
                assert_eq!(sign_client(input, signer), Err(iotchain_err::Type));
            });
        });
    }
}

#[test]
fn a_server_signs_what_its_key_verifies() {
    use iotchain::token::{Challenge, ChannelBinding, PopInput, Scope, TokenRef};
    use iotchain::{Address, PublicKey, SignAlg, Thumbprint};
    for case in cases() {
        with_input(&case, |input| {
            with_key(&[7; 32], |signer| {
                let mut signature = [0; 64];
                // SAFETY: references and an array of 64 bytes.
                let result =
                    unsafe { iotchain_pop_sign_server(input, signer, signature.as_mut_ptr()) };
                assert_eq!(result, iotchain_err::Ok);
                let challenge = &case["challenge"];
                let same = PopInput {
                    binding: &ChannelBinding::new(
                        case["cb_type"].as_u64().unwrap().try_into().unwrap(),
                        &hex(&case["cb"]),
                    )
                    .unwrap(),
                    key_server: &Thumbprint::new(array(&case["ks"])),
                    token: &TokenRef {
                        chain: challenge["chain"].as_u64().unwrap(),
                        contract: Address::new(array(&challenge["contract"])),
                        client: Address::new(array(&challenge["client"])),
                    },
                    scope: &Scope::parse(&hex(&case["scope"])).unwrap(),
                    challenge: &Challenge::from_slice(&hex(&challenge["value"])).unwrap(),
                    cnonce: &hex(&case["cnonce"]),
                };
                let key = PublicKey::ec2(SignAlg::Es256k, signer.key.x, signer.key.y);
                assert_eq!(same.verify_server(&key, &signature), Ok(()));
                signature[0] ^= 1;
                assert!(same.verify_server(&key, &signature).is_err());
            });
        });
    }
}
