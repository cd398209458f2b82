//! What a member's calls cost, counted (spec 3.4.8): the published groups are followed from their first session on.

use super::{Member, PersonalKey};
use crate::broadcast::Authority;
use crate::prf::count::{Work, work};
use iotchain_core::{Gid, PublicKey, Session};
use serde_json::Value;
use std::fs;
use std::vec::Vec;

const STEADY: Work = Work {
    blocks: 2,
    hashes: 1,
};
/// The beacon, or the event, gave the key already.
const KEY: Work = Work {
    blocks: 0,
    hashes: 0,
};

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap() as u32
}

fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/broadcast-rsd.json");
    let mut file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    serde_json::from_value(file["cases"].take()).unwrap()
}

fn member(case: &Value, owner: &Value) -> Member<Vec<u8>, 16> {
    let key = PersonalKey::parse(bytes(&owner["personal_key"])).unwrap();
    let server = PublicKey::parse(&bytes(&case["ks_key"])).unwrap();
    let gid = Gid::from_slice(&bytes(&case["gid"])).unwrap();
    Member::new(key, Authority::new(gid, server)).unwrap()
}

#[test]
fn a_steady_session_is_one_hash_and_two_blocks() {
    let mut steady = 0;
    for case in cases() {
        for owner in case["members"].as_array().unwrap() {
            let mut member = member(&case, owner);
            for session in case["sessions"].as_array().unwrap() {
                let event = &case["events"][session["event"].as_u64().unwrap() as usize - 1];
                let is_first = event["session"] == session["session"];
                let j = number(&session["session"]);
                let mine = session["members"]
                    .as_array()
                    .unwrap()
                    .contains(&owner["slot"]);
                if is_first {
                    let _ = member.receive(&bytes(&event["message"]), None);
                } else {
                    let before = member.newest().map_or(0, Session::get);
                    let (cost, received) =
                        work(|| member.receive(&bytes(&session["beacon"]), None));
                    if received.is_ok() && before + 1 == j && mine {
                        assert_eq!(cost, STEADY, "session {j}");
                        steady += 1;
                    }
                }
                if mine && member.newest() == Some(Session::new(j)) {
                    let (cost, key) = work(|| member.key(Session::new(j)));
                    assert_eq!(cost, KEY, "session {j}");
                    assert_eq!(key.unwrap().expose()[..], bytes(&session["key"])[..]);
                }
            }
        }
    }
    assert!(steady > 40, "{steady}");
}

#[test]
fn an_event_is_walked_once() {
    let mut opened = 0;
    for case in cases() {
        let depth = number(&case["depth"]);
        for owner in case["members"].as_array().unwrap() {
            for event in case["events"].as_array().unwrap() {
                let mut member = member(&case, owner);
                let (cost, received) = work(|| member.receive(&bytes(&event["message"]), None));
                let window = event["cover_entries"].as_array().unwrap().len() as u32;
                assert!(cost.blocks <= depth + 3 + 2 * window, "{cost:?}");
                opened += u32::from(received.is_ok() && cost.blocks > 3);
            }
        }
    }
    assert!(opened > 10, "{opened}");
}

/// Healing from the earliest state stays: a key further back costs a block per session since its event.
#[test]
fn an_older_session_is_reached_from_the_first_state() {
    for case in cases() {
        let mut member = member(&case, &case["members"][0]);
        let sessions = case["sessions"].as_array().unwrap();
        let _ = member.receive(&bytes(&case["events"][0]["message"]), None);
        for session in sessions.iter().filter(|session| session["event"] == 1) {
            member.receive(&bytes(&session["beacon"]), None).unwrap();
        }
        let first = number(&case["events"][0]["session"]);
        let newest = member.newest().unwrap().get();
        for session in sessions.iter().filter(|session| session["event"] == 1) {
            let j = number(&session["session"]);
            let (cost, key) = work(|| member.key(Session::new(j)));
            assert_eq!(key.unwrap().expose()[..], bytes(&session["key"])[..]);
            let steps = if j == newest { 0 } else { j - first + 1 };
            assert_eq!(cost.blocks, steps);
        }
    }
}
