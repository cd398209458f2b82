//! What goes wrong in firmware: senders at the wrong member, storage that serves twice, buffers that overlap, callbacks that call
//! back. Each ends with an error and changes nothing.
#![cfg(feature = "server")]
#![allow(missing_docs)]

mod vectors;

use iotchain_ffi::*;
use serde_json::Value;
use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};
use vectors::{Held, NONCE, file, hex, join_response_to, ok, signing_key, told, zeroed};

/// Start of the first session of the vectors, and its number.
const START: u64 = 1_767_225_600;
const SESSION: u32 = 10;

/// A group of the vectors whose key server can sign joins.
fn case() -> Value {
    let cases = file("broadcast-rsd");
    let cases = cases["cases"].as_array().unwrap();
    let known = |case: &&Value| signing_key(&hex(&case["ks_key"])).is_some();
    cases.iter().find(known).unwrap().clone()
}

/// The join response of a resource server with this sender id, in the group `gid`.
fn response(case: &Value, gid: [u8; 4], sid: &[u8]) -> Vec<u8> {
    let mut personal_key = hex(&case["members"][0]["personal_key"]);
    personal_key[3..7].copy_from_slice(&gid);
    let key = signing_key(&hex(&case["ks_key"])).unwrap();
    join_response_to(sid, &key, &personal_key, None)
}

fn key_server(case: &Value) -> iotchain::Thumbprint {
    let key = signing_key(&hex(&case["ks_key"])).unwrap();
    iotchain::Signer::public(&key).thumbprint()
}

const GID: [u8; 4] = [0xa1, 0xb2, 0xc3, 0xd4];

/// A resource server that may seal.
fn server(case: &Value, sid: &[u8]) -> Held {
    let response = response(case, GID, sid);
    let mut held = Held::join(&response, NONCE, &key_server(case)).unwrap();
    held.receive(&hex(&case["events"][0]["message"]), START)
        .unwrap();
    assert_eq!(held.status(START).sealable, SESSION);
    held
}

fn sender(member: &Held) -> Box<iotchain_sender> {
    let mut sender = zeroed::<iotchain_sender>();
    // SAFETY: every pointer is of a value that lives.
    let made = unsafe { iotchain_sender_init_counted(&mut *sender, &*member.member, 1, 1, 0) };
    ok(made).unwrap();
    sender
}

fn enter(sender: &mut iotchain_sender, member: &Held) -> Result<u32, iotchain_err> {
    // SAFETY: every pointer is of a value that lives.
    told(|session| unsafe { iotchain_sender_enter(sender, &*member.member, START, session) })
}

#[test]
fn a_sender_stays_with_its_member() {
    let case = case();
    let own = server(&case, &[0x80, 1]);
    let other_sid = server(&case, &[0x80, 2]);
    let other_group = response(&case, [9; 4], &[0x80, 1]);
    let other_group = Held::join(&other_group, NONCE, &key_server(&case)).unwrap();
    let mut sender = sender(&own);
    assert_eq!(enter(&mut sender, &other_sid), Err(iotchain_err::Kid));
    assert_eq!(enter(&mut sender, &other_group), Err(iotchain_err::Group));
    // SAFETY: every pointer is of a value that lives.
    let origin = told(|origin| unsafe { iotchain_sender_origin(&*sender, origin) }).unwrap();
    assert_eq!(origin.session, 0, "no session was entered");
    assert_eq!(enter(&mut sender, &own), Ok(SESSION));
}

#[test]
fn personal_keys_have_storage_of_their_own() {
    let case = case();
    let mut message = response(&case, GID, &[0x80, 1]);
    let (before, len, at) = (message.clone(), message.len(), message.as_mut_ptr());
    let ks = key_server(&case);
    let (mut parsed, mut member) = (
        zeroed::<iotchain_join_response>(),
        zeroed::<iotchain_member>(),
    );
    // SAFETY: every pointer is of a value that lives.
    unsafe {
        let (cnonce, ks) = (NONCE.as_ptr(), ks.as_bytes().as_ptr());
        let verified =
            iotchain_join_response_verify(&mut *parsed, at, len, cnonce, NONCE.len(), ks);
        ok(verified).unwrap();
        let joined = iotchain_member_join(&mut *member, &*parsed, at, len, 0);
        assert_eq!(joined, iotchain_err::Capacity, "inside the message");
        assert_eq!(message, before);
        assert_eq!(
            iotchain_member_retire(&mut *member),
            iotchain_err::NotReady,
            "no member was made"
        );

        // one storage, and one inside the sealed state, for the keys of a member that wakes
        let (mut sealed, key) = ([7u8; 64], [3u8; 16]);
        let (state, storage) = (sealed.as_mut_ptr(), message.as_mut_ptr());
        for (own, other) in [(storage, storage), (storage, state), (state, null_mut())] {
            let woken = iotchain_member_wake(
                &mut *member,
                own,
                64,
                other,
                64,
                key.as_ptr(),
                state,
                64,
                null(),
            );
            assert_eq!(woken, iotchain_err::Capacity);
            assert_eq!((&message, sealed), (&before, [7; 64]));
        }
    }
}

#[test]
fn a_compact_form_is_not_written_over_its_object() {
    let mut buffer = [0x83u8; 64];
    let (at, mut len) = (buffer.as_mut_ptr(), 7);
    for (from, to) in [(0, 0), (0, 8), (8, 0)] {
        let alg = IOTCHAIN_AES_CCM_16_64_128;
        // SAFETY: all within the buffer.
        let results = unsafe {
            let (from, to) = (at.add(from), at.add(to));
            [
                iotchain_object_compact(alg, from, 32, to, 32, &mut len),
                iotchain_object_expand(alg, from, 32, to, 32, &mut len),
            ]
        };
        assert_eq!(results, [iotchain_err::NullArgument; 2]);
        assert_eq!((buffer, len), ([0x83; 64], 7));
    }
}

/// What a signer uses that seals with the sender that it signs for.
struct Reentry {
    sender: *mut iotchain_sender,
    inner: iotchain_err,
}

const PATH: &[*const c_char] = &[c"temp".as_ptr()];
static SERVER: [u8; 20] = [7; 20];

fn resource() -> iotchain_resource {
    iotchain_resource {
        rs: SERVER.as_ptr(),
        path: PATH.as_ptr(),
        path_count: 1,
        query: null(),
        query_count: 0,
    }
}

unsafe extern "C" fn seals_again(ctx: *mut c_void, _: *const u8, signature: *mut u8) -> i32 {
    let (mut out, mut len, token) = ([0; 200], 0, [1; 4]);
    // SAFETY: the contract of a signer, whose context is that of the test.
    unsafe {
        let reentry = &mut *ctx.cast::<Reentry>();
        reentry.inner = iotchain_sender_seal_response(
            reentry.sender,
            &resource(),
            69,
            token.as_ptr(),
            4,
            IOTCHAIN_NO_CONTENT_FORMAT,
            token.as_ptr(),
            4,
            out.as_mut_ptr(),
            out.len(),
            &mut len,
        );
        signature.write_bytes(1, 64);
    }
    0
}

#[test]
fn a_signer_cannot_seal_with_the_sender_it_signs_for() {
    let case = case();
    let member = server(&case, &[0x80, 1]);
    let mut sender = sender(&member);
    enter(&mut sender, &member).unwrap();
    let sender: *mut iotchain_sender = &mut *sender;
    let mut reentry = Reentry {
        sender,
        inner: iotchain_err::Ok,
    };
    let by = iotchain_signer {
        key: iotchain_public_key {
            alg: IOTCHAIN_ES256K,
            x: [1; 32],
            y: [1; 32],
        },
        sign: Some(seals_again),
        ctx: (&raw mut reentry).cast(),
    };
    let (mut out, mut len, text) = ([0u8; 300], 0, b"21.5");
    for _ in 0..2 {
        // SAFETY: every pointer is of a value that lives.
        let sealed = unsafe {
            iotchain_sender_seal_signed(
                sender,
                &resource(),
                START,
                0,
                IOTCHAIN_NO_CONTENT_FORMAT,
                text.as_ptr(),
                text.len(),
                &by,
                out.as_mut_ptr(),
                out.len(),
                &mut len,
            )
        };
        assert_eq!(sealed, iotchain_err::Ok, "and the sender is one afterwards");
        assert_eq!(reentry.inner, iotchain_err::NotReady);
    }
    // SAFETY: as above.
    unsafe { iotchain_sender_wipe(sender) };
}
