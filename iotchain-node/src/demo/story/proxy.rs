//! A proxy that cheats.

use iotchain::Error;

use super::evidence::{accepted, refused, wait_for};
use crate::NodeError;
use crate::demo::adversary::Trick;
use crate::demo::shell::Shell;
use crate::demo::timeline::Timeline;
use crate::demo::world::World;

/// A proxy that tampers, swaps and rolls back.
pub(crate) fn dishonest_proxy(
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
