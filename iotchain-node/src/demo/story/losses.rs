//! Revocations while nothing is heard, and what heals afterwards.

use std::time::Instant;

use iotchain::Error;

use super::evidence::{PATIENCE, Recorded, accepted, keep, refused, wait_for};
use crate::NodeError;
use crate::demo::shell::Shell;
use crate::demo::timeline::{Cost, Timeline};
use crate::demo::world::World;

/// Broadcasts are dropped on the floor while two clients are revoked; the one that missed it all heals.
pub(crate) fn losses_and_revocations(
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
    let answer = carol.ask("put meter/light on")?;
    timeline.check(
        !answer.ok(),
        "carol",
        format!("cannot switch the light any more: {}", answer.error()),
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
