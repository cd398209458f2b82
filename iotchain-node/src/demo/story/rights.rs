//! Requests that change something: mode P.

use iotchain::Error;

use super::evidence::{accepted, refused};
use crate::NodeError;
use crate::coap::Code;
use crate::demo::shell::Shell;
use crate::demo::timeline::{Cost, Timeline};
use crate::demo::world::{World, group};

/// One client may, another may not, and what somebody on the path sends again is not done again.
pub(crate) fn rights(
    world: &World,
    [(bob, _), (carol, _)]: &mut [(Shell, String); 2],
    timeline: &mut Timeline,
) -> Result<(), NodeError> {
    let light = || std::fs::read_to_string(world.path("light")).unwrap_or_default();
    let answer = carol.ask("put meter/light on")?;
    let on = answer.ok() && light() == "on";
    let what = "has the right to PUT: an Echo, then the light is on (mode P)";
    timeline.check(on, carol.name(), what, answer.cost);
    let answer = bob.ask("get meter/light server")?;
    let what = "may only read: sees that the light is on";
    let seen = answer.plaintext().as_deref() == Some(b"on");
    timeline.check(seen, bob.name(), what, answer.cost);
    let answer = bob.ask("put meter/light off")?;
    let what = "is told by his own client that he may not switch it";
    refused(timeline, bob, &answer, Error::Forbidden, what);
    let answer = bob.ask(&format!("join {} 0 get,put", group()))?;
    let what = "asks the key server for the right that his token has not";
    refused(timeline, bob, &answer, Error::Scope, what);

    let answer = carol.ask("post meter/door open")?;
    let openings = answer.text("text").unwrap_or_default().trim().to_owned();
    let what = format!("opens the door; it answers under seal: opened {openings} time(s)");
    timeline.check(openings == "1", carol.name(), what, answer.cost);
    let Some(request) = world.spy.overheard(Code::POST) else {
        timeline.check(false, "spy", "overheard nothing", Cost::default());
        return Ok(());
    };
    let answer = request.repeat_from_elsewhere()?;
    let what = format!(
        "sends what it overheard: {}, the Echo is not its own",
        answer.code
    );
    let holds = answer.code == Code::UNAUTHORIZED;
    timeline.check(holds, "spy", what, Cost::default());
    request.repeat_from_there()?;
    let what = "sends it once more, under carol's own address";
    timeline.step("spy", what, Cost::default());
    let answer = carol.ask("post meter/door open")?;
    let openings = answer.text("text").unwrap_or_default().trim().to_owned();
    let what = format!("opens it again: opened {openings} times, by nobody else");
    timeline.check(openings == "2", carol.name(), what, answer.cost);
    let answer = carol.ask("put meter/light off")?;
    accepted(timeline, carol, &answer, "switches the light off");
    Ok(())
}
