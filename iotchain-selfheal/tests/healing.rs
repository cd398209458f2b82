//! Healing itself: every triple of a small group, damaged broadcasts, and random traces against a simple model.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::Session;
use iotchain_selfheal::Journaled as _;
use iotchain_selfheal::rsd::{Plan, Received};
use proptest::prelude::*;
use std::collections::BTreeSet;
use support::group::Group;
use support::{Member, Told, keys};

/// Two slots before the epoch, one in session 3, one in 6 with history; slot 1 revoked at 5, refreshes at 4 and 8.
fn history(window: u8) -> (Group, Vec<Vec<u8>>) {
    let mut group = Group::new(window);
    let mut personal = Vec::new();
    let mut join = |group: &mut Group, from: Option<u32>| {
        let slot = match from {
            Some(from) => group.manager.join_with_history(Session::new(from)).unwrap(),
            None => group.manager.join().unwrap(),
        };
        personal.push(group.manager.personal_key(slot).unwrap().to_vec());
    };
    join(&mut group, None);
    join(&mut group, None);
    for j in 1..=10 {
        if j == 5 {
            group.manager.revoke(1).unwrap();
        }
        group.advance(if j == 4 || j == 8 {
            Plan::REFRESH
        } else {
            Plan::KEEP
        });
        match j {
            3 => join(&mut group, None),
            6 => join(&mut group, Some(2)),
            _ => {}
        }
    }
    (group, personal)
}

fn fresh(group: &Group, personal: &[u8]) -> Member {
    let key = iotchain_selfheal::rsd::PersonalKey::parse(personal.to_vec()).unwrap();
    Member::new(key, group.authority()).unwrap()
}

/// First session of the event in force in session j.
fn event_session(j: u32) -> u32 {
    [8, 5, 4, 1].into_iter().find(|first| *first <= j).unwrap()
}

#[test]
fn every_lost_session_between_two_received_ones() {
    let (group, personal) = history(16);
    for (slot, personal) in personal.iter().enumerate() {
        for l in 1..=10 {
            for r in l..=10 {
                let mut member = fresh(&group, personal);
                for n in [l, r] {
                    let _ = member.receive(group.event(n), None);
                    let _ = member.receive(group.beacon(n), None);
                }
                for j in 1..=10 {
                    let key = member.key(Session::new(j));
                    let is_member = group.manager.is_member(slot as u32, Session::new(j));
                    if let Ok(key) = &key {
                        assert!(is_member, "slot {slot}, {l} and {r} give {j}");
                        assert!(key.ct_eq(&group.manager.group_key(Session::new(j)).unwrap()));
                    }
                    // the paper's property: a member of both ends gets everything between them
                    let both = [l, r]
                        .iter()
                        .all(|n| group.manager.is_member(slot as u32, Session::new(*n)));
                    if is_member && both && (l..=r).contains(&j) {
                        assert!(key.is_ok(), "slot {slot} received {l} and {r}, lost {j}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_small_window_heals_what_lies_in_it() {
    let (group, personal) = history(1);
    let mut member = fresh(&group, &personal[0]);
    member.receive(group.event(10), None).unwrap();
    let released: Vec<u32> = keys(&member, 1..=10).into_iter().map(|(j, _)| j).collect();
    assert_eq!(released, [8]);
    // an earlier broadcast of the same interval, with the end that the later one certifies
    let mut member = fresh(&group, &personal[0]);
    member.receive(group.event(2), None).unwrap();
    member.receive(group.event(5), None).unwrap();
    let released: Vec<u32> = keys(&member, 1..=10).into_iter().map(|(j, _)| j).collect();
    assert_eq!(released, [1, 2, 3, 5]);
}

#[test]
fn broadcasts_cut_or_flipped_change_nothing() {
    let (group, personal) = history(4);
    for first in [3, 10] {
        let mut member = fresh(&group, &personal[0]);
        member.receive(group.event(first), None).unwrap();
        let before = (member.high_water(), keys(&member, 1..=10));
        for message in [group.event(5), group.beacon(first), group.beacon(10)] {
            for len in 0..message.len() {
                assert!(member.receive(&message[..len], None).is_err());
            }
            for bit in 0..message.len() * 8 {
                let mut damaged = message.to_vec();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(member.receive(&damaged, None).is_err(), "bit {bit}");
            }
        }
        assert_eq!((member.high_water(), keys(&member, 1..=10)), before);
        member.receive(group.event(5), None).unwrap();
    }
}

/// What a member with unlimited memory knows, in sets: the sessions whose key it can compute, and those it may release.
#[derive(Default)]
struct Model {
    /// First sessions of received events.
    events: BTreeSet<u32>,
    /// Highest announced session per event.
    announced: std::collections::BTreeMap<u32, u32>,
}

impl Model {
    fn event(&mut self, first: u32) -> Received {
        if !self.events.insert(first) {
            return Received::Duplicate;
        }
        let announced = self.announced.entry(first).or_insert(0);
        *announced = (*announced).max(first);
        Received::Event {
            session: Session::new(first),
            starts: iotchain_core::UnixTime::new(0),
        }
    }

    fn beacon(&mut self, j: u32) -> bool {
        let first = event_session(j);
        if !self.events.contains(&first) || j < self.announced[&first] {
            return false;
        }
        self.announced.insert(first, j);
        true
    }

    /// A member from the start, window of all events.
    fn releases(&self, j: u32) -> bool {
        let first = event_session(j);
        let newest = self.events.last().copied().unwrap_or(0);
        if first < newest {
            true
        } else {
            self.announced
                .get(&first)
                .is_some_and(|announced| j <= *announced)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_broadcasts_gives_what_the_model_gives(seed: u64, steps in 1usize..40) {
        let (group, personal) = history(16);
        let mut member = fresh(&group, &personal[0]);
        let (mut model, mut dice) = (Model::default(), Told::seed(seed));
        for _ in 0..steps {
            let j = 1 + dice.below(10) as u32;
            if dice.below(2) == 0 {
                let received = member.receive(group.event(j), None).unwrap();
                let duplicate = model.event(event_session(j)) == Received::Duplicate;
                prop_assert_eq!(received == Received::Duplicate, duplicate);
            } else {
                prop_assert_eq!(member.receive(group.beacon(j), None).is_ok(), model.beacon(j));
            }
            for j in 1..=10 {
                let key = member.key(Session::new(j));
                prop_assert_eq!(key.is_ok(), model.releases(j), "session {}", j);
                if let Ok(key) = key {
                    prop_assert!(key.ct_eq(&group.manager.group_key(Session::new(j)).unwrap()));
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (group, personal) = history(4);
        let mut member = fresh(&group, &personal[0]);
        prop_assert!(member.receive(&bytes, None).is_err());
        prop_assert!(iotchain_selfheal::rsd::PersonalKey::parse(&bytes[..]).is_err());
        prop_assert!(iotchain_selfheal::rsd::GroupManager::import(&bytes).is_err());
    }
}
