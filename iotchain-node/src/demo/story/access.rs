//! Steps 2 to 7 of Fig. 1.

use std::path::Path;
use std::time::Instant;

use iotchain::Error;

use super::evidence::{accepted, refused, wait_for};
use crate::NodeError;
use crate::demo::shell::Shell;
use crate::demo::timeline::{Cost, Timeline};
use crate::demo::world::{Way, World, group};

/// Steps 2 to 7: tokens, joins and the first objects.
pub(crate) fn authorized_access(
    world: &World,
    document: &Path,
    timeline: &mut Timeline,
) -> Result<Shell, NodeError> {
    let client = world.client("alice", Way::Attacked);
    let address = world.address_of(&client)?;
    let mut alice = world.shell("alice", &client)?;
    let answer = alice.ask(&format!("join {}", group()))?;
    let what = "asks for keys without a token";
    refused(timeline, &alice, &answer, Error::TokenAbsent, what);
    // one process at a time uses a client's directory
    drop(alice);

    let start = Instant::now();
    let ungranted = world.request_token(&client, "get", None);
    let what = "refuses a request without the owner's grant";
    timeline.check(ungranted.is_err(), "contract", what, Cost::since(start));
    let grant = world.attest("alice", &address, "get")?;
    let start = Instant::now();
    world.request_token(&client, "get", Some(&grant))?;
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
