//! A member that goes on while an event arrives in pieces.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Session};
use iotchain_selfheal::rsd::{EpochMember, EventStream, Plan, Received};
use support::Member;
use support::group::Group;

const BLOCK: usize = 512;

/// Ten events, one per session, each alone in its window; the history names all of them.
fn refreshed() -> (Group, u32) {
    let mut group = Group::new(1);
    let slot = group.manager.join().unwrap();
    for _ in 0..10 {
        group.advance(Plan::REFRESH);
    }
    (group, slot)
}

fn received(group: &Group, n: u32) -> Result<Received, Error> {
    Ok(Received::Event {
        session: Session::new(n),
        starts: group.starts(n),
    })
}

#[test]
fn a_large_event_arrives_in_blocks() {
    let mut group = Group::with(|parameters| (parameters.depth, parameters.window) = (12, 1));
    let slots: Vec<u32> = (0..2400).map(|_| group.manager.join().unwrap()).collect();
    for slot in slots.iter().filter(|slot| **slot % 3 == 1) {
        group.manager.revoke(*slot).unwrap();
    }
    group.run(1);
    let event = group.event(1);
    assert!(event.len() > 12_000, "{}", event.len());
    let slot = slots[900];
    let key = group.manager.personal_key(slot).unwrap().to_vec();
    let key = iotchain_selfheal::rsd::PersonalKey::parse(key).unwrap();
    let authority = group.authority().with_max_len(65_535);
    let mut member = EpochMember::<_, 16>::new(key, authority).unwrap();
    let mut stream = member.start(1).unwrap();
    assert_eq!(member.start(2).err(), Some(Error::Epoch));
    for block in event.chunks(BLOCK) {
        stream.push(block).unwrap();
    }
    // nothing happened so far
    assert_eq!(member.newest(), None);
    assert_eq!(member.finish(&stream, None), received(&group, 1));
    let expected = group.manager.group_key(Session::new(1)).unwrap();
    assert!(member.key(Session::new(1)).unwrap().ct_eq(&expected));
}

#[test]
fn an_event_of_another_signer_is_refused_with_the_first_block() {
    let (group, slot) = refreshed();
    let mut stream = EventStream::start(&group.member::<4>(slot)).unwrap();
    let mut message = group.event(10).to_vec();
    message[8] ^= 1; // in the key id
    assert_eq!(stream.push(&message[..64]), Err(Error::Kid));
    assert_eq!(stream.push(&message[64..]), Err(Error::Kid));
    let mut member: Member<4> = group.member(slot);
    assert_eq!(stream.finish(&mut member, None), Err(Error::Kid));
}

#[test]
fn what_the_member_takes_meanwhile_counts() {
    let (group, slot) = refreshed();
    let whole = |member: &Member<4>| {
        let mut stream = EventStream::start(member).unwrap();
        stream.push(group.event(10)).unwrap();
        stream
    };
    // the same event, whole
    let mut member: Member<4> = group.member(slot);
    let stream = whole(&member);
    member.receive(group.event(10), None).unwrap();
    assert_eq!(stream.finish(&mut member, None), Ok(Received::Duplicate));
    // an event that the kept end of the history names
    let mut member: Member<4> = group.member(slot);
    let stream = whole(&member);
    member.receive(group.event(8), None).unwrap();
    assert_eq!(stream.finish(&mut member, None), received(&group, 10));
    assert!(member.key(Session::new(8)).is_ok());
    // one further back: its place in the history has passed by, and the event must be fetched again
    let mut member: Member<4> = group.member(slot);
    let stream = whole(&member);
    member.receive(group.event(2), None).unwrap();
    assert_eq!(stream.finish(&mut member, None), Err(Error::NeedEvent));
    assert_eq!(member.newest(), Some(Session::new(2)));
    let stream = whole(&member);
    assert_eq!(stream.finish(&mut member, None), received(&group, 10));
    // a history that contradicts it is found out whenever it came
    let forged = group.forge(10, |event| event.hist[2] = 2);
    let refused = Err(Error::Type); // not increasing any more
    let mut stream = EventStream::start(&member).unwrap();
    stream.push(&forged).unwrap();
    assert_eq!(stream.finish(&mut member, None), refused);
}

#[test]
fn a_history_that_contradicts_an_old_event_is_found_out() {
    let mut group = Group::new(1);
    let slot = group.manager.join().unwrap();
    for n in 1..=20 {
        group.advance(if n % 2 == 1 {
            Plan::REFRESH
        } else {
            Plan::KEEP
        });
    }
    // events at 1, 3, .., 19; the member holds the second one, and its room keeps the newest four of a history
    for (entry, session, expected) in [
        (0, 2, Some(Error::Equivocation)),
        (1, 2, Some(Error::Equivocation)),
        (1, 4, Some(Error::Equivocation)),
        (2, 6, None),
        (4, 8, None),
    ] {
        let forged = group.forge(19, |event| {
            event.hist[entry] = session;
            if (entry, session) == (0, 2) {
                event.hist[1] = 4;
            }
        });
        let mut member: Member<4> = group.member(slot);
        member.receive(group.event(3), None).unwrap();
        let mut stream = EventStream::start(&member).unwrap();
        forged
            .chunks(16)
            .for_each(|piece| stream.push(piece).unwrap());
        let done = stream.finish(&mut member.clone(), None);
        assert_eq!(done.err(), expected, "{entry} {session}");
        assert_eq!(member.receive(&forged, None), done);
    }
}
