//! What the disk remembers.

use std::fs;
use std::path::Path;

use iotchain::{Roles, Session};
use iotchain_node::NodeError;
use iotchain_node::coap::Code;

use crate::world::{World, address, eventually, plain, refusal, settings};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a7_a_restart_goes_on_where_it_stopped() {
    let world = World::new();
    let server = world.start();
    let (_rs, producer) = world.join_meter(&server);
    world.grant(1, Roles::GET);
    let (mut link, before) = world.join(&server, 1, Roles::GET);
    let session = link.later_than(before.session);
    let event = plain(&server)
        .get(&format!("ace-group/{}/bc", world.group()))
        .unwrap()
        .payload;
    drop((link, server));

    let server = world.start();
    // associations do not outlive the process, memberships do
    assert_eq!(
        refusal(&world.connect(&server).get("/num")),
        (Code::UNAUTHORIZED, None)
    );
    let (mut link, after) = world.join(&server, 1, Roles::GET);
    assert_eq!(
        (after.code, after.gid, after.sid, &after.node),
        (Code::CHANGED, before.gid, before.sid, &before.node)
    );
    assert_eq!(after.personal_key, before.personal_key);
    assert_eq!(after.access_key, before.access_key);
    assert!(after.session >= session);
    let (_rs, again) = world.join_meter(&server);
    assert_eq!((again.sid, again.gid), (producer.sid, producer.gid));
    assert_eq!(
        again.server_secret.unwrap().expose(),
        producer.server_secret.unwrap().expose()
    );
    let first = plain(&server)
        .get(&format!(
            "ace-group/{}/bc?j={}",
            world.group(),
            before.session
        ))
        .unwrap();
    assert_eq!(first.payload, event, "events are retained");
    assert!(link.later_than(after.session) > after.session);
}

#[test]
fn a7_a_late_start_keeps_to_the_plan() {
    let world = World::new();
    let server = world.start();
    let (mut rs, material) = world.join_meter(&server);
    let session = rs.num().unwrap();
    drop((rs, server));
    std::thread::sleep(std::time::Duration::from_millis(3500));
    let server = world.start();
    let mut rs = world.join_meter(&server).0;
    let next = rs.later_than(session);
    assert!(
        next.get() <= session.get() + 3,
        "one event instead of sessions that nobody had"
    );
    let reply = rs.get("");
    assert_eq!(rs.accept(&reply).gid, material.gid);
}

#[test]
fn a7_a_restored_backup_is_not_continued() {
    let world = World::new();
    let server = world.start();
    let (_, first) = world.join_meter(&server);
    drop(server);
    let backup = world.directory.path().join("backup");
    copy(&world.data(), &backup);

    // a join that the backup knows nothing of
    let server = world.start();
    world.grant(1, Roles::GET);
    let (_, lost) = world.join(&server, 1, Roles::GET);
    assert_eq!(lost.gid, first.gid);
    drop(server);
    copy(&backup, &world.data());

    let server = world.start();
    let (_, second) = world.join_meter(&server);
    assert_ne!(second.gid, first.gid);
    let (_, joined) = world.join(&server, 1, Roles::GET);
    assert_eq!((joined.code, joined.gid), (Code::CREATED, second.gid));
    drop(server);

    // the store alone, put back beside a newer witness
    fs::copy(backup.join("groups.redb"), world.data().join("groups.redb")).unwrap();
    let server = world.start();
    let (_, third) = world.join_meter(&server);
    assert!(third.gid != second.gid && third.gid != first.gid);
}

#[test]
fn a7_a_kill_loses_nothing_that_was_told() {
    let mut world = World::new();
    let rpc = world.serve_ledger();
    world.catalogue.ledger = rpc.url().to_string();
    let mut process = world.spawn();
    world.grant(1, Roles::GET);
    let (_, before) = world.join_at(process.coaps, 1, Roles::GET);
    for _ in 0..3 {
        process.kill();
        process = world.spawn();
        let (_, after) = world.join_at(process.coaps, 1, Roles::GET);
        assert_eq!(
            (after.gid, after.sid, &after.personal_key),
            (before.gid, before.sid, &before.personal_key)
        );
        assert!(after.session >= before.session);
    }
    assert!(process.terminate().success());
}

#[test]
fn a_full_disk_stops_what_must_be_stored_and_loses_nothing() {
    let mut world = World::new();
    let rpc = world.serve_ledger();
    world.catalogue.ledger = rpc.url().to_string();
    let mut process = world.spawn();
    world.grant(1, Roles::GET);
    world.grant(2, Roles::GET);
    let (mut link, before) = world.join_at(process.coaps, 1, Roles::GET);

    process.limit_files(Some(4096));
    let mut other = world.connect_at(process.coaps, None, settings());
    let reply = other.join(world.token(2), 2, Roles::GET);
    assert_eq!(refusal(&reply), (Code::SERVICE_UNAVAILABLE, None));
    let session = link.num().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(
        link.num(),
        Some(session),
        "no session begins that is not stored"
    );

    process.limit_files(None);
    assert!(link.later_than(session) > session);
    let reply = other.join(world.token(2), 2, Roles::GET);
    let joined = other.accept(&reply);
    assert_eq!((joined.code, joined.gid), (Code::CREATED, before.gid));
    assert_ne!(joined.sid, before.sid);
    process.kill();
    process = world.spawn();
    let (_, after) = world.join_at(process.coaps, 1, Roles::GET);
    assert_eq!(
        (after.sid, &after.personal_key),
        (before.sid, &before.personal_key)
    );
}

#[test]
fn damaged_foreign_and_used_directories_are_refused() {
    let world = World::new();
    let server = world.start();
    let state = |what: &str| match world.try_start() {
        Err(error @ NodeError::State(_)) => {
            assert_eq!(error.exit_code(), 6);
            error.to_string()
        }
        Err(error) => panic!("{what}: {error:?}"),
        Ok(_) => panic!("{what}: started"),
    };
    assert!(state("in use").contains("in use"));
    drop(server);

    let key = world.data().join("ks.key");
    let hidden = world.directory.path().join("ks.key");
    fs::rename(&key, &hidden).unwrap();
    assert!(state("no key").contains("ks.key is missing"));
    fs::copy(&hidden, &key).unwrap();
    fs::write(&key, "2".repeat(64)).unwrap();
    assert!(state("another key").contains("another ks.key"));
    fs::copy(&hidden, &key).unwrap();
    drop(world.start());

    let store = world.data().join("groups.redb");
    let whole = fs::read(&store).unwrap();
    for (what, damaged) in [
        ("text", b"not a store".to_vec()),
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("empty", vec![]),
    ] {
        fs::write(&store, damaged).unwrap();
        state(what);
    }
    fs::write(&store, &whole).unwrap();
    drop(world.start());
}

#[test]
fn a20_a_group_is_not_given_to_another_resource_server() {
    let mut world = World::new();
    drop(world.start());
    // The name has the first four bytes only.
    let mut bytes = *address(&world.meter).as_bytes();
    bytes[19] ^= 1;
    world.catalogue.resource_servers[0].rs = iotchain::Address::new(bytes);
    let Err(NodeError::State(text)) = world.try_start() else {
        panic!("the group changed hands");
    };
    assert!(text.contains("belongs to"), "{text}");
}

#[test]
fn a_replaced_key_of_a_resource_server_ends_its_membership() {
    let mut world = World::new();
    let server = world.start();
    let (mut rs, old) = world.join_meter(&server);
    rs.later_than(Session::new(1));
    drop((rs, server));
    // Only keys without an address of their own can be replaced under one address.
    let key = iotchain::SigningKey::from_bytes(iotchain::SignAlg::Ed25519, &[9; 32]).unwrap();
    world.catalogue.resource_servers[0].key = iotchain::Signer::public(&key);
    let server = world.start();
    let identity = world.certify(&world.meter);
    let mut link = world.connect_as(&server, Some(&identity));
    let rs = address(&world.meter);
    let reply = link.join_server(&world.meter, rs);
    assert_eq!(refusal(&reply).1, Some(iotchain::Error::Subject));
    let reply = link.join_server(&key, rs);
    let new = link.accept(&reply);
    assert_ne!(new.sid, old.sid);
    eventually("another secret", || {
        let reply = link.get("");
        let secret = link.accept(&reply).server_secret.unwrap();
        (secret.expose() != old.server_secret.as_ref().unwrap().expose()).then_some(())
    });
}
