//! `iotchain-token` verifies what chains prove: against alloy-trie on random tries, and on the embedded chain itself.

#[path = "support/node.rs"]
mod node;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address as AlloyAddress, B256, Bytes, U256, keccak256};
use alloy_trie::proof::{ProofRetainer, verify_proof};
use alloy_trie::{HashBuilder, Nibbles};
use iotchain_core::{Address, Error, Roles, UnixTime};
use iotchain_ledger::contract::{ResourcePolicy, resource_slot, token_slot};
use iotchain_ledger::rpc::Server;
use iotchain_ledger::{
    AccessToken, Account, EmbeddedLedger, Hash, JsonRpcLedger, Ledger, LedgerError, Sender,
};
use iotchain_token::{
    Claims, Class, Policy, Publication, Query, Scope, Sealer, TokenPlace, TokenProof, TokenRef,
    TriePath, TrieStep, TrustedBlock, verify_token_proof,
};
use serde_json::{Value, json};

const RES: Address = Address::new([0xA5; 20]);

/// Random bytes that are the same in every run.
fn random(seed: u64) -> B256 {
    keccak256(seed.to_be_bytes())
}

/// What a proof says of a key: its value or its absence, or why it says nothing.
fn verify(root: B256, key: B256, nodes: &[Bytes]) -> Result<Option<Vec<u8>>, Error> {
    let mut step = TriePath::start(&root.0, key.0);
    for node in nodes {
        step = match step {
            TrieStep::Onward(path) => path.push(node)?,
            _ => return Err(Error::Trailing),
        };
    }
    match step {
        TrieStep::Onward(_) => Err(Error::Truncated),
        TrieStep::Present(value) => Ok(Some(value.to_vec())),
        TrieStep::Absent => Ok(None),
    }
}

/// A trie that alloy-trie built, with its proofs of some keys.
struct Trie {
    root: B256,
    leaves: BTreeMap<B256, Vec<u8>>,
    proofs: Vec<(B256, Vec<Bytes>)>,
}

impl Trie {
    /// Keys share long prefixes or long tails, and short values make nodes that stand inside their parents.
    fn random(seed: u64) -> Self {
        let dice = random(seed);
        let spread = [1, 2, 3, 32][usize::from(dice[0] % 4)];
        let count = 1 + u64::from(dice[1] % 40);
        let from_front = dice[2] & 1 == 0;
        let key = |i: u64| {
            let fresh = random(seed << 20 | i);
            let mut key = B256::repeat_byte(0xAB);
            let place = if from_front {
                0..spread
            } else {
                32 - spread..32
            };
            key[place.clone()].copy_from_slice(&fresh[place]);
            key
        };
        let leaves: BTreeMap<B256, Vec<u8>> = (0..count)
            .map(|i| {
                let value = random(seed << 20 | i | 1 << 18);
                let len = if dice[3] & 1 == 0 {
                    1 + usize::from(value[0] % 3)
                } else {
                    1 + usize::from(value[0] % 32)
                };
                (key(i), value[..len].to_vec())
            })
            .collect();
        let mut targets: Vec<B256> = leaves.keys().copied().take(6).collect();
        targets.extend((0..6).map(|i| key(1 << 16 | i)));
        targets.push(random(seed << 20 | 1 << 19));
        let retainer = ProofRetainer::from_iter(targets.iter().map(Nibbles::unpack));
        let mut builder = HashBuilder::default().with_proof_retainer(retainer);
        for (key, value) in &leaves {
            builder.add_leaf(Nibbles::unpack(key), value);
        }
        let root = builder.root();
        let nodes = builder.take_proof_nodes();
        let prove = |key: B256| {
            let path = Nibbles::unpack(key);
            // Nodes that stand inside their parents are no part of a proof (EIP-1186), except the root.
            let nodes = nodes.matching_nodes_sorted(&path).into_iter();
            nodes
                .filter(|(path, node)| path.is_empty() || node.len() >= 32)
                .map(|(_, node)| node)
                .collect()
        };
        let proofs = targets.into_iter().map(|key| (key, prove(key))).collect();
        Self {
            root,
            leaves,
            proofs,
        }
    }
}

/// Twelve thousand proofs of a thousand tries: presence, absence, extensions, nodes inside nodes.
#[test]
fn agrees_with_alloy_on_random_tries() {
    let (mut present, mut absent) = (0, 0);
    for seed in 0..1_000 {
        let trie = Trie::random(seed);
        for (key, nodes) in &trie.proofs {
            let expected = trie.leaves.get(key).cloned();
            verify_proof(trie.root, Nibbles::unpack(key), expected.clone(), nodes).unwrap();
            match &expected {
                Some(_) => present += 1,
                None => absent += 1,
            }
            assert_eq!(verify(trie.root, *key, nodes), Ok(expected), "trie {seed}");
        }
    }
    assert!(
        present > 3_000 && absent > 3_000,
        "{present} present, {absent} absent"
    );
}

/// A proof that was changed anywhere is refused, or says what the whole one says.
#[test]
fn no_mutation_changes_an_answer() {
    let mut refused = 0;
    for round in 0..100_000u64 {
        let trie = Trie::random_cached(round);
        let dice = random(1 << 40 | round);
        let (key, nodes) = &trie.proofs[usize::from(dice[0]) % trie.proofs.len()];
        let mut nodes = nodes.clone();
        if nodes.is_empty() {
            continue;
        }
        let place = usize::from(dice[1]) % nodes.len();
        let byte = |len: usize| (usize::from(dice[2]) << 8 | usize::from(dice[3])) % len;
        let mut node = nodes[place].to_vec();
        match dice[4] % 6 {
            0 => {
                let at = byte(node.len());
                node[at] ^= 1 << (dice[5] % 8);
            }
            1 => node.truncate(byte(node.len())),
            2 => node.push(dice[5]),
            3 => node = random(round).to_vec(),
            4 => {
                let at = byte(node.len());
                node.remove(at);
            }
            _ => node.clear(),
        }
        nodes[place] = node.into();
        match verify(trie.root, *key, &nodes) {
            Err(Error::Proof) => refused += 1,
            found => panic!("round {round}: {found:?}"),
        }
    }
    assert!(refused > 99_000);
}

impl Trie {
    /// One of a few tries, since a mutation costs less than a trie.
    fn random_cached(round: u64) -> Arc<Self> {
        thread_local! {
            static LAST: std::cell::RefCell<Option<(u64, Arc<Trie>)>> = const { std::cell::RefCell::new(None) };
        }
        let seed = 10_000 + round / 500;
        LAST.with_borrow_mut(|last| match last {
            Some((of, trie)) if *of == seed => Arc::clone(trie),
            _ => {
                let trie = Arc::new(Self::random(seed));
                *last = Some((seed, Arc::clone(&trie)));
                trie
            }
        })
    }
}

/// Nodes that no honest trie holds, under a root that fits them: malformed, they are refused whatever the hash says.
#[test]
fn nodes_of_other_shapes_are_refused() {
    let key = B256::repeat_byte(0x11);
    let judge = |node: &[u8]| verify(keccak256(node), key, &[Bytes::copy_from_slice(node)]);
    let list = |items: &[&[u8]]| {
        let body = items.concat();
        let mut out = Vec::new();
        alloy_rlp::Header {
            list: true,
            payload_length: body.len(),
        }
        .encode(&mut out);
        [out, body].concat()
    };
    let leaf = [&[0xa1, 0x20][..], &[0x11; 32]].concat();
    assert_eq!(judge(&list(&[&leaf, &[7]])), Ok(Some(vec![7])));
    assert_eq!(judge(&list(&[&leaf, &[0xc0]])), Err(Error::Proof));
    assert_eq!(judge(&list(&[&leaf])), Err(Error::Proof));
    assert_eq!(judge(&list(&[&leaf, &[7], &[7]])), Err(Error::Proof));
    assert_eq!(judge(&list(&[&leaf[..33], &[7]])), Err(Error::Proof));
    assert_eq!(judge(&list(&[&[0x20], &[7]])), Err(Error::Proof));
    assert_eq!(
        judge(&[list(&[&leaf, &[7]]), vec![0]].concat()),
        Err(Error::Proof)
    );

    let hash = [&[0xa0][..], &[5; 32]].concat();
    assert_eq!(judge(&list(&[&[0x11], &hash])), Err(Error::Truncated));
    assert_eq!(judge(&list(&[&[0x12], &hash])), Ok(None));
    assert_eq!(judge(&list(&[&[0x11], &[0x80]])), Err(Error::Proof));
    assert_eq!(judge(&list(&[&[0x11], &hash[..32]])), Err(Error::Proof));
    assert_eq!(judge(&list(&[&[0xc0], &hash])), Err(Error::Proof));
    let long_child = list(&[&leaf, &[7]]);
    assert_eq!(judge(&list(&[&[0x11], &long_child])), Err(Error::Proof));

    let branch = |children: usize, chosen: &[u8], value: &[u8]| {
        let mut items = vec![&[0x80][..]; children];
        items[1] = chosen;
        items.push(value);
        list(&items)
    };
    assert_eq!(judge(&branch(16, &hash, &[0x80])), Err(Error::Truncated));
    assert_eq!(judge(&branch(16, &[0x80], &[0x80])), Ok(None));
    assert_eq!(judge(&branch(15, &hash, &[0x80])), Err(Error::Proof));
    assert_eq!(judge(&branch(17, &hash, &[0x80])), Err(Error::Proof));
    assert_eq!(judge(&branch(16, &hash, &[7])), Err(Error::Proof));
    assert_eq!(judge(&branch(16, &hash[..32], &[0x80])), Err(Error::Proof));
    assert_eq!(judge(&branch(16, &long_child, &[0x80])), Err(Error::Proof));
    assert_eq!(judge(&[0x80]), Err(Error::Trailing));
    assert_eq!(verify(keccak256([0x80]), key, &[]), Ok(None));
}

/// An embedded chain behind JSON-RPC, with one token.
struct Chain {
    ledger: Arc<EmbeddedLedger>,
    server: Server,
    contract: AccessToken,
    owner: Account,
    client: Account,
    claims: Claims,
}

impl Chain {
    fn start() -> Self {
        let ledger = Arc::new(EmbeddedLedger::in_memory(&support::quick()).unwrap());
        let server = Server::start(Arc::clone(&ledger), "127.0.0.1:0").unwrap();
        let (owner, client) = (Account::generate().unwrap(), Account::generate().unwrap());
        let claims = Claims::new(Roles::GET, Class::new(7)).unwrap();
        let by_owner = Sender::new(&*ledger, &owner);
        let contract = AccessToken::deploy(&by_owner, owner.address()).unwrap();
        let policy = AccessToken::deploy_open_policy(&by_owner).unwrap();
        let terms = ResourcePolicy {
            policy,
            max_ttl: 86_400,
            policy_gas: 50_000,
        };
        contract.set_resource(&by_owner, RES, &terms).unwrap();
        let by_client = Sender::new(&*ledger, &client);
        contract
            .add_token(&by_client, RES, claims.encode(), 3600, &[])
            .unwrap();
        for _ in 0..12 {
            ledger.seal_block().unwrap();
        }
        Self {
            ledger,
            server,
            contract,
            owner,
            client,
            claims,
        }
    }

    fn place(&self, client: Address) -> TokenPlace {
        TokenPlace {
            token: TokenRef {
                chain: self.ledger.chain_id().unwrap(),
                contract: self.contract.address(),
                client,
            },
            rs: RES,
            code_hash: *AccessToken::pinned_code_hash().unwrap().as_bytes(),
        }
    }

    fn ask(&self, method: &str, params: &Value) -> Value {
        support::rpc(&self.server.url(), method, params)["result"].clone()
    }

    fn raw_header(&self, number: u64) -> Bytes {
        let number = json!(format!("{number:#x}"));
        serde_json::from_value(self.ask("debug_getRawHeader", &json!([number]))).unwrap()
    }

    /// The nodes of `eth_getProof` after a block, as a device receives them.
    fn nodes(&self, client: Address, block: Hash) -> Vec<Bytes> {
        let slots = [token_slot(client, RES), resource_slot(RES)].map(B256::from);
        let contract = AlloyAddress::new(*self.contract.address().as_bytes());
        let at = json!({ "blockHash": B256::from(block) });
        let proof = self.ask("eth_getProof", &json!([contract, slots, at]));
        let words = &proof["storageProof"];
        [
            &proof["accountProof"],
            &words[0]["proof"],
            &words[1]["proof"],
        ]
        .into_iter()
        .flat_map(|nodes| serde_json::from_value::<Vec<Bytes>>(nodes.clone()).unwrap())
        .collect()
    }

    fn query(&self) -> Query {
        let scope = Scope {
            group: self.claims.class().group(&RES),
            roles: Roles::GET,
        };
        Query {
            token: self.place(self.client.address()).token,
            rs: RES,
            scope,
        }
    }
}

/// A device that knows the genesis block and its sealer trusts no node: it follows the seals to the head, and the
/// head's state root to the token.
#[test]
fn a_device_verifies_a_token_of_the_embedded_chain() {
    let chain = Chain::start();
    let genesis = chain.raw_header(0);
    let sealer: [u8; 20] = {
        let header = alloy_rlp::decode_exact::<alloy_consensus::Header>(&genesis).unwrap();
        header.extra_data[32..52].try_into().unwrap()
    };
    let mut sealers = [Sealer::new(Address::new(sealer))];
    let head = chain.ledger.head().unwrap();
    let mut block = TrustedBlock::at(&keccak256(&genesis).0, &genesis).unwrap();
    for number in 1..=head.number {
        block = block
            .sealed_child(&chain.raw_header(number), &mut sealers)
            .unwrap();
    }
    assert_eq!(block.hash(), head.hash.as_bytes());
    assert_eq!(block.state_root(), head.state_root.as_bytes());

    let client = chain.client.address();
    let place = chain.place(client);
    let nodes = chain.nodes(client, head.hash);
    let proof = nodes
        .iter()
        .try_fold(TokenProof::new(&block, &place).unwrap(), |proof, node| {
            proof.push(node)
        })
        .unwrap();
    let proven = proof.finish().unwrap();
    let view = chain
        .contract
        .read_token(&*chain.ledger, client, RES, 0)
        .unwrap();
    assert_eq!(
        (proven.word(), proven.resource()),
        (&view.word_head, &view.resource_head)
    );

    let classes = [chain.claims.class()];
    let TokenRef {
        chain: id,
        contract,
        ..
    } = place.token;
    let published = [Publication {
        chain: id,
        contract,
        rs: RES,
        classes: &classes,
    }];
    let policy = Policy::default();
    let now = head.timestamp;
    let grant = proven
        .validate(&chain.query(), &policy, &published[..], now)
        .unwrap();
    assert_eq!(grant.mask(), Roles::GET);

    // Who never asked for a token is proved to have none.
    let stranger = Account::generate().unwrap().address();
    let nodes = chain.nodes(stranger, head.hash);
    let header = chain.raw_header(head.number);
    let proven = verify_token_proof(
        head.hash.as_bytes(),
        [&header[..]],
        &chain.place(stranger),
        nodes.iter().map(|node| &node[..]),
    )
    .unwrap();
    assert_eq!(proven.word(), &[0; 32]);
    let query = Query {
        token: chain.place(stranger).token,
        ..chain.query()
    };
    assert_eq!(
        proven.validate(&query, &policy, &published[..], now),
        Err(Error::TokenAbsent)
    );

    // A revocation is seen at once, and the older proof is one of an older block.
    let by_owner = Sender::new(&*chain.ledger, &chain.owner);
    chain.contract.delete_token(&by_owner, client, RES).unwrap();
    let head = chain.ledger.head().unwrap();
    let header = chain.raw_header(head.number);
    let nodes = chain.nodes(client, head.hash);
    let prove = |nodes: &[Bytes]| {
        let nodes = nodes.iter().map(|node| &node[..]);
        verify_token_proof(head.hash.as_bytes(), [&header[..]], &place, nodes)
    };
    let proven = prove(&nodes).unwrap();
    let denied = proven.validate(&chain.query(), &policy, &published[..], head.timestamp);
    assert!(matches!(
        denied,
        Err(Error::TokenAbsent | Error::TokenRevoked)
    ));
}

#[test]
fn a_proving_ledger_reads_what_a_believing_one_reads() {
    let chain = Chain::start();
    let believing = JsonRpcLedger::new(chain.server.url(), Duration::from_secs(10));
    let proving = JsonRpcLedger::new(chain.server.url(), Duration::from_secs(10)).proving();
    let head = proving.head().unwrap();
    let client = chain.client.address();
    for (contract, slot) in [
        (chain.contract.address(), token_slot(client, RES)),
        (chain.contract.address(), resource_slot(RES)),
        (chain.contract.address(), [9; 32]),
        (chain.owner.address(), [0; 32]),
        (Address::new([9; 20]), [0; 32]),
    ] {
        for ledger in [&believing, &proving] {
            let found = ledger.storage_at(contract, slot, head.hash).unwrap();
            assert_eq!(
                found,
                chain.ledger.storage_at(contract, slot, head.hash).unwrap()
            );
            let code = ledger.code_hash(contract, head.hash).unwrap();
            assert_eq!(code, chain.ledger.code_hash(contract, head.hash).unwrap());
        }
    }
    let read = |ledger: &dyn Ledger| chain.contract.read_token(ledger, client, RES, 0).unwrap();
    assert_eq!(read(&proving).word_head, read(&believing).word_head);
    let genesis = proving.header(0).unwrap().unwrap();
    assert_eq!(
        proving.storage_at(client, [0; 32], genesis.hash).unwrap(),
        [0; 32]
    );
    let unknown = proving.storage_at(client, [0; 32], Hash::new([9; 32]));
    assert!(matches!(unknown, Err(LedgerError::UnknownBlock(_))));
}

/// A node that changes the answers of one method.
fn liar(honest: &Server, method: &'static str, lie: fn(&mut Value)) -> String {
    let honest = honest.url();
    node::start(move |request| {
        let mut answer = node::ask(&honest, request);
        if request["method"] == method {
            lie(&mut answer["result"]);
        }
        answer
    })
}

#[test]
fn a_lying_node_convinces_only_the_believer() {
    let chain = Chain::start();
    let client = chain.client.address();
    let slot = token_slot(client, RES);
    let forged = |result: &mut Value| *result = json!(B256::repeat_byte(0xee));
    let url = liar(&chain.server, "eth_getStorageAt", forged);
    let believing = JsonRpcLedger::new(url.clone(), Duration::from_secs(10));
    let proving = JsonRpcLedger::new(url, Duration::from_secs(10)).proving();
    let head = proving.head().unwrap();
    let read =
        |ledger: &JsonRpcLedger| ledger.storage_at(chain.contract.address(), slot, head.hash);
    assert_eq!(read(&believing).unwrap(), [0xee; 32]);
    let honest = chain
        .ledger
        .storage_at(chain.contract.address(), slot, head.hash)
        .unwrap();
    assert_eq!(read(&proving).unwrap(), honest);

    let lies: [fn(&mut Value); 8] = [
        // Another word, at its right place in the leaf.
        |result| {
            let nodes = &mut result["storageProof"][0]["proof"];
            let last = nodes.as_array_mut().unwrap().last_mut().unwrap();
            let text = last.as_str().unwrap();
            *last = json!(format!("{}00", &text[..text.len() - 2]));
        },
        // "There is no token": the path is cut short.
        |result| {
            _ = result["storageProof"][0]["proof"]
                .as_array_mut()
                .unwrap()
                .pop()
        },
        |result| result["storageProof"][0]["proof"] = json!([]),
        |result| result["storageProof"][0]["proof"] = json!(["0x80"]),
        |result| result["storageProof"] = json!([]),
        |result| result["accountProof"] = json!([]),
        |result| {
            result["accountProof"]
                .as_array_mut()
                .unwrap()
                .push(json!("0x80"))
        },
        |result| result["accountProof"].as_array_mut().unwrap().reverse(),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let url = liar(&chain.server, "eth_getProof", lie);
        let proving = JsonRpcLedger::new(url, Duration::from_secs(10)).proving();
        let head = proving.head().unwrap();
        let found = proving.storage_at(chain.contract.address(), slot, head.hash);
        assert!(
            matches!(found, Err(LedgerError::Answer(_))),
            "lie {number}: {found:?}"
        );
    }
    // What a node says beside the proof does not matter.
    let url = liar(&chain.server, "eth_getProof", |result| {
        result["codeHash"] = json!(B256::ZERO);
        result["storageHash"] = json!(B256::ZERO);
        if let Some(word) = result["storageProof"].get_mut(0) {
            word["value"] = json!(U256::MAX);
        }
    });
    let proving = JsonRpcLedger::new(url, Duration::from_secs(10)).proving();
    assert_eq!(read(&proving).unwrap(), honest);
    chain.contract.check_code(&proving, head.hash).unwrap();
    assert!(head.timestamp > UnixTime::new(0));
}
