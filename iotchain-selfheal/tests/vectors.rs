//! The member against the published vectors: healing rows, traces, negative cases.

mod support;

use iotchain_core::{Result, Session, UnixTime};
use iotchain_selfheal::Policy;
use iotchain_selfheal::rsd::{HighWater, PersonalKey, Received};
use serde_json::Value;
use support::{Member, array, bytes, code, keys, list, member, number, session, time, vectors};

fn fresh(case: &Value, slot: u32) -> Member {
    let owner = list(&case["members"])
        .iter()
        .find(|member| number(&member["slot"]) == slot)
        .unwrap();
    member(&case["env"], bytes(&owner["personal_key"])).unwrap()
}

fn session_of(case: &Value, j: u32) -> &Value {
    list(&case["sessions"])
        .iter()
        .find(|session| number(&session["session"]) == j)
        .unwrap()
}

/// The event message in force in session j.
fn message_of(case: &Value, j: u32) -> Vec<u8> {
    let k = &session_of(case, j)["event"];
    bytes(
        &list(&case["events"])
            .iter()
            .find(|event| event["event"] == *k)
            .unwrap()["message"],
    )
}

fn sessions(case: &Value) -> impl Iterator<Item = u32> {
    list(&case["sessions"])
        .iter()
        .map(|session| number(&session["session"]))
}

fn check_keys(case: &Value, member: &Member, expected: &Value, context: &str) {
    let released = keys(member, sessions(case));
    let wanted: Vec<(u32, [u8; 16])> = list(expected)
        .iter()
        .map(number)
        .map(|j| (j, array(&session_of(case, j)["key"])))
        .collect();
    assert_eq!(released, wanted, "{context}");
}

#[test]
fn heal_rows() {
    let mut rows = 0;
    for case in vectors("broadcast-rsd") {
        for row in list(&case["heal"]) {
            let mut member = fresh(&case, number(&row[0]));
            for (j, expected) in [(&row[1], &row[3][0]), (&row[2], &row[3][1])] {
                let j = number(j);
                let message = member.receive(&message_of(&case, j), None);
                assert_eq!(code(&message), expected[0], "{row}");
                let beacon = member.receive(&bytes(&session_of(&case, j)["beacon"]), None);
                assert_eq!(code(&beacon), expected[1], "{row}");
            }
            check_keys(&case, &member, &row[4], &row.to_string());
            rows += 1;
        }
    }
    assert!(rows > 1000);
}

/// One step of a member: result number and the value of the vector.
fn step<const W: usize>(member: &mut Member<W>, step: &Value) -> (u64, Value) {
    member.set_policy(Policy {
        max_skip: step["max_skip"].as_u64().map_or(4096, |skip| skip as u32),
        ..support::policy(&Value::Null)
    });
    let now = time(&step["now"]);
    let value = |received| match received {
        Received::Duplicate => Value::from("duplicate"),
        Received::Event { .. } | Received::Beacon { .. } => Value::from("ok"),
    };
    let done: Result<Value> = if let Some(message) = step.get("message") {
        member.event(&bytes(message), now).map(value)
    } else if let Some(beacon) = step.get("beacon") {
        member.beacon(&bytes(beacon), now).map(value)
    } else {
        member
            .key(session(&step["key"]))
            .map(|key| Value::from(hex::encode(key.expose())))
    };
    (code(&done), done.unwrap_or(Value::Null))
}

#[test]
fn traces() {
    let mut steps = 0;
    for case in vectors("broadcast-rsd") {
        for trace in list(&case["traces"]) {
            let mut member = fresh(&case, number(&trace["slot"]));
            for (i, wanted) in list(&trace["steps"]).iter().enumerate() {
                let context = format!("{} slot {} step {i}", case["name"], trace["slot"]);
                let (number_, value) = step(&mut member, wanted);
                assert_eq!(
                    (number_, &value),
                    (wanted["expect"].as_u64().unwrap(), &wanted["value"]),
                    "{context}"
                );
                let HighWater { event, session, .. } = member.high_water();
                assert_eq!(
                    Value::from(vec![event, session.get()]),
                    wanted["high_water"],
                    "{context}"
                );

                let now = time(&wanted["now"]).unwrap();
                let may_seal = wanted["may_seal"].as_u64().map(|j| Session::new(j as u32));
                // C6 added the lower bound after the traces were made: their clock jumps back
                let begun = |j: &Session| {
                    number(&session_of(&case, j.get())["nbf"]) as u64 <= now.get() + 60
                };
                assert_eq!(member.may_seal(now), may_seal.filter(begun), "{context}");
                check_keys(&case, &member, &wanted["keys"], &context);
                steps += 1;
            }
        }
    }
    assert!(steps > 200);
}

fn group_step<const W: usize>(case: &Value) -> Result<u64> {
    let mut member: Member<W> = member(&case["env"], bytes(&case["personal_key"]))?;
    for pre in list(&case["pre"]) {
        assert_eq!(
            step(&mut member, pre).0,
            pre["expect"].as_u64().unwrap_or(0),
            "{}",
            case["id"]
        );
    }
    Ok(step(&mut member, &case["step"]).0)
}

#[test]
fn negative_group_steps() {
    let mut seen = 0;
    for case in vectors("negative") {
        // the first element of the personal key is the scheme
        if case["op"] != "group.step" || bytes(&case["personal_key"])[1] != 2 {
            continue;
        }
        let result = match case["env"]["cap"].as_u64() {
            None => group_step::<32>(&case),
            Some(1) => group_step::<1>(&case),
            Some(2) => group_step::<2>(&case),
            Some(4) => group_step::<4>(&case),
            Some(8) => group_step::<8>(&case),
            Some(cap) => panic!("no member with room for {cap} events"),
        };
        assert_eq!(
            result.unwrap(),
            case["expect"].as_u64().unwrap(),
            "{} {}",
            case["id"],
            case["attack"]
        );
        seen += 1;
    }
    assert!(seen >= 57, "{seen}");
}

#[test]
fn negative_personal_keys() {
    let mut seen = 0;
    for case in vectors("negative") {
        if case["op"] == "personal_key.decode" && case["scheme"] == 2 {
            let result = PersonalKey::parse(bytes(&case["personal_key"]));
            assert_eq!(
                code(&result),
                case["expect"].as_u64().unwrap(),
                "{} {}",
                case["id"],
                case["attack"]
            );
            seen += 1;
        }
    }
    assert!(seen >= 7, "{seen}");
}

#[test]
fn personal_keys_cut_anywhere_are_refused() {
    for case in vectors("broadcast-rsd") {
        for owner in list(&case["members"]) {
            let encoded = bytes(&owner["personal_key"]);
            let key = PersonalKey::parse(&encoded[..]).unwrap();
            assert_eq!(key.slot(), number(&owner["slot"]));
            assert_eq!(key.as_bytes(), encoded);
            for len in 0..encoded.len() {
                assert!(PersonalKey::parse(&encoded[..len]).is_err());
            }
            assert!(PersonalKey::parse([&encoded[..], &[0]].concat()).is_err());
        }
    }
}

/// A flipped bit is refused, or it is in a value that the key then shows or uses: never lost, never a panic.
#[test]
fn personal_keys_with_a_flipped_bit_are_other_keys() {
    let mut refused = 0;
    for case in vectors("broadcast-rsd") {
        for owner in list(&case["members"]).iter().take(2) {
            let encoded = bytes(&owner["personal_key"]);
            let labels = encoded.len().saturating_sub(400);
            for bit in 0..encoded.len() * 8 {
                // of a long run of labels a sample is enough
                if (200..200 + labels).contains(&(bit / 8)) && bit % 31 != 0 {
                    continue;
                }
                let mut flipped = encoded.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let Ok(key) = PersonalKey::parse(&flipped[..]) else {
                    refused += 1;
                    continue;
                };
                assert_eq!(key.as_bytes(), flipped, "bit {bit}");
                let Ok(mut member) = member::<32>(&case["env"], flipped) else {
                    continue;
                };
                for event in list(&case["events"]) {
                    let _ = member.receive(&bytes(&event["message"]), None);
                }
                if let Some(newest) = member.newest() {
                    let _ = (member.key(newest), member.may_open(newest, UnixTime::MAX));
                }
            }
        }
    }
    assert!(refused > 300, "{refused}");
}
