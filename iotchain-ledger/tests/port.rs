//! The same story on every kind of chain: what holds for one must hold for all.

mod support;

use std::time::Duration;

use iotchain_core::{Address, UnixTime};
use iotchain_ledger::contract::{Attestation, Event, ResourcePolicy, resource_slot, token_slot};
use iotchain_ledger::{
    AccessToken, Account, Hash, Header, Ledger, LedgerError, Sender, Transaction,
};
use serde_json::json;
use support::TestChain;

/// GET and PUT, layout 1, class 7 (spec 5.1).
const CLAIMS: [u8; 4] = [0x05, 0x10, 0x00, 0x07];
const RES: Address = Address::new([0xA5; 20]);
const DEPTH: u64 = 3;

struct Story {
    chain: TestChain,
    owner: Account,
    client: Account,
    contract: AccessToken,
    policy: Address,
}

impl Story {
    fn begin(chain: TestChain) -> Self {
        let (owner, client) = (Account::generate().unwrap(), Account::generate().unwrap());
        let sender = Sender::new(&*chain.ledger, &owner);
        let contract = AccessToken::deploy(&sender, owner.address()).unwrap();
        let policy = AccessToken::deploy_open_policy(&sender).unwrap();
        let registered = ResourcePolicy {
            policy,
            max_ttl: 86_400,
            policy_gas: 100_000,
        };
        assert!(
            contract
                .set_resource(&sender, RES, &registered)
                .unwrap()
                .success
        );
        Self {
            chain,
            owner,
            client,
            contract,
            policy,
        }
    }

    fn ledger(&self) -> &dyn Ledger {
        &*self.chain.ledger
    }

    fn head(&self) -> Header {
        self.ledger().head().unwrap()
    }
}

fn whole_story(chain: TestChain) {
    let story = Story::begin(chain);
    blocks_and_hashes(&story);
    a_token_is_added_and_confirmed(&story);
    deletion_acts_at_once(&story);
    a_blocked_client_cannot_ask_again(&story);
    a_resource_is_revoked(&story);
    events_tell_it_all(&story);
    an_attested_client_is_served_once(&story);
    refusals_say_why(&story);
    bad_transactions_are_rejected(&story);
}

fn blocks_and_hashes(story: &Story) {
    let ledger = story.ledger();
    let head = story.head();
    let genesis = ledger.header(0).unwrap().unwrap();
    assert_eq!(genesis.number, 0);
    assert_eq!(ledger.ancestor(&head, head.number).unwrap(), genesis);
    assert_eq!(ledger.ancestor(&head, head.number + 5).unwrap(), genesis);
    assert_eq!(ledger.header_by_hash(head.hash).unwrap(), Some(head));
    assert_eq!(ledger.header(head.number + 1_000_000).unwrap(), None);
    let nowhere = Hash::new([7; 32]);
    assert_eq!(ledger.header_by_hash(nowhere).unwrap(), None);
    let unknown = ledger.storage_at(RES, [0; 32], nowhere);
    assert!(
        matches!(unknown, Err(LedgerError::UnknownBlock(hash)) if hash == nowhere),
        "{unknown:?}"
    );
    assert!(matches!(
        ledger.ancestor(
            &Header {
                parent: nowhere,
                ..head
            },
            1
        ),
        Err(LedgerError::UnknownBlock(_))
    ));
    assert!(
        head.check_fresh(head.timestamp.saturating_add(60), 60)
            .is_ok()
    );
    for now in [
        head.timestamp.saturating_add(61),
        head.timestamp.saturating_sub(61),
    ] {
        let stale = head.check_fresh(now, 60);
        assert_eq!(
            stale.unwrap_err().registry(),
            iotchain_core::Error::LedgerStale
        );
    }

    story.contract.check_code(ledger, head.hash).unwrap();
    assert_eq!(
        story.contract.owner(ledger, head.hash).unwrap(),
        story.owner.address()
    );
    let wrong = AccessToken::at(story.policy)
        .check_code(ledger, head.hash)
        .unwrap_err();
    assert_eq!(wrong.registry(), iotchain_core::Error::Issuer);
    assert_eq!(
        ledger.code_hash(story.client.address(), head.hash).unwrap(),
        Hash::default()
    );
    // The contract is not in the genesis block.
    assert!(matches!(
        story.contract.check_code(ledger, genesis.hash),
        Err(LedgerError::WrongCode { found, .. }) if found == Hash::default()
    ));
}

fn a_token_is_added_and_confirmed(story: &Story) {
    let (ledger, client) = (story.ledger(), story.client.address());
    let before = story.head();
    assert_eq!(
        story
            .contract
            .get_token(ledger, client, RES, before.hash)
            .unwrap(),
        None
    );
    let sender = Sender::new(ledger, &story.client);
    let receipt = story
        .contract
        .add_token(&sender, RES, CLAIMS, 3600, &[])
        .unwrap();
    assert!(receipt.gas_used > 21_000);

    let confirmed = {
        (story.chain.advance)(DEPTH);
        ledger
            .wait_confirmed(receipt.transaction, DEPTH, Duration::from_secs(20))
            .unwrap()
    };
    assert_eq!(confirmed, receipt);
    let block = ledger.header(receipt.number).unwrap().unwrap();
    let view = story
        .contract
        .read_token(ledger, client, RES, DEPTH)
        .unwrap();
    assert_eq!(view.confirmed.number, view.head.number - DEPTH);
    assert_eq!(view.word_head, view.word_confirmed);

    // Fields of the word (spec 5.1).
    let word = view.word_head;
    let number = |bytes: &[u8]| bytes.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    let (not_before, expires_at) = (number(&word[27..32]), number(&word[22..27]));
    assert_eq!(UnixTime::new(not_before), block.timestamp);
    assert_eq!(expires_at, not_before + 3600);
    assert_eq!(word[18..22], CLAIMS);
    assert_eq!(number(&word[14..18]), 0);
    assert_ne!(number(&word[8..14]), 0);
    assert_eq!(number(&word[4..8]), receipt.number);

    let token = story
        .contract
        .get_token(ledger, client, RES, view.head.hash)
        .unwrap()
        .unwrap();
    assert_eq!(
        (token.res, token.expires_at.get(), token.claims),
        (RES, expires_at, CLAIMS)
    );
    // Looking back at a block before the token, and at one of another account.
    let address = story.contract.address();
    assert_eq!(
        ledger
            .storage_at(address, token_slot(client, RES), before.hash)
            .unwrap(),
        [0; 32]
    );
    assert_eq!(
        ledger
            .storage_at(address, token_slot(RES, client), view.head.hash)
            .unwrap(),
        [0; 32]
    );
    assert_eq!(
        ledger
            .storage_at(address, resource_slot(RES), view.head.hash)
            .unwrap(),
        view.resource_head
    );
    assert_eq!(view.resource_head[12..], story.policy.as_bytes()[..]);
}

fn deletion_acts_at_once(story: &Story) {
    let (ledger, client) = (story.ledger(), story.client.address());
    let receipt = story
        .contract
        .delete_token(&Sender::new(ledger, &story.client), client, RES)
        .unwrap();
    // The clock may have made more blocks; look back to the one before the deletion.
    let depth = ledger.head().unwrap().number - receipt.number + 1;
    let view = story
        .contract
        .read_token(ledger, client, RES, depth)
        .unwrap();
    assert_eq!(view.word_head, [0; 32]);
    assert!(view.confirmed.number >= receipt.number || view.word_confirmed != [0; 32]);
}

fn a_blocked_client_cannot_ask_again(story: &Story) {
    let (ledger, client) = (story.ledger(), story.client.address());
    story
        .contract
        .block_client(&Sender::new(ledger, &story.owner), client, RES)
        .unwrap();
    let word = story
        .contract
        .read_token(ledger, client, RES, 0)
        .unwrap()
        .word_head;
    assert_eq!(word[18..22], [0; 4]);
    assert_ne!(word[8..14], [0; 6]);
    let refused =
        story
            .contract
            .add_token(&Sender::new(ledger, &story.client), RES, CLAIMS, 60, &[]);
    assert!(
        matches!(&refused, Err(LedgerError::Reverted(why)) if why.name() == Some("Blocked")),
        "{refused:?}"
    );
    let by_owner = Sender::new(ledger, &story.owner);
    let barred = story
        .contract
        .issue_token(&by_owner, client, RES, CLAIMS, 60, 9);
    assert!(
        matches!(barred, Err(LedgerError::Reverted(_))),
        "{barred:?}"
    );
    story.contract.delete_token(&by_owner, client, RES).unwrap();
    story
        .contract
        .issue_token(&by_owner, client, RES, CLAIMS, 60, 9)
        .unwrap();
    let word = story
        .contract
        .read_token(ledger, client, RES, 0)
        .unwrap()
        .word_head;
    assert_eq!(word[..4], [0, 0, 0, 9]);
}

fn a_resource_is_revoked(story: &Story) {
    story
        .contract
        .revoke_resource(&Sender::new(story.ledger(), &story.owner), RES)
        .unwrap();
    let view = story
        .contract
        .read_token(story.ledger(), story.client.address(), RES, 0)
        .unwrap();
    assert_eq!(view.resource_head[8..12], [0, 0, 0, 1]);
    assert_eq!(
        story
            .contract
            .get_token(story.ledger(), story.client.address(), RES, view.head.hash)
            .unwrap(),
        None
    );
}

fn events_tell_it_all(story: &Story) {
    let (owner, client) = (story.owner.address(), story.client.address());
    let events = story.contract.events(story.ledger(), 0..=u64::MAX).unwrap();
    for (log, _) in &events {
        assert_eq!(
            story.ledger().header(log.number).unwrap().unwrap().hash,
            log.block
        );
        assert!(
            story
                .ledger()
                .receipt(log.transaction)
                .unwrap()
                .unwrap()
                .logs
                .contains(log)
        );
    }
    let mut serials = Vec::new();
    let told: Vec<_> = events
        .iter()
        .map(|(_, event)| match *event {
            Event::OwnershipTransferred {
                from: Address::ZERO,
                to,
            } if to == owner => "owned",
            Event::ResourceSet { res: RES, policy } if policy.policy == story.policy => "set",
            Event::TokenAdded {
                client: c,
                res: RES,
                serial,
                claims: CLAIMS,
                ..
            } if c == client => {
                serials.push(serial);
                "added"
            }
            Event::TokenDeleted {
                client: c,
                by,
                blocked: false,
                ..
            } if c == client && by == client => "deleted",
            Event::TokenDeleted {
                client: c,
                by,
                blocked: true,
                ..
            } if c == client && by == owner => "blocked",
            Event::TokenDeleted {
                client: c,
                by,
                blocked: false,
                ..
            } if c == client && by == owner => "lifted",
            Event::ResourceRevoked {
                res: RES,
                epoch: 1,
                by,
            } if by == owner => "revoked",
            ref other => panic!("unexpected {other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "owned", "set", "added", "deleted", "blocked", "lifted", "added", "revoked"
        ]
    );
    assert!(serials[0] < serials[1]);
    let last = events.last().unwrap().0.number;
    assert_eq!(
        story
            .contract
            .events(story.ledger(), last..=last)
            .unwrap()
            .len(),
        1
    );
    assert!(
        story
            .contract
            .events(story.ledger(), last + 1..=u64::MAX)
            .unwrap()
            .is_empty()
    );
}

/// The attestation policy: what the attester signed, for that client, once (paper, II-C).
fn an_attested_client_is_served_once(story: &Story) {
    let ledger = story.ledger();
    let (attester, client) = (Account::generate().unwrap(), Account::generate().unwrap());
    let by_owner = Sender::new(ledger, &story.owner);
    let policy = story
        .contract
        .deploy_attestation_policy(&by_owner, attester.address())
        .unwrap();
    let res = Address::new([0xB6; 20]);
    story
        .contract
        .set_resource(
            &by_owner,
            res,
            &ResourcePolicy {
                policy,
                max_ttl: 86_400,
                policy_gas: 100_000,
            },
        )
        .unwrap();
    let deadline = story.head().timestamp.saturating_add(3600);
    let attested = Attestation {
        client: client.address(),
        res,
        claims: CLAIMS,
        ttl: 600,
        deadline,
    };
    let chain_id = ledger.chain_id().unwrap();
    let proof = attested.sign(&attester, chain_id, policy).unwrap();
    let by_client = Sender::new(ledger, &client);

    let stranger = Account::generate().unwrap();
    let by_stranger = Sender::new(ledger, &stranger);
    let forged = attested.sign(&stranger, chain_id, policy).unwrap();
    let elsewhere = attested.sign(&attester, chain_id + 1, policy).unwrap();
    let late = Attestation {
        deadline: UnixTime::new(1),
        ..attested
    }
    .sign(&attester, chain_id, policy)
    .unwrap();
    for (what, refused) in [
        (
            "another client",
            story
                .contract
                .add_token(&by_stranger, res, CLAIMS, 600, &proof),
        ),
        (
            "another attester",
            story
                .contract
                .add_token(&by_client, res, CLAIMS, 600, &forged),
        ),
        (
            "another chain",
            story
                .contract
                .add_token(&by_client, res, CLAIMS, 600, &elsewhere),
        ),
        (
            "too late",
            story
                .contract
                .add_token(&by_client, res, CLAIMS, 600, &late),
        ),
        (
            "another class",
            story
                .contract
                .add_token(&by_client, res, [5, 0x10, 0, 3], 600, &proof),
        ),
    ] {
        assert!(
            matches!(refused, Err(LedgerError::Reverted(_))),
            "{what}: {refused:?}"
        );
    }
    // Relayed by somebody else, for a client that sends no transactions.
    story
        .contract
        .add_token_for(&by_stranger, client.address(), res, CLAIMS, 600, &proof)
        .unwrap();
    assert!(
        story
            .contract
            .get_token(ledger, client.address(), res, story.head().hash)
            .unwrap()
            .is_some()
    );
    let again = story
        .contract
        .add_token(&by_client, res, CLAIMS, 600, &proof);
    assert!(matches!(again, Err(LedgerError::Reverted(_))), "{again:?}");
}

fn refusals_say_why(story: &Story) {
    let stranger = Account::generate().unwrap();
    let sender = Sender::new(story.ledger(), &stranger);
    let policy = ResourcePolicy {
        policy: story.policy,
        max_ttl: 1,
        policy_gas: 1,
    };
    let refusals = [
        (
            "NotOwner",
            story.contract.set_resource(&sender, RES, &policy),
        ),
        (
            "NotAuthorizer",
            story.contract.revoke_resource(&sender, RES),
        ),
        (
            "NotAllowed",
            story
                .contract
                .delete_token(&sender, story.client.address(), RES),
        ),
        (
            "UnknownResource",
            story
                .contract
                .add_token(&sender, story.policy, CLAIMS, 60, &[]),
        ),
        (
            "BadTtl",
            story.contract.add_token(&sender, RES, CLAIMS, 86_401, &[]),
        ),
        (
            "BadClaims",
            story.contract.add_token(&sender, RES, [0; 4], 60, &[]),
        ),
    ];
    for (name, refusal) in refusals {
        assert!(
            matches!(&refusal, Err(LedgerError::Reverted(why)) if why.name() == Some(name)),
            "{name}: {refusal:?}"
        );
    }
    assert_eq!(
        story.ledger().nonce(stranger.address()).unwrap(),
        0,
        "a refused call must cost nothing"
    );
}

fn bad_transactions_are_rejected(story: &Story) {
    let ledger = story.ledger();
    let account = Account::generate().unwrap();
    let good = Transaction {
        chain_id: ledger.chain_id().unwrap(),
        nonce: 0,
        to: Some(RES),
        data: vec![1],
        gas_limit: 50_000,
        gas_price: 0,
    };
    let raw = account.sign(&good);
    let hash = ledger.send(&raw).unwrap();
    ledger
        .wait_confirmed(hash, 0, Duration::from_secs(20))
        .unwrap();
    assert_eq!(ledger.nonce(account.address()).unwrap(), 1);
    // An s above the group order. (In one of 128 signatures s is shorter and has another place.)
    let mut forged = (0..)
        .map(|n| {
            account.sign(&Transaction {
                nonce: 1,
                data: vec![n],
                ..good.clone()
            })
        })
        .find(|raw| raw[raw.len() - 33] == 0xa0)
        .unwrap();
    let s = forged.len() - 32;
    forged[s..].fill(0xff);
    let bad = [
        (
            "nonce",
            account.sign(&Transaction {
                data: vec![2],
                ..good.clone()
            }),
        ),
        (
            "chain",
            account.sign(&Transaction {
                nonce: 1,
                chain_id: good.chain_id + 1,
                ..good.clone()
            }),
        ),
        (
            "funds",
            account.sign(&Transaction {
                nonce: 1,
                gas_price: 1,
                ..good.clone()
            }),
        ),
        (
            "too little gas",
            account.sign(&Transaction {
                nonce: 1,
                gas_limit: 20_000,
                ..good.clone()
            }),
        ),
        ("garbage", vec![0xde, 0xad]),
        ("empty", Vec::new()),
        ("truncated", raw[..raw.len() - 1].to_vec()),
        ("signature", forged),
    ];
    for (what, raw) in bad {
        let refused = ledger.send(&raw);
        assert!(
            matches!(refused, Err(LedgerError::Rejected(_))),
            "{what}: {refused:?}"
        );
    }
    assert_eq!(ledger.nonce(account.address()).unwrap(), 1);
}

#[test]
fn embedded() {
    whole_story(support::embedded());
}

#[test]
fn embedded_over_rpc() {
    whole_story(support::embedded_over_rpc());
}

#[test]
fn anvil() {
    if let Some((chain, _)) = support::anvil() {
        whole_story(chain);
    }
}

/// A reorganisation takes a token's block away. Nothing confirmed may be derived from the vanished block.
#[test]
fn anvil_reorganises() {
    let Some((chain, url)) = support::anvil() else {
        return;
    };
    let story = Story::begin(chain);
    let (ledger, client) = (story.ledger(), story.client.address());
    let sender = Sender::new(ledger, &story.client);
    let receipt = story
        .contract
        .add_token(&sender, RES, CLAIMS, 3600, &[])
        .unwrap();
    let old_head = story.head();
    let reply = support::rpc(&url, "anvil_reorg", &json!([1, []]));
    assert!(reply["error"].is_null(), "{reply}");
    let head = story.head();
    assert_eq!(
        head.number, old_head.number,
        "the height alone tells nothing"
    );
    assert_ne!(head.hash, old_head.hash);

    let view = story.contract.read_token(ledger, client, RES, 1).unwrap();
    assert_eq!(view.word_head, [0; 32]);
    assert!(
        story
            .contract
            .events(ledger, 0..=u64::MAX)
            .unwrap()
            .iter()
            .all(|(_, e)| !matches!(e, Event::TokenAdded { .. }))
    );
    let gone = ledger.storage_at(
        story.contract.address(),
        token_slot(client, RES),
        old_head.hash,
    );
    assert!(gone.is_err(), "{gone:?}");
    let lost = ledger.wait_confirmed(receipt.transaction, 0, Duration::from_millis(200));
    assert!(matches!(lost, Err(LedgerError::Timeout(_))), "{lost:?}");
    // The same transaction again: it is still valid.
    story
        .contract
        .add_token(&sender, RES, CLAIMS, 3600, &[])
        .unwrap();
    assert_ne!(
        story
            .contract
            .read_token(ledger, client, RES, 0)
            .unwrap()
            .word_head,
        [0; 32]
    );
}

/// A node that is not there, or is something else, is unavailable: it revokes nobody (spec 8, A8).
#[test]
fn no_node() {
    use iotchain_ledger::JsonRpcLedger;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let talkative = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = talkative.local_addr().unwrap();
    let answers = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = talkative.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            .unwrap();
    });
    for url in [
        "http://127.0.0.1:1".to_owned(),
        format!("http://{}", silent.local_addr().unwrap()),
        format!("http://{address}"),
    ] {
        let ledger = JsonRpcLedger::new(url.clone(), Duration::from_millis(300));
        let error = ledger.head().unwrap_err();
        assert!(
            matches!(error, LedgerError::Unavailable(_) | LedgerError::Answer(_)),
            "{url}: {error}"
        );
        assert_eq!(error.registry(), iotchain_core::Error::LedgerUnavailable);
    }
    answers.join().unwrap();
}
