//! The JSON-RPC server as wallets, other nodes and attackers meet it.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{Address as AlloyAddress, B256, Bytes, U256, keccak256};
use alloy_trie::proof::verify_proof;
use alloy_trie::{Nibbles, TrieAccount};
use iotchain_core::Address;
use iotchain_ledger::contract::{ResourcePolicy, token_slot};
use iotchain_ledger::rpc::Server;
use iotchain_ledger::{AccessToken, Account, EmbeddedLedger, Hash, Ledger, Sender, Transaction};
use serde_json::{Value, json};

const CLAIMS: [u8; 4] = [0x05, 0x10, 0x00, 0x07];

struct Node {
    ledger: Arc<EmbeddedLedger>,
    server: Server,
    owner: Account,
    contract: AccessToken,
}

impl Node {
    fn start() -> Self {
        let ledger = Arc::new(EmbeddedLedger::in_memory(&support::quick()).unwrap());
        let server = Server::start(Arc::clone(&ledger), "127.0.0.1:0").unwrap();
        let owner = Account::generate().unwrap();
        let contract =
            AccessToken::deploy(&Sender::new(&*ledger, &owner), owner.address()).unwrap();
        Self {
            ledger,
            server,
            owner,
            contract,
        }
    }

    fn reply(&self, method: &str, params: Value) -> Value {
        support::rpc(&self.server.url(), method, &params)
    }

    fn ask(&self, method: &str, params: Value) -> Value {
        let reply = self.reply(method, params);
        assert!(reply.get("error").is_none(), "{method}: {reply}");
        reply["result"].clone()
    }

    fn fault(&self, method: &str, params: Value) -> i64 {
        let reply = self.reply(method, params);
        assert!(reply.get("result").is_none(), "{method}: {reply}");
        reply["error"]["code"].as_i64().unwrap()
    }

    /// Sends bytes as they are and returns the status line's code.
    fn raw(&self, request: &[u8]) -> u16 {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let _ = stream.write_all(request);
        let mut reply = [0; 12];
        stream.read_exact(&mut reply).unwrap();
        std::str::from_utf8(&reply[9..12]).unwrap().parse().unwrap()
    }
}

fn alloy(address: Address) -> AlloyAddress {
    AlloyAddress::new(*address.as_bytes())
}

#[test]
fn standard_methods() {
    let node = Node::start();
    let contract = alloy(node.contract.address());
    let owner = alloy(node.owner.address());
    assert_eq!(node.ask("eth_chainId", json!([])), "0x4ed4");
    assert_eq!(node.ask("net_version", json!([])), "20180");
    assert!(
        node.ask("web3_clientVersion", json!([]))
            .as_str()
            .unwrap()
            .starts_with("iotchain-ledger/")
    );
    assert_eq!(node.ask("eth_gasPrice", json!([])), "0x0");
    assert_eq!(node.ask("eth_getBalance", json!([owner, "latest"])), "0x0");
    assert_eq!(
        node.ask("eth_getTransactionCount", json!([owner, "latest"])),
        "0x1"
    );
    assert_eq!(
        node.ask("eth_getTransactionCount", json!([owner, "earliest"])),
        "0x0"
    );
    assert_eq!(
        node.ask("eth_getBlockByNumber", json!(["0xffffffff", false])),
        Value::Null
    );
    assert_eq!(
        node.ask("eth_getTransactionReceipt", json!([B256::ZERO])),
        Value::Null
    );
    assert_eq!(
        node.ask("eth_getTransactionByHash", json!([B256::ZERO])),
        Value::Null
    );
    let fees = node.ask("eth_feeHistory", json!(["0x2", "latest", [50]]));
    assert_eq!(fees["baseFeePerGas"], json!(["0x0", "0x0", "0x0"]));

    // The deployment, seen from all sides.
    let logs = node.ask(
        "eth_getLogs",
        json!([{ "address": contract, "fromBlock": "earliest" }]),
    );
    assert_eq!(logs.as_array().unwrap().len(), 1);
    let hash = &logs[0]["transactionHash"];
    let receipt = node.ask("eth_getTransactionReceipt", json!([hash]));
    assert_eq!(receipt["contractAddress"], json!(contract));
    assert_eq!(receipt["from"], json!(owner));
    assert_eq!(receipt["to"], Value::Null);
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["logs"], logs);
    let block = node.ask("eth_getBlockByHash", json!([receipt["blockHash"], true]));
    assert_eq!(block["transactions"][0]["hash"], *hash);
    assert_eq!(
        block["transactions"][0],
        node.ask("eth_getTransactionByHash", json!([hash]))
    );
    assert_eq!(block["gasUsed"], receipt["gasUsed"]);
    let brief = node.ask("eth_getBlockByNumber", json!([block["number"], false]));
    assert_eq!(brief["transactions"], json!([hash]));
    let header: Bytes =
        serde_json::from_value(node.ask("debug_getRawHeader", json!([block["number"]]))).unwrap();
    assert_eq!(json!(keccak256(header)), block["hash"]);

    let code: Bytes =
        serde_json::from_value(node.ask("eth_getCode", json!([contract, "latest"]))).unwrap();
    assert_eq!(
        Hash::new(keccak256(&code).0),
        AccessToken::pinned_code_hash().unwrap()
    );
    assert_eq!(node.ask("eth_getCode", json!([contract, "earliest"])), "0x");
    let slot = node.ask(
        "eth_getStorageAt",
        json!([contract, "0x2", { "blockHash": block["hash"] }]),
    );
    assert!(
        slot.as_str()
            .unwrap()
            .ends_with(&hex::encode(node.owner.address().as_bytes()))
    );
    assert_eq!(
        node.ask(
            "eth_getStorageAt",
            json!([contract, B256::with_last_byte(2), "latest"])
        ),
        slot
    );
    assert_eq!(
        node.ask(
            "eth_getLogs",
            json!([{ "topics": [null, B256::ZERO], "fromBlock": "0x0" }])
        ),
        logs
    );
    assert_eq!(
        node.ask(
            "eth_getLogs",
            json!([{ "topics": [B256::ZERO], "fromBlock": "0x0" }])
        ),
        json!([])
    );
    assert_eq!(
        node.ask("eth_getLogs", json!([{ "blockHash": block["hash"] }])),
        logs
    );
}

#[test]
fn an_estimated_limit_suffices() {
    let node = Node::start();
    let client = Account::generate().unwrap();
    let res = Address::new([9; 20]);
    let owner = Sender::new(&*node.ledger, &node.owner);
    let policy = AccessToken::deploy_open_policy(&owner).unwrap();
    node.contract
        .set_resource(
            &owner,
            res,
            &ResourcePolicy {
                policy,
                max_ttl: 100,
                policy_gas: 50_000,
            },
        )
        .unwrap();
    let mut input = keccak256("addToken(address,bytes4,uint40,bytes)")[..4].to_vec();
    input.extend(B256::left_padding_from(res.as_bytes()));
    input.extend(B256::right_padding_from(&CLAIMS));
    input.extend(B256::with_last_byte(60));
    input.extend(B256::with_last_byte(128));
    input.extend(B256::ZERO);
    let call = json!({
        "from": alloy(client.address()), "to": alloy(node.contract.address()), "input": Bytes::from(input.clone()),
    });
    let gas = node.ask("eth_estimateGas", json!([call]));
    let gas = u64::from_str_radix(&gas.as_str().unwrap()[2..], 16).unwrap();
    let send = |gas_limit, nonce| {
        let raw = client.sign(&Transaction {
            chain_id: 20_180,
            nonce,
            to: Some(node.contract.address()),
            data: input.clone(),
            gas_limit,
            gas_price: 0,
        });
        let hash = node.ask("eth_sendRawTransaction", json!([Bytes::from(raw)]));
        let hash: B256 = serde_json::from_value(hash).unwrap();
        node.ledger
            .wait_confirmed(Hash::new(hash.0), 0, Duration::from_secs(10))
            .unwrap()
    };
    let receipt = send(gas, 0);
    assert!(receipt.success);
    assert!(
        gas < 2 * receipt.gas_used,
        "{gas} is far above {}",
        receipt.gas_used
    );
    let refused = json!({ "from": alloy(client.address()), "to": alloy(node.contract.address()), "input": "0x12345678" });
    assert_eq!(node.fault("eth_estimateGas", json!([refused])), 3);
}

/// Proofs of what is there and of what is not, at the head and before, hold against the state root in the header.
#[test]
fn proofs_hold() {
    let node = Node::start();
    let sender = Sender::new(&*node.ledger, &node.owner);
    let res = Address::new([9; 20]);
    node.contract
        .set_resource(
            &sender,
            res,
            &ResourcePolicy {
                policy: Address::ZERO,
                max_ttl: 100,
                policy_gas: 0,
            },
        )
        .unwrap();
    let early = node.ledger.head().unwrap();
    for client in 0..40 {
        let client = Address::new([client; 20]);
        node.contract
            .issue_token(&sender, client, res, CLAIMS, 60, 0)
            .unwrap();
        if client.as_bytes()[0].is_multiple_of(4) {
            node.contract.delete_token(&sender, client, res).unwrap();
        }
    }
    let head = node.ledger.head().unwrap();
    let contract = node.contract.address();
    for block in [early, head] {
        for address in [contract, node.owner.address(), Address::new([0xEE; 20])] {
            let slots: Vec<_> = (0..41)
                .map(|client| B256::from(token_slot(Address::new([client; 20]), res)))
                .collect();
            let proof = node.ask(
                "eth_getProof",
                json!([alloy(address), slots, { "blockHash": B256::from(*block.hash.as_bytes()) }]),
            );
            let root = B256::from(*block.state_root.as_bytes());
            check_account(&proof, root, alloy(address));
            for (slot, word) in slots.iter().zip(proof["storageProof"].as_array().unwrap()) {
                let value = check_word(&proof, word, *slot);
                let read = node.ledger.storage_at(address, slot.0, block.hash).unwrap();
                assert_eq!(value, U256::from_be_bytes(read));
            }
        }
    }
    assert_eq!(
        node.fault(
            "eth_getProof",
            json!([alloy(contract), vec!["0x0"; 65], "latest"])
        ),
        -32602
    );
}

fn nodes(proof: &Value) -> Vec<Bytes> {
    serde_json::from_value(proof.clone()).unwrap()
}

fn check_account(proof: &Value, root: B256, address: AlloyAddress) {
    let account: TrieAccount = TrieAccount::new(
        serde_json::from_value::<alloy_primitives::U64>(proof["nonce"].clone())
            .unwrap()
            .to(),
        serde_json::from_value(proof["balance"].clone()).unwrap(),
        serde_json::from_value(proof["storageHash"].clone()).unwrap(),
        serde_json::from_value(proof["codeHash"].clone()).unwrap(),
    );
    let expected = (account != TrieAccount::default()).then(|| alloy_rlp::encode(account));
    verify_proof(
        root,
        Nibbles::unpack(keccak256(address)),
        expected,
        &nodes(&proof["accountProof"]),
    )
    .unwrap();
}

fn check_word(proof: &Value, word: &Value, slot: B256) -> U256 {
    let value: U256 = serde_json::from_value(word["value"].clone()).unwrap();
    let root: B256 = serde_json::from_value(proof["storageHash"].clone()).unwrap();
    let expected = (!value.is_zero()).then(|| alloy_rlp::encode(value));
    verify_proof(
        root,
        Nibbles::unpack(keccak256(slot)),
        expected,
        &nodes(&word["proof"]),
    )
    .unwrap();
    value
}

#[test]
fn faults_have_their_codes() {
    let node = Node::start();
    let unknown = json!({ "blockHash": B256::repeat_byte(9) });
    assert_eq!(node.fault("eth_mine", json!([])), -32601);
    assert_eq!(node.fault("eth_getBalance", json!([])), -32602);
    assert_eq!(
        node.fault("eth_getBalance", json!(["0x12", "latest"])),
        -32602
    );
    assert_eq!(
        node.fault("eth_getBalance", json!([AlloyAddress::ZERO, "yesterday"])),
        -32602
    );
    assert_eq!(
        node.fault("eth_getBalance", json!([AlloyAddress::ZERO, unknown])),
        -32001
    );
    assert_eq!(
        node.fault("eth_getBalance", json!([AlloyAddress::ZERO, "0xffffff"])),
        -32001
    );
    assert_eq!(
        node.fault("eth_getBalance", json!([AlloyAddress::ZERO, {}])),
        -32602
    );
    assert_eq!(
        node.fault("eth_sendRawTransaction", json!(["0xdead"])),
        -32000
    );
    assert_eq!(
        node.fault("eth_sendRawTransaction", json!(["nonsense"])),
        -32602
    );
    assert_eq!(node.fault("eth_chainId", json!("no array")), -32602);
    let valued = json!({ "to": AlloyAddress::ZERO, "value": "0x1" });
    assert_eq!(node.fault("eth_call", json!([valued])), -32602);
}

#[test]
fn batches_and_bad_requests() {
    let node = Node::start();
    let post = |body: &str| {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        agent
            .post(node.server.url())
            .send(body)
            .unwrap()
            .body_mut()
            .read_json::<Value>()
            .unwrap()
    };
    let replies = post(r#"[{"id":1,"method":"eth_chainId"},{"id":"b","method":"nope"},7]"#);
    assert_eq!(replies[0]["result"], "0x4ed4");
    assert_eq!(replies[0]["id"], 1);
    assert_eq!(replies[1]["id"], "b");
    assert_eq!(replies[1]["error"]["code"], -32601);
    assert_eq!(replies[2]["error"]["code"], -32600);
    assert_eq!(post("[]")["error"]["code"], -32600);
    assert_eq!(post("{")["error"]["code"], -32700);
    assert_eq!(post(&"[".repeat(100_000))["error"]["code"], -32700);

    assert_eq!(node.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
    assert_eq!(
        node.raw(b"POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}"),
        403
    );
    for host in [
        "localhost",
        "localhost:8545",
        "127.0.0.1:1",
        "[::1]:8545",
        "[::1]",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n{{}}");
        assert_eq!(node.raw(request.as_bytes()), 200, "{host}");
    }
    let mut long = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000\r\n\r\n".to_vec();
    long.resize(long.len() + 400_000, b' ');
    assert_eq!(node.raw(&long), 413);
    // Requests that never end.
    let hanging: Vec<_> = (0..10)
        .map(|_| {
            let mut stream = TcpStream::connect(node.server.address()).unwrap();
            stream
                .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{")
                .unwrap();
            stream
        })
        .collect();
    // Still alive after all that.
    assert_eq!(node.ask("eth_chainId", json!([])), "0x4ed4");
    let address = node.server.address();
    drop(node);
    drop(hanging);
    let start = Instant::now();
    while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "a dropped server listens no more"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whatever stands in the parameters, there is an answer, and there still is one to the next request.
#[test]
fn strange_parameters() {
    let node = Node::start();
    let methods = [
        "eth_feeHistory",
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "debug_getRawHeader",
        "debug_getRawBlock",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getTransactionCount",
        "eth_getBalance",
        "eth_getCode",
        "eth_getStorageAt",
        "eth_getProof",
        "eth_getLogs",
        "eth_call",
        "eth_estimateGas",
        "eth_sendRawTransaction",
    ];
    let address = json!(alloy(node.contract.address()));
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("0x"),
        json!("0xffffffffffffffff"),
        json!(format!("0x{}", "f".repeat(64))),
        json!(format!("0x{}", "f".repeat(5000))),
        json!([]),
        json!([[]]),
        json!({}),
        json!("latest"),
        address.clone(),
        json!({ "blockHash": B256::ZERO, "blockNumber": "0x0" }),
        json!({ "fromBlock": "0xffffffffffffffff" }),
        json!({ "fromBlock": "0x0", "toBlock": "0xffffffffffffffff", "topics": [[[]]] }),
        json!({ "to": address, "data": "0x00", "value": "-1" }),
        json!({ "from": address, "to": address, "data": "0x00" }),
    ];
    for method in methods {
        for first in &values {
            for second in &values {
                let reply = node.reply(method, json!([first, second, "latest"]));
                assert!(
                    reply["result"].is_null() != reply["error"].is_null()
                        || reply.get("result").is_some(),
                    "{reply}"
                );
                let code = &reply["error"]["code"];
                assert_ne!(*code, -32603, "{method} {first} {second}: {reply}");
            }
        }
    }
    assert_eq!(node.ask("eth_chainId", json!([])), "0x4ed4");
}
