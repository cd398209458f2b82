//! What the chapters look at and hold against each other.

use std::time::{Duration, Instant};

use iotchain::Error;
use iotchain::core::KidContext;
use iotchain::core::cbor::Reader;

use crate::NodeError;
use crate::demo::adversary::fetch;
use crate::demo::shell::{Answer, Shell};
use crate::demo::timeline::Timeline;
use crate::demo::world::World;

/// Longest wait for something that takes a few sessions.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How often the proxy is looked at while waiting.
const POLL: Duration = Duration::from_millis(200);

/// One signed object, as anybody on the path could have kept it.
pub(super) struct Recorded {
    pub(super) session: u32,
    pub(super) object: Vec<u8>,
}

/// The object at the honest proxy, once it fulfils `wanted`.
pub(super) fn wait_for(
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
pub(super) fn keep(world: &World, name: &str, record: &Recorded) -> Result<String, NodeError> {
    let path = world.path(&format!("{name}.object"));
    std::fs::write(&path, &record.object).map_err(|source| NodeError::io(&path, source))?;
    Ok(path)
}

/// What had to be answered, was.
pub(super) fn accepted(timeline: &mut Timeline, who: &Shell, answer: &Answer, what: &str) {
    let what = if answer.ok() {
        what.to_owned()
    } else {
        format!("{what}: {}", answer.error())
    };
    timeline.check(answer.ok(), who.name(), what, answer.cost);
}

/// What had to be refused, was, with the number that says why.
pub(super) fn refused(
    timeline: &mut Timeline,
    who: &Shell,
    answer: &Answer,
    expected: Error,
    what: &str,
) {
    let holds = !answer.ok() && answer.number() == u64::from(expected.number());
    timeline.check(
        holds,
        who.name(),
        format!("{what}: {}", answer.error()),
        answer.cost,
    );
}
