//! What happens when a session ends.

use iotchain::{Error, Roles, Session};
use iotchain_node::coap::{Call, Client, Code};
use iotchain_node::key_server::KeyServer;

use crate::world::{World, address, eventually, plain, refusal};

fn event(client: &mut Client, world: &World) -> Vec<u8> {
    client
        .get(&format!("ace-group/{}/bc", world.group()))
        .unwrap()
        .payload
}

/// The session of the newest beacon: the fourth of `[3, epoch, k, j, v]`.
fn announced(server: &KeyServer, world: &World) -> Session {
    let reply = plain(server)
        .get(&format!("ace-group/{}/bn", world.group()))
        .unwrap();
    let mut reader = iotchain::core::cbor::Reader::new(&reply.payload);
    assert_eq!((reader.array(), reader.uint()), (Ok(5), Ok(3)));
    for _ in 0..2 {
        reader.skip().unwrap();
    }
    Session::new(reader.u32().unwrap())
}

#[test]
fn a_deleted_token_ends_at_the_next_session() {
    let mut world = World::new();
    world.terms.session = 2;
    // Revocation needs no confirmations, however many a grant needs.
    world.confirmations = 30;
    let server = world.start();
    let (mut rs, _) = world.join_meter(&server);
    world.grant(1, Roles::GET);
    world.grant(2, Roles::GET);
    let (mut gone, _) = world.join(&server, 1, Roles::GET);
    let (mut stays, material) = world.join(&server, 2, Roles::GET);
    let mut public = plain(&server);
    let before = event(&mut public, &world);
    world.delete(1);
    let revoked = eventually("the revocation", || {
        let reply = gone.get("/num");
        (reply.code != Code::CONTENT).then(|| refusal(&reply))
    });
    assert_eq!(revoked, (Code::FORBIDDEN, Some(Error::RevokedMember)));
    assert!(stays.num().is_some() && rs.num().is_some());
    assert_ne!(
        event(&mut public, &world),
        before,
        "a revocation begins with an event"
    );
    // and it stays out
    let reply = gone.join(world.token(1), 1, Roles::GET);
    assert!(matches!(
        refusal(&reply).1,
        Some(Error::TokenRevoked | Error::TokenAbsent)
    ));
    assert!(stays.num().unwrap() > material.session);
}

#[test]
fn an_expired_token_ends_at_the_next_session() {
    let world = World::new();
    let server = world.start();
    world.issue(1, Roles::GET, 4);
    world.confirm();
    let (mut link, material) = world.join(&server, 1, Roles::GET);
    assert!(material.expires_at.since(material.time) <= 4);
    eventually("the end of the token", || {
        (link.get("/num").code == Code::FORBIDDEN).then_some(())
    });
    assert_eq!(
        refusal(&link.get("")),
        (Code::FORBIDDEN, Some(Error::RevokedMember))
    );
}

#[test]
fn a2_a_retired_right_to_write_changes_the_secret_of_the_resource_server() {
    let world = World::new();
    let server = world.start();
    let (mut rs, producer) = world.join_meter(&server);
    (1..=3).for_each(|client| world.issue(client, Roles::GET | Roles::PUT, 3600));
    world.confirm();
    let (mut writer, _) = world.join(&server, 1, Roles::GET | Roles::PUT);
    let (mut other, held) = world.join(&server, 2, Roles::GET | Roles::PUT);
    let (reader, _) = world.join(&server, 3, Roles::GET);
    let secret = |rs: &mut crate::world::Link| {
        let reply = rs.get(&format!("/nodes/{}", producer.node));
        *rs.accept(&reply).server_secret.unwrap().expose()
    };
    let first = secret(&mut rs);
    assert_eq!(first, *producer.server_secret.as_ref().unwrap().expose());

    // a reader's end leaves it as it is
    drop(reader);
    let mut public = plain(&server);
    let before = event(&mut public, &world);
    world.delete(3);
    eventually("the reader's revocation", || {
        (event(&mut public, &world) != before).then_some(())
    });
    assert_eq!(secret(&mut rs), first);

    world.delete(1);
    eventually("the writer's revocation", || {
        (writer.get("/num").code == Code::FORBIDDEN).then_some(())
    });
    let second = secret(&mut rs);
    assert_ne!(first, second);
    // who stays gets another access key for the same sid
    let reply = other.get("");
    let material = other.accept(&reply);
    assert_eq!(material.sid, held.sid);
    assert_ne!(material.access_key, held.access_key);
    assert_eq!(
        other.access_key(address(&world.meter)).ok(),
        material.access_key
    );
}

#[test]
fn a2_a_renewal_with_smaller_rights_takes_the_others_away() {
    let world = World::new();
    let server = world.start();
    let (mut rs, producer) = world.join_meter(&server);
    world.grant(1, Roles::GET | Roles::PUT);
    let (mut link, before) = world.join(&server, 1, Roles::GET | Roles::PUT);
    world.grant(1, Roles::GET);
    let after = eventually("the smaller rights", || {
        let reply = link.get("");
        Some(link.accept(&reply)).filter(|material| material.sid != before.sid)
    });
    assert_eq!(
        (after.sid.roles(), &after.personal_key),
        (Roles::GET, &before.personal_key)
    );
    assert_eq!(
        link.get(&format!("/nodes/{}", before.node)).code,
        Code::CONTENT,
        "its name stays"
    );
    let reply = rs.get("");
    let secret = rs.accept(&reply).server_secret.unwrap();
    assert_ne!(secret.expose(), producer.server_secret.unwrap().expose());
}

#[test]
fn a8_an_outage_revokes_nobody_and_stops_the_sessions_after_two() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET);
    let (mut link, _) = world.join(&server, 1, Roles::GET);
    let mut stranger = world.connect(&server);

    world.ledger.silence(true);
    let silent_since = announced(&server, &world);
    let reply = stranger.join(world.token(2), 2, Roles::GET);
    assert_eq!(
        refusal(&reply),
        (Code::SERVICE_UNAVAILABLE, Some(Error::LedgerUnavailable))
    );
    std::thread::sleep(std::time::Duration::from_secs(6));
    let stopped_at = announced(&server, &world);
    assert!(
        (2..=3).contains(&(stopped_at.get() - silent_since.get())),
        "{silent_since} to {stopped_at}"
    );
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(announced(&server, &world), stopped_at);
    assert_eq!(link.num(), Some(stopped_at), "nobody is revoked");
    // a resource server needs no ledger; a group without clients goes on
    assert_eq!(world.join_meter(&server).1.session, stopped_at);

    world.ledger.silence(false);
    assert!(link.later_than(stopped_at) > stopped_at);
    // what is late begins with an event at the boundary of the present, not with sessions that nobody had
    assert!(announced(&server, &world).get() <= stopped_at.get() + 3);
}

#[test]
fn a_token_ends_in_time_while_the_ledger_is_silent() {
    let mut world = World::new();
    world.terms.session = 3;
    let server = world.start();
    world.issue(1, Roles::GET, 9);
    world.issue(2, Roles::GET, 3600);
    world.confirm();
    let (mut gone, material) = world.join(&server, 1, Roles::GET);
    let (mut stays, _) = world.join(&server, 2, Roles::GET);
    // Two sessions may begin without the ledger, and the token ends before the second one does.
    eventually("the last moments of the token", || {
        (iotchain_node::clock::now().saturating_add(4) >= material.expires_at).then_some(())
    });
    world.ledger.silence(true);
    let refused = eventually("the end of the token", || {
        let reply = gone.get("/num");
        (reply.code != Code::CONTENT).then(|| refusal(&reply))
    });
    assert_eq!(refused, (Code::FORBIDDEN, Some(Error::RevokedMember)));
    assert!(stays.num().is_some(), "nobody else is revoked");
}

#[test]
fn observers_hear_of_every_session() {
    let world = World::new();
    let server = world.start();
    let mut client = plain(&server);
    let mut observation = client
        .observe(&Call::get(&format!("ace-group/{}/bn", world.group())))
        .unwrap();
    let mut beacons = std::collections::HashSet::new();
    for _ in 0..4 {
        let beacon = observation
            .next(std::time::Duration::from_secs(10))
            .unwrap()
            .unwrap();
        assert!(beacons.insert(beacon.payload));
    }
}
