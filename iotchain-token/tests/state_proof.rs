//! Proofs of real nodes (`token-proof.json`): accepted whole, and in no other form.
#![allow(missing_docs)]

mod support;

use iotchain_core::{Address, Error, Roles, UnixTime};
use iotchain_token::{
    BlockHash, Claims, Policy, ProvenToken, Publication, Query, Scope, Sealer, TokenPlace,
    TokenProof, TokenRef, TokenWord, TriePath, TrieStep, TrustedBlock, verify_token_proof,
};
use serde_json::Value;
use support::{address, array, hex, number, time, token, vectors};

struct Case {
    id: String,
    tip: BlockHash,
    headers: Vec<Vec<u8>>,
    place: TokenPlace,
    nodes: Vec<Vec<u8>>,
    file: Value,
}

fn cases() -> Vec<Case> {
    let list =
        |value: &Value| -> Vec<Vec<u8>> { value.as_array().unwrap().iter().map(hex).collect() };
    let case = |file: &Value| Case {
        id: file["id"].as_str().unwrap().to_owned(),
        tip: array(&file["tip"]),
        headers: list(&file["headers"]),
        place: TokenPlace {
            token: token(file),
            rs: address(&file["res"]),
            code_hash: array(&file["code_hash"]),
        },
        nodes: ["account", "token", "resource"]
            .iter()
            .flat_map(|part| list(&file[part]))
            .collect(),
        file: file.clone(),
    };
    vectors("token-proof")["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(case)
        .collect()
}

impl Case {
    /// With only the newest header, whose state is the one that was proved.
    fn verify(&self) -> Result<ProvenToken, Error> {
        self.verify_nodes(self.nodes.iter().map(Vec::as_slice))
    }

    fn verify_nodes<'a>(
        &self,
        nodes: impl Iterator<Item = &'a [u8]>,
    ) -> Result<ProvenToken, Error> {
        let tip = self.headers[0].as_slice();
        verify_token_proof(&self.tip, [tip], &self.place, nodes)
    }
}

#[test]
fn proofs_of_real_nodes() {
    for case in cases() {
        let proven = case.verify().unwrap();
        assert_eq!(*proven.word(), array(&case.file["word"]), "{}", case.id);
        assert_eq!(*proven.resource(), array(&case.file["resource_word"]));
        assert_eq!(proven.block().number(), number(&case.file["number"]));
        assert_eq!(proven.block().timestamp(), time(&case.file["timestamp"]));
        assert_eq!(proven.block().hash(), &case.tip);
        assert_eq!(proven.place(), &case.place);
    }
}

#[test]
fn headers_lead_back_one_by_one() {
    for case in cases() {
        let tip = TrustedBlock::at(&case.tip, &case.headers[0]).unwrap();
        let mut block = tip;
        for header in &case.headers[1..] {
            let parent = block.parent(header).unwrap();
            assert_eq!(parent.hash(), block.parent_hash());
            assert_eq!(parent.number() + 1, block.number());
            block = parent;
        }
        assert_eq!(tip.parent(&case.headers[0]), Err(Error::Proof));
        assert_eq!(tip.parent(&case.headers[2]), Err(Error::Proof));
        assert_eq!(
            TrustedBlock::at(&case.tip, &case.headers[1]),
            Err(Error::Proof)
        );

        // The oldest block's state is proved by the same nodes only if nothing changed since.
        let headers = case.headers.iter().map(Vec::as_slice);
        let nodes = case.nodes.iter().map(Vec::as_slice);
        let proven = verify_token_proof(&case.tip, headers, &case.place, nodes.clone());
        let expected = if block.state_root() == tip.state_root() {
            Ok(block)
        } else {
            Err(Error::Proof)
        };
        assert_eq!(
            proven.map(|proven| *proven.block()),
            expected,
            "{}",
            case.id
        );
        assert_eq!(
            verify_token_proof(&case.tip, [], &case.place, nodes),
            Err(Error::Truncated)
        );
    }
}

#[test]
fn every_piece_counts() {
    for case in cases() {
        let len = case.nodes.len();
        let all = || case.nodes.iter().map(Vec::as_slice);
        for short in 0..len {
            assert_eq!(
                case.verify_nodes(all().take(short)),
                Err(Error::Truncated),
                "{short}"
            );
            let without = all()
                .enumerate()
                .filter(|(i, _)| *i != short)
                .map(|(_, node)| node);
            let expected = if short + 1 == len {
                Error::Truncated
            } else {
                Error::Proof
            };
            assert_eq!(
                case.verify_nodes(without),
                Err(expected),
                "without node {short}"
            );
            let twice = (0..len).flat_map(|i| vec![i; 1 + usize::from(i == short)]);
            let expected = if short + 1 == len {
                Error::Trailing
            } else {
                Error::Proof
            };
            let twice = twice.map(|i| case.nodes[i].as_slice());
            // The root of the storage trie is the first node of both words, all others have one place.
            assert_eq!(
                case.verify_nodes(twice),
                Err(expected),
                "node {short} twice"
            );
        }
        assert_eq!(
            case.verify_nodes(all().chain([&[0x80][..]])),
            Err(Error::Trailing)
        );
        assert_eq!(case.verify_nodes(all().rev()), Err(Error::Proof));
    }
}

#[test]
fn no_prefix_and_no_flipped_bit_is_accepted() {
    for case in cases() {
        for (place, node) in case.nodes.iter().enumerate() {
            let with = |other: &[u8]| {
                let nodes =
                    (0..case.nodes.len()).map(|i| if i == place { other } else { &case.nodes[i] });
                case.verify_nodes(nodes)
            };
            for len in 0..node.len() {
                assert_eq!(with(&node[..len]), Err(Error::Proof));
            }
            for bit in 0..node.len() * 8 {
                let mut flipped = node.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(with(&flipped), Err(Error::Proof));
            }
        }
        let header = &case.headers[0];
        for len in 0..header.len() {
            assert_eq!(
                TrustedBlock::at(&case.tip, &header[..len]),
                Err(Error::Proof)
            );
        }
        for bit in 0..header.len() * 8 {
            let mut flipped = header.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(TrustedBlock::at(&case.tip, &flipped), Err(Error::Proof));
        }
    }
}

#[test]
fn a_proof_is_of_one_place() {
    for case in cases() {
        let with = |change: &dyn Fn(&mut TokenPlace)| {
            let mut place = case.place;
            change(&mut place);
            let nodes = case.nodes.iter().map(Vec::as_slice);
            verify_token_proof(&case.tip, [case.headers[0].as_slice()], &place, nodes)
        };
        let other = Address::new([0xee; 20]);
        assert_eq!(with(&|place| place.code_hash = [0; 32]), Err(Error::Issuer));
        assert!(with(&|place| place.token.contract = other).is_err());
        assert!(with(&|place| place.token.client = other).is_err());
        assert!(with(&|place| place.rs = other).is_err());
    }
}

/// Follows the headers from the second oldest to the tip.
fn follow(case: &Case, start: TrustedBlock, sealers: &[Address]) -> Result<TrustedBlock, Error> {
    let mut sealers: Vec<_> = sealers.iter().copied().map(Sealer::new).collect();
    let mut newer = case.headers.iter().rev().skip(1);
    newer.try_fold(start, |block, header| {
        block.sealed_child(header, &mut sealers)
    })
}

#[test]
fn sealed_headers_lead_forward() {
    let sealed: Vec<_> = cases()
        .into_iter()
        .filter(|case| !case.file["sealers"].is_null())
        .collect();
    assert!(!sealed.is_empty());
    for case in sealed {
        let oldest = case.headers.last().unwrap();
        let start = || {
            let hash = iotchain_core::hash::keccak256(&[oldest]);
            TrustedBlock::at(&hash, oldest).unwrap()
        };
        let sealer = address(&case.file["sealers"][0]);
        let tip = follow(&case, start(), &[sealer]).unwrap();
        assert_eq!(tip.hash(), &case.tip);
        let stranger = Address::new([9; 20]);
        let found = follow(&case, start(), &[stranger]);
        assert_eq!(found, Err(Error::Signer));
        // One of two sealers may not seal two blocks in a row.
        let found = follow(&case, start(), &[stranger, sealer]);
        assert_eq!(found, Err(Error::Signer));

        let header = &case.headers[case.headers.len() - 2];
        let mut sealers = [Sealer::new(sealer)];
        assert_eq!(tip.sealed_child(header, &mut sealers), Err(Error::Proof));
        for bit in 0..header.len() * 8 {
            let mut flipped = header.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = start().sealed_child(&flipped, &mut [Sealer::new(sealer)]);
            assert!(
                matches!(found, Err(Error::Proof | Error::Sig | Error::Signer)),
                "bit {bit}"
            );
        }
    }
}

#[test]
fn a_proven_token_is_validated_like_a_record() {
    let case = cases()
        .into_iter()
        .find(|case| !case.file["sealers"].is_null())
        .unwrap();
    let proven = case.verify().unwrap();
    let word = TokenWord::parse(proven.word()).unwrap();
    let claims = Claims::parse(word.claims).unwrap();
    let classes = [claims.class()];
    let TokenRef {
        chain, contract, ..
    } = case.place.token;
    let published = [Publication {
        chain,
        contract,
        rs: case.place.rs,
        classes: &classes,
    }];
    let query = Query {
        token: case.place.token,
        rs: case.place.rs,
        scope: Scope {
            group: claims.class().group(&case.place.rs),
            roles: claims.mask(),
        },
    };
    let now = proven.block().timestamp();
    let depth = proven.block().number() - u64::from(word.issued_at);
    let policy = |confirmations| Policy {
        confirmations,
        ..Policy::default()
    };
    let validate =
        |query: &Query, policy: &Policy, now| proven.validate(query, policy, &published[..], now);

    let deep = policy(depth.try_into().unwrap());
    let grant = validate(&query, &deep, now).unwrap();
    assert_eq!(
        (grant.serial(), grant.expires_at()),
        (word.serial, word.expires_at)
    );
    let deeper = policy(deep.confirmations + 1);
    assert_eq!(validate(&query, &deeper, now), Err(Error::Unconfirmed));
    let late = now.saturating_add(61);
    assert_eq!(validate(&query, &deep, late), Err(Error::LedgerStale));
    // a sealer writes what time it likes: a block far ahead of the clock would stay fresh until then
    let ahead = |seconds| UnixTime::new(now.get() - seconds);
    assert!(validate(&query, &deep, ahead(60)).is_ok());
    assert_eq!(validate(&query, &deep, ahead(61)), Err(Error::LedgerStale));
    let write = Scope {
        roles: Roles::new(0x7f),
        ..query.scope
    };
    assert_eq!(
        validate(
            &Query {
                scope: write,
                ..query
            },
            &deep,
            now
        ),
        Err(Error::Scope)
    );

    let other = Address::new([0xee; 20]);
    let elsewhere = |token: TokenRef| validate(&Query { token, ..query }, &deep, now);
    assert_eq!(
        elsewhere(TokenRef {
            chain: 1,
            ..query.token
        }),
        Err(Error::Issuer)
    );
    assert_eq!(
        elsewhere(TokenRef {
            contract: other,
            ..query.token
        }),
        Err(Error::Issuer)
    );
    assert_eq!(
        elsewhere(TokenRef {
            client: other,
            ..query.token
        }),
        Err(Error::Subject)
    );
    assert_eq!(
        validate(&Query { rs: other, ..query }, &deep, now),
        Err(Error::Audience)
    );
}

#[test]
fn an_empty_trie_holds_nothing() {
    // Keccak-256 of 0x80, the encoding of the empty string.
    let root = iotchain_core::hash::keccak256(&[&[0x80]]);
    assert!(matches!(TriePath::start(&root, [1; 32]), TrieStep::Absent));
    let case = &cases()[0];
    let header = &case.headers[0];
    // Field 3 is the state root, behind a list head of 3 bytes and three hashes and an address.
    let mut empty = header.clone();
    let at = 3 + 33 + 33 + 21 + 1;
    empty[at..at + 32].copy_from_slice(&root);
    let hash = iotchain_core::hash::keccak256(&[&empty]);
    let block = TrustedBlock::at(&hash, &empty).unwrap();
    assert_eq!(block.state_root(), &root);
    assert!(matches!(
        TokenProof::new(&block, &case.place),
        Err(Error::Issuer)
    ));
}

#[test]
fn headers_of_other_shapes_are_refused() {
    let at = |header: &[u8]| {
        let hash = iotchain_core::hash::keccak256(&[header]);
        TrustedBlock::at(&hash, header).map(|block| block.timestamp())
    };
    let header = cases()[0].headers[0].clone();
    assert!(at(&header).is_ok_and(|time| time > UnixTime::new(0)));
    for len in 0..header.len() {
        assert_eq!(at(&header[..len]), Err(Error::Proof), "{len} bytes");
    }
    assert_eq!(at(&[&header[..], &[0]].concat()), Err(Error::Proof));
    assert_eq!(at(&[0xc0]), Err(Error::Proof));
    // Fourteen fields, and a list where a string belongs.
    let fields = |count: usize, last: u8| {
        let hash = [&[0xa0][..], &[7; 32]].concat();
        let mut body = hash.repeat(4);
        body.extend([0x80, 0x80, 0x80, 0x80, 0x05, 0x80, 0x80, 0x06]);
        body.resize(132 + count - 4, 0x80);
        *body.last_mut().unwrap() = last;
        [&[0xf8, body.len().try_into().unwrap()][..], &body].concat()
    };
    assert_eq!(at(&fields(15, 0x80)), Ok(UnixTime::new(6)));
    assert_eq!(at(&fields(14, 0x80)), Err(Error::Proof));
    assert_eq!(at(&fields(15, 0xc0)), Err(Error::Proof));
}
