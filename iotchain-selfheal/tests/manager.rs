//! The group manager against the published vectors, and its state across restarts.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Gid, Secret, Session, SignAlg, SigningKey, UnixTime};
use iotchain_selfheal::Journaled as _;
use iotchain_selfheal::rsd::{GroupManager, Parameters, PersonalKey, Plan};
use serde_json::Value;
use support::{Broken, Told, array, bytes, code, list, number, session, signer, time, vectors};

fn parameters(case: &Value) -> Parameters {
    Parameters {
        gid: Gid::new(array(&case["gid"])),
        epoch: number(&case["epoch"]),
        depth: number(&case["depth"]) as u8,
        first: session(&case["first"]),
        last: session(&case["last"]),
        window: number(&case["window"]) as u8,
        history: number(&case["history"]) as u8,
        starts: time(&case["events"][0]["nbf"]).unwrap(),
        duration: number(&case["dur"]),
    }
}

fn by<'a>(case: &'a Value, table: &str, column: &str, value: u32) -> &'a Value {
    list(&case[table])
        .iter()
        .find(|row| number(&row[column]) == value)
        .unwrap()
}

/// Plays a vector; `reload` writes the state out and reads it back after every operation.
fn play(case: &Value, reload: bool) {
    let signer = signer(case);
    let mut manager = GroupManager::new(parameters(case), Secret::new(array(&case["mk"]))).unwrap();
    let mut rng = Told::default();
    for event in list(&case["events"]) {
        for field in ["Z0", "nonce", "v_last"] {
            rng.say(&bytes(&event[field]));
        }
    }
    for operation in list(&case["operations"]) {
        let changes = manager.changes();
        let at = manager
            .session()
            .map_or(number(&case["first"]) - 1, Session::get);
        assert_eq!(at, number(&operation["at"]));
        match operation["op"].as_str().unwrap() {
            "join" => {
                let slot = match operation["grant_from"].as_u64() {
                    Some(from) => manager.join_with_history(Session::new(from as u32)),
                    None => manager.join(),
                };
                let slot = slot.unwrap();
                assert_eq!(slot, number(&operation["slot"]));
                let expected = bytes(&by(case, "members", "slot", slot)["personal_key"]);
                assert_eq!(
                    hex::encode(&*manager.personal_key(slot).unwrap()),
                    hex::encode(expected)
                );
            }
            "revoke" => manager.revoke(number(&operation["slot"])).unwrap(),
            _ => {
                let refresh = operation["refresh"].as_bool().unwrap();
                let plan = Plan {
                    refresh,
                    starts: time(&operation["nbf"]),
                    duration: None,
                };
                let announced = manager.advance(plan, &mut rng, &signer).unwrap();
                let row = by(case, "sessions", "session", announced.session.get());
                assert_eq!(announced.beacon, bytes(&row["beacon"]));
                assert_eq!(Some(announced.starts), time(&row["nbf"]));
                assert_eq!(
                    manager.group_key(announced.session).unwrap().expose()[..],
                    bytes(&row["key"])
                );
                let event = by(case, "events", "event", number(&row["event"]));
                assert_eq!(
                    hex::encode(manager.event()),
                    event["message"].as_str().unwrap()
                );
                assert_eq!(
                    announced.event.is_some(),
                    event["session"] == row["session"]
                );
            }
        }
        assert!(manager.changes() > changes);
        if reload {
            let state = manager.export().unwrap();
            manager = GroupManager::import(&state).unwrap();
            assert_eq!(manager.export().unwrap(), state);
        }
    }
    assert!(rng.is_spent());
    for row in list(&case["sessions"]) {
        let members: Vec<u32> = list(&row["members"]).iter().map(number).collect();
        let session = session(&row["session"]);
        let slots = list(&case["members"]).len() as u32;
        assert_eq!(
            (0..slots)
                .filter(|slot| manager.is_member(*slot, session))
                .collect::<Vec<_>>(),
            members
        );
    }
    // S_i is the same whenever it is asked for, and gone with the slot
    for member in list(&case["members"]) {
        let slot = number(&member["slot"]);
        match manager.personal_key(slot) {
            Ok(key) => assert_eq!(*key, bytes(&member["personal_key"])),
            Err(error) => assert!(error == Error::NotMember && !manager.is_live(slot)),
        }
    }
}

#[test]
fn vectors_byte_for_byte() {
    let cases = vectors("broadcast-rsd");
    assert!(cases.len() >= 3);
    cases.iter().for_each(|case| play(case, false));
}

#[test]
fn a07_a_restart_changes_no_byte() {
    vectors("broadcast-rsd")
        .iter()
        .for_each(|case| play(case, true));
}

#[test]
fn negative_join() {
    let mut seen = 0;
    for case in vectors("negative") {
        if case["op"] == "gm.join" {
            let depth = number(&case["depth"]) as u8;
            let parameters = Parameters { depth, ..small() };
            let mut manager =
                GroupManager::new(parameters, Secret::new(array(&case["mk"]))).unwrap();
            let joins = number(&case["joins"]);
            let last = (0..joins).map(|_| manager.join()).last().unwrap();
            assert_eq!(
                code(&last),
                case["expect"].as_u64().unwrap(),
                "{}",
                case["id"]
            );
            assert_eq!(manager.free_slots(), 0);
            seen += 1;
        }
    }
    assert_eq!(seen, 1);
}

fn small() -> Parameters {
    Parameters {
        starts: UnixTime::new(1_000),
        ..Parameters::new(
            Gid::new(*b"test"),
            1,
            10,
            Session::new(1)..=Session::new(100),
        )
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).unwrap()
}

#[test]
fn parameters_outside_their_ranges_are_refused() {
    let wrong = [
        Parameters {
            depth: 0,
            ..small()
        },
        Parameters {
            depth: 23,
            ..small()
        },
        Parameters {
            window: 0,
            ..small()
        },
        Parameters {
            window: 65,
            ..small()
        },
        Parameters {
            first: Session::new(0),
            ..small()
        },
        Parameters {
            first: Session::new(101),
            ..small()
        },
        Parameters {
            duration: 0,
            ..small()
        },
        Parameters {
            starts: UnixTime::new(1 << 40),
            ..small()
        },
    ];
    for parameters in wrong {
        assert_eq!(
            GroupManager::new(parameters, Secret::new([0; 16])).err(),
            Some(Error::Type),
            "{parameters:?}"
        );
    }
    let depth = |members| {
        Parameters::new(
            Gid::new([0; 4]),
            1,
            members,
            Session::new(1)..=Session::new(2),
        )
        .depth
    };
    assert_eq!(
        [0, 1, 10, 11, 100_000, u32::MAX].map(depth),
        [4, 4, 4, 5, 18, 22]
    );
}

#[test]
fn a07_a_failed_advance_changes_nothing() {
    let mut manager = GroupManager::generate(small(), &mut Told::seed(1)).unwrap();
    manager.join().unwrap();
    manager.revoke(0).unwrap();
    let before = manager.export().unwrap();
    assert_eq!(
        manager.advance(Plan::KEEP, &mut Broken, &key()),
        Err(Error::Random)
    );
    for plan in [
        Plan::at(UnixTime::new(999)),
        Plan::at(UnixTime::new(1 << 40)),
        Plan {
            duration: Some(0),
            ..Plan::KEEP
        },
    ] {
        assert_eq!(
            manager.advance(plan, &mut Told::default(), &key()),
            Err(Error::Type)
        );
    }
    assert_eq!(manager.beacon(), Err(Error::NeedEvent));
    assert_eq!(manager.revoke(1), Err(Error::NotMember));
    assert_eq!(manager.export().unwrap(), before);
    assert!(GroupManager::generate(small(), &mut Broken).is_err());
}

#[test]
fn the_epoch_ends_at_its_last_session() {
    let mut manager = GroupManager::generate(
        Parameters {
            last: Session::new(2),
            ..small()
        },
        &mut Told::seed(1),
    )
    .unwrap();
    let mut rng = Told::seed(2);
    for left in [1, 0] {
        manager.advance(Plan::KEEP, &mut rng, &key()).unwrap();
        assert_eq!(manager.sessions_left(), left);
    }
    assert_eq!(
        manager.advance(Plan::KEEP, &mut rng, &key()),
        Err(Error::SessionRange)
    );
}

#[test]
fn a16_nothing_of_the_next_epoch_is_disclosed() {
    let mut manager = GroupManager::generate(small(), &mut Told::seed(1)).unwrap();
    let mut rng = Told::seed(2);
    manager.advance(Plan::KEEP, &mut rng, &key()).unwrap();
    assert_eq!(manager.close(Session::new(1)), Err(Error::SessionRange));
    manager.close(Session::new(3)).unwrap();
    let mut manager = GroupManager::import(&manager.export().unwrap()).unwrap();
    assert_eq!(
        manager
            .advance(Plan::KEEP, &mut rng, &key())
            .unwrap()
            .session,
        Session::new(2)
    );
    assert_eq!(
        manager.advance(Plan::REFRESH, &mut rng, &key()),
        Err(Error::SessionRange)
    );
}

#[test]
fn a06_a_slot_has_one_personal_key() {
    let mut manager = GroupManager::generate(small(), &mut Told::seed(1)).unwrap();
    let mut rng = Told::seed(2);
    let early = manager.join().unwrap();
    let issued = manager.personal_key(early).unwrap();
    assert!(PersonalKey::parse(&issued[..]).unwrap().is_pre_issued());
    manager.advance(Plan::KEEP, &mut rng, &key()).unwrap();
    manager.advance(Plan::REFRESH, &mut rng, &key()).unwrap();
    let late = manager.join_with_history(Session::new(1)).unwrap();
    let granted = manager.personal_key(late).unwrap();
    for _ in 0..5 {
        manager.advance(Plan::REFRESH, &mut rng, &key()).unwrap();
        manager = GroupManager::import(&manager.export().unwrap()).unwrap();
        assert_eq!(manager.personal_key(early).unwrap(), issued);
        assert_eq!(manager.personal_key(late).unwrap(), granted);
    }
    manager.revoke(late).unwrap();
    assert_eq!(manager.personal_key(late), Err(Error::NotMember));
    assert_eq!(manager.personal_key(99), Err(Error::NotMember));
}

#[test]
fn no_grant_begins_before_the_first_session() {
    let mut manager = GroupManager::generate(small(), &mut Told::seed(1)).unwrap();
    let mut rng = Told::seed(2);
    manager.advance(Plan::KEEP, &mut rng, &key()).unwrap();
    manager.advance(Plan::REFRESH, &mut rng, &key()).unwrap();
    let late = manager.join_with_history(Session::new(1)).unwrap();
    let mut granted = manager.personal_key(late).unwrap().to_vec();
    assert!(PersonalKey::parse(&granted[..]).is_ok());
    // [begin, until, C] with a begin of 1
    let grant = granted
        .windows(4)
        .position(|item| matches!(item, [0x83, 1, _, 0x50]))
        .unwrap();
    granted[grant + 1] = 0;
    assert_eq!(PersonalKey::parse(&granted[..]).err(), Some(Error::Type));
}

#[test]
fn a07_randomness_is_drawn_at_the_time_of_issue() {
    let mut manager = GroupManager::generate(small(), &mut Told::seed(1)).unwrap();
    manager.join().unwrap();
    let state = manager.export().unwrap();
    let first = manager
        .advance(Plan::KEEP, &mut Told::seed(2), &key())
        .unwrap();
    let mut again = GroupManager::import(&state).unwrap();
    let second = again
        .advance(Plan::KEEP, &mut Told::seed(3), &key())
        .unwrap();
    assert_ne!(first.event, second.event);
}

#[test]
fn a_damaged_state_is_refused_or_reads_back_as_itself() {
    let mut manager = GroupManager::generate(small(), &mut Told::seed(1)).unwrap();
    let mut rng = Told::seed(2);
    for _ in 0..3 {
        manager.join_with_history(Session::new(1)).unwrap();
        manager.advance(Plan::REFRESH, &mut rng, &key()).unwrap();
    }
    manager.revoke(1).unwrap();
    let state = manager.export().unwrap();
    for len in 0..state.len() {
        assert!(GroupManager::import(&state[..len]).is_err());
    }
    for bit in 0..state.len() * 8 {
        let mut damaged = state.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(manager) = GroupManager::import(&damaged) {
            assert_eq!(manager.export().unwrap(), damaged);
        }
    }
    let mut later = state.to_vec();
    later[2] = 1;
    assert_eq!(GroupManager::import(&later).err(), Some(Error::Version));
}

#[test]
fn a_large_group_stays_cheap() {
    let parameters = Parameters::new(
        Gid::new([9; 4]),
        1,
        100_000,
        Session::new(1)..=Session::new(300),
    );
    let mut manager = GroupManager::generate(parameters, &mut Told::seed(1)).unwrap();
    for _ in 0..100_000 {
        manager.join().unwrap();
    }
    let mut rng = Told::seed(2);
    for _ in 0..100 {
        manager.revoke(rng.below(100_000) as u32).unwrap();
    }
    let announced = manager.advance(Plan::KEEP, &mut rng, &key()).unwrap();
    assert!(announced.event.unwrap().len() < 20 * 220 + 200);
    assert!(manager.export().unwrap().len() < 10_000);
}

#[test]
fn a_history_of_nothing_is_none() {
    let sessions = Session::new(5)..=Session::new(9);
    let parameters = Parameters::new(Gid::new(*b"hist"), 1, 4, sessions);
    let mut manager = GroupManager::generate(parameters, &mut Told::default()).unwrap();
    let signer = SigningKey::from_bytes(SignAlg::Es256k, &[3; 32]).unwrap();
    // before the epoch, in its first session, and in the second, which alone has one before it
    for session in 4..=6 {
        let slot = manager.join_with_history(Session::new(1)).unwrap();
        let takes_part = |j| manager.is_member(slot, Session::new(j));
        assert!(takes_part(5) && !takes_part(4), "{session}");
        manager
            .advance(Plan::KEEP, &mut Told::default(), &signer)
            .unwrap();
    }
}

/// What a thief of the chain state holds: S_i without its labels.
fn without_labels(personal_key: &[u8], depth: usize) -> Vec<u8> {
    let mut key = personal_key.to_vec();
    let end = key.len() - 1; // an empty history
    key[end - 16 * depth * (depth + 1) / 2..end].fill(0);
    key
}

#[test]
fn a_refresh_ends_a_stolen_chain_state_and_not_a_stolen_personal_key() {
    let mut group = support::group::Group::new(4);
    group.run(2);
    let slot = group.manager.join().unwrap();
    let whole = group.manager.personal_key(slot).unwrap().to_vec();
    let depth = group.manager.parameters().depth.into();
    let thief = |key: Vec<u8>| {
        let key = PersonalKey::parse(key).unwrap();
        support::Member::<8>::new(key, group.authority()).unwrap()
    };
    let (mut state, mut all) = (thief(without_labels(&whole, depth)), thief(whole));
    group.run(1);
    // until the refresh the two are worth the same
    for stolen in [&mut state, &mut all] {
        stolen.receive(group.beacon(3), None).unwrap();
        let expected = group.manager.group_key(Session::new(3)).unwrap();
        assert!(stolen.key(Session::new(3)).unwrap().ct_eq(&expected));
    }
    group.advance(Plan::REFRESH);
    let expected = group.manager.group_key(Session::new(4)).unwrap();
    assert_eq!(state.receive(group.event(4), None), Err(Error::Kcv));
    assert!(state.key(Session::new(4)).is_err());
    all.receive(group.event(4), None).unwrap();
    assert!(all.key(Session::new(4)).unwrap().ct_eq(&expected));
    // a revocation ends the other as well
    group.manager.revoke(slot).unwrap();
    group.advance(Plan::KEEP);
    assert_eq!(all.receive(group.event(5), None), Err(Error::RevokedMember));
}
