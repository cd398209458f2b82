//! Backward secrecy.

use iotchain::Error;

use super::evidence::{accepted, keep, refused, wait_for};
use crate::NodeError;
use crate::demo::shell::Shell;
use crate::demo::timeline::Timeline;
use crate::demo::world::{Way, World, group};

/// Two clients that come late: the present is theirs, the past is not.
pub(crate) fn late_clients(
    world: &World,
    timeline: &mut Timeline,
) -> Result<[(Shell, String); 2], NodeError> {
    let past = wait_for(world, "meter/load", |_| true)?;
    let mut latecomers = Vec::new();
    for (name, way, roles) in [
        ("bob", Way::Open, "get"),
        ("carol", Way::Watched, "get,put,post"),
    ] {
        let client = world.client(name, way);
        let address = world.address_of(&client)?;
        let grant = world.attest(name, &address, roles)?;
        world.request_token(&client, roles, Some(&grant))?;
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
