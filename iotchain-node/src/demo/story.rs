//! The story: Fig. 1 of the paper, then everything that goes wrong in the field.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use iotchain::Error;
use iotchain::core::KidContext;
use iotchain::core::cbor::Reader;

use super::adversary::{Trick, fetch};
use super::noise;
use super::shell::{Answer, Shell};
use super::timeline::{Cost, Timeline};
use super::world::{World, group};
use crate::NodeError;

/// Longest wait for something that takes a few sessions.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the proxy is looked at while waiting.
const POLL: Duration = Duration::from_millis(200);

/// One signed object, as anybody on the path could have kept it.
struct Recorded {
    session: u32,
    object: Vec<u8>,
}

/// Steps 2 to 7: tokens, joins and the first objects.
pub(super) fn authorized_access(
    world: &World,
    document: &Path,
    timeline: &mut Timeline,
) -> Result<Shell, NodeError> {
    let client = world.client("alice", true);
    let address = world.address_of(&client)?;
    let mut alice = world.shell("alice", &client)?;
    let answer = alice.ask(&format!("join {}", group()))?;
    let what = "asks for keys without a token";
    refused(timeline, &alice, &answer, Error::TokenAbsent, what);
    // one process at a time uses a client's directory
    drop(alice);

    let start = Instant::now();
    let ungranted = world.request_token(&client, None);
    let what = "refuses a request without the owner's grant";
    timeline.check(ungranted.is_err(), "contract", what, Cost::since(start));
    let grant = world.attest("alice", &address)?;
    let start = Instant::now();
    world.request_token(&client, Some(&grant))?;
    let what = "(2)(3) shows the contract her grant; the token is mined";
    timeline.step("alice", what, Cost::since(start));

    let mut alice = world.shell("alice", &client)?;
    let answer = alice.ask(&format!("join {}", group()))?;
    let what = format!("(4) asks for keys at once: {}", answer.error());
    timeline.step("alice", what, answer.cost);
    let answer = alice.ask(&format!("join {} 60", group()))?;
    let size = answer.u64("personal_key_bytes").unwrap_or_default();
    let what = format!("(4)(5)(6) confirmed, proves her address, gets S_i of {size} B by DTLS");
    accepted(timeline, &alice, &answer, &what);

    let expected =
        std::fs::read(document).map_err(|source| NodeError::io(document.display(), source))?;
    let answer = alice.ask("get meter/doc server")?;
    let same = answer.plaintext().as_ref() == Some(&expected);
    timeline.check(
        same,
        "alice",
        "(7) reads the file from the server: mode G, bound to its Token",
        answer.cost,
    );
    let answer = alice.ask("get meter/load server")?;
    let load = answer
        .plaintext()
        .and_then(|text| String::from_utf8(text).ok())
        .unwrap_or_default();
    let real = load
        .split_whitespace()
        .take(3)
        .filter(|word| word.parse::<f64>().is_ok())
        .count()
        == 3;
    timeline.check(
        real,
        "alice",
        format!("(7) reads this host's load: {}", load.trim()),
        answer.cost,
    );
    wait_for(world, "meter/doc", |_| true)?;
    let answer = alice.ask("get meter/doc proxy")?;
    let same = answer.plaintext().as_ref() == Some(&expected);
    timeline.check(
        same,
        "alice",
        "(7) reads the file from the proxy: mode S, signature checked",
        answer.cost,
    );
    Ok(alice)
}

/// A proxy that tampers, swaps and rolls back.
pub(super) fn dishonest_proxy(
    world: &World,
    alice: &mut Shell,
    timeline: &mut Timeline,
) -> Result<(), NodeError> {
    let old = wait_for(world, "meter/load", |_| true)?;
    wait_for(world, "meter/load", |now| now.object != old.object)?;
    let answer = alice.ask("get meter/load proxy")?;
    accepted(
        timeline,
        alice,
        &answer,
        "reads the newer object from a proxy that is honest so far",
    );

    world.mallory.play(Trick::Tamper);
    let answer = alice.ask("get meter/load proxy")?;
    refused(
        timeline,
        alice,
        &answer,
        Error::Aead,
        "gets an object with one bit flipped",
    );
    world.mallory.play(Trick::Swap {
        from: "meter/memory".into(),
    });
    let answer = alice.ask("get meter/load proxy")?;
    refused(
        timeline,
        alice,
        &answer,
        Error::Aead,
        "asks for meter/load and gets meter/memory",
    );
    world.mallory.play(Trick::Replay { object: old.object });
    let answer = alice.ask("get meter/load proxy")?;
    refused(
        timeline,
        alice,
        &answer,
        Error::Rollback,
        "gets an object of the past, validly signed",
    );
    world.mallory.play(Trick::None);
    let answer = alice.ask("get meter/load proxy")?;
    accepted(timeline, alice, &answer, "loses nothing by it: reads on");
    Ok(())
}

/// Two clients that come late: the present is theirs, the past is not.
pub(super) fn late_clients(
    world: &World,
    timeline: &mut Timeline,
) -> Result<[(Shell, String); 2], NodeError> {
    let past = wait_for(world, "meter/load", |_| true)?;
    let mut latecomers = Vec::new();
    for name in ["bob", "carol"] {
        let client = world.client(name, false);
        let address = world.address_of(&client)?;
        let grant = world.attest(name, &address)?;
        world.request_token(&client, Some(&grant))?;
        latecomers.push((world.shell(name, &client)?, address));
    }
    wait_for(world, "meter/load", |now| now.session > past.session)?;
    for (shell, _) in &mut latecomers {
        let answer = shell.ask(&format!("join {} 60", group()))?;
        accepted(timeline, shell, &answer, "has a token, joins late");
    }
    let record = keep(world, "past", &past)?;
    for (shell, _) in &mut latecomers {
        let answer = shell.ask(&format!("open meter/load {record}"))?;
        let what = format!(
            "opens an object of session {} that a friend kept",
            past.session
        );
        refused(timeline, shell, &answer, Error::Session, &what);
        let answer = shell.ask("get meter/load server")?;
        accepted(timeline, shell, &answer, "reads the present");
    }
    latecomers
        .try_into()
        .map_err(|_| NodeError::State("a client is missing".into()))
}

/// Broadcasts are dropped on the floor while two clients are revoked; the one that missed it all heals.
pub(super) fn losses_and_revocations(
    world: &World,
    alice: &mut Shell,
    latecomers: &mut [(Shell, String); 2],
    timeline: &mut Timeline,
) -> Result<(), NodeError> {
    world.jammer.jam(true);
    let before = wait_for(world, "meter/load", |_| true)?;
    timeline.step(
        "jammer",
        "drops every datagram between alice and the key server from here on",
        Cost::default(),
    );
    let mut records = Vec::new();
    let [(bob, bob_address), (carol, carol_address)] = latecomers;

    let start = Instant::now();
    world.owner(&["block", bob_address, "--rs", "meter"])?;
    timeline.step("owner", "revokes bob on the ledger", Cost::since(start));
    let out = wait_until_out(world, bob, before.session)?;
    records.push(out);
    let answer = bob.ask("get meter/load server")?;
    let after = records.last().map_or(0, |record| record.session);
    timeline.check(
        !answer.ok(),
        "bob",
        format!("cannot read session {after}: {}", answer.error()),
        answer.cost,
    );
    let answer = carol.ask("get meter/load server")?;
    accepted(
        timeline,
        carol,
        &answer,
        "reads on: others lose nothing by a revocation",
    );

    let start = Instant::now();
    world.owner(&["block", carol_address, "--rs", "meter"])?;
    timeline.step(
        "owner",
        "revokes carol too: a second event that alice does not hear",
        Cost::since(start),
    );
    records.push(wait_until_out(world, carol, after)?);
    let after = records.last().map_or(0, |record| record.session);
    let answer = carol.ask("get meter/load server")?;
    timeline.check(
        !answer.ok(),
        "carol",
        format!("cannot read session {after}: {}", answer.error()),
        answer.cost,
    );
    records.push(wait_for(world, "meter/load", |now| now.session > after)?);

    let answer = alice.ask("get meter/load server")?;
    refused(
        timeline,
        alice,
        &answer,
        Error::Session,
        "cut off, cannot read the present",
    );
    world.jammer.jam(false);
    let last = records.last().map_or(0, |record| record.session);
    let answer = alice.ask(&format!("wait-session {last}"))?;
    let dropped = world.jammer.dropped();
    accepted(
        timeline,
        alice,
        &answer,
        &format!("heard again after {dropped} lost datagrams: one event is enough"),
    );
    for (number, record) in records.iter().enumerate() {
        let file = keep(world, &format!("lost-{number}"), record)?;
        let answer = alice.ask(&format!("open meter/load {file}"))?;
        accepted(
            timeline,
            alice,
            &answer,
            &format!("healed: opens the object of session {}", record.session),
        );
        let answer = bob.ask(&format!("open meter/load {file}"))?;
        refused(
            timeline,
            bob,
            &answer,
            Error::Session,
            "tries the same with all broadcasts at hand",
        );
    }
    let answer = alice.ask("get meter/load server")?;
    accepted(timeline, alice, &answer, "reads the present");
    Ok(())
}

/// Noise on every port: the roles go on as if nothing had been.
pub(super) fn noise(
    world: &mut World,
    alice: &mut Shell,
    timeline: &mut Timeline,
) -> Result<(), NodeError> {
    let start = Instant::now();
    let sent = noise::udp(&world.udp_ports()?)?;
    noise::http(world.ledger_port()?)?;
    let what = format!("{sent} datagrams of garbage and half handshakes, junk over HTTP");
    timeline.step("stranger", what, Cost::since(start));
    let answer = alice.ask("get meter/load server")?;
    accepted(timeline, alice, &answer, "reads from the server");
    let answer = alice.ask("get meter/memory proxy")?;
    accepted(timeline, alice, &answer, "reads from the proxy");
    let answer = alice.ask(&format!("join {} 60", group()))?;
    accepted(
        timeline,
        alice,
        &answer,
        "joins again: ledger and key server answer",
    );
    let fallen = world.fallen();
    let what = match fallen.as_slice() {
        [] => "every role goes on".to_owned(),
        names => format!("gone: {}", names.join(", ")),
    };
    timeline.check(fallen.is_empty(), "roles", what, Cost::default());
    Ok(())
}

/// Power cuts: no nonce comes twice, no session is lost.
pub(super) fn power_cuts(
    world: &mut World,
    alice: &mut Shell,
    timeline: &mut Timeline,
) -> Result<(), NodeError> {
    let mut seen = HashSet::new();
    let mut contexts = HashSet::new();
    let mut repeated = 0;
    for boot in 0..3 {
        if boot > 0 {
            let start = Instant::now();
            world.resource_server.kill_and_restart()?;
            timeline.step(
                "resource-server",
                "killed without warning, started again",
                Cost::since(start),
            );
        }
        let start = Instant::now();
        for _ in 0..5 {
            let answer = alice.ask("get meter/load server")?;
            if !answer.ok() {
                timeline.check(
                    false,
                    "alice",
                    format!("reads after the restart: {}", answer.error()),
                    answer.cost,
                );
                continue;
            }
            let kid = answer.text("kid").unwrap_or_default().to_owned();
            contexts.insert(kid.clone());
            repeated += u32::from(!seen.insert((answer.u64("session"), kid, answer.u64("piv"))));
        }
        timeline.step(
            "alice",
            format!("reads 5 objects of boot {}", boot + 1),
            Cost::since(start),
        );
    }
    timeline.check(
        repeated == 0 && contexts.len() == 3 && seen.len() == 15,
        "resource-server",
        format!(
            "{} objects, {} sender contexts, {repeated} nonces twice",
            seen.len(),
            contexts.len()
        ),
        Cost::default(),
    );

    let before = wait_for(world, "meter/load", |_| true)?;
    let start = Instant::now();
    world.key_server.kill_and_restart()?;
    timeline.step(
        "key-server",
        "killed without warning, started again",
        Cost::since(start),
    );
    let start = Instant::now();
    let next = wait_for(world, "meter/load", |now| now.session > before.session)?;
    let answer = alice.ask(&format!("wait-session {}", next.session))?;
    let heard = answer.ok();
    let answer = alice.ask("get meter/load server")?;
    let what = format!("the group goes on: reads session {}", next.session);
    timeline.check(heard && answer.ok(), "alice", what, Cost::since(start));
    Ok(())
}

/// Waits until a session after `session` has begun of which `client`, revoked, knows that it is out.
fn wait_until_out(world: &World, client: &mut Shell, session: u32) -> Result<Recorded, NodeError> {
    let deadline = Instant::now() + PATIENCE;
    let mut session = session;
    loop {
        let record = wait_for(world, "meter/load", |now| now.session > session)?;
        session = record.session;
        let file = keep(world, "probe", &record)?;
        if !client.ask(&format!("open meter/load {file}"))?.ok() || Instant::now() > deadline {
            return Ok(record);
        }
    }
}

/// The object at the honest proxy, once it fulfils `wanted`.
fn wait_for(
    world: &World,
    path: &str,
    wanted: impl Fn(&Recorded) -> bool,
) -> Result<Recorded, NodeError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = fetch(world.proxy_address, path);
        if let Ok(object) = &found
            && let Some(session) = session_of(object)
        {
            let record = Recorded {
                session,
                object: object.clone(),
            };
            if wanted(&record) {
                return Ok(record);
            }
        }
        if Instant::now() > deadline {
            found?;
            return Err(NodeError::Failed(format!(
                "{path}: the resource server publishes nothing new"
            )));
        }
        world.pause(POLL)?;
    }
}

/// The session that an object's header names, in clear: label 10, the kid context.
fn session_of(object: &[u8]) -> Option<u32> {
    let mut object = Reader::new(object);
    object.array().ok()?;
    let mut header = Reader::new(object.bytes().ok()?);
    for _ in 0..header.map().ok()? {
        if header.int().ok()? == 10 {
            return Some(KidContext::parse(header.bytes().ok()?).ok()?.session.get());
        }
        header.skip().ok()?;
    }
    None
}

/// Writes an object to a file, as an eavesdropper keeps it.
fn keep(world: &World, name: &str, record: &Recorded) -> Result<String, NodeError> {
    let path = world.path(&format!("{name}.object"));
    std::fs::write(&path, &record.object).map_err(|source| NodeError::io(&path, source))?;
    Ok(path)
}

fn accepted(timeline: &mut Timeline, who: &Shell, answer: &Answer, what: &str) {
    let what = if answer.ok() {
        what.to_owned()
    } else {
        format!("{what}: {}", answer.error())
    };
    timeline.check(answer.ok(), who.name(), what, answer.cost);
}

fn refused(timeline: &mut Timeline, who: &Shell, answer: &Answer, expected: Error, what: &str) {
    let holds = !answer.ok() && answer.number() == u64::from(expected.number());
    timeline.check(
        holds,
        who.name(),
        format!("{what}: {}", answer.error()),
        answer.cost,
    );
}
