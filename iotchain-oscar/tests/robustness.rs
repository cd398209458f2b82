//! Whatever arrives, nothing panics, nothing forged is accepted, and a refusal changes and reveals nothing
//! (spec 6.3; 6.4, 24, 25 and 38).

mod world;

use iotchain_core::{AeadAlg, Error, GroupKey, UnixTime};
use iotchain_oscar::{
    Boot, Claims, Exchange, Freshness, Plaintext, ProxyCheck, Purpose, ResourceId, Sender,
    StoredState,
};
use proptest::prelude::*;
use world::{CONTENT, NOW, SEVEN, World, rs_key, sid};

const TOKEN: &[u8; 8] = b"unguess.";

fn sender(world: &World) -> Sender {
    let boot = Boot::assigned(&[1]).unwrap();
    let mut sender = Sender::new(world.group, sid(&[0x80, 0]), boot, UnixTime::new(0)).unwrap();
    sender.enter(SEVEN, &GroupKey::new([7; 16])).unwrap();
    sender
}

/// One object of mode G and one of mode S.
fn objects(world: &World) -> [Vec<u8>; 2] {
    let (mut sender, resource) = (sender(world), world.temperature());
    let mut g = vec![0; 256];
    let len = sender
        .seal_response(&resource, CONTENT, TOKEN, b"21.5 C", &mut g)
        .unwrap();
    g.truncate(len);
    let mut s = vec![0; 256];
    let claims = Claims {
        iat: NOW,
        exp: Some(NOW.saturating_add(60)),
    };
    let len = sender
        .seal_signed(&resource, claims, b"21.5 C", &rs_key(), &mut s)
        .unwrap();
    s.truncate(len);
    [g, s]
}

/// Opens at both positions and checks at a proxy; every refusal must leave state and output clean.
fn offer(world: &mut World, object: &[u8]) -> [Result<usize, Error>; 3] {
    let (resource, fresh) = (world.temperature(), Exchange::new(TOKEN).unwrap());
    let (mut exchange, mut stored, mut out) = (fresh.clone(), StoredState::new(), [0xee; 2048]);
    let freshness = Freshness::OrSigned {
        stored: &mut stored,
        now: NOW,
    };
    let direct = world.receiver().open_response(
        object,
        &resource,
        CONTENT,
        &mut exchange,
        freshness,
        &mut out,
    );
    if direct.is_err() {
        assert_eq!((&exchange, &stored), (&fresh, &StoredState::new()));
        assert!(out.iter().all(|byte| matches!(byte, 0 | 0xee)));
    }
    let (mut stored, mut out) = (StoredState::new(), [0xee; 2048]);
    let cached = world
        .receiver()
        .open_stored(object, &resource, &mut stored, NOW, &mut out);
    if cached.is_err() {
        assert_eq!(stored, StoredState::new());
        assert!(out.iter().all(|byte| matches!(byte, 0 | 0xee)));
    }
    let proxy = ProxyCheck {
        gid: Some(world.group.gid),
        suite: world.group.suite,
        sid_len: world.group.sid_len,
        directory: world.directory.as_slice(),
        policy: world.policy,
    };
    let checked = proxy.check(object, &resource, Purpose::Representation, NOW, None);
    [
        direct.map(|opened| opened.len),
        cached.map(|opened| opened.len),
        checked.map(|_| 0),
    ]
}

#[test]
fn every_truncation_is_truncated() {
    let mut world = World::new();
    for object in objects(&world) {
        for cut in 0..object.len() {
            assert_eq!(
                offer(&mut world, &object[..cut]),
                [Err(Error::Truncated); 3],
                "cut at {cut}"
            );
        }
        let longer = [&object[..], &[0]].concat();
        assert_eq!(offer(&mut world, &longer), [Err(Error::Trailing); 3]);
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut world = World::new();
    let [g, s] = objects(&world);
    assert_eq!(
        offer(&mut world, &g),
        [Ok(6), Err(Error::SigRequired), Err(Error::SigRequired)]
    );
    assert_eq!(offer(&mut world, &s), [Ok(6), Ok(6), Ok(0)]);
    for object in [g, s] {
        for bit in 0..object.len() * 8 {
            let mut flipped = object.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            for (at, result) in offer(&mut world, &flipped).into_iter().enumerate() {
                assert!(result.is_err(), "bit {bit} at position {at}");
            }
        }
    }
}

#[test]
fn a_buffer_one_byte_short_gets_nothing_and_changes_nothing() {
    let mut world = World::new();
    let [g, s] = objects(&world);
    let (resource, fresh) = (world.temperature(), Exchange::new(TOKEN).unwrap());
    let mut exchange = fresh.clone();
    let mut short = [0xee; 5];
    let result = world.receiver().open_response(
        &g,
        &resource,
        CONTENT,
        &mut exchange,
        Freshness::Demanded,
        &mut short,
    );
    assert_eq!(
        (result, short),
        (Err(Error::Buffer { needed: 6 }), [0xee; 5])
    );
    assert_eq!(exchange, fresh);
    let mut stored = StoredState::new();
    let result = world
        .receiver()
        .open_stored(&s, &resource, &mut stored, NOW, &mut short);
    assert_eq!(
        (result, short),
        (Err(Error::Buffer { needed: 6 }), [0xee; 5])
    );
    assert_eq!(stored, StoredState::new());
}

#[test]
fn the_object_limit_is_configurable_up_to_what_the_cipher_carries() {
    let mut world = World::new();
    let (mut sender, resource) = (sender(&world), world.temperature());
    let plaintext = vec![0x5a; 65_000];
    let mut object = vec![0; 70_000];
    let seal = |sender: &mut Sender, object: &mut [u8]| {
        sender.seal_response(&resource, CONTENT, TOKEN, &plaintext[..], object)
    };
    assert_eq!(seal(&mut sender, &mut object), Err(Error::Size));
    sender.set_max_object(usize::MAX);
    let len = seal(&mut sender, &mut object).unwrap();
    let mut exchange = Exchange::new(TOKEN).unwrap();
    let mut out = vec![0; 65_000];
    let mut open = |world: &mut World| {
        world
            .receiver()
            .open_response(
                &object[..len],
                &resource,
                CONTENT,
                &mut exchange,
                Freshness::Demanded,
                &mut out,
            )
            .map(|opened| opened.len)
    };
    assert_eq!(open(&mut world), Err(Error::Size));
    world.policy.max_object = usize::MAX;
    assert_eq!(open(&mut world), Ok(65_000));
    assert_eq!(out, plaintext);
    let too_long = vec![0; 65_535];
    let result = sender.seal_response(
        &resource,
        CONTENT,
        TOKEN,
        &too_long[..],
        &mut vec![0; 70_000],
    );
    assert_eq!(result, Err(Error::Size));
}

prop_compose! {
    fn uri()(path in prop::collection::vec("[a-zä0-9]{1,12}", 0..=8), query in prop::collection::vec("[a-z=]{0,12}", 0..=4))
        -> (Vec<String>, Vec<String>) { (path, query) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_opens(
        (path, query) in uri(),
        plaintext in prop::collection::vec(any::<u8>(), 0..300),
        content_format: Option<u16>,
        token in prop::collection::vec(any::<u8>(), 4..=8),
        code: u8,
        long_tag: bool,
        exp in prop::option::of(1u64..1 << 20),
    ) {
        let mut world = World::new();
        if long_tag {
            world.group.suite.aead = AeadAlg::AesCcm16_128_128;
        }
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let query: Vec<&str> = query.iter().map(String::as_str).collect();
        let resource = ResourceId::new(world.rs, &path, &query);
        prop_assume!(resource.is_ok());
        let resource = resource.unwrap();
        let (mut sender, mut object, mut out) = (sender(&world), [0; 512], [0; 300]);
        let content = Plaintext { content_format, bytes: (&plaintext).into() };

        let len = sender.seal_response(&resource, code, &token, content, &mut object).unwrap();
        let mut exchange = Exchange::new(&token).unwrap();
        let opened = world.receiver()
            .open_response(&object[..len], &resource, code, &mut exchange, Freshness::Demanded, &mut out).unwrap();
        prop_assert_eq!((&out[..opened.len], opened.content_format), (&plaintext[..], content_format));

        let claims = Claims { iat: NOW, exp: exp.map(|s| NOW.saturating_add(s)) };
        let len = sender.seal_signed(&resource, claims, content, &rs_key(), &mut object).unwrap();
        let opened = world.receiver()
            .open_stored(&object[..len], &resource, &mut StoredState::new(), NOW, &mut out).unwrap();
        prop_assert_eq!((&out[..opened.len], opened.claims), (&plaintext[..], Some(claims)));
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut world = World::new();
        for result in offer(&mut world, &bytes) {
            prop_assert!(result.is_err());
        }
    }

    #[test]
    fn edited_objects_are_refused(
        which in 0usize..2,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6),
    ) {
        let mut world = World::new();
        let original = objects(&world)[which].clone();
        let mut edited = original.clone();
        for (at, byte, kind) in edits {
            let at = at.index(edited.len());
            match kind {
                0 => edited[at] = byte,
                1 => edited.insert(at, byte),
                _ if edited.len() > 1 => { edited.remove(at); }
                _ => {}
            }
        }
        prop_assume!(edited != original);
        for result in offer(&mut world, &edited) {
            prop_assert!(result.is_err());
        }
    }
}
