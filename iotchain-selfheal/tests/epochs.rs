//! A member across the end of an epoch (spec A16): two managers of one gid, the second one opened beside the first.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Gid, Session, UnixTime};
use iotchain_selfheal::rsd::{EpochMember, HighWater, PersonalKey, Plan, Received};
use support::group::{DURATION, GID, Group, START};

type Member = EpochMember<Vec<u8>, 16>;

fn j(n: u32) -> Session {
    Session::new(n)
}

/// Start of session `n` as planned.
fn planned(n: u32) -> UnixTime {
    UnixTime::new(START + u64::from(n - 1) * u64::from(DURATION))
}

/// The old epoch with sessions 1..=5 (events at 1 and 4), the next one from session 6 on (events at 6, 8, 10), and a
/// member of both.
struct Story {
    old: Group,
    new: Group,
    member: Member,
}

fn personal_key(group: &Group, slot: u32) -> PersonalKey<Vec<u8>> {
    PersonalKey::parse(group.manager.personal_key(slot).unwrap().to_vec()).unwrap()
}

fn next_epoch() -> Group {
    let mut group = Group::with(|parameters| {
        (parameters.epoch, parameters.first, parameters.last) = (2, j(6), j(205));
        parameters.starts = planned(6);
    });
    group.key = Group::new(8).key;
    group
}

fn story() -> Story {
    let (mut old, mut new) = (Group::new(8), next_epoch());
    let slots = (old.manager.join().unwrap(), new.manager.join().unwrap());
    for n in 1..=5 {
        old.advance(if n == 4 { Plan::REFRESH } else { Plan::KEEP });
    }
    for n in 6..=11 {
        new.advance(if matches!(n, 8 | 10) {
            Plan::REFRESH
        } else {
            Plan::KEEP
        });
    }
    // the personal key of the next epoch was issued before it opened
    let mut early = next_epoch();
    assert_eq!(early.manager.join().unwrap(), slots.1);
    let mut member = Member::new(personal_key(&old, slots.0), old.authority()).unwrap();
    member.prepare(personal_key(&early, slots.1)).unwrap();
    Story { old, new, member }
}

impl Story {
    fn all_keys(&self, sessions: impl Iterator<Item = u32>) {
        for n in sessions {
            let manager = if n < 6 { &self.old } else { &self.new };
            let expected = manager.manager.group_key(j(n)).unwrap();
            assert!(self.member.key(j(n)).unwrap().ct_eq(&expected), "{n}");
        }
    }

    fn mark(&self) -> (u32, u32, u32) {
        let HighWater {
            epoch,
            event,
            session,
        } = self.member.high_water();
        (epoch, event, session.get())
    }
}

#[test]
fn a16_a_member_rolls_over() {
    let mut story = story();
    let member = &mut story.member;
    member.receive(story.old.event(1), None).unwrap();
    member.receive(story.old.event(4), None).unwrap();
    member.receive(story.old.beacon(5), None).unwrap();
    assert!(member.next().is_some() && member.previous().is_none());
    assert_eq!(member.may_seal(planned(5)), Some(j(5)));
    // a beacon of the next epoch proves nothing before its event
    assert_eq!(
        member.receive(story.new.beacon(6), None),
        Err(Error::NeedEvent)
    );
    assert_eq!(member.may_seal(planned(5)), Some(j(5)));

    member.receive(story.new.event(6), None).unwrap();
    assert!(member.next().is_none() && member.previous().is_some());
    assert_eq!(member.newest(), Some(j(6)));
    assert_eq!(member.may_seal(planned(6)), Some(j(6)));
    let grace = planned(6).saturating_add(29);
    assert_eq!(member.may_open(j(5), grace), Ok(()));
    assert_eq!(
        member.may_open(j(5), grace.saturating_add(1)),
        Err(Error::SessionExpired)
    );
    assert_eq!(member.may_open(j(4), grace), Err(Error::SessionExpired));
    // two sessions on, not even a clock that stands still opens the old epoch
    member.receive(story.new.beacon(7), None).unwrap();
    assert_eq!(member.may_open(j(5), grace), Err(Error::SessionExpired));
    assert_eq!(member.may_open(j(6), grace), Ok(()));
    assert_eq!(member.starts(j(5)), Some(planned(5)));
    assert_eq!(member.ends(j(7)), Some(planned(8)));

    story.all_keys(1..=7);
    assert_eq!(story.mark(), (2, 1, 7));
    assert!(story.member.retire() && !story.member.retire());
    story.all_keys(6..=7);
    assert_eq!(story.member.key(j(5)).err(), Some(Error::NeedEvent));
}

#[test]
fn a16_a_lost_first_event_is_healed_later() {
    let mut story = story();
    let member = &mut story.member;
    member.receive(story.old.event(1), None).unwrap();
    member.receive(story.old.beacon(2), None).unwrap();
    // asleep over the roll-over: the first broadcast of the next epoch is its third event
    member.receive(story.new.event(10), None).unwrap();
    assert_eq!(member.newest(), Some(j(10)));
    assert_eq!(member.may_seal(planned(10)), Some(j(10)));
    story.all_keys([1, 2].into_iter().chain(6..=10));
    // its history tells where the old epoch ended, and stored objects of the old one heal
    let member = &mut story.member;
    assert_eq!(member.key(j(5)).err(), Some(Error::NotAnnounced));
    member.receive(story.old.event(4), None).unwrap();
    member.receive(story.old.beacon(5), None).unwrap();
    assert_eq!(member.newest(), Some(j(10)));
    story.all_keys(1..=10);
    story.member.receive(story.new.event(6), None).unwrap();
    story.member.receive(story.new.beacon(11), None).unwrap();
    story.all_keys(1..=11);
}

#[test]
fn a16_the_old_epoch_is_over_at_the_first_session_of_the_next() {
    let mut story = story();
    let member = &mut story.member;
    member.receive(story.old.event(4), None).unwrap();
    // what a copy of the old manager that never closed its epoch would send
    let beyond: Vec<_> = (6..=8)
        .map(|_| story.old.advance(Plan::KEEP).beacon)
        .collect();
    let event = story.old.advance(Plan::REFRESH).event.unwrap();
    member.receive(story.new.event(8), None).unwrap();
    for beacon in &beyond {
        assert_eq!(member.receive(beacon, None), Err(Error::Beacon));
    }
    assert_eq!(member.receive(&event, None), Err(Error::Equivocation));
    assert_eq!(member.newest(), Some(j(8)));
    member.receive(story.old.beacon(5), None).unwrap();

    // the other way round: a session cannot belong to both, whoever came first
    let mut story = self::story();
    let member = &mut story.member;
    member.receive(story.old.event(4), None).unwrap();
    member.receive(&beyond[0], None).unwrap();
    for n in [6, 8, 10] {
        assert_eq!(
            member.receive(story.new.event(n), None),
            Err(Error::Equivocation)
        );
        assert_eq!(story.old.manager.session(), Some(j(5)));
        assert_eq!(member.newest(), Some(j(6)));
        assert!(member.next().is_some());
    }
    let mark = |session| HighWater {
        epoch: 2,
        event: 1,
        session: j(session),
    };
    assert_eq!(member.announce(mark(6)), Err(Error::Equivocation));
    member.announce(mark(7)).unwrap();
}

#[test]
fn a_mark_of_the_next_epoch_ends_sealing_in_this_one() {
    let mut story = story();
    let member = &mut story.member;
    member.receive(story.old.event(4), None).unwrap();
    let mark = HighWater {
        epoch: 2,
        event: 1,
        session: j(7),
    };
    member.announce(mark).unwrap();
    assert_eq!(member.high_water(), mark);
    assert_eq!(member.may_seal(planned(4)), None);
    story.all_keys(4..=4);
    let member = &mut story.member;
    member.receive(story.new.event(6), None).unwrap();
    assert_eq!(member.may_seal(planned(7)), Some(j(7)));
    story.all_keys([4, 6, 7].into_iter());
    // whether another event began in session 5 is not known
    assert_eq!(story.member.key(j(5)).err(), Some(Error::NotAnnounced));
    let other = HighWater { epoch: 3, ..mark };
    assert_eq!(story.member.announce(other), Err(Error::Epoch));
}

#[test]
fn only_the_key_of_the_next_epoch_is_taken() {
    let story = story();
    let mut member = Member::new(personal_key(&story.old, 0), story.old.authority()).unwrap();
    let mut other = Group::with(|parameters| {
        (parameters.gid, parameters.epoch) = (Gid::new([7; 4]), 2);
    });
    other.manager.join().unwrap();
    assert_eq!(member.prepare(personal_key(&other, 0)), Err(Error::Group));
    let mut third = Group::epoch(3, 6);
    third.manager.join().unwrap();
    assert_eq!(member.prepare(personal_key(&third, 0)), Err(Error::Epoch));
    assert_eq!(
        member.prepare(personal_key(&story.old, 0)),
        Err(Error::Epoch)
    );
    // issued in the middle of its epoch
    let mut new = story.new;
    let late = new.manager.join().unwrap();
    assert_eq!(member.prepare(personal_key(&new, late)), Err(Error::Type));
    assert!(member.next().is_none());

    let mut early = next_epoch();
    early.manager.join().unwrap();
    early.manager.join().unwrap();
    for _ in 0..2 {
        member.prepare(personal_key(&early, 0)).unwrap();
    }
    assert_eq!(
        member.prepare(personal_key(&early, 1)),
        Err(Error::Equivocation)
    );
    assert_eq!(member.next().unwrap().personal_key().slot(), 0);
    assert!(!member.retire());
    // a third epoch has room when the second is in use; the first one then goes
    member.receive(new.event(6), None).unwrap();
    member.prepare(personal_key(&third, 0)).unwrap();
    assert_eq!(member.current().personal_key().epoch(), 2);
    assert_eq!(member.next().unwrap().personal_key().epoch(), 3);
    assert_eq!(member.receive(story.old.event(4), None), Err(Error::Epoch));
    assert_eq!(member.authority().gid(), GID);
}

#[test]
fn an_epoch_without_a_next_one_is_a_plain_member() {
    let mut story = story();
    let plain = iotchain_selfheal::rsd::Member::<_, 16>::new(
        personal_key(&story.old, 0),
        story.old.authority(),
    )
    .unwrap();
    let mut member = Member::from(plain.clone());
    let mut plain = plain;
    for n in 1..=5 {
        for message in [story.old.event(n), story.old.beacon(n)] {
            let received: Result<Received, Error> = plain.receive(message, Some(planned(5)));
            assert_eq!(member.receive(message, Some(planned(5))), received);
        }
        assert_eq!(member.high_water(), plain.high_water());
        assert_eq!(member.may_seal(planned(n)), plain.may_seal(planned(n)));
        for k in 0..=206 {
            let (a, b) = (member.key(j(k)), plain.key(j(k)));
            assert_eq!(a.as_ref().err(), b.as_ref().err());
            assert_eq!(
                member.may_open(j(k), planned(n)),
                plain.may_open(j(k), planned(n))
            );
        }
    }
    for message in [
        &[][..],
        &[0x80],
        &[0x84, 0x40, 0xa0, 0x40, 0x40],
        &[0x83, 3],
    ] {
        assert_eq!(member.receive(message, None), plain.receive(message, None));
    }
    assert_eq!(member.receive(story.new.event(6), None), Err(Error::Epoch));
    story.member.set_policy(iotchain_selfheal::Policy {
        grace: 0,
        ..iotchain_selfheal::Policy::DEFAULT
    });
    assert_eq!(story.member.next().unwrap().policy().grace, 0);
}
