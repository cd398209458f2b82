//! A batch gives what its responses give one by one: outcomes, plaintexts, and what is remembered.

mod world;

use iotchain_core::{Error, GroupKey, Result, UnixTime};
use iotchain_oscar::{
    Boot, Claims, Exchange, Freshness, Opened, ResourceId, Response, Sender, StoredState,
};
use world::{CONTENT, NOW, SEVEN, Seeded, World, rs_key, sid};

const TOKEN: &[u8; 8] = b"unguess.";
/// Tag, length fields and header take less.
const ROOM: usize = 512;

/// An incoming response and everything its opening may change.
#[derive(Clone, Debug, PartialEq)]
struct Incoming {
    object: Vec<u8>,
    query: bool,
    code: u8,
    is_stored: bool,
    exchange: Exchange,
    stored: StoredState,
    out: Vec<u8>,
}

impl Incoming {
    fn of(object: Vec<u8>) -> Self {
        Self {
            object,
            query: false,
            code: CONTENT,
            is_stored: false,
            exchange: Exchange::new(TOKEN).unwrap(),
            stored: StoredState::new(),
            out: vec![0xee; 100],
        }
    }

    fn response<'a>(&'a mut self, resources: &'a [ResourceId<'a>; 2]) -> Response<'a> {
        Response {
            object: &self.object,
            resource: &resources[usize::from(self.query)],
            code: self.code,
            exchange: &mut self.exchange,
            freshness: match self.is_stored {
                true => Freshness::OrSigned {
                    stored: &mut self.stored,
                    now: NOW,
                },
                false => Freshness::Demanded,
            },
            out: &mut self.out,
        }
    }
}

fn sender(world: &World, index: u8) -> Sender {
    let boot = Boot::assigned(&[1]).unwrap();
    let sid = sid(&[0x80, index]);
    let mut sender = Sender::new(world.group, sid, boot, UnixTime::new(0)).unwrap();
    sender.enter(SEVEN, &GroupKey::new([7; 16])).unwrap();
    sender
}

/// Some are authentic, of several senders; some are forged, cut short, signed, bound to something else, already seen,
/// or too long for their buffer.
fn incoming(world: &World, senders: &mut [Sender], rng: &mut Seeded) -> Incoming {
    let temperature = world.temperature();
    let plain = vec![rng.below(256) as u8; rng.below(90) as usize];
    let sender = &mut senders[rng.below(6) as usize];
    let mut object = vec![0; ROOM];
    let is_signed = rng.below(12) == 0;
    let len = if is_signed {
        let claims = Claims {
            iat: NOW,
            exp: None,
        };
        sender.seal_signed(
            &temperature,
            claims,
            plain.as_slice(),
            &rs_key(),
            &mut object,
        )
    } else {
        sender.seal_response(&temperature, CONTENT, TOKEN, plain.as_slice(), &mut object)
    };
    object.truncate(len.unwrap());
    let mut incoming = Incoming::of(object);
    incoming.is_stored = is_signed && rng.below(2) == 0;
    match rng.below(12) {
        0 => *incoming.object.last_mut().unwrap() ^= 1,
        1 => {
            let bit = rng.below(incoming.object.len() as u32 * 8) as usize;
            incoming.object[bit / 8] ^= 1 << (bit % 8);
        }
        2 => incoming.object.truncate(rng.below(40) as usize),
        3 => incoming.out.truncate(rng.below(60) as usize),
        4 => incoming.code = 68,
        5 => incoming.query = true,
        6 => incoming.exchange = Exchange::new(b"another.").unwrap(),
        7 if !is_signed => {
            // an observation that has gone past it
            let resources = resources(world);
            let mut seen = World::new();
            let object = incoming.object.clone();
            let mut twin = Incoming::of(object);
            let Response {
                object,
                resource,
                code,
                freshness,
                out,
                ..
            } = twin.response(&resources);
            let exchange = &mut incoming.exchange;
            seen.receiver()
                .open_response(object, resource, code, exchange, freshness, out)
                .unwrap();
        }
        _ => {}
    }
    incoming
}

fn resources(world: &World) -> [ResourceId<'static>; 2] {
    let query = ResourceId::new(world.rs, &["temp"], &["unit=C"]).unwrap();
    [world.temperature(), query]
}

fn one_by_one(world: &mut World, queue: &mut [Incoming]) -> Vec<Result<Opened>> {
    let resources = resources(world);
    let open = |incoming: &mut Incoming| {
        let Response {
            object,
            resource,
            code,
            exchange,
            freshness,
            out,
        } = incoming.response(&resources);
        let mut receiver = world.receiver();
        receiver.open_response(object, resource, code, exchange, freshness, out)
    };
    queue.iter_mut().map(open).collect()
}

fn batch(world: &mut World, queue: &mut [Incoming]) -> Vec<Result<Opened>> {
    let resources = resources(world);
    let responses = queue
        .iter_mut()
        .map(|incoming| incoming.response(&resources));
    let mut results = Vec::new();
    let mut receiver = world.receiver();
    receiver.open_batch(responses, |opened| results.push(opened));
    results
}

/// Counters of forgeries and keys at hand, as far as they can be seen.
fn memory(world: &World) -> String {
    format!("{:?} {:?}", world.failures, world.keys)
}

#[test]
fn a_batch_gives_what_its_responses_give_one_by_one() {
    let mut failed = 0;
    let mut good = 0;
    for seed in 0..60 {
        let mut rng = Seeded::new(seed);
        let (mut alone, mut together) = (World::new(), World::new());
        let mut senders: Vec<_> = (0..6).map(|index| sender(&alone, index)).collect();
        for _ in 0..4 {
            let count = rng.below(16);
            let mut queue: Vec<_> = (0..count)
                .map(|_| incoming(&alone, &mut senders, &mut rng))
                .collect();
            let mut twin = queue.clone();
            let expected = one_by_one(&mut alone, &mut queue);
            assert_eq!(batch(&mut together, &mut twin), expected, "seed {seed}");
            assert_eq!(memory(&together), memory(&alone), "seed {seed}");
            for ((ours, theirs), result) in twin.iter().zip(&queue).zip(&expected) {
                assert_eq!(ours.exchange, theirs.exchange);
                assert_eq!(ours.stored, theirs.stored);
                match result {
                    Ok(opened) => assert_eq!(ours.out[..opened.len], theirs.out[..opened.len]),
                    Err(_) => assert!(ours.out.iter().all(|byte| matches!(byte, 0 | 0xee))),
                }
                *(if result.is_ok() {
                    &mut good
                } else {
                    &mut failed
                }) += 1;
            }
        }
    }
    assert!(good > 500 && failed > 300, "{good} {failed}");
}

#[test]
fn the_forgery_limit_is_reached_inside_a_pair() {
    let mut world = World::new();
    let mut sender = sender(&world, 0);
    let mut seal = |forged: bool| {
        let mut object = vec![0; ROOM];
        let temperature = world.temperature();
        let len = sender.seal_response(&temperature, CONTENT, TOKEN, b"21.5", &mut object);
        object.truncate(len.unwrap());
        *object.last_mut().unwrap() ^= u8::from(forged);
        Incoming::of(object)
    };
    let (good, forged) = (seal(false), seal(true));
    // the key is at hand, so that forged and authentic go through the cipher together
    assert!(batch(&mut world, &mut [good.clone()])[0].is_ok());
    let mut most: Vec<_> = vec![forged.clone(); 1 << 8];
    for round in 0..1 << 8 {
        let tries = if round == 255 { 255 } else { 256 };
        for result in batch(&mut world, &mut most[..tries]) {
            assert_eq!(result, Err(Error::Aead));
        }
    }
    let mut last = [forged, good];
    let results = batch(&mut world, &mut last);
    assert_eq!(results, [Err(Error::Aead), Err(Error::ForgeryLimit)]);
    for incoming in &last {
        assert!(incoming.out.iter().all(|byte| matches!(byte, 0 | 0xee)));
        assert_eq!(incoming.exchange, Exchange::new(TOKEN).unwrap());
    }
}
