//! Chains to run tests against.
#![allow(dead_code)] // each test file uses its part

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use iotchain_ledger::embedded::{Config, Sealing};
use iotchain_ledger::rpc::Server;
use iotchain_ledger::{EmbeddedLedger, JsonRpcLedger, Ledger};
use serde_json::{Value, json};

const ANVIL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
);

/// A chain under test and how to put empty blocks on it.
pub(crate) struct TestChain {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) advance: Box<dyn Fn(u64)>,
    _keep: Box<dyn std::any::Any>,
}

pub(crate) fn quick() -> Config {
    Config {
        sealing: Sealing::every(Duration::from_millis(20)),
        ..Config::default()
    }
}

pub(crate) fn manual() -> Config {
    Config {
        sealing: Sealing::Manual,
        ..Config::default()
    }
}

/// The embedded chain in this process.
pub(crate) fn embedded() -> TestChain {
    let ledger = Arc::new(EmbeddedLedger::in_memory(&quick()).unwrap());
    let clock = Arc::clone(&ledger);
    TestChain {
        ledger,
        advance: Box::new(move |n| (0..n).for_each(|_| _ = clock.seal_block().unwrap())),
        _keep: Box::new(()),
    }
}

/// The embedded chain behind its JSON-RPC server.
pub(crate) fn embedded_over_rpc() -> TestChain {
    let chain = Arc::new(EmbeddedLedger::in_memory(&quick()).unwrap());
    let server = Server::start(Arc::clone(&chain), "127.0.0.1:0").unwrap();
    TestChain {
        ledger: Arc::new(JsonRpcLedger::new(server.url(), Duration::from_secs(10))),
        advance: Box::new(move |n| (0..n).for_each(|_| _ = chain.seal_block().unwrap())),
        _keep: Box::new(server),
    }
}

/// A gas-free anvil, or `None` with a printed line if it is not installed.
pub(crate) fn anvil() -> Option<(TestChain, String)> {
    if !Path::new(ANVIL).exists() {
        println!("skipped: anvil is not installed (run `npm ci` in contracts/)");
        return None;
    }
    let mut child = Command::new(ANVIL)
        .args([
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--gas-price",
            "0",
            "--block-base-fee-per-gas",
            "0",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let child = KilledOnDrop(child);
    let address = lines
        .find_map(|line| {
            line.unwrap()
                .strip_prefix("Listening on ")
                .map(str::to_owned)
        })
        .expect("anvil listens");
    // Reads on, so that anvil never blocks on a full pipe.
    std::thread::spawn(move || lines.for_each(drop));
    let url = format!("http://{address}");
    let node = url.clone();
    let chain = TestChain {
        ledger: Arc::new(JsonRpcLedger::new(url.clone(), Duration::from_secs(10))),
        advance: Box::new(move |n| drop(rpc(&node, "anvil_mine", &json!([format!("{n:#x}")])))),
        _keep: Box::new(child),
    };
    Some((chain, url))
}

/// Asks a node directly.
pub(crate) fn rpc(url: &str, method: &str, params: &Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .into();
    agent
        .post(url)
        .send_json(&request)
        .unwrap()
        .body_mut()
        .read_json()
        .unwrap()
}

pub(crate) struct KilledOnDrop(pub(crate) Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
