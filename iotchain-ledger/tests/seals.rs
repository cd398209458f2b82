//! Whose seals make a head count (spec 5.7, step 1): networks of several sealers, served by a node that cannot be trusted.

#[path = "support/node.rs"]
mod node;

use std::time::Duration;

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, U64, U256};
use iotchain_core::{Address, Error};
use iotchain_ledger::{Account, Hash, JsonRpcLedger, Ledger, LedgerError};
use serde_json::{Value, json};

const VANITY: usize = 32;

/// Accounts 1, 2, ..: those up to N seal, the others are strangers.
fn account(number: u8) -> Account {
    Account::from_bytes(&[number; 32]).unwrap()
}

fn sealers(count: u8) -> Vec<Address> {
    (1..=count).map(|n| account(n).address()).collect()
}

/// A header on top of `parent`, changed before `sealer` sealed it.
fn sealed(parent: &Header, sealer: u8, change: impl FnOnce(&mut Header)) -> Header {
    let mut header = Header {
        parent_hash: parent.hash_slow(),
        number: parent.number + 1,
        timestamp: parent.timestamp + 1,
        difficulty: U256::from(2),
        extra_data: Bytes::from(vec![0; VANITY]),
        ..Header::default()
    };
    change(&mut header);
    let hash = alloy_primitives::keccak256(alloy_rlp::encode(&header));
    let mut seal = account(sealer).sign_digest(&hash.0);
    seal[64] -= 27;
    header.extra_data = [&[0; VANITY][..], &seal].concat().into();
    header
}

/// A chain from a genesis block on, whose blocks have these sealers.
fn chain(by: &[u8]) -> Vec<Header> {
    let mut chain = vec![Header::default()];
    for sealer in by {
        chain.push(sealed(chain.last().unwrap(), *sealer, |_| {}));
    }
    chain
}

/// A node that serves these headers and nothing else, and a ledger over it that knows the first `count` accounts.
fn ledger(chain: Vec<Header>, count: u8) -> JsonRpcLedger {
    let answer = move |request: &Value| {
        let asked = &request["params"][0];
        let found = chain.iter().find(|header| match asked.as_str().unwrap() {
            "latest" => header.number == chain.last().unwrap().number,
            hash if hash.len() == 66 => asked == &json!(header.hash_slow()),
            _ => asked == &json!(U64::from(header.number)),
        });
        let block = found.map(|header| {
            let mut block = serde_json::to_value(header).unwrap();
            block["hash"] = json!(header.hash_slow());
            block
        });
        json!({ "jsonrpc": "2.0", "id": request["id"], "result": block })
    };
    JsonRpcLedger::new(node::start(answer), Duration::from_secs(10)).sealed_by(&sealers(count))
}

fn head(chain: Vec<Header>, count: u8) -> Result<Hash, LedgerError> {
    ledger(chain, count).head().map(|head| head.hash)
}

#[track_caller]
fn accepted(by: &[u8], count: u8) {
    let chain = chain(by);
    let hash = chain.last().unwrap().hash_slow();
    assert_eq!(B256::from(*head(chain, count).unwrap().as_bytes()), hash);
}

/// Refused for `reason`, and to the outside like a ledger that does not answer (spec 5.7).
#[track_caller]
fn refused(chain: Vec<Header>, count: u8, reason: Error) {
    let error = head(chain, count).unwrap_err();
    assert_eq!(error.registry(), Error::LedgerUnavailable, "{error}");
    assert!(error.to_string().contains(&reason.to_string()), "{error}");
}

#[test]
fn a_head_counts_with_a_majority_on_top() {
    accepted(&[1], 1);
    accepted(&[1, 1, 1], 1);
    accepted(&[1, 2], 2);
    accepted(&[3, 1, 2, 3, 1], 3);
    // Two of three, taking turns, are a majority.
    accepted(&[1, 2, 1, 2], 3);
    accepted(&[5, 3, 1], 5);
    // What is below the majority, these vouch for: a sealer of former days is not asked for.
    accepted(&[9, 1, 2], 3);
}

#[test]
fn a_head_without_a_majority_does_not_count() {
    for (by, count) in [
        (&[9][..], 1),
        (&[1, 9], 1),
        (&[1, 1], 2),
        (&[1, 2, 2], 3),
        (&[1, 2, 9, 2], 3),
        (&[1, 2, 1, 2], 4),
        (&[1, 2, 3, 2], 5),
    ] {
        refused(chain(by), count, Error::Signer);
    }
}

#[test]
fn a_chain_that_is_too_short_does_not_count() {
    for (by, count) in [(&[][..], 1), (&[1], 3), (&[1, 2], 5)] {
        let error = head(chain(by), count).unwrap_err();
        assert!(matches!(error, LedgerError::UnknownBlock(_)), "{error}");
    }
}

/// A header that was changed is another one: whom its seal names is nobody.
#[test]
fn a_seal_is_of_its_block() {
    let changed = |change: fn(&mut Header)| {
        let mut chain = chain(&[1, 2]);
        change(chain.last_mut().unwrap());
        chain
    };
    refused(
        changed(|h| h.state_root = B256::repeat_byte(7)),
        2,
        Error::Signer,
    );
    refused(changed(|h| h.timestamp += 1), 2, Error::Signer);
    refused(changed(|h| h.extra_data = Bytes::new()), 2, Error::Sig);
    let unknown_v = |h: &mut Header| {
        let mut extra = h.extra_data.to_vec();
        *extra.last_mut().unwrap() = 27;
        h.extra_data = extra.into();
    };
    refused(changed(unknown_v), 2, Error::Sig);
}

#[test]
fn a_sealed_block_follows_its_parent() {
    let after = |change: fn(&mut Header)| {
        let mut chain = chain(&[1]);
        chain.push(sealed(chain.last().unwrap(), 2, change));
        chain
    };
    assert!(head(after(|_| {}), 2).is_ok());
    refused(after(|h| h.number += 1), 2, Error::Proof);
    refused(after(|h| h.timestamp -= 2), 2, Error::Proof);
}

/// A head that passed is at hand; one that did not is judged anew. Blocks below a head are not judged alone.
#[test]
fn every_head_is_judged() {
    let good = ledger(chain(&[1, 2, 1]), 3);
    let first = good.head().unwrap();
    assert_eq!(good.head().unwrap(), first);
    assert_eq!(good.ancestor(&first, 2).unwrap().number, 1);
    let made_up = ledger(chain(&[1, 9]), 2);
    assert!(made_up.head().is_err() && made_up.head().is_err());
}
