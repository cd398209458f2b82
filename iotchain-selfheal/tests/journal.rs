//! The journal of a group manager: what it costs, what it rebuilds, and what it refuses.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Session, UnixTime};
use iotchain_selfheal::rsd::{GroupManager, Plan};
use iotchain_selfheal::{Journaled, Replayed};
use support::Told;
use support::group::Group;

fn j(session: u32) -> Session {
    Session::new(session)
}

/// One change of every kind, and the journal of each of them by itself.
fn every_change() -> (Vec<u8>, Vec<Vec<u8>>, GroupManager) {
    let mut group = Group::new(4);
    let snapshot = group.manager.export().unwrap().to_vec();
    let mut records = Vec::new();
    let mut did = |group: &mut Group| {
        records.push(group.manager.unsaved().to_vec());
        group.manager.saved();
        assert!(group.manager.unsaved().is_empty());
    };
    for _ in 0..3 {
        group.manager.join().unwrap();
        did(&mut group);
    }
    group.advance(Plan::KEEP);
    did(&mut group);
    group.advance(Plan::KEEP);
    did(&mut group);
    group.manager.join_with_history(j(1)).unwrap();
    did(&mut group);
    group.manager.revoke(1).unwrap();
    did(&mut group);
    group.manager.revoke_at(2, j(5)).unwrap();
    did(&mut group);
    group.manager.postpone(2, j(6)).unwrap();
    did(&mut group);
    group.advance(Plan::KEEP);
    did(&mut group);
    group.advance(Plan::at(UnixTime::new(10_350)));
    did(&mut group);
    group.manager.close(j(9)).unwrap();
    did(&mut group);
    (snapshot, records, group.manager)
}

fn replayed(snapshot: &[u8], records: &[u8]) -> Result<(GroupManager, Replayed), Error> {
    let mut manager = GroupManager::import(snapshot)?;
    let replayed = manager.replay(records)?;
    Ok((manager, replayed))
}

fn refused(snapshot: &[u8], records: &[u8]) -> Option<Error> {
    replayed(snapshot, records).err()
}

#[test]
fn a07_snapshot_and_journal_rebuild_every_byte() {
    let (snapshot, records, manager) = every_change();
    let state = manager.export().unwrap();
    let (rebuilt, found) = replayed(&snapshot, &records.concat()).unwrap();
    assert_eq!(rebuilt.export().unwrap(), state);
    assert_eq!((found.records, found.torn), (records.len() as u64, 0));
    assert_eq!(rebuilt.changes(), manager.changes());
    assert!(rebuilt.unsaved().is_empty());

    // one by one, from a snapshot in between, and on from there
    for middle in 0..=records.len() {
        let (mut manager, _) = replayed(&snapshot, &records[..middle].concat()).unwrap();
        assert_eq!(manager.changes(), middle as u64);
        manager = GroupManager::import(&manager.export().unwrap()).unwrap();
        for record in &records[middle..] {
            assert_eq!(
                manager.replay(record),
                Ok(Replayed {
                    records: 1,
                    torn: 0
                })
            );
        }
        assert_eq!(manager.export().unwrap(), state);
    }
}

#[test]
fn what_changes_nothing_leaves_no_record() {
    let mut group = Group::new(4);
    group.manager.join().unwrap();
    group.manager.revoke_at(0, j(5)).unwrap();
    group.manager.saved();
    assert_eq!(group.manager.revoke_at(0, j(7)), Ok(()));
    assert_eq!(group.manager.postpone(0, j(4)), Ok(()));
    assert_eq!(group.manager.revoke(1), Err(Error::NotMember));
    assert_eq!(group.manager.revoke_at(1, j(3)), Err(Error::NotMember));
    assert_eq!(group.manager.postpone(1, j(3)), Err(Error::NotMember));
    assert!(group.manager.unsaved().is_empty());
    group.manager.revoke(0).unwrap();
    group.manager.saved();
    assert_eq!(group.manager.revoke(0), Ok(()));
    assert_eq!(group.manager.revoke_at(0, j(3)), Ok(()));
    assert_eq!(group.manager.postpone(0, j(9)), Err(Error::NotMember));
    assert!(group.manager.unsaved().is_empty());
}

#[test]
fn a_torn_record_is_told_from_damage() {
    let (snapshot, records, _) = every_change();
    let whole = records.concat();
    let mut ends: Vec<usize> = vec![0];
    for record in &records {
        ends.push(ends.last().unwrap() + record.len());
    }
    for len in 0..=whole.len() {
        let complete = ends.iter().filter(|end| **end <= len).count() - 1;
        let (manager, found) = replayed(&snapshot, &whole[..len]).unwrap();
        assert_eq!(found.records, complete as u64);
        assert_eq!(found.torn, len - ends[complete]);
        assert_eq!(manager.changes(), complete as u64);
    }
    // every flipped bit is found, in the last record too, and never taken for a torn end
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = refused(&snapshot, &damaged).unwrap();
        assert!(
            matches!(error, Error::Equivocation | Error::Rollback | Error::Type),
            "bit {bit}: {error:?}"
        );
    }
}

#[test]
fn records_out_of_their_place_are_refused() {
    let (snapshot, records, _) = every_change();
    let n = records.len();
    for i in 0..n - 1 {
        let mut removed = records.clone();
        removed.remove(i);
        assert_eq!(refused(&snapshot, &removed.concat()), Some(Error::Type));
        let mut repeated = records.clone();
        repeated.insert(i + 1, records[i].clone());
        assert_eq!(
            refused(&snapshot, &repeated.concat()),
            Some(Error::Rollback)
        );
        let mut swapped = records.clone();
        swapped.swap(i, i + 1);
        assert_eq!(refused(&snapshot, &swapped.concat()), Some(Error::Type));
    }
    // another group's, another epoch's, and the same number of another history
    for change in [
        (|p| p.epoch = 2) as fn(&mut iotchain_selfheal::rsd::Parameters),
        |p| p.gid = iotchain_core::Gid::new(*b"else"),
    ] {
        let mut other = Group::with(change);
        other.manager.join().unwrap();
        assert_eq!(
            refused(&snapshot, other.manager.unsaved()),
            Some(Error::Equivocation)
        );
    }
    let mut fork = replayed(&snapshot, &records[..7].concat()).unwrap().0;
    fork.join().unwrap();
    fork.saved();
    fork.join().unwrap();
    let forked = [records[..8].concat(), fork.unsaved().to_vec()].concat();
    assert_eq!(refused(&snapshot, &forked), Some(Error::Equivocation));
}

#[test]
fn a_record_that_contradicts_the_state_is_refused() {
    // one who made the chain right and the content wrong
    let forge = |manager: &GroupManager, content: &[u8]| {
        let number = u8::try_from(manager.changes() + 1).unwrap();
        let record = [&[content[0], number], &content[1..]].concat();
        let snapshot = manager.export().unwrap();
        let mut state = iotchain_core::cbor::Reader::new(&snapshot);
        state.array().unwrap();
        for _ in 0..12 {
            state.skip().unwrap();
        }
        let link = state.array_of::<16>().unwrap();
        let sha = iotchain_core::hash::sha256;
        let len = (record.len() as u32).to_be_bytes();
        let next = sha(&[link, &record]);
        [
            &len[..],
            &sha(&[b"IoTChain-GMG", &len])[..4],
            &record,
            &next[..8],
        ]
        .concat()
    };
    let mut group = Group::new(4);
    for _ in 0..15 {
        group.manager.join().unwrap();
    }
    group.run(2);
    group.manager.revoke(1).unwrap();
    let state = group.manager.export().unwrap();
    let try_one = |content: &[u8]| {
        let mut manager = GroupManager::import(&state).unwrap();
        let result = manager.replay(&forge(&manager, content));
        result.map(|_| manager)
    };
    assert!(try_one(&[0x83, 1, 2]).unwrap().changes() > group.manager.changes());
    for wrong in [
        &[0x83, 0, 0][..],                  // no slot is left
        &[0x83, 1, 1],                      // is leaving already
        &[0x83, 1, 15],                     // was never given out
        &[0x84, 2, 0, 2],                   // the session has begun
        &[0x84, 2, 1, 9],                   // not live
        &[0x82, 3],                         // somebody is due: it takes an event
        &[0x83, 5, 2],                      // has begun
        &[0x83, 3, 0],                      // too many fields
        &[0x82, 9],                         // no change
        &[0x81],                            // nothing
        &[0x83, 1, 0x41, 2],                // not a number
        &[0x87, 4, 0, 1, 0x40, 0x40, 0x40], // no chain state
    ] {
        assert_eq!(try_one(wrong).err(), Some(Error::Type), "{wrong:?}");
    }
}

#[test]
fn a_scheduled_revocation_needs_no_further_call() {
    let mut group = Group::new(4);
    for _ in 0..4 {
        group.manager.join().unwrap();
    }
    group.run(1);
    let keys: Vec<_> = (0..4)
        .map(|slot| group.manager.personal_key(slot).unwrap())
        .collect();
    group.manager.revoke_at(0, j(4)).unwrap();
    group.manager.revoke_at(1, j(6)).unwrap();
    group.manager.revoke_at(1, j(5)).unwrap();
    group.manager.revoke_at(2, j(4)).unwrap();
    group.manager.postpone(2, j(7)).unwrap();
    // what has begun cannot be taken back: the next session it is
    group.manager.revoke_at(3, j(1)).unwrap();
    let outs = [4, 5, 7, 2];
    for session in 2..=8 {
        group.manager = GroupManager::import(&group.manager.export().unwrap()).unwrap();
        let announced = group.advance(Plan::KEEP);
        assert_eq!(
            announced.event.is_some(),
            outs.contains(&session),
            "{session}"
        );
        for (slot, out) in (0..).zip(outs) {
            assert_eq!(group.manager.is_live(slot), session < out);
            for other in 1..=9 {
                assert_eq!(group.manager.is_member(slot, j(other)), other < out);
            }
            match group.manager.personal_key(slot) {
                Ok(key) => assert!(session < out && key == keys[slot as usize]),
                Err(error) => assert!(error == Error::NotMember && session >= out),
            }
        }
    }
    // whoever is out cannot be brought back
    assert_eq!(group.manager.postpone(0, j(90)), Err(Error::NotMember));
    assert_eq!(group.manager.revoke_at(0, j(90)), Ok(()));
    assert!(!group.manager.is_live(0));
}

#[test]
fn a_revocation_overtakes_a_scheduled_one() {
    let mut group = Group::new(4);
    group.manager.join().unwrap();
    group.run(1);
    group.manager.revoke_at(0, j(9)).unwrap();
    group.manager.revoke(0).unwrap();
    assert!(!group.manager.is_live(0) && group.manager.is_member(0, j(1)));
    assert!(!group.manager.is_member(0, j(2)));
    assert!(group.advance(Plan::KEEP).event.is_some());
    for _ in 3..=10 {
        assert_eq!(group.advance(Plan::KEEP).event, None);
    }
}

#[test]
fn a_million_members_cost_what_happened() {
    use iotchain_core::{Gid, SignAlg, SigningKey};
    use iotchain_selfheal::rsd::Parameters;
    let mut parameters = Parameters::new(Gid::new([9; 4]), 1, u32::MAX, j(1)..=j(300));
    assert_eq!(parameters.depth, 22);
    parameters.duration = 60;
    let mut rng = Told::seed(1);
    let key = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).unwrap();
    let mut manager = GroupManager::generate(parameters, &mut rng).unwrap();
    let mut longest = 0;
    for _ in 0..1_000_000 {
        manager.join().unwrap();
        longest = longest.max(manager.unsaved().len());
        manager.saved();
    }
    assert!(longest < 32, "a join takes {longest} bytes");
    let mut longest = 0;
    for _ in 0..10_000 {
        manager.revoke(rng.below(1_000_000) as u32).unwrap();
        longest = longest.max(manager.unsaved().len());
        manager.saved();
    }
    assert!(longest < 32, "a revocation takes {longest} bytes");
    // 10^4 revoked do not fit an event of 65535 bytes; the state stays as it was
    let before = manager.changes();
    assert_eq!(
        manager.advance(Plan::KEEP, &mut rng, &key),
        Err(Error::Size)
    );
    assert_eq!((manager.changes(), manager.unsaved().len()), (before, 0));
    let snapshot = manager.export().unwrap();
    assert!(snapshot.len() < 60_000, "{}", snapshot.len());
    assert_eq!(
        GroupManager::import(&snapshot).unwrap().export().unwrap(),
        snapshot
    );
}
