//! The role over a ledger node that lies: what it proves, and whose seals it shows, decide (spec 5.7; `--prove`,
//! `--sealers`).

use std::sync::{Arc, Mutex};

use iotchain::{Error, Roles};
use iotchain_ledger::rpc;
use iotchain_node::address;
use serde_json::{Value, json};

use crate::node;
use crate::world::{Link, Process, World, refusal, settings};

/// What a node says instead of the truth.
type Lie = fn(method: &str, result: &mut Value);

fn honest(_: &str, _: &mut Value) {}

/// The word of the token is another one, where it is believed and where it is proved.
fn another_word(method: &str, result: &mut Value) {
    match method {
        "eth_getStorageAt" => *result = json!(format!("0x{}", "ee".repeat(32))),
        "eth_getProof" => {
            if let Some(node) = word_nodes(result).and_then(|nodes| nodes.last_mut()) {
                let text = node.as_str().unwrap();
                *node = json!(format!("{}00", &text[..text.len() - 2]));
            }
        }
        _ => {}
    }
}

/// There is no token: the way to it ends early.
fn no_token(method: &str, result: &mut Value) {
    match method {
        "eth_getStorageAt" => *result = json!(format!("0x{}", "00".repeat(32))),
        "eth_getProof" => {
            if let Some(nodes) = word_nodes(result) {
                nodes.pop();
            }
        }
        _ => {}
    }
}

/// Another state stands in the header.
fn another_header(method: &str, result: &mut Value) {
    if method.starts_with("eth_getBlockBy") {
        result["stateRoot"] = json!(format!("0x{}", "ee".repeat(32)));
    }
}

/// The nodes that lead to a word, where one was asked for.
fn word_nodes(result: &mut Value) -> Option<&mut Vec<Value>> {
    let word = result["storageProof"].get_mut(0)?;
    word["proof"].as_array_mut()
}

/// A world whose key server asks a node that may lie, and may answer from another chain.
struct Site {
    world: World,
    lie: Arc<Mutex<Lie>>,
    behind: Arc<Mutex<String>>,
    _server: rpc::Server,
}

impl Site {
    fn new() -> Self {
        let mut world = World::new();
        let server = world.serve_ledger();
        let lie = Arc::new(Mutex::new(honest as Lie));
        let behind = Arc::new(Mutex::new(server.url()));
        let (asked, told) = (Arc::clone(&behind), Arc::clone(&lie));
        world.catalogue.ledger = node::start(move |request| {
            let mut answer = node::ask(&asked.lock().unwrap().clone(), request);
            let lie = *told.lock().unwrap();
            lie(request["method"].as_str().unwrap(), &mut answer["result"]);
            answer
        });
        Self {
            world,
            lie,
            behind,
            _server: server,
        }
    }

    /// The arguments for a key server that trusts the sealer and nobody else.
    fn distrust(&self) -> [String; 3] {
        let sealer = address::text(&self.world.ledger.chain.sealer());
        ["--prove".into(), "--sealers".into(), sealer]
    }

    fn tell(&self, lie: Lie) {
        *self.lie.lock().unwrap() = lie;
        // What the key server read before it need not ask for again.
        self.world.confirm();
    }

    /// A join of a client: whether it is admitted, or with which number it is refused.
    fn join(&self, server: &Process, client: u8) -> Result<Link, Error> {
        let mut link = self.world.connect_at(server.coaps, None, settings());
        let reply = link.join(self.world.token(client), client, Roles::GET);
        if reply.code.is_success() {
            return Ok(link);
        }
        let (code, error) = refusal(&reply);
        let error = error.unwrap_or_else(|| panic!("{code} without a number"));
        assert_eq!(error.coap(), Some(code.0));
        Err(error)
    }
}

#[test]
fn a_lying_node_gets_nobody_in() {
    let site = Site::new();
    site.world.grant(1, Roles::GET);
    site.world.grant(2, Roles::GET);
    let server = site.world.spawn_with(&site.distrust());
    let mut member = site.join(&server, 1).expect("an honest node");
    for lie in [another_word, no_token, another_header] {
        site.tell(lie);
        assert_eq!(site.join(&server, 2).err(), Some(Error::LedgerUnavailable));
    }

    // Nobody was put out on the word of that node (spec 5.4), and the truth admits again.
    site.tell(honest);
    site.join(&server, 2).expect("an honest node");
    let session = member.num().expect("still a member");
    member.later_than(session);
}

/// The same lies are believed by who asks for no proof, so that they are lies at all.
#[test]
fn without_proofs_the_node_decides() {
    let site = Site::new();
    site.world.grant(1, Roles::GET);
    let server = site.world.spawn_with(&[]);
    site.tell(no_token);
    assert_eq!(site.join(&server, 1).err(), Some(Error::TokenAbsent));
    site.tell(another_word);
    // Issued in a block that is 4 billion blocks away.
    assert_eq!(site.join(&server, 1).err(), Some(Error::Unconfirmed));
    site.tell(honest);
    site.join(&server, 1).expect("an honest node");
}

/// A chain that the node made up, contract, grant, proofs and all: it lacks the seals.
#[test]
fn a_made_up_chain_gets_nobody_in() {
    let site = Site::new();
    let made_up = World::new();
    assert_eq!(made_up.contract.address(), site.world.contract.address());
    made_up.grant(2, Roles::GET);
    let elsewhere = made_up.serve_ledger();

    let server = site.world.spawn_with(&site.distrust());
    assert_eq!(site.join(&server, 2).err(), Some(Error::TokenAbsent));
    *site.behind.lock().unwrap() = elsewhere.url();
    assert_eq!(site.join(&server, 2).err(), Some(Error::LedgerUnavailable));
    drop(server);
    // Proofs alone do not tell: its state is proved against its own head.
    let proving = site.world.spawn_with(&["--prove".into()]);
    site.join(&proving, 2).expect("believed about the head");
}

/// A head dated ahead would stay fresh until that day, with a revoked token in it (spec 5.3, step 1).
#[test]
fn a_head_from_the_future_is_stale() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET);
    world.ledger.date_ahead(50);
    world.join(&server, 1, Roles::GET);
    world.ledger.date_ahead(70);
    let mut link = world.connect(&server);
    let reply = link.join(world.token(1), 1, Roles::GET);
    assert_eq!(refusal(&reply).1, Some(Error::LedgerStale));
}

/// Settings that would not keep what they promise.
#[test]
fn sealers_need_proofs_and_confirmations() {
    let site = Site::new();
    let sealers = |digits: &[&str]| {
        let accounts: Vec<_> = digits
            .iter()
            .map(|digits| format!("0x{}", digits.repeat(20)))
            .collect();
        format!("--sealers={}", accounts.join(","))
    };
    let prove = "--prove".to_owned();
    for (arguments, code, reason) in [
        (vec![sealers(&["01"])], 2, "--prove"),
        (
            vec!["--sealers=0x12".into(), prove.clone()],
            2,
            "40 hex digits",
        ),
        (
            vec![sealers(&["01", "02", "03", "04"]), prove.clone()],
            3,
            "4 sealers need more than 2 confirmations",
        ),
        (
            vec![sealers(&["01", "02", "01"]), prove.clone()],
            3,
            "named twice",
        ),
    ] {
        let output = site.world.command(&arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(reason), "{text}");
    }
    // With three, one alone adds less than 2 blocks. None of these sealed anything.
    let server = site
        .world
        .spawn_with(&[sealers(&["01", "02", "03"]), prove]);
    site.world.grant(1, Roles::GET);
    assert_eq!(site.join(&server, 1).err(), Some(Error::LedgerUnavailable));
}
