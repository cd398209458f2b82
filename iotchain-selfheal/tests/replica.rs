//! Two key servers that read one ledger have one group.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::cbor::Reader;
use iotchain_core::{Address, Error, Secret, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::rsd::{Announcement, Fact, Parameters, Plan, Position, Replica};
use iotchain_selfheal::{Authority, Envelope};
use std::collections::{BTreeMap, BTreeSet};
use support::Told;
use support::group::{DURATION, GID, START};

const SECRET: Secret<32> = Secret::new([5; 32]);

fn j(session: u32) -> Session {
    Session::new(session)
}

fn key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).unwrap()
}

fn client(n: u8) -> Address {
    Address::new([n; 20])
}

fn replica() -> Replica {
    let parameters = Parameters {
        starts: UnixTime::new(START),
        duration: DURATION,
        window: 4,
        ..Parameters::new(GID, 1, 10, j(1)..=j(20))
    };
    Replica::new(SECRET.clone(), parameters).unwrap()
}

fn at(n: usize) -> Position {
    Position {
        block: 100 + n as u64 / 3,
        index: n as u32 % 3,
    }
}

/// A history with a bit of everything.
fn history(seed: u64, len: usize) -> Vec<Fact> {
    let mut rng = Told::seed(seed);
    let mut facts = vec![Fact::Boundary(Plan::KEEP)];
    let mut prepared = false;
    let mut sessions = 1;
    while facts.len() < len {
        let who = client(rng.below(24) as u8);
        let fact = match rng.below(8) {
            0..=3 => Fact::Issued { client: who },
            4 | 5 => Fact::Revoked { client: who },
            6 if !prepared && sessions > 4 => Fact::Prepare {
                depth: 4,
                last: j(20 * (facts.len() as u32 + 2)),
            },
            _ if prepared && sessions > 8 => Fact::RollOver(Plan::KEEP),
            6 => Fact::Boundary(Plan::REFRESH),
            _ => Fact::Boundary(Plan::KEEP),
        };
        match fact {
            Fact::Prepare { .. } => prepared = true,
            Fact::RollOver(_) => (prepared, sessions) = (false, 0),
            Fact::Boundary(_) if sessions >= 17 => continue,
            Fact::Boundary(_) => sessions += 1,
            _ => {}
        }
        facts.push(fact);
    }
    facts
}

fn learn(replica: &mut Replica, facts: &[Fact], from: usize) -> Vec<Option<Announcement>> {
    let key = key();
    (from..facts.len())
        .map(|n| replica.learn(at(n), &facts[n], &key).unwrap())
        .collect()
}

fn personal_keys(replica: &Replica) -> BTreeMap<u8, (u32, Vec<u8>)> {
    let seated = |n: u8| Some((n, replica.seat(&client(n))?));
    (0..24)
        .filter_map(seated)
        .map(|(n, seat)| {
            (
                n,
                (seat, replica.manager().personal_key(seat).unwrap().to_vec()),
            )
        })
        .collect()
}

#[test]
fn a07_two_replicas_agree_byte_for_byte() {
    for seed in 0..4 {
        let facts = history(seed, 120);
        let (mut one, mut two) = (replica(), replica());
        assert_eq!(learn(&mut one, &facts, 0), learn(&mut two, &facts, 0));
        assert_eq!(one.export().unwrap(), two.export().unwrap());
        assert!(!personal_keys(&one).is_empty());
        assert_eq!(personal_keys(&one), personal_keys(&two));
        assert!(one.manager().current().parameters().epoch > 1);
    }
}

#[test]
fn a07_a_replica_restarted_from_any_prefix_agrees() {
    let facts = history(9, 60);
    let mut whole = replica();
    let announced = learn(&mut whole, &facts, 0);
    let mut running = replica();
    for n in 0..facts.len() {
        let mut restarted = Replica::import(SECRET.clone(), &running.export().unwrap()).unwrap();
        assert_eq!(restarted.position(), n.checked_sub(1).map(at));
        assert_eq!(learn(&mut restarted, &facts, n), announced[n..]);
        assert_eq!(restarted.export().unwrap(), whole.export().unwrap());
        learn(&mut running, &facts[..=n], n);
    }
}

/// What stems from fresh randomness in the events: nonces, and what follows from v and Z.
fn drawn(announced: Vec<(usize, Announcement)>) -> BTreeSet<Vec<u8>> {
    let authority = Authority::new(GID, key().public());
    let events = announced.into_iter().filter_map(|(_, told)| told.event);
    events
        .flat_map(|event| {
            let envelope = Envelope::open(&authority, &event).unwrap();
            let mut reader = Reader::new(envelope.payload());
            assert_eq!(reader.array(), Ok(13));
            for _ in 0..7 {
                reader.uint().unwrap();
            }
            [(); 3].map(|()| reader.bytes().unwrap().to_vec())
        })
        .collect()
}

#[test]
fn a07_different_facts_share_no_randomness() {
    let facts = history(2, 40);
    // one fact differs, then everything is the same again
    for (n, other) in [
        (
            1,
            Fact::Revoked {
                client: client(200),
            },
        ),
        (
            7,
            Fact::Issued {
                client: client(201),
            },
        ),
    ] {
        let mut forked = facts.clone();
        forked.insert(n, other);
        let before = facts[..n].iter();
        let common = before
            .filter(|fact| matches!(fact, Fact::Boundary(_)))
            .count();
        let [one, two] = [&facts, &forked].map(|facts| {
            let told = learn(&mut replica(), facts, 0);
            let (before, after): (Vec<_>, Vec<_>) = told
                .into_iter()
                .flatten()
                .enumerate()
                .partition(|(n, _)| *n < common);
            (drawn(before), drawn(after))
        });
        assert_eq!(one.0, two.0);
        assert!(!one.1.is_empty() && one.1.is_disjoint(&two.1));
    }
    // the order counts, and so does the place
    let swapped = [
        facts[0],
        Fact::Issued { client: client(1) },
        Fact::Issued { client: client(2) },
    ];
    let (mut one, mut two, mut three) = (replica(), replica(), replica());
    learn(&mut one, &swapped, 0);
    learn(&mut two, &[swapped[0], swapped[2], swapped[1]], 0);
    three.learn(at(0), &swapped[0], &key()).unwrap();
    three.learn(at(1), &swapped[1], &key()).unwrap();
    three.learn(at(5), &swapped[2], &key()).unwrap();
    let events = [&mut one, &mut two, &mut three].map(|replica| {
        let refresh = Fact::Boundary(Plan::REFRESH);
        replica
            .learn(at(9), &refresh, &key())
            .unwrap()
            .unwrap()
            .event
    });
    assert!(events[0] != events[1] && events[0] != events[2] && events[1] != events[2]);
    // another secret, another group
    let mut other =
        Replica::new(Secret::new([6; 32]), *one.manager().current().parameters()).unwrap();
    let first = other.learn(at(0), &facts[0], &key()).unwrap();
    assert_ne!(first, replica().learn(at(0), &facts[0], &key()).unwrap());
}

#[test]
fn a06_a_client_has_one_live_seat() {
    let mut replica = replica();
    let (key, first) = (key(), client(1));
    let mut n = 0;
    let mut learn = |replica: &mut Replica, fact: Fact| {
        n += 1;
        replica.learn(at(n), &fact, &key).map(drop)
    };
    let issued = |n| Fact::Issued { client: client(n) };
    let revoked = |n| Fact::Revoked { client: client(n) };
    learn(&mut replica, Fact::Boundary(Plan::KEEP)).unwrap();
    learn(&mut replica, issued(1)).unwrap();
    learn(&mut replica, issued(1)).unwrap();
    assert_eq!(replica.seat(&first), Some(0));
    learn(&mut replica, revoked(1)).unwrap();
    learn(&mut replica, revoked(1)).unwrap();
    assert_eq!(replica.seat(&first), None);
    learn(&mut replica, issued(1)).unwrap();
    assert_eq!(replica.seat(&first), Some(1));
    // whoever finds no slot waits for the next epoch
    for client in 2..=16 {
        learn(&mut replica, issued(client)).unwrap();
    }
    assert_eq!(replica.seat(&client(14)), Some(14));
    assert_eq!(replica.seat(&client(15)), None);
    learn(&mut replica, revoked(15)).unwrap();
    let prepare = Fact::Prepare {
        depth: 5,
        last: j(40),
    };
    learn(&mut replica, prepare).unwrap();
    assert_eq!(learn(&mut replica, prepare), Err(Error::Epoch));
    learn(&mut replica, Fact::RollOver(Plan::KEEP)).unwrap();
    assert_eq!(
        (replica.seat(&client(15)), replica.seat(&client(16))),
        (None, Some(15))
    );
    // facts come in order, once
    let state = replica.export().unwrap();
    let position = replica.position().unwrap();
    for early in [position, at(1)] {
        let again = replica.learn(early, &issued(3), &key);
        assert_eq!(again, Err(Error::Rollback));
    }
    assert_eq!(replica.export().unwrap(), state);
    for len in 0..state.len() {
        assert!(Replica::import(SECRET.clone(), &state[..len]).is_err());
    }
}
