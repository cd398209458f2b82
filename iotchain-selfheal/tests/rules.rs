//! Each amendment (A) and clarification (C) of the specification that concerns group keys, by number.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Gid, Session, UnixTime};
use iotchain_selfheal::Journaled as _;
use iotchain_selfheal::rsd::{GroupManager, HighWater, PersonalKey, Plan, Received};
use iotchain_selfheal::{Authority, Policy};
use support::group::{DURATION, Group, START};
use support::{Member, code};

fn j(n: u32) -> Session {
    Session::new(n)
}

fn at(n: u64) -> UnixTime {
    UnixTime::new(START + n)
}

fn mark(member: &Member) -> (u32, u32) {
    (member.high_water().event, member.high_water().session.get())
}

#[test]
fn a05_a_key_ends_when_its_successor_begins() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(2);
    group.advance(Plan::at(at(150))); // session 3, early: 2 lasted 50 s
    member.receive(group.event(1), None).unwrap();
    assert_eq!(member.may_open(j(1), at(129)), Ok(()));
    assert_eq!(member.may_open(j(1), at(130)), Err(Error::SessionExpired));
    assert_eq!(member.may_open(j(2), at(0)), Err(Error::NotAnnounced));
    member.receive(group.beacon(2), None).unwrap();
    assert_eq!(member.may_open(j(1), at(129)), Ok(()));
    assert_eq!(member.may_open(j(1), at(130)), Err(Error::SessionExpired));
    assert_eq!(member.may_open(j(2), at(229)), Ok(()));
    member.receive(group.event(3), None).unwrap();
    // the emergency cuts session 2 short, and 1 is older than the previous announced session
    assert_eq!(member.may_open(j(2), at(179)), Ok(()));
    assert_eq!(member.may_open(j(2), at(180)), Err(Error::SessionExpired));
    assert_eq!(member.may_open(j(1), at(0)), Err(Error::SessionExpired));
    // the healed key still serves stored objects
    assert!(member.key(j(1)).is_ok());
}

#[test]
fn a05_skipped_sessions_follow_the_newest_one() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(5);
    member.receive(group.event(1), None).unwrap();
    member.receive(group.beacon(5), None).unwrap();
    assert_eq!(member.may_open(j(4), at(429)), Ok(()));
    assert_eq!(member.may_open(j(4), at(430)), Err(Error::SessionExpired));
    assert_eq!(member.may_open(j(3), at(330)), Err(Error::SessionExpired));
}

#[test]
fn a12_a_history_that_contradicts_a_known_event() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    for _ in 0..3 {
        group.advance(Plan::REFRESH);
        group.advance(Plan::KEEP);
    }
    // events 1, 2, 3 at sessions 1, 3, 5
    member.receive(group.event(3), None).unwrap();
    for hist in [vec![1, 4, 5], vec![2, 3, 5], vec![1, 2, 5]] {
        let forged = group.forge(5, |event| event.hist = hist.clone());
        assert_eq!(
            member.receive(&forged, None),
            Err(Error::Equivocation),
            "{hist:?}"
        );
    }
    member.receive(group.event(5), None).unwrap();
}

#[test]
fn a12_a_history_that_contradicts_the_personal_key() {
    let mut group = Group::new(8);
    group.advance(Plan::KEEP);
    group.advance(Plan::REFRESH);
    group.run(1);
    let mut member: Member = group.join(); // session 3, event 2
    group.advance(Plan::KEEP);
    group.advance(Plan::REFRESH); // event 3, session 5
    let early = group.forge(5, |event| event.hist = vec![1, 4, 5]);
    assert_eq!(member.receive(&early, None), Err(Error::Equivocation));
    let late = group.forge(5, |event| {
        (event.numbers[2], event.hist) = (4, vec![1, 2, 3, 5])
    });
    assert_eq!(member.receive(&late, None), Err(Error::Equivocation));
    member.receive(group.event(5), None).unwrap();
}

#[test]
fn a12_a_link_to_another_chain_state() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.advance(Plan::KEEP);
    group.advance(Plan::REFRESH);
    member.receive(group.event(1), None).unwrap();
    let forged = group.forge(2, |event| event.links[3] ^= 1);
    let before = *member.key(j(1)).unwrap().expose();
    assert_eq!(member.receive(&forged, None), Err(Error::Equivocation));
    assert_eq!(
        (mark(&member), *member.key(j(1)).unwrap().expose()),
        ((1, 1), before)
    );
    member.receive(group.event(2), None).unwrap();
    assert_eq!(mark(&member), (2, 2));
}

#[test]
fn a12_the_fetched_event_exposes_a_wrong_link() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.advance(Plan::KEEP);
    group.advance(Plan::REFRESH);
    // the wrong state arrives first; the event itself contradicts it, and nothing is replaced
    member
        .receive(&group.forge(2, |event| event.links[3] ^= 1), None)
        .unwrap();
    let wrong = *member.key(j(1)).unwrap().expose();
    assert_ne!(wrong, *group.manager.group_key(j(1)).unwrap().expose());
    assert_eq!(
        member.receive(group.event(1), None),
        Err(Error::Equivocation)
    );
    assert_eq!(*member.key(j(1)).unwrap().expose(), wrong);
}

#[test]
fn a12_who_joined_at_the_event_checks_its_key_at_once() {
    let mut group = Group::new(8);
    group.advance(Plan::KEEP);
    let mut member: Member = group.join();
    let forged = group.forge(1, |event| event.kcv[0] ^= 1);
    assert_eq!(member.receive(&forged, None), Err(Error::Kcv));
    member.receive(group.event(1), None).unwrap();
    // one session later the state is past the event: nothing to compare with
    group.run(1);
    let mut later: Member = group.join();
    later.receive(&forged, None).unwrap();
}

#[test]
fn a15_deadlines_follow_the_start_of_the_session_not_its_arrival() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(3);
    // every broadcast is held back by a little less than grace
    for n in 1..=3 {
        let late = group.starts(n).saturating_add(u64::from(DURATION) + 29);
        let message = if n == 1 {
            group.event(1)
        } else {
            group.beacon(n)
        };
        member.receive(message, Some(late)).unwrap();
        assert_eq!(member.may_seal(late), Some(j(n)));
        assert_eq!(member.may_seal(late.saturating_add(1)), None);
    }
}

#[test]
fn a16_the_next_epoch_ends_this_one() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(4);
    group.advance(Plan::REFRESH);
    member.receive(group.event(1), None).unwrap();
    member.receive(group.beacon(2), None).unwrap();
    assert_eq!(member.close_epoch(j(2), at(100)), Err(Error::Equivocation));
    assert_eq!(member.may_seal(at(150)), Some(j(2)));
    member.close_epoch(j(3), at(160)).unwrap();
    assert_eq!(member.may_seal(at(150)), None);
    assert_eq!(member.may_open(j(2), at(189)), Ok(()));
    assert_eq!(member.may_open(j(2), at(190)), Err(Error::SessionExpired));
    assert_eq!(member.may_open(j(1), at(100)), Err(Error::SessionExpired));
    assert_eq!(member.receive(group.beacon(3), None), Err(Error::Beacon));
    assert_eq!(
        member.receive(group.event(5), None),
        Err(Error::Equivocation)
    );
    assert_eq!(member.key(j(3)).err(), Some(Error::SessionRange));
    assert!(member.key(j(2)).is_ok());
}

#[test]
fn a16_epochs_have_keys_of_their_own() {
    let mut old = Group::epoch(1, 1);
    let member: Member = old.join();
    let mut new = Group::epoch(2, 3);
    assert!(new.join::<16>().personal_key().is_pre_issued());
    new.run(1);
    let mut member = member;
    assert_eq!(member.receive(new.event(3), None), Err(Error::Epoch));
    assert_eq!(member.receive(new.beacon(3), None), Err(Error::Epoch));
}

#[test]
fn a19_time_is_checked_before_the_hash_chain() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(5);
    member.receive(group.event(1), None).unwrap();
    let mut wrong = group.beacon(5).to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    let limit = at(400 - 60);
    assert_eq!(member.receive(&wrong, Some(at(339))), Err(Error::NotYet));
    assert_eq!(member.receive(&wrong, Some(limit)), Err(Error::Beacon));
    member.set_policy(Policy {
        max_skip: 3,
        ..Policy::DEFAULT
    });
    assert_eq!(member.receive(&wrong, Some(at(339))), Err(Error::NotYet));
    assert_eq!(member.receive(&wrong, Some(limit)), Err(Error::Skip));
}

#[test]
fn a19_a_joiner_walks_at_most_64_steps_a_second_before_it_has_the_event() {
    let mut group = Group::new(8);
    group.run(1);
    let mut member: Member = group.join();
    group.run(150);
    assert_eq!(
        member.receive(group.beacon(66), Some(at(0))),
        Err(Error::Skip)
    );
    let mut wrong = group.beacon(61).to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(member.receive(&wrong, Some(at(0))), Err(Error::Beacon));
    assert_eq!(
        member.receive(group.beacon(6), Some(at(0))),
        Err(Error::Skip)
    );
    member.receive(group.beacon(65), Some(at(1))).unwrap();
    assert_eq!(mark(&member), (1, 65));
    // with the event the time is known and 4096 is the limit
    member.receive(group.event(1), Some(at(2))).unwrap();
    member
        .receive(group.beacon(150), Some(group.starts(150)))
        .unwrap();
    assert_eq!(mark(&member), (1, 150));
}

#[test]
fn a20_times_saturate_and_end_at_2_to_40() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(3);
    let late = group.forge(1, |event| event.numbers[5] = 1 << 40);
    assert_eq!(member.receive(&late, None), Err(Error::Type));
    let last = group.forge(1, |event| {
        (event.numbers[5], event.numbers[6]) = ((1 << 40) - 1, u32::MAX.into())
    });
    member.receive(&last, None).unwrap();
    assert_eq!(member.receive(group.beacon(2), None), Err(Error::Type));
    assert_eq!(member.may_seal(UnixTime::MAX), Some(j(1)));
}

#[test]
fn c01_every_event_has_its_own_beacon_position() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(3);
    group.advance(Plan::REFRESH);
    group.run(1);
    member.receive(group.event(4), None).unwrap();
    member.receive(group.beacon(5), None).unwrap();
    member.receive(group.event(1), None).unwrap();
    assert_eq!(
        member.receive(group.beacon(2), None),
        Ok(Received::Beacon {
            session: j(2),
            starts: Some(at(100))
        })
    );
    assert_eq!(
        member.receive(group.beacon(1), None),
        Err(Error::BroadcastOld)
    );
    assert_eq!(mark(&member), (2, 5));
    // at the position itself the value decides
    member.receive(group.beacon(2), None).unwrap();
    let mut wrong = group.beacon(2).to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(member.receive(&wrong, None), Err(Error::Beacon));
}

#[test]
fn c02_the_lowest_event_makes_room_with_all_that_belongs_to_it() {
    let mut group = Group::new(2);
    let slot = group.manager.join().unwrap();
    for _ in 0..4 {
        group.advance(Plan::REFRESH);
    }
    let mut member: Member<2> = group.member(slot);
    for n in 1..=4 {
        member.receive(group.event(n), None).unwrap();
    }
    assert_eq!(member.key(j(2)).err(), Some(Error::NeedEvent));
    assert!(member.key(j(3)).is_ok() && member.key(j(4)).is_ok());
    assert_eq!(member.receive(group.beacon(2), None), Err(Error::NeedEvent));
    assert_eq!(
        member.receive(group.event(4), None),
        Ok(Received::Duplicate)
    );
    // processed as new, without effect
    for _ in 0..2 {
        assert_eq!(
            member.receive(group.event(1), None),
            Ok(Received::Event {
                session: j(1),
                starts: at(0)
            })
        );
    }
    assert_eq!(member.receive(group.beacon(1), None), Err(Error::NeedEvent));
    assert!(member.key(j(3)).is_ok() && member.key(j(4)).is_ok());
    let mut tiny: Member<1> = group.member(slot);
    assert_eq!(tiny.receive(group.event(4), None), Err(Error::Capacity));
}

#[test]
fn c03_a_joiner_follows_beacons_but_seals_only_with_the_event() {
    let mut group = Group::new(8);
    group.run(2);
    let mut member: Member = group.join();
    group.run(1);
    assert_eq!(mark(&member), (1, 2));
    assert_eq!(
        member.receive(group.beacon(3), Some(at(0))),
        Ok(Received::Beacon {
            session: j(3),
            starts: None
        })
    );
    assert!(member.key(j(3)).is_ok());
    assert_eq!(member.may_seal(at(250)), None);
    assert_eq!(member.may_open(j(3), at(250)), Err(Error::NeedEvent));
    member.receive(group.event(3), Some(at(250))).unwrap();
    assert_eq!(member.may_seal(at(250)), Some(j(3)));
    assert_eq!(member.may_open(j(3), at(250)), Ok(()));
}

#[test]
fn c04_a_message_from_before_the_join_gives_times_and_no_key() {
    let mut group = Group::new(8);
    group.run(2);
    group.advance(Plan::REFRESH);
    let mut member: Member = group.join();
    group.advance(Plan::REFRESH);
    member.receive(group.event(1), None).unwrap();
    assert_eq!(mark(&member), (2, 3));
    assert_eq!(member.key(j(1)).err(), Some(Error::NeedEvent));
    assert_eq!(member.starts(j(1)), Some(at(0)));
    member.receive(group.event(3), None).unwrap();
    assert_eq!(member.starts(j(2)), Some(at(100)));
    let late = group.forge(4, |event| event.hist.last_mut().map(|j| *j = 201).unwrap());
    assert_eq!(member.receive(&late, None), Err(Error::SessionRange));
}

#[test]
fn c04_messages_that_revoke_are_not_recorded() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    let mut other: Member = group.join();
    group.run(1);
    group.manager.revoke(0).unwrap();
    group.run(1);
    member.receive(group.event(1), None).unwrap();
    for _ in 0..2 {
        assert_eq!(
            member.receive(group.event(2), None),
            Err(Error::RevokedMember)
        );
        assert_eq!(member.receive(group.beacon(2), None), Err(Error::NeedEvent));
        assert_eq!(mark(&member), (1, 1));
    }
    other.receive(group.event(2), None).unwrap();
    assert_eq!(mark(&other), (2, 2));
}

#[test]
fn c05_why_a_key_is_not_released() {
    let mut group = Group::new(1);
    let early: Member = group.join();
    assert_eq!(mark(&early), (0, 0));
    assert_eq!(early.newest(), None);
    assert_eq!(early.key(j(1)).err(), Some(Error::NeedEvent));
    group.run(2);
    let mut member: Member = group.join();
    assert_eq!(mark(&member), (1, 2));
    group.run(1);
    group.advance(Plan::REFRESH); // session 4
    assert_eq!(member.key(j(201)).err(), Some(Error::SessionRange));
    assert_eq!(member.key(j(1)).err(), Some(Error::NeedEvent));
    assert_eq!(member.key(j(3)).err(), Some(Error::NotAnnounced));
    member
        .announce(HighWater {
            epoch: 1,
            event: 2,
            session: j(4),
        })
        .unwrap();
    assert_eq!(member.key(j(3)).err(), Some(Error::NeedEvent));
    member.receive(group.event(4), None).unwrap();
    assert!(member.key(j(3)).is_ok() && member.key(j(4)).is_ok());
}

#[test]
fn c06_sealing_fails_closed() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(2);
    assert_eq!(member.may_seal(at(0)), None);
    member.receive(group.event(1), None).unwrap();
    let sealing = |member: &Member, n: u64| member.may_seal(UnixTime::new(n)).map(Session::get);
    for (now, session) in [
        (START - 61, None),
        (START - 60, Some(1)),
        (START + 129, Some(1)),
        (START + 130, None),
    ] {
        assert_eq!(sealing(&member, now), session, "{now}");
    }
    member.receive(group.beacon(2), None).unwrap();
    for (now, session) in [
        (START + 39, None),
        (START + 40, Some(2)),
        (START + 229, Some(2)),
        (START + 230, None),
    ] {
        assert_eq!(sealing(&member, now), session, "{now}");
    }
    member.set_policy(Policy {
        skew: 0,
        grace: 0,
        ..Policy::DEFAULT
    });
    for (now, session) in [
        (START + 99, None),
        (START + 100, Some(2)),
        (START + 199, Some(2)),
        (START + 200, None),
    ] {
        assert_eq!(sealing(&member, now), session, "{now}");
    }
}

#[test]
fn c06_a_mark_without_its_key_does_not_seal() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(2);
    group.advance(Plan::REFRESH);
    member.receive(group.event(1), None).unwrap();
    // after a boot, or told by the key server: an old event replayed is not the newest
    member
        .announce(HighWater {
            epoch: 1,
            event: 2,
            session: j(3),
        })
        .unwrap();
    assert_eq!(member.may_seal(at(50)), None);
    member.receive(group.event(3), None).unwrap();
    assert_eq!(member.may_seal(at(250)), Some(j(3)));
    // told before the event arrives, session 2 is announced with it
    let mut early: Member = group.member(0);
    let told = HighWater {
        epoch: 1,
        event: 1,
        session: j(2),
    };
    early.announce(told).unwrap();
    early.receive(group.event(1), None).unwrap();
    assert_eq!(early.may_seal(at(150)), Some(j(2)));
    // marks never go down
    member
        .announce(HighWater {
            epoch: 1,
            event: 1,
            session: j(1),
        })
        .unwrap();
    assert_eq!(mark(&member), (2, 3));
    assert_eq!(
        member.announce(HighWater {
            epoch: 2,
            event: 1,
            session: j(1)
        }),
        Err(Error::Epoch)
    );
    assert_eq!(
        member.announce(HighWater {
            epoch: 1,
            event: 9,
            session: j(201)
        }),
        Err(Error::SessionRange)
    );
}

#[test]
fn a_mark_that_cannot_be_is_refused() {
    let mut group = Group::new(8);
    group.run(2);
    group.advance(Plan::REFRESH);
    group.run(1);
    let slot = group.manager.join().unwrap(); // session 4, event 2 from session 3 on
    group.run(1);
    group.advance(Plan::REFRESH); // event 3, session 6
    let told = |member: &mut Member, event, session| {
        let before = (mark(member), member.newest());
        let told = member.announce(HighWater {
            epoch: 1,
            event,
            session: j(session),
        });
        if told.is_err() {
            assert_eq!((mark(member), member.newest()), before);
        }
        told
    };
    let check = |received: &[u32], cases: &[(u32, u32, Result<(), Error>)]| {
        for (event, session, expected) in cases {
            let mut member: Member = group.member(slot);
            for n in received {
                member.receive(group.event(*n), None).unwrap();
            }
            let context = format!("{received:?}: event {event} in session {session}");
            assert_eq!(told(&mut member, *event, *session), *expected, "{context}");
        }
    };
    let refused = Err(Error::Equivocation);
    // by the personal key alone: event 2 is in force in session 4
    check(
        &[],
        &[
            (0, 0, Ok(())),
            (0, 4, Err(Error::Type)),
            (2, 0, Err(Error::Type)),
            (1, 3, Ok(())),
            (1, 4, refused),
            (2, 1, Ok(())),
            (2, 4, Ok(())),
            (2, 200, Ok(())),
            (2, 201, Err(Error::SessionRange)),
            (3, 4, refused),
            (3, 5, Ok(())),
        ],
    );
    // event 2 began at 3, and ended at 6 where event 3 began
    check(
        &[3],
        &[
            (2, 2, refused),
            (2, 3, Ok(())),
            (1, 2, Ok(())),
            (1, 3, refused),
        ],
    );
    check(
        &[6],
        &[
            (2, 5, Ok(())),
            (2, 6, refused),
            (3, 5, refused),
            (3, 6, Ok(())),
            (9, 6, refused),
            (9, 7, Ok(())),
        ],
    );
    // by an earlier mark
    let mut member: Member = group.member(slot);
    told(&mut member, 5, 9).unwrap();
    for (event, session) in [(4, 9), (6, 9), (6, 8), (3, 10)] {
        assert_eq!(told(&mut member, event, session), refused);
    }
    for (event, session) in [(5, 8), (4, 8), (5, 9), (6, 10)] {
        told(&mut member, event, session).unwrap();
    }
    assert_eq!(mark(&member), (6, 10));
    member.close_epoch(j(20), at(2000)).unwrap();
    assert_eq!(told(&mut member, 6, 20), Err(Error::SessionRange));
    told(&mut member, 6, 19).unwrap();
    // issued before the epoch opened, in session 0
    let mut early = Group::epoch(1, 3);
    let mut member: Member = early.join();
    assert_eq!(told(&mut member, 1, 2), refused);
    told(&mut member, 1, 3).unwrap();
}

/// The group goes on to `sessions` and revokes a slot in the next one; the beacons that a copy of the manager, which
/// never saw the revocation, would send from there on.
fn fork(group: &mut Group, sessions: u32, revoked: u32) -> Vec<Vec<u8>> {
    group.run(sessions);
    let mut copy = GroupManager::import(&group.manager.export().unwrap()).unwrap();
    let beacons = (0..3)
        .map(|_| {
            copy.advance(Plan::KEEP, &mut group.rng, &group.key)
                .unwrap()
                .beacon
        })
        .collect();
    group.manager.revoke(revoked).unwrap();
    group.run(1);
    beacons
}

#[test]
fn c08_a_beacon_past_the_certified_end() {
    let mut group = Group::new(1);
    let mut member: Member = group.join();
    let revoked = group.manager.join().unwrap();
    let beyond = fork(&mut group, 3, revoked); // event 2, session 4
    group.advance(Plan::REFRESH); // event 3, session 5
    member.receive(group.event(1), None).unwrap();
    member.receive(group.beacon(3), None).unwrap();
    // event 2 is missing, so the end of event 1 is known from the history of event 3
    member.receive(group.event(5), None).unwrap();
    for beacon in &beyond {
        assert_eq!(member.receive(beacon, None), Err(Error::Beacon));
    }
}

#[test]
fn c08_a_beacon_past_any_later_event() {
    let mut group = Group::with(|parameters| (parameters.window, parameters.history) = (1, 1));
    let mut member: Member = group.join();
    let revoked = group.manager.join().unwrap();
    let beyond = fork(&mut group, 3, revoked);
    group.advance(Plan::REFRESH); // event 3, session 5; its history names no other
    member.receive(group.event(1), None).unwrap();
    member.receive(group.event(5), None).unwrap();
    assert_eq!(member.receive(&beyond[1], None), Err(Error::Beacon));
    assert_eq!(mark(&member), (3, 5));
    // session 4 may belong to event 1 for all that this member can know
    member.receive(&beyond[0], None).unwrap();
    assert_eq!(mark(&member), (3, 5));
}

#[test]
fn a_chain_past_its_event_never_moves_or_seals() {
    let mut group = Group::new(8);
    let slot = group.manager.join().unwrap();
    let revoked = group.manager.join().unwrap();
    let beyond = fork(&mut group, 3, revoked); // event 2, session 4
    // told that event 2 is in force, a beacon of event 1 does not move the mark
    let mut told: Member = group.member(slot);
    told.receive(group.event(1), None).unwrap();
    told.announce(HighWater {
        epoch: 1,
        event: 2,
        session: j(4),
    })
    .unwrap();
    told.receive(&beyond[1], None).unwrap();
    assert_eq!(mark(&told), (2, 4));
    // without that, session 5 was announced under event 1; event 2 voids it, and there is no key to seal with
    let mut misled: Member = group.member(slot);
    misled.receive(group.event(1), None).unwrap();
    misled.receive(&beyond[1], None).unwrap();
    assert_eq!(misled.may_seal(at(420)), Some(j(5)));
    misled.receive(group.event(4), None).unwrap();
    assert_eq!(mark(&misled), (2, 5));
    assert_eq!(misled.may_seal(at(420)), None);
    assert_eq!(misled.key(j(5)).err(), Some(Error::NeedEvent));
}

#[test]
fn c10_equality_with_the_skew_passes() {
    let mut group = Group::new(8);
    let mut member: Member = group.join();
    group.run(2);
    let early = |n: u64| Some(UnixTime::new(START + n - 61));
    assert_eq!(member.receive(group.event(1), early(0)), Err(Error::NotYet));
    assert_eq!(mark(&member), (0, 0));
    member.receive(group.event(1), early(1)).unwrap();
    assert_eq!(
        member.receive(group.beacon(2), early(100)),
        Err(Error::NotYet)
    );
    member.receive(group.beacon(2), early(101)).unwrap();
}

#[test]
fn a12_a_history_that_contradicts_a_certified_end() {
    let mut group = Group::new(1);
    let mut member: Member = group.join();
    for first in [1, 4, 5, 6] {
        group.run(first - 1 - group.manager.session().map_or(0, Session::get));
        group.advance(Plan::REFRESH);
    }
    // of the events 1 to 4 it holds 1, ending at 4, and 4
    member.receive(group.event(1), None).unwrap();
    member.receive(group.event(6), None).unwrap();
    group.advance(Plan::REFRESH);
    let forged = group.forge(7, |event| event.hist = vec![1, 3, 5, 6, 7]);
    assert_eq!(member.receive(&forged, None), Err(Error::Equivocation));
    let forged = group.forge(5, |event| event.hist = vec![4]);
    assert_eq!(member.receive(&forged, None), Err(Error::Equivocation));
    member.receive(group.event(7), None).unwrap();
    member.receive(group.event(5), None).unwrap();
}

#[test]
fn a12_the_event_of_the_join_gets_its_session_from_a_history() {
    let mut group = Group::new(8);
    group.run(1);
    group.advance(Plan::REFRESH);
    group.run(1);
    let mut member: Member = group.join(); // session 3, event 2 from session 2 on
    group.run(1);
    group.advance(Plan::REFRESH);
    member.receive(group.event(5), None).unwrap();
    group.advance(Plan::REFRESH);
    let forged = group.forge(6, |event| event.hist = vec![1, 3, 5, 6]);
    assert_eq!(member.receive(&forged, None), Err(Error::Equivocation));
    member.receive(group.event(6), None).unwrap();
}

#[test]
fn messages_of_other_groups_and_keys() {
    let mut group = Group::new(8);
    let slot = group.manager.join().unwrap();
    group.run(1);
    let key = group.manager.personal_key(slot).unwrap();
    let other = Authority::new(Gid::new([0; 4]), *group.authority().key());
    let key = PersonalKey::parse(key.to_vec()).unwrap();
    assert_eq!(
        code(&iotchain_selfheal::rsd::Member::<_, 16>::new(
            key.clone(),
            other
        )),
        24
    );
    let short = group.authority().with_max_len(group.event(1).len() - 1);
    let mut member = Member::<16>::new(key, short).unwrap();
    assert_eq!(member.receive(group.event(1), None), Err(Error::Size));
    assert_eq!(member.receive(&[], None), Err(Error::Truncated));
    assert_eq!(member.receive(&[0x80], None), Err(Error::Type));
    assert_eq!(member.receive(&[0x01], None), Err(Error::Type));
    assert_eq!(member.receive(&[0x81, 0x60], None), Err(Error::Type));
}

#[test]
#[cfg(target_pointer_width = "64")]
fn what_a_member_takes_in_memory() {
    use iotchain_selfheal::rsd::{EpochMember, Member};

    let one = size_of::<Member<&[u8], 1>>();
    assert_eq!(one, 384);
    // 88 bytes for each event more
    assert_eq!(size_of::<Member<&[u8], 16>>(), one + 15 * 88);
    assert_eq!(size_of::<EpochMember<&[u8], 16>>(), 3408);
}
