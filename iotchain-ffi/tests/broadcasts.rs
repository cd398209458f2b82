//! `broadcast-rsd.json` through the C interface: what members heal from lost broadcasts, what they do step by step, and the same
//! for those that take their events in pieces, or sleep after every step. Then the attacks on members of `negative.json`.
#![cfg(feature = "member")]
#![allow(missing_docs)]

mod vectors;

use iotchain::core::cbor::Writer;
use iotchain::{SignAlg, SigningKey};
use iotchain_ffi::*;
use serde_json::Value;
use std::collections::BTreeMap;
use vectors::{
    Held, NONCE, can_join, file, hex, join_response, negative, ok, signing_key, told, zeroed,
};

/// One case of the file.
struct Case {
    case: Value,
    key: SigningKey,
    /// j, beacon and key of every session.
    sessions: BTreeMap<u64, Value>,
}

/// The groups that a member can join.
fn cases() -> Vec<Case> {
    let read = |case: &Value| {
        let sessions = case["sessions"].as_array().unwrap();
        let (key_server, own) = (&case["ks_key"], &case["members"][0]["personal_key"]);
        let can_join = can_join(&hex(key_server), &hex(own));
        can_join.then(|| Case {
            case: case.clone(),
            key: signing_key(&hex(key_server)).unwrap(),
            sessions: sessions
                .iter()
                .map(|row| (row["session"].as_u64().unwrap(), row.clone()))
                .collect(),
        })
    };
    let published = file("broadcast-rsd");
    let published = published["cases"].as_array().unwrap();
    published.iter().filter_map(read).collect()
}

/// How a member lives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Whole,
    /// Events come in pieces of so many bytes.
    Pieces(usize),
    /// It sleeps after every step.
    Sleepy,
}

impl Case {
    /// Whether its events can be taken in pieces, see [`events_of_ed25519_come_whole`].
    fn comes_in_pieces(&self) -> bool {
        iotchain::Signer::public(&self.key).alg() != SignAlg::Ed25519
    }

    fn member(&self, slot: &Value) -> Held {
        let members = self.case["members"].as_array().unwrap();
        let own = members.iter().find(|member| member["slot"] == *slot);
        let response = join_response(&self.key, &hex(&own.unwrap()["personal_key"]), None);
        let ks = iotchain::Signer::public(&self.key).thumbprint();
        Held::join(&response, NONCE, &ks).unwrap()
    }

    /// The event in force in session `j`.
    fn message(&self, j: u64) -> Vec<u8> {
        let event = &self.sessions[&j]["event"];
        let events = self.case["events"].as_array().unwrap();
        let event = events.iter().find(|row| row["event"] == *event);
        hex(&event.unwrap()["message"])
    }

    /// Exactly these keys are released, each with its published value.
    fn assert_keys(&self, member: &Held, expected: &Value, what: &str) {
        let mut released = Vec::new();
        for (j, row) in &self.sessions {
            if let Ok(key) = member.key(u32::try_from(*j).unwrap()) {
                assert_eq!(hex::encode(key), row["key"], "{what}: key {j}");
                released.push(*j);
            }
        }
        assert_eq!(serde_json::json!(released), *expected, "{what}");
    }

    fn check_trace(&self, trace: &Value, life: Life) {
        let mut member = self.member(&trace["slot"]);
        for (place, step) in trace["steps"].as_array().unwrap().iter().enumerate() {
            let what = format!("slot {} step {place}", trace["slot"]);
            let now = step["now"].as_u64().unwrap();
            let received = received(&mut member, step, life);
            if life == Life::Sleepy {
                member = slept(member);
            }
            let number = received.as_ref().err().map_or(0, |error| -(*error as i64));
            assert_eq!(step["expect"].as_i64(), Some(number), "{what}");
            let value = received.ok().map(|received| match received.kind {
                IOTCHAIN_RECEIVED_DUPLICATE => "duplicate",
                _ => "ok",
            });
            assert_eq!(step["value"].as_str(), value, "{what}");
            let mark = member.mark();
            assert_eq!(
                step["high_water"],
                serde_json::json!([mark.event, mark.session]),
                "{what}"
            );
            // the traces are older than the rule that a session is not sealed in before it begins (C6)
            let begun = step["may_seal"]
                .as_u64()
                .filter(|j| self.sessions[j]["nbf"].as_u64().unwrap() <= now + 60);
            let sealable = u64::from(member.status(now).sealable);
            assert_eq!(begun.unwrap_or(0), sealable, "{what}");
            self.assert_keys(&member, &step["keys"], &what);
        }
    }
}

/// Takes the broadcast of a step in, without a clock if the step has none.
fn received(
    member: &mut Held,
    step: &Value,
    life: Life,
) -> Result<iotchain_received, iotchain_err> {
    let now = step["now"].as_u64().unwrap_or(0);
    match (step.get("message"), life) {
        (Some(message), Life::Pieces(size)) => in_pieces(member, &hex(message), size, now),
        (message, _) => member.receive(&hex(message.unwrap_or(&step["beacon"])), now),
    }
}

/// Takes an event in by pieces of `size` bytes.
fn in_pieces(
    member: &mut Held,
    message: &[u8],
    size: usize,
    now: u64,
) -> Result<iotchain_received, iotchain_err> {
    // SAFETY: every pointer is of a value that lives.
    unsafe {
        let mut event = zeroed::<iotchain_event>();
        ok(iotchain_event_start(&mut *event, &*member.member, 0))?;
        for piece in message.chunks(size) {
            // what is wrong with the envelope, `finish` says again
            let _ = iotchain_event_push(&mut *event, piece.as_ptr(), piece.len());
        }
        let received =
            told(|received| iotchain_event_finish(&mut *event, &mut *member.member, now, received));
        let again = iotchain_event_push(&mut *event, message.as_ptr(), 1);
        assert_eq!(again, iotchain_err::NotReady, "a stream ends once");
        received
    }
}

unsafe extern "C" fn fill(_: *mut std::ffi::c_void, out: *mut u8, len: usize) -> i32 {
    // SAFETY: the contract of a source of randomness.
    unsafe { out.write_bytes(0x5a, len) };
    0
}

/// The member after its memory was off.
fn slept(member: Held) -> Held {
    let random = iotchain_rng {
        fill: Some(fill),
        ctx: std::ptr::null_mut(),
    };
    let (mark, key) = (member.mark(), [3u8; 16]);
    let (mut state, mut own) = (vec![0; IOTCHAIN_MEMBER_STATE_MAX], vec![0; 8192]);
    // SAFETY: every pointer is of a value that lives.
    unsafe {
        let (at, cap) = (own.as_mut_ptr(), own.len());
        let len = told(|len| iotchain_member_personal_key(&*member.member, 0, at, cap, len));
        own.truncate(len.unwrap());
        let (at, cap) = (state.as_mut_ptr(), state.len());
        let len =
            told(|len| iotchain_member_sleep(&*member.member, key.as_ptr(), &random, at, cap, len));
        state.truncate(len.unwrap());
        drop(member);
        let mut woken = Held {
            member: zeroed::<iotchain_member>(),
            storage: own,
        };
        ok(iotchain_member_wake(
            &mut *woken.member,
            woken.storage.as_mut_ptr(),
            woken.storage.len(),
            std::ptr::null_mut(),
            0,
            key.as_ptr(),
            state.as_mut_ptr(),
            state.len(),
            &mark,
        ))
        .unwrap();
        assert!(state.iter().all(|byte| *byte == 0), "wiped");
        woken
    }
}

fn check_traces(life: Life) {
    for case in cases() {
        if matches!(life, Life::Pieces(_)) && !case.comes_in_pieces() {
            continue;
        }
        for trace in case.case["traces"].as_array().unwrap() {
            case.check_trace(trace, life);
        }
    }
}

#[test]
fn members_do_what_the_traces_say() {
    check_traces(Life::Whole);
}

#[test]
fn events_in_pieces_end_as_whole_ones() {
    check_traces(Life::Pieces(7));
    check_traces(Life::Pieces(64));
}

/// The signature of Ed25519 comes after all that it signs, so nothing can be verified on the way (spec 3.4.8).
#[test]
fn events_of_ed25519_come_whole() {
    for case in cases() {
        let member = case.member(&case.case["members"][0]["slot"]);
        let mut event = zeroed::<iotchain_event>();
        // SAFETY: every pointer is of a value that lives.
        let started = unsafe { iotchain_event_start(&mut *event, &*member.member, 0) };
        assert_eq!(started == iotchain_err::Alg, !case.comes_in_pieces());
        assert_eq!(started == iotchain_err::Ok, case.comes_in_pieces());
    }
}

/// The roles, and so the C library, speak the scheme rsd only: `broadcast-polynomial.json` ends at the personal key.
#[test]
fn groups_of_the_other_scheme_are_refused_at_the_join() {
    let key = signing_key(&hex(&file("params")["keys"]["ks"]["cose_key"])).unwrap();
    let ks = iotchain::Signer::public(&key).thumbprint();
    for case in file("broadcast-polynomial")["cases"].as_array().unwrap() {
        for member in case["members"].as_array().unwrap() {
            let response = join_response(&key, &hex(&member["personal_key"]), None);
            let refused = Held::join(&response, NONCE, &ks).err();
            assert_eq!(refused, Some(iotchain_err::Scheme), "{}", case["name"]);
        }
    }
}

#[test]
fn members_that_sleep_after_every_step_do_the_same() {
    check_traces(Life::Sleepy);
}

/// `[slot, l, r, [[message_l, beacon_l], [message_r, beacon_r]], sessions]`: a fresh member takes the event in force and the beacon of
/// session l, then of session r, without a clock; it can then release the keys of `sessions`.
#[test]
fn lost_broadcasts_heal() {
    for case in cases() {
        for row in case.case["heal"].as_array().unwrap() {
            let mut member = case.member(&row[0]);
            for (place, session) in [(0, &row[1]), (1, &row[2])] {
                let j = session.as_u64().unwrap();
                let beacon = hex(&case.sessions[&j]["beacon"]);
                for (which, message) in [case.message(j), beacon].iter().enumerate() {
                    let result = member.receive(message, 0).err();
                    let number = result.map_or(0, |error| -(error as i64));
                    assert_eq!(row[3][place][which], number, "{row}");
                }
            }
            case.assert_keys(&member, &row[4], &row.to_string());
        }
    }
}

/// Attacks on members whose tolerances C does not set: room for one class of an event only (R29), chains of at most two links (R37).
const TOLERANCES_OF_THEIR_OWN: [&str; 2] = ["R29", "R37"];

/// Attacks on members of the scheme polynomial, whose join is refused.
const MEMBERS_OF_THE_OTHER_SCHEME: [&str; 21] = [
    "L01", "L02", "L03", "L04", "L05", "L06", "L07", "L08", "L09", "L10", "L11", "L12", "L13",
    "L14", "L15", "L16", "L17", "L18", "L19", "L20", "L21",
];

/// The number that a step ends with: a broadcast, or the question for a key.
fn number_of(member: &mut Held, step: &Value, life: Life) -> i64 {
    let result = match step["key"].as_u64() {
        Some(session) => member.key(session.try_into().unwrap()).map(|_| ()),
        None => received(member, step, life).map(|_| ()),
    };
    result.err().map_or(0, |error| -(error as i64))
}

fn check_attacks(life: Life) {
    let (mut run, mut tolerances, mut other_scheme) = (0, Vec::new(), Vec::new());
    for case in negative("group.step") {
        let (id, env, step) = (case["id"].as_str().unwrap(), &case["env"], &case["step"]);
        let key = signing_key(&hex(&env["ks_key"])).unwrap();
        let response = join_response(&key, &hex(&case["personal_key"]), None);
        let ks = iotchain::Signer::public(&key).thumbprint();
        let mut member = match Held::join(&response, NONCE, &ks) {
            Err(iotchain_err::Scheme) => {
                other_scheme.push(id.to_owned());
                continue;
            }
            joined => joined.unwrap(),
        };
        let is_set = |name| env.get(name).is_some() || step.get(name).is_some();
        let settings = ["cap", "skew", "grace", "max_len", "max_skip"];
        if settings.into_iter().any(is_set) {
            tolerances.push(id.to_owned());
            continue;
        }
        for step in case["pre"].as_array().unwrap() {
            let expected = step["expect"].as_i64().unwrap_or(0);
            assert_eq!(number_of(&mut member, step, life), expected, "{id}: before");
            if life == Life::Sleepy {
                member = slept(member);
            }
        }
        let number = number_of(&mut member, step, life);
        let expected = case["expect"].as_i64().unwrap();
        assert_eq!(number, expected, "{id}: {}", case["attack"]);
        run += 1;
    }
    assert_eq!(tolerances, TOLERANCES_OF_THEIR_OWN);
    assert_eq!(other_scheme, MEMBERS_OF_THE_OTHER_SCHEME);
    assert_eq!(run, 55, "attacks");
}

#[test]
fn attacks_on_members() {
    check_attacks(Life::Whole);
    check_attacks(Life::Pieces(7));
    check_attacks(Life::Sleepy);
}

/// Keys for the decoder of the scheme polynomial, which C has not.
const KEYS_OF_THE_OTHER_SCHEME: [&str; 4] = ["L23", "L24", "L25", "L26"];

/// `bytes` as a CBOR byte string.
fn byte_string(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0; bytes.len() + 9];
    let mut writer = Writer::new(&mut out);
    writer.bytes(bytes);
    let len = writer.finish().unwrap();
    out.truncate(len);
    out
}

/// The key server proves its nonces alone, so a sound response can be given another personal key.
#[test]
fn malformed_personal_keys_are_refused_at_the_join() {
    let sound = &negative("group.step")[0];
    let key = signing_key(&hex(&sound["env"]["ks_key"])).unwrap();
    let ks = iotchain::Signer::public(&key).thumbprint();
    let own = hex(&sound["personal_key"]);
    let response = join_response(&key, &own, None);
    Held::join(&response, NONCE, &ks).unwrap();
    let own = byte_string(&own);
    let at = response.windows(own.len()).position(|part| part == own);
    let (before, rest) = response.split_at(at.unwrap());
    let (mut run, mut left_out) = (0, Vec::new());
    for case in negative("personal_key.decode") {
        let id = case["id"].as_str().unwrap();
        if case["scheme"] != 2 {
            left_out.push(id.to_owned());
            continue;
        }
        let other = byte_string(&hex(&case["personal_key"]));
        let response = [before, &other, &rest[own.len()..]].concat();
        let refused = Held::join(&response, NONCE, &ks).err();
        let number = refused.map_or(0, |error| -(error as i64));
        assert_eq!(case["expect"], number, "{id}: {}", case["attack"]);
        run += 1;
    }
    assert_eq!(left_out, KEYS_OF_THE_OTHER_SCHEME);
    assert_eq!(run, 7, "keys");
}
