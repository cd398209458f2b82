//! Nonces never repeat, whatever happens to power and flash (spec 2.4; 6.4, 1 and 2).

mod world;

use iotchain_core::cbor::Reader;
use iotchain_core::{Error, GroupKey, Piv, Session, UnixTime};
use iotchain_oscar::{
    Boot, BootCounter, Checkpoint, Claims, Exchange, Reserve, Sender, StoredState,
};
use std::collections::HashSet;
use world::{CONTENT, NOW, SEVEN, Seeded, World, rs_key, sid};

const TOKEN: &[u8; 8] = b"unguess.";
const START: UnixTime = UnixTime::new(0);

fn boot(world: &World, boot: Boot) -> Sender {
    Sender::new(world.group, sid(&[0x80, 0]), boot, START).unwrap()
}

fn enter(sender: &mut Sender, session: Session) -> Result<(), Error> {
    sender.enter(session, &GroupKey::new([7; 16]))
}

/// The protected header of a fresh G object: it holds kid, PIV and session, so it must never come twice.
fn header(world: &World, sender: &mut Sender) -> Result<Vec<u8>, Error> {
    let mut object = [0; 128];
    let len = sender.seal_response(&world.temperature(), CONTENT, TOKEN, b"x", &mut object)?;
    let mut reader = Reader::new(&object[..len]);
    reader.array().unwrap();
    Ok(reader.bytes().unwrap().to_vec())
}

#[test]
fn a_thousand_boots_with_random_salts_repeat_nothing() {
    let world = World::new();
    let mut seen = HashSet::new();
    for n in 0..1000 {
        let mut sender = boot(&world, Boot::random(&mut Seeded::new(n)).unwrap());
        enter(&mut sender, SEVEN).unwrap();
        for _ in 0..3 {
            assert!(seen.insert(header(&world, &mut sender).unwrap()));
        }
    }
    assert_eq!(seen.len(), 3000);
}

/// Flash that takes only some writes, and power that fails at any point.
#[test]
fn a_boot_counter_jumps_over_lost_writes_and_repeats_nothing() {
    let world = World::new();
    let mut chance = Seeded::new(1);
    let mut flash = None;
    let mut seen = HashSet::new();
    let (mut lost, mut jumps, mut before) = (0, 0, 0);
    for _ in 0..1000 {
        let mut counter = BootCounter::after(flash).unwrap();
        let sealed = loop {
            if chance.one_in(3) {
                lost += 1;
            } else {
                flash = Some(counter.value());
            }
            if chance.one_in(5) {
                break None; // power fails between writing and using
            }
            let (value, read_back) = (counter.value(), flash.unwrap_or_default());
            if value == read_back {
                break Some((value, counter.written(read_back).unwrap()));
            }
            counter = counter.skip().unwrap();
        };
        if let Some((value, fresh)) = sealed {
            jumps += usize::from(value > before + 1);
            before = value;
            let mut sender = boot(&world, fresh);
            enter(&mut sender, SEVEN).unwrap();
            for _ in 0..3 {
                assert!(seen.insert(header(&world, &mut sender).unwrap()));
            }
        }
    }
    assert!(
        lost > 100 && jumps > 100,
        "the test must exercise losses: {lost}, {jumps}"
    );
}

#[test]
fn a_boot_counter_that_flash_did_not_take_is_refused() {
    assert_eq!(
        BootCounter::after(None).unwrap().value(),
        1,
        "counters start at 1"
    );
    assert_eq!(
        BootCounter::after(Some(5)).unwrap().written(5).err(),
        Some(Error::Kid)
    );
    assert_eq!(
        BootCounter::after(Some(u32::MAX)).err(),
        Some(Error::SeqExhausted)
    );
    let (mut sender, mut last) = (
        boot(
            &World::new(),
            BootCounter::after(Some(254)).unwrap().written(255).unwrap(),
        ),
        vec![],
    );
    enter(&mut sender, SEVEN).unwrap();
    last.extend_from_slice(sender.kid().as_bytes());
    assert_eq!(last, [0x80, 0, 255], "minimal big-endian");
}

/// K + F with writes that complete late or never, and sessions that change.
#[test]
fn a_persisted_piv_never_repeats() {
    let world = World::new();
    let reserve = Reserve {
        every: 4,
        pending: 3,
    };
    let mut chance = Seeded::new(2);
    let mut flash: Option<Checkpoint> = None;
    let mut seen = HashSet::new();
    let (mut session, mut refused) = (SEVEN, 0);
    for _ in 0..1000 {
        let mut sender = boot(&world, Boot::persisted(reserve, flash));
        for _ in 0..chance.below(30) {
            if chance.one_in(40) {
                session = session.next().unwrap();
            }
            enter(&mut sender, session).unwrap();
            if let Some(due) = sender.checkpoint_due()
                && chance.one_in(4)
            {
                flash = Some(due);
                if chance.one_in(8) {
                    break; // written, but power fails before anyone is told
                }
                sender.checkpoint_stored(due);
            }
            match header(&world, &mut sender) {
                Ok(header) => assert!(seen.insert(header), "repeated"),
                Err(error) => {
                    assert_eq!(error, Error::SeqExhausted);
                    refused += 1;
                }
            }
        }
    }
    assert!(
        seen.len() > 3000 && refused > 100,
        "{} sealed, {refused} refused",
        seen.len()
    );
}

#[test]
fn a_persisted_piv_goes_no_further_than_flash_allows() {
    let world = World::new();
    let mut sender = boot(
        &world,
        Boot::persisted(
            Reserve {
                every: 2,
                pending: 1,
            },
            None,
        ),
    );
    enter(&mut sender, SEVEN).unwrap();
    assert_eq!(
        header(&world, &mut sender),
        Err(Error::SeqExhausted),
        "nothing stored yet"
    );
    let first = sender.checkpoint_due().unwrap();
    assert_eq!(
        first,
        Checkpoint {
            session: SEVEN,
            piv: 0
        }
    );
    sender.checkpoint_stored(first);
    assert_eq!(sender.checkpoint_due(), None);
    for _ in 0..3 {
        header(&world, &mut sender).unwrap();
    }
    assert_eq!(header(&world, &mut sender), Err(Error::SeqExhausted));
    sender.checkpoint_stored(first);
    assert_eq!(
        header(&world, &mut sender),
        Err(Error::SeqExhausted),
        "an old checkpoint gives nothing"
    );
    sender.checkpoint_stored(sender.checkpoint_due().unwrap());
    sender.checkpoint_stored(first);
    assert!(
        header(&world, &mut sender).is_ok(),
        "and takes nothing back"
    );
}

#[test]
fn sessions_only_go_forward_and_restart_the_piv() {
    let mut world = World::new();
    world.held.keys.insert(8, [7; 16]);
    let mut sender = boot(&world, Boot::assigned(&[1]).unwrap());
    assert_eq!(
        header(&world, &mut sender),
        Err(Error::Session),
        "before the session is learned"
    );
    assert_eq!(enter(&mut sender, Session::new(0)), Err(Error::Session));
    enter(&mut sender, SEVEN).unwrap();
    let mut all = HashSet::from([header(&world, &mut sender).unwrap()]);
    enter(&mut sender, SEVEN).unwrap();
    assert!(
        all.insert(header(&world, &mut sender).unwrap()),
        "entering again restarts nothing"
    );
    enter(&mut sender, Session::new(8)).unwrap();
    let mut object = [0; 128];
    let len = sender
        .seal_response(&world.temperature(), CONTENT, TOKEN, b"x", &mut object)
        .unwrap();
    let (resource, mut exchange) = (world.temperature(), Exchange::new(TOKEN).unwrap());
    let opened = world
        .receiver()
        .open_response(
            &object[..len],
            &resource,
            CONTENT,
            &mut exchange,
            iotchain_oscar::Freshness::Demanded,
            &mut [0; 8],
        )
        .unwrap();
    assert_eq!((opened.session, opened.piv), (Session::new(8), Piv::ZERO));
    assert_eq!(enter(&mut sender, SEVEN), Err(Error::SessionExpired));
    assert_eq!(sender.session(), Some(Session::new(8)));
    let reserve = Reserve {
        every: 1,
        pending: 0,
    };
    let last = Some(Checkpoint {
        session: Session::new(8),
        piv: 3,
    });
    let mut rebooted = boot(&world, Boot::persisted(reserve, last));
    assert_eq!(
        enter(&mut rebooted, SEVEN),
        Err(Error::SessionExpired),
        "flash knows a later one"
    );
}

#[test]
fn the_last_piv_ends_the_context() {
    let world = World::new();
    let last = Some(Checkpoint {
        session: SEVEN,
        piv: Piv::MAX.get() - 1,
    });
    let mut sender = boot(
        &world,
        Boot::persisted(
            Reserve {
                every: 1,
                pending: 0,
            },
            last,
        ),
    );
    enter(&mut sender, SEVEN).unwrap();
    sender.checkpoint_stored(sender.checkpoint_due().unwrap());
    assert!(header(&world, &mut sender).is_ok());
    if let Some(due) = sender.checkpoint_due() {
        sender.checkpoint_stored(due);
    }
    assert_eq!(header(&world, &mut sender), Err(Error::SeqExhausted));
    assert_eq!(
        Boot::assigned(&[]).err(),
        Some(Error::Kid),
        "an empty salt would repeat at the next boot"
    );
}

#[test]
fn failed_sealing_uses_up_no_piv_and_writes_nothing() {
    let world = World::new();
    let mut sender = boot(&world, Boot::assigned(&[1]).unwrap());
    enter(&mut sender, SEVEN).unwrap();
    let (resource, mut out) = (world.temperature(), [0xee; 64]);
    let mut seal = |sender: &mut Sender, token: &[u8], len: usize, room: usize| {
        let result = sender.seal_response(
            &resource,
            CONTENT,
            token,
            &vec![0; len][..],
            &mut out[..room],
        );
        if result.is_err() {
            assert_eq!(out, [0xee; 64]);
        }
        result
    };
    assert_eq!(seal(&mut sender, b"123", 4, 64), Err(Error::Binding));
    assert_eq!(seal(&mut sender, b"123456789", 4, 64), Err(Error::Binding));
    assert_eq!(seal(&mut sender, TOKEN, 2048, 64), Err(Error::Size));
    assert_eq!(
        seal(&mut sender, TOKEN, 4, 33),
        Err(Error::Buffer { needed: 34 })
    );
    assert_eq!(
        seal(&mut sender, TOKEN, 4, 34),
        Ok(34),
        "PIV 0 still has one byte and is the first"
    );
    let mut client = Sender::new(
        world.group,
        sid(&[7, 42]),
        Boot::assigned(&[1]).unwrap(),
        START,
    )
    .unwrap();
    enter(&mut client, SEVEN).unwrap();
    assert_eq!(
        header(&world, &mut client),
        Err(Error::Signer),
        "only producers answer"
    );
    let long = Sender::new(
        world.group,
        sid(&[0x80, 0, 1]),
        Boot::assigned(&[1]).unwrap(),
        START,
    );
    assert_eq!(long.err(), Some(Error::Kid));
}

/// One resource never gets the same `iat` under two kids, so no receiver sees a rollback after a reboot.
#[test]
fn the_first_iat_after_a_boot_is_later_than_the_boot() {
    let mut world = World::new();
    let (resource, key) = (world.temperature(), rs_key());
    let mut stored = StoredState::new();
    let group = world.group;
    let mut publish = |salt: u8, signed_until: UnixTime, iat: UnixTime| {
        let fresh = Boot::assigned(&[salt]).unwrap();
        let mut sender = Sender::new(world.group, sid(&[0x80, 0]), fresh, signed_until).unwrap();
        enter(&mut sender, SEVEN).unwrap();
        let mut object = [0; 256];
        let claims = Claims { iat, exp: None };
        let len = sender.seal_signed(&resource, claims, b"x", &key, &mut object)?;
        let back = Claims {
            iat: iat.saturating_sub(1),
            exp: None,
        };
        assert_eq!(
            sender.seal_signed(&resource, back, b"x", &key, &mut [0; 256]),
            Err(Error::Rollback)
        );
        world
            .receiver()
            .open_stored(&object[..len], &resource, &mut stored, NOW, &mut [0; 8])
    };
    let sealed_at_boot = {
        let fresh = Boot::assigned(&[2]).unwrap();
        let mut sender = Sender::new(group, sid(&[0x80, 0]), fresh, NOW).unwrap();
        enter(&mut sender, SEVEN).unwrap();
        let claims = Claims {
            iat: NOW,
            exp: None,
        };
        sender.seal_signed(&resource, claims, b"x", &key, &mut [0; 256])
    };
    assert_eq!(sealed_at_boot, Err(Error::Rollback), "the sender refuses");
    assert!(publish(1, START, NOW).is_ok());
    assert_eq!(
        publish(2, START, NOW),
        Err(Error::Rollback),
        "and so do receivers"
    );
    assert!(publish(2, NOW, NOW.saturating_add(1)).is_ok());
}

#[test]
fn signed_objects_are_refused_before_they_are_made() {
    let world = World::new();
    let mut sender = boot(&world, Boot::assigned(&[1]).unwrap());
    enter(&mut sender, SEVEN).unwrap();
    let mut client = Sender::new(
        world.group,
        sid(&[7, 42]),
        Boot::assigned(&[1]).unwrap(),
        START,
    )
    .unwrap();
    enter(&mut client, SEVEN).unwrap();
    let mut reader = Sender::new(
        world.group,
        sid(&[1, 43]),
        Boot::assigned(&[1]).unwrap(),
        START,
    )
    .unwrap();
    enter(&mut reader, SEVEN).unwrap();
    let seal = |sender: &mut Sender, iat: UnixTime, exp: Option<UnixTime>| {
        sender
            .seal_signed(
                &world.temperature(),
                Claims { iat, exp },
                b"x",
                &rs_key(),
                &mut [0; 256],
            )
            .map(|_| ())
    };
    let later = Some(NOW.saturating_add(1));
    assert_eq!(
        seal(&mut sender, UnixTime::new(1 << 40), None),
        Err(Error::Type)
    );
    assert_eq!(
        seal(&mut sender, NOW, Some(UnixTime::new(1 << 40))),
        Err(Error::Type)
    );
    assert_eq!(seal(&mut sender, NOW, Some(NOW)), Err(Error::Stale));
    assert_eq!(seal(&mut client, NOW, None), Err(Error::Header));
    assert_eq!(seal(&mut client, NOW, later), Ok(()));
    assert_eq!(seal(&mut reader, NOW, later), Err(Error::Forbidden));
    let foreign =
        iotchain_core::SigningKey::from_bytes(iotchain_core::SignAlg::Ed25519, &[1; 32]).unwrap();
    let claims = Claims {
        iat: NOW,
        exp: None,
    };
    let result = sender.seal_signed(&world.temperature(), claims, b"x", &foreign, &mut [0; 256]);
    assert_eq!(result, Err(Error::Alg));
}
