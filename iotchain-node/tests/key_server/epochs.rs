//! One epoch after the other: who goes on without joining again, who comes late, who is out.

use std::time::{Duration, Instant};

use iotchain::{Error, Roles, Session};
use iotchain_node::catalogue::KeyServer as Address;
use iotchain_node::clock::Stop;
use iotchain_node::coap::Code;
use iotchain_node::follow::Follower;
use iotchain_node::join::{Identity, Joined, join};
use iotchain_node::key_server::KeyServer;

use crate::world::{World, address, client_key, eventually, plain, read_event, refusal};

const PATIENCE: Duration = Duration::from_secs(60);

/// A client of the library, as the resource server and the shell use it.
fn join_as(world: &World, server: &KeyServer, client: u8) -> Joined {
    let published = Address {
        coap: server.coap(),
        coaps: server.coaps(),
        ..world.catalogue.key_server.clone()
    };
    let key = client_key(client);
    let identity = Identity::Client {
        key: &key,
        token: world.token(client),
    };
    join(&published, identity, &world.group(), Roles::GET).unwrap()
}

fn follow(server: &KeyServer, joined: &Joined) -> Follower {
    Follower::spawn(joined, server.coap(), &Stop::new()).unwrap()
}

/// The epoch of the event that governs a session, the newest without one.
fn epoch_of(server: &KeyServer, world: &World, session: Option<Session>) -> u32 {
    let query = session.map_or_else(String::new, |session| format!("?j={session}"));
    let target = format!("ace-group/{}/bc{query}", world.group());
    let event = plain(server).get(&target).unwrap().payload;
    read_event(&event).0
}

fn holds(joined: &Joined, session: Session) -> bool {
    let membership = joined.membership.lock().unwrap();
    membership.member().key(session).is_ok()
}

#[test]
fn a_group_rolls_over_and_nobody_joins_again() {
    let mut world = World::new();
    world.terms.epoch = 16; // four of them to hand out the next personal keys
    let server = world.start();
    let (mut rs, producer) = world.join_meter(&server);
    (1..=5).for_each(|client| world.issue(client, Roles::GET, 3600));
    world.confirm();
    let awake: Vec<Joined> = (1..=3)
        .map(|client| join_as(&world, &server, client))
        .collect();
    let followers: Vec<Follower> = awake.iter().map(|joined| follow(&server, joined)).collect();
    let asleep = join_as(&world, &server, 4);
    let thief = join_as(&world, &server, 5);
    let on_the_trail = follow(&server, &thief);
    let (last, next) = (Session::new(16), Session::new(17));

    // One asks ahead of the end like everybody else, and then its token goes.
    eventually("the next personal key", || {
        (on_the_trail.journal().prepared == 1).then_some(())
    });
    assert!(
        rs.num().unwrap() > Session::new(11),
        "not before the last quarter"
    );
    world.delete(5);

    for (joined, follower) in awake.iter().zip(&followers) {
        assert!(
            follower.wait_session(next, PATIENCE),
            "{:?}",
            follower.journal()
        );
        let journal = follower.journal();
        assert_eq!(
            (journal.prepared, journal.astray, journal.failed),
            (1, 0, 0),
            "{journal:?}"
        );
        let since = joined.session.get();
        assert!((since..=17).all(|session| holds(joined, Session::new(session))));
        let membership = joined.membership.lock().unwrap();
        assert_eq!(membership.member().high_water().epoch, 2);
        assert_eq!(membership.group().gid, producer.gid);
    }
    assert_eq!(epoch_of(&server, &world, None), 2);
    assert_eq!(
        epoch_of(&server, &world, Some(last)),
        1,
        "the end of the old epoch is still served"
    );
    assert_eq!(epoch_of(&server, &world, Some(next)), 2);

    // The thief has a personal key of the next epoch, and no key of any session since.
    assert!(!holds(&thief, last) || !holds(&thief, next));
    assert!(!on_the_trail.wait_session(next, Duration::from_secs(2)));
    assert_eq!(
        on_the_trail.journal().last_error,
        Some(Error::RevokedMember)
    );
    assert!(!holds(&thief, next));

    // Who slept finds an epoch it knows nothing of, asks, and heals what it missed of both.
    let late = follow(&server, &asleep);
    assert!(late.wait_session(next, PATIENCE), "{:?}", late.journal());
    assert!(late.journal().astray > 0);
    assert_eq!(late.journal().unreachable, 0, "{:?}", late.journal());
    assert!(holds(&asleep, next) && holds(&asleep, asleep.session));

    // A join after the roll-over, and one again by a member of before: sids stay.
    let reply = rs.join_server(&world.meter, address(&world.meter));
    let again = rs.accept(&reply);
    assert_eq!(
        (again.code, again.sid, again.gid),
        (Code::CHANGED, producer.sid, producer.gid)
    );
    assert_ne!(again.personal_key, producer.personal_key);
    world.grant(6, Roles::GET);
    let newcomer = join_as(&world, &server, 6);
    assert!(newcomer.session >= next && !holds(&newcomer, last));
}

#[test]
fn a16_used_up_slots_begin_the_next_epoch_at_once() {
    let mut world = World::new();
    world.terms.depth = 2; // three slots
    let server = world.start();
    let (mut rs, producer) = world.join_meter(&server);
    (1..=3).for_each(|client| world.issue(client, Roles::GET, 3600));
    world.confirm();
    let one = join_as(&world, &server, 1);
    let follower = follow(&server, &one);
    let (_two, _) = world.join(&server, 2, Roles::GET);
    let mut link = world.connect(&server);
    let reply = link.join(world.token(3), 3, Roles::GET);
    assert_eq!(
        refusal(&reply),
        (Code::SERVICE_UNAVAILABLE, Some(Error::GroupFull))
    );
    world.delete(2);
    let joined = eventually("the next epoch", || {
        let reply = link.join(world.token(3), 3, Roles::GET);
        reply.code.is_success().then(|| link.accept(&reply))
    });
    assert_eq!((joined.code, joined.gid), (Code::CREATED, producer.gid));
    assert_eq!(epoch_of(&server, &world, None), 2);
    assert!(rs.num().is_some(), "the others are still members");
    // Nobody could be told ahead: the others are astray for a moment, and come back without a join.
    assert!(
        follower.wait_session(joined.session, PATIENCE),
        "{:?}",
        follower.journal()
    );
    assert_eq!(follower.journal().astray.min(1), 1);
}

#[test]
fn a7_a_restart_goes_on_in_the_prepared_epoch() {
    let mut world = World::new();
    world.terms.epoch = 8;
    let server = world.start();
    let (mut rs, producer) = world.join_meter(&server);
    rs.later_than(Session::new(6));
    let reply = rs.get("");
    let ahead = rs.accept(&reply).next_personal_key;
    drop((rs, server));
    let server = world.start();
    let (mut rs, again) = world.join_meter(&server);
    assert_eq!(again.gid, producer.gid);
    rs.later_than(Session::new(8));
    let reply = rs.get("");
    let after = rs.accept(&reply);
    assert_eq!(
        Some(after.personal_key),
        ahead,
        "the same bytes, before and after"
    );
    assert_eq!((after.gid, after.sid), (producer.gid, producer.sid));
    let until = Instant::now() + PATIENCE;
    while epoch_of(&server, &world, None) < 2 {
        assert!(Instant::now() < until);
    }
}
