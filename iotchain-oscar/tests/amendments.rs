//! The amendments and clarifications of spec 8 that concern modes G and S, one test each.

mod world;

use iotchain_core::{Error, GroupKey, Result, UnixTime};
use iotchain_oscar::{
    Boot, Commands, Exchange, Freshness, Opened, ProxyCheck, Purpose, ResourceId, Sender,
    StoredState,
};
use world::forge::Forged;
use world::{CONTENT, NOW, SEVEN, World, client_key, rs_key, sid};

const TOKEN: &[u8; 8] = b"unguess.";
const T: u64 = NOW.get();

fn producer(world: &World, salt: &[u8]) -> Sender {
    let boot = Boot::assigned(salt).unwrap();
    let mut sender = Sender::new(world.group, sid(&[0x80, 0]), boot, UnixTime::new(0)).unwrap();
    sender.enter(SEVEN, &GroupKey::new([7; 16])).unwrap();
    sender
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::new(seconds)
}

fn open_stored(world: &mut World, object: &[u8], stored: &mut StoredState) -> Result<Opened> {
    let (resource, now) = (world.temperature(), world.now);
    world
        .receiver()
        .open_stored(object, &resource, stored, now, &mut [0; 64])
}

fn open_command<const N: usize>(
    world: &mut World,
    object: &[u8],
    commands: &mut Commands<N>,
) -> Result<Opened> {
    let (resource, now) = (world.temperature(), world.now);
    world
        .receiver()
        .open_command(object, &resource, commands, now, &mut [0; 64])
}

fn proxy(
    world: &World,
) -> ProxyCheck<
    '_,
    [(
        iotchain_core::Sid,
        iotchain_core::Address,
        iotchain_core::PublicKey,
    )],
> {
    ProxyCheck {
        gid: Some(world.group.gid),
        suite: world.group.suite,
        sid_len: 2,
        directory: world.directory.as_slice(),
        policy: world.policy,
    }
}

/// A command of the client that may POST and PUT.
fn command(piv: u32) -> Forged<'static> {
    Forged {
        sid: &[0x07, 0x2a],
        piv,
        exp: Some(T + 30),
        ..Forged::of(T)
    }
}

#[test]
fn a2_a_sid_that_left_the_directory_is_refused() {
    let mut world = World::new();
    let mut commands = Commands::<4>::new(at(0));
    let before = command(1).seal(&world, &client_key());
    assert!(open_command(&mut world, &before, &mut commands).is_ok());
    world
        .directory
        .retain(|(known, ..)| *known != sid(&[0x07, 0x2a]));
    let after = command(2).seal(&world, &client_key());
    assert_eq!(
        open_command(&mut world, &after, &mut commands),
        Err(Error::Signer)
    );
}

#[test]
fn a3_a_command_is_carried_out_once_even_after_a_reboot() {
    let mut world = World::new();
    let object = command(1).seal(&world, &client_key());
    let mut commands = Commands::<4>::new(at(T - 100));
    assert!(open_command(&mut world, &object, &mut commands).is_ok());
    let before = commands.clone();
    assert_eq!(
        open_command(&mut world, &object, &mut commands),
        Err(Error::Replay)
    );
    let resigned = Forged {
        plaintext: b"other",
        ..command(1)
    }
    .seal(&world, &client_key());
    assert_eq!(
        open_command(&mut world, &resigned, &mut commands),
        Err(Error::Replay)
    );
    assert_eq!(commands, before);
    // the memory is lost: what was signed up to the boot may have been carried out
    assert_eq!(
        open_command(&mut world, &object, &mut Commands::<4>::new(NOW)),
        Err(Error::Replay)
    );
    assert!(open_command(&mut world, &object, &mut Commands::<4>::new(at(T - 1))).is_ok());
}

#[test]
fn a3_a_command_needs_a_right_a_live_session_and_an_end() {
    let mut world = World::new();
    let mut commands = Commands::<4>::new(at(0));
    let reader = Forged {
        sid: &[0x01, 0x2b],
        ..command(1)
    }
    .seal(&world, &client_key());
    assert_eq!(
        open_command(&mut world, &reader, &mut commands),
        Err(Error::Forbidden)
    );
    let endless = Forged {
        exp: None,
        ..command(1)
    }
    .seal(&world, &client_key());
    assert_eq!(
        open_command(&mut world, &endless, &mut commands),
        Err(Error::Header)
    );
    world.held.expired = vec![6];
    let late = Forged {
        session: 6,
        ..command(1)
    }
    .seal(&world, &client_key());
    assert_eq!(
        open_command(&mut world, &late, &mut commands),
        Err(Error::SessionExpired)
    );
    assert_eq!(commands, Commands::new(at(0)));
}

#[test]
fn a3_memory_of_commands_is_bounded_and_freed_by_their_end() {
    let mut world = World::new();
    let mut commands = Commands::<2>::new(at(0));
    for piv in [1, 2] {
        let object = command(piv).seal(&world, &client_key());
        assert!(open_command(&mut world, &object, &mut commands).is_ok());
    }
    let third = Forged {
        exp: Some(T + 90),
        ..command(3)
    }
    .seal(&world, &client_key());
    assert_eq!(
        open_command(&mut world, &third, &mut commands),
        Err(Error::Capacity)
    );
    world.now = at(T + 30);
    assert!(open_command(&mut world, &third, &mut commands).is_ok());
    let first = command(1).seal(&world, &client_key());
    assert_eq!(
        open_command(&mut world, &first, &mut commands),
        Err(Error::Stale)
    );
}

#[test]
fn a4_a_representation_is_signed_by_its_server_and_a_command_by_a_client() {
    let mut world = World::new();
    let (from_client, from_server) = (
        command(1).seal(&world, &client_key()),
        Forged {
            exp: Some(T + 30),
            ..Forged::of(T)
        }
        .seal(&world, &rs_key()),
    );
    let mut stored = StoredState::new();
    assert_eq!(
        open_stored(&mut world, &from_client, &mut stored),
        Err(Error::Signer)
    );
    assert_eq!(
        open_command(&mut world, &from_server, &mut Commands::<1>::new(at(0))),
        Err(Error::Signer)
    );
    let (proxy, temperature) = (proxy(&world), world.temperature());
    assert_eq!(
        proxy.check(
            &from_client,
            &temperature,
            Purpose::Representation,
            NOW,
            None
        ),
        Err(Error::Signer)
    );
    assert_eq!(
        proxy.check(&from_server, &temperature, Purpose::Command, NOW, None),
        Err(Error::Signer)
    );
    assert!(
        proxy
            .check(&from_client, &temperature, Purpose::Command, NOW, None)
            .is_ok()
    );
    // even a client whose credential names this server: the producer bit decides
    world.directory[1].1 = world.rs;
    assert_eq!(
        open_stored(&mut world, &from_client, &mut stored),
        Err(Error::Signer)
    );
    // and a producer of another server
    world.directory[0].1 = world::CLIENT;
    assert_eq!(
        open_stored(&mut world, &from_server, &mut stored),
        Err(Error::Signer)
    );
    assert_eq!(stored, StoredState::new());
}

#[test]
fn a4_a_caller_that_demands_freshness_refuses_signed_objects() {
    let mut world = World::new();
    let object = Forged::of(T).seal(&world, &rs_key());
    let (resource, mut exchange, mut out) =
        (world.temperature(), Exchange::new(TOKEN).unwrap(), [0; 64]);
    let mut open = |freshness: Freshness<'_>, code: u8| {
        world
            .receiver()
            .open_response(&object, &resource, code, &mut exchange, freshness, &mut out)
    };
    assert_eq!(open(Freshness::Demanded, CONTENT), Err(Error::Mode));
    let mut stored = StoredState::new();
    assert!(
        open(
            Freshness::OrSigned {
                stored: &mut stored,
                now: NOW
            },
            CONTENT
        )
        .is_ok()
    );
    assert_eq!(stored.iat(), Some(NOW));
}

#[test]
fn a5_live_objects_end_with_their_session_and_stored_ones_do_not() {
    let mut world = World::new();
    let (mut sender, resource, mut object) =
        (producer(&world, &[1]), world.temperature(), [0; 256]);
    let len = sender
        .seal_response(&resource, CONTENT, TOKEN, b"21.5", &mut object)
        .unwrap();
    let signed = Forged::of(T).seal(&world, &rs_key());
    world.held.expired = vec![7];
    let mut exchange = Exchange::new(TOKEN).unwrap();
    let result = world.receiver().open_response(
        &object[..len],
        &resource,
        CONTENT,
        &mut exchange,
        Freshness::Demanded,
        &mut [0; 64],
    );
    assert_eq!(result, Err(Error::SessionExpired));
    assert!(open_stored(&mut world, &signed, &mut StoredState::new()).is_ok());
}

#[test]
fn a11_objects_of_one_instant_are_ordered_by_session_and_piv() {
    let mut world = World::new();
    let seal = |world: &World, session, piv, plaintext| {
        Forged {
            session,
            piv,
            plaintext,
            ..Forged::of(T)
        }
        .seal(world, &rs_key())
    };
    let mut stored = StoredState::new();
    let first = seal(&world, 6, 9, b"a");
    assert!(open_stored(&mut world, &first, &mut stored).is_ok());
    assert!(
        open_stored(&mut world, &first, &mut stored).is_ok(),
        "the same bytes again"
    );
    let twin = seal(&world, 6, 9, b"b");
    assert_eq!(
        open_stored(&mut world, &twin, &mut stored),
        Err(Error::Equivocation)
    );
    let lower = seal(&world, 6, 8, b"c");
    assert_eq!(
        open_stored(&mut world, &lower, &mut stored),
        Err(Error::Rollback)
    );
    // the same kid and PIV in the next session is neither: PIVs restart
    let next = seal(&world, 7, 9, b"d");
    assert!(open_stored(&mut world, &next, &mut stored).is_ok());
    let back = seal(&world, 6, 200, b"e");
    assert_eq!(
        open_stored(&mut world, &back, &mut stored),
        Err(Error::Rollback)
    );
    let lower_piv_later_session = seal(&world, 7, 10, b"f");
    assert!(open_stored(&mut world, &lower_piv_later_session, &mut stored).is_ok());
    let other_kid = Forged {
        salt: &[1],
        session: 7,
        piv: 99,
        ..Forged::of(T)
    }
    .seal(&world, &rs_key());
    assert_eq!(
        open_stored(&mut world, &other_kid, &mut stored),
        Err(Error::Rollback)
    );
}

#[test]
fn a11_equivocation_compares_the_group_too() {
    let mut world = World::new();
    let object = Forged {
        plaintext: b"a",
        ..Forged::of(T)
    }
    .seal(&world, &rs_key());
    let mut stored = StoredState::new();
    open_stored(&mut world, &object, &mut stored).unwrap();
    // the key server opened a new gid; by chance the same kid, session, PIV and instant come again
    world.group.gid = iotchain_core::Gid::new([0xa2; 4]);
    let successor = Forged {
        plaintext: b"b",
        ..Forged::of(T)
    }
    .seal(&world, &rs_key());
    assert_eq!(
        open_stored(&mut world, &successor, &mut stored),
        Err(Error::Rollback)
    );
}

/// 2^16 forgeries on one sid, every one under another made-up salt (spec 6.4, 20).
#[test]
fn a18_forgeries_on_one_sender_leave_the_others_alone() {
    let mut world = World::new();
    let (resource, mut object) = (world.temperature(), [0; 256]);
    let (mut victim, mut out) = (producer(&world, &[1, 2, 3, 4, 5, 6, 7, 8]), [0; 64]);
    let len = victim
        .seal_response(&resource, CONTENT, TOKEN, b"21.5", &mut object)
        .unwrap();
    let genuine = object[..len].to_vec();
    let salt_at = genuine
        .windows(8)
        .position(|w| w == [1, 2, 3, 4, 5, 6, 7, 8])
        .unwrap();
    let mut exchange = Exchange::new(TOKEN).unwrap();
    let mut open = |world: &mut World, object: &[u8]| {
        world.receiver().open_response(
            object,
            &resource,
            CONTENT,
            &mut exchange,
            Freshness::Demanded,
            &mut out,
        )
    };
    let mut forged = genuine.clone();
    for n in 0..1u64 << 16 {
        forged[salt_at..salt_at + 8].copy_from_slice(&(n + 9).to_be_bytes());
        assert_eq!(open(&mut world, &forged), Err(Error::Aead));
    }
    assert_eq!(open(&mut world, &genuine), Err(Error::ForgeryLimit));

    let mut other = Sender::new(
        world.group,
        sid(&[0x80, 1]),
        Boot::assigned(&[1]).unwrap(),
        at(0),
    )
    .unwrap();
    other.enter(SEVEN, &GroupKey::new([7; 16])).unwrap();
    let len = other
        .seal_response(&resource, CONTENT, TOKEN, b"21.5", &mut object)
        .unwrap();
    assert!(open(&mut world, &object[..len]).is_ok(), "another sender");
}

#[test]
fn c10_time_boundaries() {
    let mut world = World::new();
    let skew = world.policy.skew;
    let mut verdict = |iat: u64, exp: Option<u64>| {
        let object = Forged {
            iat,
            exp,
            ..Forged::of(T)
        }
        .seal(&world, &rs_key());
        let opened = open_stored(&mut world, &object, &mut StoredState::new()).map(|_| ());
        let checked = proxy(&world).check(
            &object,
            &world.temperature(),
            Purpose::Representation,
            NOW,
            None,
        );
        (opened, checked.map(|_| ()))
    };
    let both = |result: Result<()>| (result, result);
    assert_eq!(verdict(T + skew, None), both(Ok(())));
    assert_eq!(verdict(T + skew + 1, None), both(Err(Error::Stale)));
    assert_eq!(verdict(T - 5, Some(T + 1)), both(Ok(())));
    assert_eq!(verdict(T - 5, Some(T)), both(Err(Error::Stale)));
    assert_eq!(verdict(1 << 40, None), both(Err(Error::Type)));
    assert_eq!(verdict(T, Some(1 << 40)), both(Err(Error::Type)));
    assert_eq!(verdict(T, Some((1 << 40) - 1)), both(Ok(())));
    // the first object of a resource must not be older than the policy; a proxy has no such rule
    let day = 24 * 60 * 60;
    assert_eq!(verdict(T - day, None), both(Ok(())));
    assert_eq!(verdict(T - day - 1, None), (Err(Error::Stale), Ok(())));
}

#[test]
fn c10_a_proxy_replaces_only_by_something_later() {
    let world = World::new();
    let object = Forged::of(T).seal(&world, &rs_key());
    let check = |stored| {
        proxy(&world).check(
            &object,
            &world.temperature(),
            Purpose::Representation,
            NOW,
            stored,
        )
    };
    assert!(check(Some(at(T - 1))).is_ok());
    assert_eq!(check(Some(NOW)), Err(Error::Rollback));
}

#[test]
fn c10_shapes_are_checked_by_receivers_and_proxies() {
    let mut world = World::new();
    let mut verdict = |forged: &Forged<'_>| {
        let object = forged.seal(&world, &rs_key());
        let opened = open_stored(&mut world, &object, &mut StoredState::new());
        let checked = proxy(&world).check(
            &object,
            &world.temperature(),
            Purpose::Representation,
            NOW,
            None,
        );
        assert_eq!(opened.err(), checked.err());
        opened.err()
    };
    let plain = Forged::of(T);
    assert_eq!(verdict(&plain), None);
    assert_eq!(
        verdict(&Forged {
            salt: &[0],
            ..plain.clone()
        }),
        Some(Error::Kid)
    );
    assert_eq!(
        verdict(&Forged {
            salt: &[0, 1],
            ..plain.clone()
        }),
        Some(Error::Kid)
    );
    assert_eq!(
        verdict(&Forged {
            salt: &[1; 5],
            ..plain.clone()
        }),
        Some(Error::Kid)
    );
    assert_eq!(
        verdict(&Forged {
            salt: &[0; 8],
            ..plain.clone()
        }),
        None
    );
    assert_eq!(
        verdict(&Forged {
            alg: 30,
            ..plain.clone()
        }),
        Some(Error::Alg)
    );
    assert_eq!(
        verdict(&Forged {
            content_format: Some(65_535),
            ..plain.clone()
        }),
        None
    );
    assert_eq!(
        verdict(&Forged {
            content_format: Some(65_536),
            ..plain.clone()
        }),
        Some(Error::Type)
    );
    assert_eq!(
        verdict(&Forged {
            session: 0,
            ..plain.clone()
        }),
        Some(Error::Header)
    );
    assert_eq!(
        verdict(&Forged {
            padding: Some(10),
            ..plain.clone()
        }),
        Some(Error::Header)
    );
    assert_eq!(
        verdict(&Forged {
            padding: Some(64),
            ..plain
        }),
        Some(Error::Size)
    );
}

#[test]
fn c10_a_proxy_checks_the_gid_where_it_is_configured() {
    let mut world = World::new();
    let object = Forged::of(T).seal(&world, &rs_key());
    world.group.gid = iotchain_core::Gid::new([9; 4]);
    let other = proxy(&world);
    let temperature = world.temperature();
    assert_eq!(
        other.check(&object, &temperature, Purpose::Representation, NOW, None),
        Err(Error::Group)
    );
    let any = ProxyCheck { gid: None, ..other };
    let verified = any
        .check(&object, &temperature, Purpose::Representation, NOW, None)
        .unwrap();
    assert_eq!(verified.session, SEVEN);
}

#[test]
fn c11_a_signed_object_has_neither_code_nor_bind_even_as_a_direct_response() {
    let mut world = World::new();
    let object = Forged::of(T).seal(&world, &rs_key());
    let resource = world.temperature();
    for (code, token) in [(CONTENT, &b"one token"[..8]), (0, b"two."), (67, b"three3")] {
        let mut stored = StoredState::new();
        let freshness = Freshness::OrSigned {
            stored: &mut stored,
            now: NOW,
        };
        let mut exchange = Exchange::new(token).unwrap();
        let opened = world.receiver().open_response(
            &object,
            &resource,
            code,
            &mut exchange,
            freshness,
            &mut [0; 64],
        );
        assert!(opened.is_ok());
        assert_eq!(
            exchange,
            Exchange::new(token).unwrap(),
            "no part of the observation"
        );
    }
}

#[test]
fn c12_one_token_is_one_observation() {
    let mut world = World::new();
    let (mut sender, resource) = (producer(&world, &[1]), world.temperature());
    let mut notifications = vec![];
    for _ in 0..3 {
        let mut object = vec![0; 128];
        let len = sender
            .seal_response(&resource, CONTENT, TOKEN, b"21.5", &mut object)
            .unwrap();
        object.truncate(len);
        notifications.push(object);
    }
    let mut exchange = Exchange::new(TOKEN).unwrap();
    let mut open = |exchange: &mut Exchange, object: &[u8]| {
        let receiver = &mut world.receiver();
        receiver
            .open_response(
                object,
                &resource,
                CONTENT,
                exchange,
                Freshness::Demanded,
                &mut [0; 64],
            )
            .map(|o| o.piv.get())
    };
    assert_eq!(open(&mut exchange, &notifications[1]), Ok(1));
    let before = exchange.clone();
    assert_eq!(open(&mut exchange, &notifications[1]), Err(Error::Replay));
    assert_eq!(open(&mut exchange, &notifications[0]), Err(Error::Replay));
    assert_eq!(exchange, before);
    assert_eq!(open(&mut exchange, &notifications[2]), Ok(2));
    assert_eq!(
        open(&mut Exchange::new(TOKEN).unwrap(), &notifications[0]),
        Ok(0),
        "another request"
    );
    assert_eq!(Exchange::new(b"123"), Err(Error::Binding));
    assert_eq!(Exchange::new(b"123456789"), Err(Error::Binding));
}

#[test]
fn stored_state_survives_a_reboot() {
    let mut world = World::new();
    let object = Forged::of(T).seal(&world, &rs_key());
    let mut stored = StoredState::new();
    let mut flash = [0; StoredState::MAX_LEN];
    let empty = stored.export(&mut flash).unwrap();
    assert_eq!(
        StoredState::import(&flash[..empty], 2),
        Ok(StoredState::new())
    );
    open_stored(&mut world, &object, &mut stored).unwrap();
    let len = stored.export(&mut flash).unwrap();
    let mut restored = StoredState::import(&flash[..len], 2).unwrap();
    assert_eq!(restored, stored);
    let older = Forged {
        iat: T - 1,
        piv: 5,
        ..Forged::of(T)
    }
    .seal(&world, &rs_key());
    assert_eq!(
        open_stored(&mut world, &older, &mut restored),
        Err(Error::Rollback)
    );
    for cut in 0..len {
        assert_eq!(StoredState::import(&flash[..cut], 2), Err(Error::Truncated));
    }
    assert_eq!(
        stored.export(&mut flash[..len - 1]),
        Err(Error::Buffer { needed: len })
    );
}

#[test]
fn the_path_of_another_resource_opens_nothing() {
    let mut world = World::new();
    let object = Forged::of(T).seal(&world, &rs_key());
    let humidity = ResourceId::new(world.rs, &["hum"], &[]).unwrap();
    let mut stored = StoredState::new();
    let result = world
        .receiver()
        .open_stored(&object, &humidity, &mut stored, NOW, &mut [0; 64]);
    assert_eq!(result, Err(Error::Aead));
    assert_eq!(stored, StoredState::new());
}

#[test]
fn two_objects_under_one_number_are_evidence_against_their_sender() {
    let world = World::new();
    let (resource, representation) = (world.temperature(), Purpose::Representation);
    let of = |piv, plaintext| Forged {
        piv,
        plaintext,
        ..Forged::of(T)
    };
    let [first, second, next] = [of(1, b"21.5"), of(1, b"99.9"), of(2, b"21.5")]
        .map(|object| object.seal(&world, &rs_key()));
    let judge =
        |objects: [&[u8]; 2]| proxy(&world).contradiction(objects, &resource, representation);

    let evidence = judge([&first, &second]).unwrap().unwrap();
    assert_eq!((evidence.session, evidence.piv.get()), (SEVEN, 1));
    assert_eq!(evidence.kid.as_bytes(), [0x80, 0]);
    // the receiver that saw the first one says so too
    let (mut member, mut stored) = (World::new(), StoredState::new());
    assert!(open_stored(&mut member, &first, &mut stored).is_ok());
    let refused = open_stored(&mut member, &second, &mut stored);
    assert_eq!(refused, Err(Error::Equivocation));

    assert_eq!(judge([&first, &first]), Ok(None));
    assert_eq!(judge([&first, &next]), Ok(None));
    // made-up evidence is none
    let forged = of(1, b"99.9").seal(&world, &client_key());
    assert_eq!(judge([&first, &forged]), Err(Error::Sig));
    let mut altered = first.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(judge([&first, &altered]), Err(Error::Sig));
    assert_eq!(judge([&first[1..], &first]), Err(Error::Trailing));
}

#[test]
fn a_verifier_of_the_platform_can_stand_in() {
    /// Counts, and refuses everything.
    struct Element<'a>(&'a World, std::cell::Cell<u32>);

    impl iotchain_core::sign::Verifier for Element<'_> {
        fn verify(
            &self,
            _: &iotchain_core::PublicKey,
            _: &[&[u8]],
            _: &iotchain_core::Signature,
        ) -> Result<()> {
            self.1.set(self.1.get() + 1);
            Err(Error::Sig)
        }
    }

    impl iotchain_oscar::Directory for Element<'_> {
        fn credential(&self, sid: &iotchain_core::Sid) -> Option<iotchain_oscar::Credential<'_>> {
            self.0.directory.as_slice().credential(sid)
        }

        fn verifier(&self) -> &dyn iotchain_core::sign::Verifier {
            self
        }
    }

    let world = World::new();
    let object = Forged::of(T).seal(&world, &rs_key());
    let element = Element(&world, std::cell::Cell::new(0));
    let check = ProxyCheck {
        gid: Some(world.group.gid),
        suite: world.group.suite,
        sid_len: 2,
        directory: &element,
        policy: world.policy,
    };
    let resource = world.temperature();
    let result = check.check(&object, &resource, Purpose::Representation, world.now, None);
    assert_eq!((result, element.1.get()), (Err(Error::Sig), 1));
}
