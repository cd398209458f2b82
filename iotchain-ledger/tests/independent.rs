//! An independent Ethereum implementation imports our blocks: seals, roots, gas and receipts must come out the same.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use iotchain_core::Address;
use iotchain_ledger::contract::ResourcePolicy;
use iotchain_ledger::embedded::{Config, Sealing};
use iotchain_ledger::rpc::Server;
use iotchain_ledger::{AccessToken, Account, EmbeddedLedger, Sender};

const IMPORTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/ethereumjs");

#[test]
fn ethereumjs_imports_our_blocks() {
    if !Path::new(IMPORTER).join("node_modules").exists() {
        println!("skipped: the importer is not installed (run `npm ci` in interop/ethereumjs/)");
        return;
    }
    // The importer wants rising timestamps: Clique period 1. So that nobody has to wait, blocks are made ahead of time.
    let sealing = Sealing::every(Duration::from_secs(1));
    let ledger = Arc::new(
        EmbeddedLedger::in_memory(&Config {
            sealing,
            ..Config::default()
        })
        .unwrap(),
    );
    std::thread::scope(|scope| {
        let acting = scope.spawn(|| act(&ledger));
        while !acting.is_finished() {
            ledger.seal_block().unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let server = Server::start(ledger, "127.0.0.1:0").unwrap();
    let output = Command::new("node")
        .arg("import.mjs")
        .arg(server.url())
        .current_dir(IMPORTER)
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("with 11 transactions"), "{out}");
}

/// Eleven transactions of every sort.
fn act(ledger: &EmbeddedLedger) {
    let (owner, client) = (Account::generate().unwrap(), Account::generate().unwrap());
    let by_owner = Sender::new(ledger, &owner);
    let by_client = Sender::new(ledger, &client);
    let contract = AccessToken::deploy(&by_owner, owner.address()).unwrap();
    let policy = AccessToken::deploy_open_policy(&by_owner).unwrap();
    let res = Address::new([3; 20]);
    contract
        .set_resource(
            &by_owner,
            res,
            &ResourcePolicy {
                policy,
                max_ttl: 100,
                policy_gas: 60_000,
            },
        )
        .unwrap();
    for _ in 0..3 {
        contract
            .add_token(&by_client, res, [1, 0x10, 0, 1], 60, &[])
            .unwrap();
        contract
            .delete_token(&by_client, client.address(), res)
            .unwrap();
    }
    contract
        .block_client(&by_owner, client.address(), res)
        .unwrap();
    contract.revoke_resource(&by_owner, res).unwrap();
}
