//! A member over a deep sleep: its sealed state, and what must not be taken for it.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Result, Secret, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::Authority;
use iotchain_selfheal::rsd::{EpochMember, HighWater, PersonalKey, Plan};
use support::group::{GID, Group, START};
use support::{Broken, Member, Told};

const OLDEST: HighWater = HighWater {
    epoch: 0,
    event: 0,
    session: Session::new(0),
};

fn storage() -> Secret<16> {
    Secret::new([0x5e; 16])
}

fn seal<const W: usize>(member: &Member<W>) -> Vec<u8> {
    let mut out = vec![0; Member::<W>::MAX_STATE_LEN];
    let len = member
        .seal_state(&storage(), &mut Told::seed(7), &mut out)
        .unwrap();
    out.truncate(len);
    out
}

fn open<const W: usize>(group: &Group, slot: u32, sealed: &[u8]) -> Result<Member<W>> {
    let key = PersonalKey::parse(group.manager.personal_key(slot).unwrap().to_vec()).unwrap();
    let mut buffer = sealed.to_vec();
    let opened = Member::open_state(key, group.authority(), &storage(), &mut buffer, OLDEST);
    assert!(buffer.iter().all(|byte| *byte == 0));
    opened
}

/// A group of some history with a member that saw most of it.
fn story() -> (Group, u32, Member<8>) {
    let mut group = Group::new(8);
    let slot = group.manager.join().unwrap();
    for n in 0..9 {
        group.advance(if n % 3 == 2 {
            Plan::REFRESH
        } else {
            Plan::KEEP
        });
    }
    let mut member: Member<8> = group.member(slot);
    for n in [1, 3, 6] {
        member.receive(group.event(n), None).unwrap();
    }
    member.receive(group.beacon(8), None).unwrap();
    (group, slot, member)
}

/// Whatever a broadcast does to one of two members it does to the other, and the whole state stays the same.
#[test]
fn a_member_that_sleeps_is_the_member_that_does_not() {
    let mut naps = 0;
    for seed in 0..24 {
        let mut dice = Told::seed(seed);
        let mut group = Group::new(1 + (seed % 5) as u8);
        let early = group.manager.join().unwrap();
        let victim = group.manager.join().unwrap();
        group.run(1 + dice.below(3) as u32);
        let late = group.manager.join().unwrap();
        let slot = if seed % 2 == 0 { early } else { late };
        let mut awake: Member<5> = group.member(slot);
        let mut asleep = awake.clone();
        for round in 0..40 {
            if round == 20 {
                group.manager.revoke(victim).unwrap();
            }
            let plan = if dice.below(4) == 0 {
                Plan::REFRESH
            } else {
                Plan::KEEP
            };
            let newest = group.advance(plan).session.get();
            for _ in 0..dice.below(4) {
                let j = 1 + dice.below(u64::from(newest)) as u32;
                let message = if dice.below(2) == 0 {
                    group.event(j)
                } else {
                    group.beacon(j)
                };
                let now = (dice.below(3) != 0).then(|| group.starts(newest));
                assert_eq!(asleep.receive(message, now), awake.receive(message, now));
            }
            if dice.below(8) == 0 {
                let mark = HighWater {
                    epoch: 1,
                    event: 1 + dice.below(6) as u32,
                    session: Session::new(1 + dice.below(45) as u32),
                };
                assert_eq!(asleep.announce(mark), awake.announce(mark));
            }
            if round == 30 && dice.below(2) == 0 {
                let end = Session::new(41);
                let at = UnixTime::new(START + 4_000);
                assert_eq!(asleep.close_epoch(end, at), awake.close_epoch(end, at));
            }
            if dice.below(3) == 0 {
                asleep = open(&group, slot, &seal(&asleep)).unwrap();
                naps += 1;
            }
            // the same random bytes: the same sealed bytes, if every part of the state is the same
            assert_eq!(seal(&asleep), seal(&awake));
            let now = group.starts(newest);
            assert_eq!(asleep.may_seal(now), awake.may_seal(now));
            for j in 0..=newest + 1 {
                let j = Session::new(j);
                let [a, b] = [&asleep, &awake].map(|member| member.key(j).map(|key| *key.expose()));
                assert_eq!(a, b);
                assert_eq!(asleep.may_open(j, now), awake.may_open(j, now));
                assert_eq!(asleep.starts(j), awake.starts(j));
            }
        }
    }
    assert!(naps > 200, "{naps}");
}

#[test]
fn a_damaged_state_is_refused() {
    let (group, slot, member) = story();
    let sealed = seal(&member);
    open::<8>(&group, slot, &sealed).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 { Error::Version } else { Error::Aead };
        assert_eq!(open::<8>(&group, slot, &flipped).err(), Some(expected));
    }
    for len in 0..sealed.len() {
        let cut = open::<8>(&group, slot, &sealed[..len]);
        assert_eq!(cut.err(), Some(Error::Aead), "{len}");
    }
    let longer = [&sealed[..], &[0]].concat();
    assert_eq!(open::<8>(&group, slot, &longer).err(), Some(Error::Aead));
}

#[test]
fn a_state_belongs_to_one_member_one_key_server_and_one_device() {
    let (mut group, slot, member) = story();
    let sealed = seal(&member);
    let other = group.manager.join().unwrap();
    assert_eq!(open::<8>(&group, other, &sealed).err(), Some(Error::Aead));
    let key = PersonalKey::parse(group.manager.personal_key(slot).unwrap().to_vec()).unwrap();
    let foreign = SigningKey::generate(SignAlg::Es256k, &mut Told::seed(3)).unwrap();
    let attempt = |authority, storage: [u8; 16]| {
        Member::<8>::open_state(
            key.clone(),
            authority,
            &Secret::new(storage),
            &mut sealed.clone(),
            OLDEST,
        )
        .err()
    };
    let foreign = Authority::new(GID, foreign.public());
    assert_eq!(attempt(foreign, [0x5e; 16]), Some(Error::Aead));
    assert_eq!(attempt(group.authority(), [0x5f; 16]), Some(Error::Aead));
    assert_eq!(attempt(group.authority(), [0x5e; 16]), None);
    let gid = iotchain_core::Gid::new([9; 4]);
    let elsewhere = Authority::new(gid, *group.authority().key());
    assert_eq!(attempt(elsewhere, [0x5e; 16]), Some(Error::Group));
    // a device with room for fewer events cannot take it over
    assert_eq!(
        open::<2>(&group, slot, &sealed).err(),
        Some(Error::Capacity)
    );
    open::<3>(&group, slot, &sealed).unwrap();
}

#[test]
fn an_old_state_is_a_rollback() {
    let (group, slot, mut member) = story();
    let old = seal(&member);
    let before = member.high_water();
    member.receive(group.event(9), None).unwrap();
    let newer = member.high_water();
    let attempt = |oldest| {
        let key = PersonalKey::parse(group.manager.personal_key(slot).unwrap().to_vec()).unwrap();
        Member::<8>::open_state(key, group.authority(), &storage(), &mut old.clone(), oldest)
            .map(|member| member.high_water())
    };
    assert_eq!(attempt(before), Ok(before));
    for oldest in [
        newer,
        HighWater {
            session: Session::new(9),
            ..before
        },
        HighWater { epoch: 2, ..before },
    ] {
        assert_eq!(attempt(oldest), Err(Error::Rollback), "{oldest:?}");
    }
}

#[test]
fn a_state_needs_its_room_and_randomness() {
    let (_, _, member) = story();
    let needed = seal(&member).len();
    assert!(needed < Member::<8>::MAX_STATE_LEN);
    for len in [0, 1, 30, needed - 1] {
        let mut out = vec![0xaa; len];
        assert_eq!(
            member.seal_state(&storage(), &mut Told::seed(1), &mut out),
            Err(Error::Buffer { needed })
        );
        assert!(out.iter().all(|byte| *byte == 0xaa));
    }
    let mut out = vec![0xaa; needed];
    let refused = member.seal_state(&storage(), &mut Broken, &mut out);
    assert_eq!(refused, Err(Error::Random));
    assert!(out.iter().all(|byte| *byte == 0xaa));
    // fresh randomness, other bytes
    let mut again = out.clone();
    member
        .seal_state(&storage(), &mut Told::seed(8), &mut again)
        .unwrap();
    assert_ne!(again, seal(&member));
}

#[test]
fn two_epochs_sleep_and_wake() {
    let (group, slot, member) = story();
    let mut next = Group::epoch(2, 20);
    next.manager.join().unwrap();
    let key = PersonalKey::parse(next.manager.personal_key(0).unwrap().to_vec()).unwrap();
    let mut both = EpochMember::from(member.clone());
    both.prepare(key).unwrap();
    let earlier: Member<8> = open(&group, slot, &seal(both.current())).unwrap();
    // the keys of both managers are the same in these tests
    let later: Member<8> = open(&next, 0, &seal(both.next().unwrap())).unwrap();
    assert_eq!(
        EpochMember::resume(later.clone(), earlier.clone()).err(),
        Some(Error::Epoch)
    );
    let mut awake = EpochMember::resume(earlier, later).unwrap();
    assert_eq!(awake.high_water(), both.high_water());
    next.run(1);
    for member in [&mut awake, &mut both] {
        member.receive(next.event(20), None).unwrap();
    }
    assert_eq!(seal(awake.current()), seal(both.current()));
    assert_eq!(
        seal(awake.previous().unwrap()),
        seal(both.previous().unwrap())
    );
}

/// The two epochs need not be sealed at one moment: the end of the earlier one follows from the later one.
#[test]
fn an_epoch_that_ended_is_over_after_sleep_too() {
    let (mut group, slot, member) = story();
    let mut next = Group::epoch(2, 10);
    next.manager.join().unwrap();
    let key = PersonalKey::parse(next.manager.personal_key(0).unwrap().to_vec()).unwrap();
    let mut both = EpochMember::from(member.clone());
    both.prepare(key).unwrap();
    let before = seal(both.current());
    next.run(1);
    both.receive(next.event(10), None).unwrap();
    let after = seal(both.current());

    let wake = |earlier: &[u8]| {
        let earlier: Member<8> = open(&group, slot, earlier).unwrap();
        EpochMember::resume(earlier, open(&next, 0, &after).unwrap())
    };
    let awake = wake(&before).unwrap();
    let j = Session::new(10);
    assert_eq!(awake.newest(), Some(j));
    assert!(awake.key(j).unwrap().ct_eq(&both.key(j).unwrap()));
    assert_eq!(
        seal(awake.previous().unwrap()),
        seal(both.previous().unwrap())
    );

    // an earlier epoch that saw a session of the later one
    group.advance(Plan::KEEP);
    let mut beyond = member;
    beyond.receive(group.event(9), None).unwrap();
    beyond.receive(group.beacon(10), None).unwrap();
    let earlier = seal(&beyond);
    let earlier: Member<8> = open(&group, slot, &earlier).unwrap();
    let later = open(&next, 0, &after).unwrap();
    assert_eq!(
        EpochMember::resume(earlier, later).err(),
        Some(Error::Equivocation)
    );
}
