//! Processes that end without warning.

use std::collections::HashSet;
use std::time::Instant;

use super::evidence::wait_for;
use crate::NodeError;
use crate::demo::shell::Shell;
use crate::demo::timeline::{Cost, Timeline};
use crate::demo::world::World;

/// Power cuts: no nonce comes twice, no session is lost.
pub(crate) fn power_cuts(
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
