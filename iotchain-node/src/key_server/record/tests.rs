//! The rows of a group: written, read, and damaged.

use iotchain::{Gid, Roles, SignAlg, Signer, SigningKey};

use super::*;
use crate::key_server::group::Terms;

fn key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[1; 32]).unwrap()
}

fn terms() -> Terms {
    Terms {
        session: 10,
        grace: 5,
        epoch: 1000,
        depth: 4,
        max_event: 4096,
        admissions: 4,
    }
}

fn group() -> Group {
    let (key, terms) = (key(), terms());
    let (name, rs) = (
        GroupName::new("0007.02020202").unwrap(),
        Address::new([2; 20]),
    );
    let now = UnixTime::new(1_800_000_000);
    let mut group = Group::found((name, rs), Gid::new(*b"gid0"), &terms, &key, now).unwrap();
    let token = TokenRef {
        chain: 1,
        contract: Address::new([3; 20]),
        client: Address::new([4; 20]),
    };
    let subjects = [
        Subject::Server {
            rs,
            key: key.public(),
        },
        Subject::Client {
            token,
            expires_at: UnixTime::new(1_900_000_000),
        },
    ];
    for subject in subjects {
        let seat = group.manager.join().unwrap();
        let roles = if subject.is_server() {
            Roles::PRODUCER
        } else {
            Roles::GET | Roles::PUT
        };
        let (number, sid) = group.fresh_sid(roles).unwrap();
        let member = Member {
            number,
            seat,
            sid,
            subject,
            issued: vec![now],
            live: true,
        };
        group.members.insert(member);
    }
    group.retire(1).unwrap();
    group
        .advance(&terms, &key, UnixTime::new(1_800_000_035))
        .unwrap();
    group.change_roles(0, Roles::PRODUCER, now).unwrap();
    group
}

/// Stores a group in memory, as the store would, and gives how many bytes are written.
fn store(group: &mut Group, rows: &mut Rows) -> usize {
    let change = group.unsaved().unwrap();
    let written = change.rows.values().flatten().map(|row| row.len()).sum();
    rows.apply(group.unsaved().unwrap());
    group.saved(change);
    assert!(group.unsaved().unwrap().is_empty());
    written
}

fn assert_same(read: &Group, group: &Group) {
    assert!(read.members.iter().eq(group.members.iter()));
    assert_eq!((&read.events, &read.beacon), (&group.events, &group.beacon));
    assert_eq!(
        (read.rs, read.rotate, read.silent, read.next_index),
        (group.rs, group.rotate, group.silent, group.next_index)
    );
    assert!(read.server_secret.ct_eq(&group.server_secret));
    assert_eq!(
        read.manager.export().unwrap(),
        group.manager.export().unwrap()
    );
}

#[test]
fn the_rows_are_the_whole_group() {
    let (mut group, mut rows) = (group(), Rows::default());
    store(&mut group, &mut rows);
    let read = Group::read(group.name, rows).unwrap();
    assert_same(&read, &group);
}

#[test]
fn a_change_writes_what_it_changed() {
    let (mut group, mut rows) = (group(), Rows::default());
    let founded = store(&mut group, &mut rows);
    let mut written = Vec::new();
    for turn in 0..600u64 {
        let now = UnixTime::new(1_800_000_045 + 10 * turn);
        match turn % 3 {
            0 => group.advance(&terms(), &key(), now).unwrap(),
            1 => group.rotate ^= true,
            _ => group.silent += 1,
        }
        written.push(store(&mut group, &mut rows));
        if turn % 50 == 49 {
            assert_same(&Group::read(group.name, rows.clone()).unwrap(), &group);
        }
    }
    written.sort_unstable();
    // an event at every third change, and seven snapshots
    let (median, most) = (written[300], written[592]);
    assert!(median < 100 && most < 1300, "{founded}: {written:?}");
}

#[test]
fn a_group_goes_back_to_what_was_stored() {
    let (mut group, mut rows) = (group(), Rows::default());
    let later = UnixTime::new(1_800_000_045);
    store(&mut group, &mut rows);
    let before = Group::read(group.name, rows.clone()).unwrap();
    group.retire(0).unwrap();
    group.advance(&terms(), &key(), later).unwrap();
    let mut back = group.gone_back().unwrap();
    assert_same(&back, &before);
    // and what it does then is stored as if nothing had been
    back.advance(&terms(), &key(), later).unwrap();
    store(&mut back, &mut rows);
    assert_same(&Group::read(back.name, rows).unwrap(), &back);
}

#[test]
fn damaged_rows_are_refused_or_another_group_and_never_a_panic() {
    let (mut group, mut rows) = (group(), Rows::default());
    store(&mut group, &mut rows);
    group
        .advance(&terms(), &key(), UnixTime::new(1_800_000_045))
        .unwrap();
    store(&mut group, &mut rows);
    for kind in [Kind::Head, Kind::Snapshot, Kind::Journal, Kind::Member] {
        let row = |(number, row): (u64, &[u8])| (number, row.to_vec());
        let (number, row) = rows.of(kind).next().map(row).unwrap();
        let with = |changed: &[u8]| {
            let mut rows = rows.clone();
            rows.insert((kind, number), Row::new(changed.to_vec()));
            Group::read(group.name, rows)
        };
        for len in 0..row.len() {
            assert!(with(&row[..len]).is_err(), "{kind:?} {len}");
        }
        for bit in (0..row.len() * 8).step_by(3) {
            let mut changed = row.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = with(&changed) {
                assert!(kind != Kind::Journal, "bit {bit}");
                let again = Group::read(group.name, read.stored.clone()).unwrap();
                assert_same(&again, &read);
            }
        }
    }
}
