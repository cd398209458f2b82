//! Strangers with nothing to say.

use std::time::Instant;

use super::evidence::accepted;
use crate::NodeError;
use crate::demo::noise as traffic;
use crate::demo::shell::Shell;
use crate::demo::timeline::{Cost, Timeline};
use crate::demo::world::{World, group};

/// Noise on every port: the roles go on as if nothing had been.
pub(crate) fn noise(
    world: &mut World,
    alice: &mut Shell,
    timeline: &mut Timeline,
) -> Result<(), NodeError> {
    let start = Instant::now();
    let sent = traffic::udp(&world.udp_ports()?)?;
    traffic::http(world.ledger_port()?)?;
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
