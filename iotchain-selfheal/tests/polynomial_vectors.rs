//! The scheme polynomial against the published vectors: members, negative cases, and the group manager byte for byte.

mod support;

use iotchain_core::{Result, Session};
use iotchain_selfheal::polynomial::{self, Element, PersonalKey, Received};
use serde_json::Value;
use support::{array, authority, bytes, code, list, number, policy, session, time, vectors};

type Member<const W: usize> = polynomial::Member<Vec<u8>, W>;

fn member<const W: usize>(env: &Value, personal_key: &Value) -> Result<Member<W>> {
    let key = PersonalKey::parse(bytes(personal_key))?;
    Ok(Member::new(key, authority(env))?.with_policy(policy(env)))
}

fn by<'a>(case: &'a Value, table: &str, column: &str, value: u32) -> &'a Value {
    list(&case[table])
        .iter()
        .find(|row| number(&row[column]) == value)
        .unwrap()
}

/// Whether a member takes part in the session of a row. `members` of the row lacks those that joined once it had begun.
fn takes_part(member: &Value, row: &Value) -> bool {
    let life = number(&member["start"])..=number(&member["end"]);
    life.contains(&number(&row["session"])) && !list(&row["revoked"]).contains(&member["id"])
}

fn cases() -> Vec<Value> {
    let cases = vectors("broadcast-polynomial");
    assert!(cases.len() >= 2);
    cases
}

#[test]
fn one_message_gives_the_keys_of_its_window() {
    let mut rows = 0;
    for case in cases() {
        for row in list(&case["expect"]) {
            let owner = by(&case, "members", "id", number(&row[0]));
            let mut member: Member<16> = member(&case["env"], &owner["personal_key"]).unwrap();
            let message = bytes(&by(&case, "sessions", "session", number(&row[1]))["message"]);
            let received = member.receive(&message, None);
            assert_eq!(code(&received), row[2].as_u64().unwrap(), "{row}");
            let released: serde_json::Map<String, Value> = list(&case["sessions"])
                .iter()
                .map(|row| session(&row["session"]))
                .filter_map(|j| {
                    let key = member.key(j).ok()?;
                    Some((j.to_string(), hex::encode(key.expose()).into()))
                })
                .collect();
            assert_eq!(Value::from(released), row[3], "{row}");
            rows += 1;
        }
    }
    assert!(rows >= 90, "{rows}");
}

#[test]
fn all_messages_in_any_order_give_every_key_of_the_member() {
    for case in cases() {
        for owner in list(&case["members"]) {
            let mut forward: Member<64> = member(&case["env"], &owner["personal_key"]).unwrap();
            let mut backward = forward.clone();
            let messages: Vec<_> = list(&case["sessions"])
                .iter()
                .map(|row| bytes(&row["message"]))
                .collect();
            for message in &messages {
                let _ = forward.receive(message, None);
            }
            for message in messages.iter().rev() {
                let _ = backward.receive(message, None);
            }
            for row in list(&case["sessions"]) {
                let is_member = takes_part(owner, row);
                for member in [&forward, &backward] {
                    let key = member.key(session(&row["session"]));
                    assert_eq!(key.is_ok(), is_member, "{} {}", owner["id"], row["session"]);
                    if let Ok(key) = key {
                        assert_eq!(*key.expose(), array(&row["key"]));
                    }
                }
            }
        }
    }
}

/// The worked example: every intermediate value of one key.
#[test]
fn the_worked_example() {
    for case in cases() {
        let Some(worked) = case.get("worked").filter(|worked| !worked.is_null()) else {
            continue;
        };
        let row = by(&case, "sessions", "session", number(&worked["session"]));
        let x = Element::from(number(&worked["member"]));
        let coefficients = |rows: &Value| list(rows).iter().map(array).collect::<Vec<[u8; 16]>>();
        let masked = x.evaluate(coefficients(&row["P"]).iter());
        assert_eq!(masked.to_bytes(), array(&worked["P_at"]));
        let share = x.evaluate(coefficients(&row["mask"]).iter());
        assert_eq!(share.to_bytes(), array(&worked["share"]));
        let g = x.evaluate(coefficients(&worked["g"]).iter());
        assert_eq!(g.to_bytes(), array(&worked["g_at"]));
        assert_eq!(g.invert().to_bytes(), array(&worked["g_at_inv"]));
        let key = masked.plus(&share).times(&g.invert());
        assert_eq!(key.to_bytes(), array(&worked["key"]));
    }
}

/// One step of a member: its result number.
fn step<const W: usize>(member: &mut Member<W>, step: &Value) -> u64 {
    match step.get("message") {
        Some(message) => {
            let received = member.message(&bytes(message), time(&step["now"]));
            assert_ne!(received, Ok(Received::Duplicate));
            code(&received)
        }
        None => code(&member.key(session(&step["key"]))),
    }
}

fn group_step<const W: usize>(case: &Value) -> u64 {
    let mut member: Member<W> = member(&case["env"], &case["personal_key"]).unwrap();
    for pre in list(&case["pre"]) {
        let expected = pre["expect"].as_u64().unwrap_or(0);
        assert_eq!(step(&mut member, pre), expected, "{}", case["id"]);
    }
    let before = state(&member);
    let number = step(&mut member, &case["step"]);
    assert_eq!(state(&member), before, "{}: state changed", case["id"]);
    number
}

/// Everything that a member tells: its marks, its keys, the times it knows.
fn state<const W: usize>(member: &Member<W>) -> Vec<String> {
    let sessions = (0..70).map(Session::new);
    let told = sessions.map(|j| {
        let key = member.key(j).map(|key| hex::encode(key.expose()));
        format!("{j} {key:?} {:?} {:?}", member.starts(j), member.ends(j))
    });
    told.chain([format!("{member:?}")]).collect()
}

#[test]
fn negative_group_steps() {
    let mut seen = 0;
    for case in vectors("negative") {
        // the first element of the personal key is the scheme
        if case["op"] != "group.step" || bytes(&case["personal_key"])[1] != 1 {
            continue;
        }
        let number = match case["env"]["cap"].as_u64() {
            None => group_step::<64>(&case),
            Some(1) => group_step::<1>(&case),
            Some(cap) => panic!("no member with room for {cap} sessions"),
        };
        let expected = case["expect"].as_u64().unwrap();
        assert_eq!(number, expected, "{} {}", case["id"], case["attack"]);
        seen += 1;
    }
    assert!(seen >= 21, "{seen}");
}

#[test]
fn negative_personal_keys() {
    let mut seen = 0;
    for case in vectors("negative") {
        if case["op"] == "personal_key.decode" && case["scheme"] == 1 {
            let result = PersonalKey::parse(bytes(&case["personal_key"]));
            let expected = case["expect"].as_u64().unwrap();
            assert_eq!(code(&result), expected, "{} {}", case["id"], case["attack"]);
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn personal_keys_cut_anywhere_are_refused() {
    for case in cases() {
        for owner in list(&case["members"]) {
            let encoded = bytes(&owner["personal_key"]);
            let key = PersonalKey::parse(&encoded[..]).unwrap();
            assert_eq!(key.id(), number(&owner["id"]));
            assert_eq!(key.first(), session(&owner["start"]));
            assert_eq!(key.last(), session(&owner["end"]));
            assert_eq!(key.as_bytes(), encoded);
            for len in 0..encoded.len() {
                assert!(PersonalKey::parse(&encoded[..len]).is_err());
            }
            assert!(PersonalKey::parse([&encoded[..], &[0]].concat()).is_err());
        }
    }
}

#[test]
fn messages_cut_or_flipped_change_nothing() {
    let case = &cases()[0];
    let owner = by(case, "members", "id", 1);
    let message_of = |j| bytes(&by(case, "sessions", "session", j)["message"]);
    let mut member: Member<16> = member(&case["env"], &owner["personal_key"]).unwrap();
    member.receive(&message_of(3), None).unwrap();
    let before = state(&member);
    for message in [message_of(3), message_of(7)] {
        for len in 0..message.len() {
            assert!(member.receive(&message[..len], None).is_err());
        }
        // a signature check per flip: every 7th bit covers every byte
        for bit in (0..message.len() * 8).step_by(7) {
            let mut damaged = message.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(member.receive(&damaged, None).is_err(), "bit {bit}");
        }
    }
    assert_eq!(state(&member), before);
    member.receive(&message_of(7), None).unwrap();
}

#[cfg(feature = "manager")]
mod manager {
    use super::{by, cases, takes_part, vectors};
    use crate::support::{array, bytes, code, list, number, session, signer, time};
    use iotchain_core::{Error, Gid, Secret, Session};
    use iotchain_selfheal::polynomial::{
        Element, GroupManager, Parameters, Plan, revocation_polynomial,
    };
    use serde_json::Value;

    fn parameters(case: &Value) -> Parameters {
        Parameters {
            gid: Gid::new(array(&case["gid"])),
            epoch: number(&case["epoch"]),
            degree: number(&case["t"]),
            window: number(&case["window"]) as u8,
            first: session(&case["first"]),
            starts: time(&case["sessions"][0]["nbf"]).unwrap(),
            duration: number(&case["dur"]),
        }
    }

    /// Plays a vector; `reload` writes the state out and reads it back after every operation.
    fn play(case: &Value, reload: bool) {
        let signer = signer(case);
        let mut manager =
            GroupManager::new(parameters(case), Secret::new(array(&case["mk"]))).unwrap();
        let mut published = Session::new(0);
        for operation in list(&case["operations"]) {
            let id = || number(&operation["id"]);
            let changes = manager.changes();
            match operation["op"].as_str().unwrap() {
                "join" => {
                    let sessions = session(&operation["start"])..=session(&operation["end"]);
                    manager.join(id(), sessions).unwrap();
                    let wanted = bytes(&by(case, "members", "id", id())["personal_key"]);
                    assert_eq!(*manager.personal_key(id()).unwrap(), wanted);
                }
                "revoke" => manager.revoke(id()).unwrap(),
                _ => {
                    let announced = manager.advance(Plan::KEEP, &signer).unwrap();
                    published = announced.session;
                    let row = by(case, "sessions", "session", published.get());
                    assert_eq!(announced.message, bytes(&row["message"]));
                    assert_eq!(manager.message(), announced.message);
                    assert_eq!(Some(announced.starts), time(&row["nbf"]));
                    let key = manager.group_key(published).unwrap();
                    assert_eq!(*key.expose(), array(&row["key"]));
                }
            }
            assert!(manager.changes() > changes);
            if reload {
                let state = manager.export().unwrap();
                manager = GroupManager::import(&state, published).unwrap();
                assert_eq!(manager.export().unwrap(), state);
            }
        }
        for row in list(&case["sessions"]) {
            for member in list(&case["members"]) {
                assert_eq!(
                    manager.is_member(number(&member["id"]), session(&row["session"])),
                    takes_part(member, row)
                );
            }
        }
        for member in list(&case["members"]) {
            let id = number(&member["id"]);
            match manager.personal_key(id) {
                Ok(key) => assert_eq!(*key, bytes(&member["personal_key"])),
                Err(error) => assert!(error == Error::NotMember && !manager.is_live(id)),
            }
        }
    }

    #[test]
    fn vectors_byte_for_byte() {
        cases().iter().for_each(|case| play(case, false));
    }

    #[test]
    fn a07_a_restart_changes_no_byte() {
        cases().iter().for_each(|case| play(case, true));
    }

    #[test]
    fn each_masked_polynomial_is_the_key_under_its_mask() {
        for case in cases() {
            for row in list(&case["sessions"]) {
                let revoked: Vec<u32> = list(&row["revoked"]).iter().map(number).collect();
                let g = revocation_polynomial(&revoked, number(&case["t"])).unwrap();
                let key = Element::new(array(&row["key"]));
                for ((g, h), masked) in g.iter().zip(list(&row["mask"])).zip(list(&row["P"])) {
                    let term = g.times(&key).plus(&Element::new(array(h)));
                    assert_eq!(term.to_bytes(), array(masked));
                }
            }
        }
    }

    #[test]
    fn negative_revocations() {
        let mut seen = 0;
        for case in vectors("negative") {
            if case["op"] != "gm.revoke" {
                continue;
            }
            let parameters = Parameters {
                degree: number(&case["t"]),
                window: number(&case["window"]) as u8,
                ..Parameters::new(
                    Gid::new(array(&case["gid"])),
                    number(&case["epoch"]),
                    Session::new(1),
                )
            };
            let mut manager =
                GroupManager::new(parameters, Secret::new(array(&case["mk"]))).unwrap();
            for user in list(&case["users"]) {
                let sessions = session(&user[1])..=session(&user[2]);
                manager.join(number(&user[0]), sessions).unwrap();
            }
            let key =
                iotchain_core::SigningKey::from_bytes(iotchain_core::SignAlg::Es256k, &[7; 32])
                    .unwrap();
            manager.advance(Plan::KEEP, &key).unwrap();
            let revoked: iotchain_core::Result<()> = list(&case["revoke"])
                .iter()
                .try_for_each(|id| manager.revoke(number(id)));
            let expected = case["expect"].as_u64().unwrap();
            assert_eq!(code(&revoked), expected, "{}", case["id"]);
            seen += 1;
        }
        assert_eq!(seen, 1);
    }
}
