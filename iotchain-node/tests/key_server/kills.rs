//! SIGKILL at any moment, under load (spec 3.4.5, A7).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use iotchain::core::cbor::Reader;
use iotchain::{PersonalKey, Roles, Session};
use iotchain_node::coap::{Client, Code, Settings, Transmission};

use crate::world::{Process, World, read_event, settings};

const CLIENTS: u8 = 12;
const ROUNDS: u64 = 12;

/// Whatever left the key server, over all its lives.
#[derive(Default)]
struct Told {
    /// By epoch and slot: whose it is, and its S_i.
    slots: HashMap<(u32, u32), (u8, Vec<u8>)>,
    /// Slots whose holders were told that they are out.
    left: HashSet<(u32, u32)>,
    events: HashMap<Session, Vec<u8>>,
    beacons: HashMap<Session, Vec<u8>>,
    joins: usize,
}

impl Told {
    fn slot(&mut self, client: u8, personal_key: Vec<u8>) -> (u32, u32) {
        let parsed = PersonalKey::parse(&personal_key).unwrap();
        let slot = (parsed.epoch(), parsed.slot());
        assert!(
            !self.left.contains(&slot),
            "{slot:?} was revoked and is given again"
        );
        let known = self
            .slots
            .entry(slot)
            .or_insert_with(|| (client, personal_key.clone()));
        assert_eq!(
            (known.0, &known.1),
            (client, &personal_key),
            "{slot:?} was given twice"
        );
        self.joins += 1;
        slot
    }

    fn event(&mut self, event: Vec<u8>) {
        let session = read_event(&event).1;
        let known = self.events.entry(session).or_insert_with(|| event.clone());
        assert_eq!(*known, event, "{session} began with two events");
    }

    fn beacon(&mut self, beacon: Vec<u8>) {
        let mut reader = Reader::new(&beacon);
        assert_eq!((reader.array(), reader.uint()), (Ok(5), Ok(3)));
        (0..2).for_each(|_| _ = reader.skip().unwrap());
        let session = Session::new(reader.u32().unwrap());
        let known = self
            .beacons
            .entry(session)
            .or_insert_with(|| beacon.clone());
        assert_eq!(*known, beacon, "{session} began twice");
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Joins and leaves and listens until the key server is gone, and with it this thread.
fn load(world: &World, process: &Process, told: &Mutex<Told>, turn: u64) {
    let impatient = Settings {
        transmission: Transmission {
            ack_timeout: Duration::from_millis(200),
            max_retransmit: 2,
        },
        response_timeout: Duration::from_secs(2),
        handshake_timeout: Duration::from_secs(2),
        ..settings()
    };
    let mut listener = Client::udp(process.coap, impatient).unwrap();
    for step in turn.. {
        for resource in ["bc", "bn"] {
            let target = format!("ace-group/{}/{resource}", world.group());
            let message = listener.get(&target).unwrap().payload;
            match resource {
                "bc" => lock(told).event(message),
                _ => lock(told).beacon(message),
            }
        }
        let client = u8::try_from(step % u64::from(CLIENTS)).unwrap() + 1;
        let mut link = world.connect_at(process.coaps, None, impatient);
        let reply = link.join(world.token(client), client, Roles::GET);
        if reply.code == Code::TOO_MANY_REQUESTS {
            continue; // this client had its four slots of the day
        }
        let material = link.accept(&reply);
        let slot = lock(told).slot(client, material.personal_key);
        if step % 3 == 0 {
            let gone = link.call(Code::DELETE, &format!("/nodes/{}", material.node));
            assert_eq!(gone.code, Code::DELETED);
            lock(told).left.insert(slot);
        }
    }
}

#[test]
fn a7_a_kill_at_any_moment_repeats_nothing_and_forgets_nothing() {
    let mut world = World::new();
    world.terms.epoch = 6;
    let rpc = world.serve_ledger();
    world.catalogue.ledger = rpc.url().to_string();
    (1..=CLIENTS).for_each(|client| world.issue(client, Roles::GET, 3600));
    world.confirm();
    let told = Mutex::new(Told::default());
    for round in 0..ROUNDS {
        let mut process = world.spawn();
        thread::scope(|scope| {
            let served = &process;
            let (world, told) = (&world, &told);
            let working = scope.spawn(move || load(world, served, told, round * 5));
            // moments all over a session and the changes within it
            thread::sleep(Duration::from_millis(150 + round * 397 % 1300));
            served.signal("KILL");
            // It ends in an error of the network, which is none of ours.
            let ended = working.join().unwrap_err();
            let ended = ended.downcast_ref::<String>().map_or("", String::as_str);
            assert!(ended.contains("called `Result::unwrap()`"), "{ended}");
        });
        process.kill();
    }
    let told = lock(&told);
    let (sessions, epochs) = (
        told.beacons.keys().max().unwrap().get(),
        told.slots.keys().map(|(epoch, _)| epoch).max().unwrap(),
    );
    assert!(
        told.joins > 20 && told.left.len() > 3,
        "{} joins",
        told.joins
    );
    assert!(
        sessions > 8 && *epochs > 1,
        "{sessions} sessions, {epochs} epochs"
    );
}
