//! Keys at hand change what opening costs, and nothing else.

mod world;

use iotchain_core::{AeadAlg, Error, GroupKey, Result, Session, UnixTime};
use iotchain_oscar::{
    Boot, Claims, Exchange, Freshness, Keys, ResourceId, Sender, Sessions, StoredState,
};
use std::cell::Cell;
use world::{CONTENT, NOW, SEVEN, World, rs_key, sid};

const TOKEN: &[u8; 8] = b"unguess.";

fn sender(world: &World, index: u8, salt: u8) -> Sender {
    let boot = Boot::assigned(&[salt]).unwrap();
    let sid = sid(&[0x80, index]);
    let mut sender = Sender::new(world.group, sid, boot, UnixTime::new(0)).unwrap();
    sender.enter(SEVEN, &GroupKey::new([7; 16])).unwrap();
    sender
}

fn sealed(sender: &mut Sender, resource: &ResourceId<'_>) -> Vec<u8> {
    let mut out = [0; 512];
    let len = sender.seal_response(resource, CONTENT, TOKEN, b"21.5", &mut out);
    out[..len.unwrap()].to_vec()
}

fn open(world: &mut World, object: &[u8], resource: &ResourceId<'_>) -> Result<()> {
    let (mut exchange, mut out) = (Exchange::new(TOKEN).unwrap(), [0xee; 64]);
    let opened = world.receiver().open_response(
        object,
        resource,
        CONTENT,
        &mut exchange,
        Freshness::Demanded,
        &mut out,
    );
    match opened {
        Ok(opened) => assert_eq!(&out[..opened.len], b"21.5"),
        Err(_) => assert!(out.iter().all(|byte| matches!(byte, 0 | 0xee))),
    }
    opened.map(|_| ())
}

fn held(keys: &Keys<4>) -> String {
    format!("{keys:?}")
}

#[test]
fn a_second_object_asks_for_no_session_key() {
    /// Counts how often the session key is asked for.
    struct Counting<'a>(&'a World, Cell<u32>);

    impl Sessions for Counting<'_> {
        fn key(&self, session: Session) -> Result<GroupKey> {
            self.1.set(self.1.get() + 1);
            self.0.held.key(session)
        }

        fn holds(&self, session: Session) -> Result<()> {
            self.0.held.key(session).map(|_| ())
        }

        fn may_open(&self, session: Session) -> Result<()> {
            self.0.held.may_open(session)
        }
    }

    let mut world = World::new();
    let (resource, other) = (world.temperature(), World::new());
    let (counting, mut sender) = (Counting(&other, Cell::new(0)), sender(&world, 0, 1));
    for times in 1..=3 {
        let object = sealed(&mut sender, &resource);
        let mut receiver = iotchain_oscar::Receiver {
            group: &world.group,
            sessions: &counting,
            directory: world.directory.as_slice(),
            policy: world.policy,
            failures: &mut world.failures,
            keys: &mut world.keys,
        };
        let mut exchange = Exchange::new(TOKEN).unwrap();
        let demanded = Freshness::Demanded;
        let mut out = [0; 64];
        let opened = receiver.open_response(
            &object,
            &resource,
            CONTENT,
            &mut exchange,
            demanded,
            &mut out,
        );
        assert!(opened.is_ok());
        assert_eq!(counting.1.get(), 1, "after {times} objects");
    }
}

#[test]
fn a_key_at_hand_does_not_outlive_its_session() {
    let mut world = World::new();
    let resource = world.temperature();
    let mut sender = sender(&world, 0, 1);
    let objects = [(); 3].map(|()| sealed(&mut sender, &resource));
    assert_eq!(open(&mut world, &objects[0], &resource), Ok(()));
    world.held.expired.push(7);
    assert_eq!(
        open(&mut world, &objects[1], &resource),
        Err(Error::SessionExpired)
    );
    world.held.expired.clear();
    let key = world.held.keys.remove(&7).unwrap();
    assert_eq!(
        open(&mut world, &objects[1], &resource),
        Err(Error::Session)
    );
    world.held.keys.insert(7, key);
    assert_eq!(open(&mut world, &objects[1], &resource), Ok(()));
    world.keys.clear();
    assert_eq!(held(&world.keys), "Keys(0 of 4, ..)");
    assert_eq!(open(&mut world, &objects[2], &resource), Ok(()));
}

#[test]
fn every_sender_boot_resource_and_mode_has_its_own_key() {
    let mut world = World::new();
    let path = ["temp"];
    let [a, b, c] = [&["temp"][..], &["hum"], &["temp", "1"]]
        .map(|path| ResourceId::new(world.rs, path, &[]).unwrap());
    let query = ResourceId::new(world.rs, &path, &["u=c"]).unwrap();
    let mut senders = [
        sender(&world, 0, 1),
        sender(&world, 0, 2),
        sender(&world, 1, 1),
    ];
    // more contexts than places, met in turn, twice
    for _ in 0..2 {
        for sender in &mut senders {
            for resource in [&a, &b, &c, &query] {
                let object = sealed(sender, resource);
                assert_eq!(open(&mut world, &object, resource), Ok(()));
                for other in [&a, &b, &c, &query] {
                    let same = other.path() == resource.path() && other.query() == resource.query();
                    let expected = if same { Ok(()) } else { Err(Error::Aead) };
                    assert_eq!(open(&mut world, &object, other), expected);
                }
            }
        }
    }
    let claims = Claims {
        iat: NOW,
        exp: None,
    };
    let mut out = [0; 256];
    let len = senders[0]
        .seal_signed(&a, claims, b"21.5", &rs_key(), &mut out)
        .unwrap();
    let mut stored = StoredState::new();
    let opened = world
        .receiver()
        .open_stored(&out[..len], &a, &mut stored, NOW, &mut [0; 64]);
    assert!(opened.is_ok());
    assert_eq!(held(&world.keys), "Keys(4 of 4, ..)");
}

#[test]
fn forgeries_displace_no_key() {
    let mut world = World::new();
    let resource = world.temperature();
    let mut genuine = sender(&world, 0, 1);
    let object = sealed(&mut genuine, &resource);
    assert_eq!(open(&mut world, &object, &resource), Ok(()));
    for salt in 2..50 {
        let mut forged = sealed(&mut sender(&world, 0, salt), &resource);
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(open(&mut world, &forged, &resource), Err(Error::Aead));
    }
    assert_eq!(held(&world.keys), "Keys(1 of 4, ..)");
}

#[test]
fn what_is_sealed_with_a_kept_key_is_what_is_sealed_without() {
    for aead in [AeadAlg::AesCcm16_64_128, AeadAlg::AesCcm16_128_128] {
        let mut world = World::new();
        world.group.suite.aead = aead;
        let paths: [&[&str]; 4] = [&["a"], &["b"], &["c"], &["a"]];
        let mut kept = sender(&world, 0, 1);
        for (count, path) in paths.into_iter().cycle().take(20).enumerate() {
            let resource = ResourceId::new(world.rs, path, &[]).unwrap();
            // another life of the same sender, brought to the same PIV without using this resource's key
            let mut fresh = sender(&world, 0, 1);
            for _ in 0..count {
                sealed(&mut fresh, &world.temperature());
            }
            assert_eq!(sealed(&mut kept, &resource), sealed(&mut fresh, &resource));
        }
    }
}
