//! Proofs of state: nodes and headers under hashes that fit them, however malformed.
#![no_main]

use iotchain_core::hash::keccak256;
use iotchain_core::{Address, Error};
use iotchain_token::{
    ContractState, Sealer, TokenPlace, TokenProof, TokenRef, TriePath, TrieStep, TrustedBlock,
};
use libfuzzer_sys::fuzz_target;

/// Stands in a node or header for the hash of what comes before it in the walk.
const LINK: [u8; 32] = [0xee; 32];

fuzz_target!(|data: &[u8]| {
    seals(data);
    let _ = ContractState::parse(data);
    let _ = TrieStep::Present(data).storage_word();
    headers(data);

    // Nodes with a length of one byte before each, the last one first: each takes the place of a link in the next.
    let mut nodes: Vec<Vec<u8>> = Vec::new();
    let mut rest = data;
    while let Some((len, tail)) = rest.split_first() {
        let (node, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = tail;
        nodes.push(linked(node, nodes.last().map(|last| keccak256(&[last]))));
    }
    nodes.reverse();
    let Some(root) = nodes.first().map(|node| keccak256(&[node])) else {
        return;
    };
    let mut step = TriePath::start(&root, [0x11; 32]);
    for node in &nodes {
        let TrieStep::Onward(path) = step else { break };
        let mut flipped = node.clone();
        if let Some(byte) = flipped.first_mut() {
            *byte ^= 1;
            assert!(matches!(path.push(&flipped), Err(Error::Proof)));
        }
        match path.push(node) {
            Ok(next) => step = next,
            Err(error) => return assert_eq!(error, Error::Proof),
        }
    }
});

/// `bytes` with the first link replaced.
fn linked(bytes: &[u8], hash: Option<[u8; 32]>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let place = bytes.windows(32).position(|window| window == LINK);
    if let (Some(place), Some(hash)) = (place, hash) {
        bytes[place..place + 32].copy_from_slice(&hash);
    }
    bytes
}

fn headers(data: &[u8]) {
    let Ok(block) = TrustedBlock::at(&keccak256(&[data]), data) else {
        return;
    };
    assert_eq!(block.parent(data), Err(Error::Proof));
    let place = TokenPlace {
        token: TokenRef::resource_server(Address::ZERO),
        rs: Address::ZERO,
        code_hash: [0; 32],
    };
    if let Ok(proof) = TokenProof::new(&block, &place) {
        assert!(matches!(proof.finish(), Err(Error::Truncated)));
        assert!(proof.push(data).is_err());
    }
}

/// A child whose extra data is anything at all: sealed in form at most, and by nobody.
fn seals(extra: &[u8]) {
    let parent = header(&[0; 32], 1, &[0; 56]);
    let parent = TrustedBlock::at(&keccak256(&[&parent]), &parent).expect("a header");
    let Some(extra) = extra
        .get(..extra.len().min(255))
        .filter(|extra| extra.len() >= 56)
    else {
        return;
    };
    let child = header(parent.hash(), 2, extra);
    let sealed = parent.sealed_child(&child, &mut [Sealer::new(Address::ZERO)]);
    assert!(matches!(sealed, Err(Error::Sig | Error::Signer)));
}

/// A header of fifteen fields; `extra` has 56 to 255 bytes.
fn header(parent: &[u8; 32], number: u8, extra: &[u8]) -> Vec<u8> {
    let hash = |hash: &[u8; 32]| [&[0xa0][..], hash].concat();
    let zeros = hash(&[0; 32]);
    let fields = [
        hash(parent),
        zeros.repeat(5),
        vec![
            0x80,
            0x80,
            number,
            0x80,
            0x80,
            0x80,
            0xb8,
            extra.len() as u8,
        ],
        extra.to_vec(),
        vec![0x80, 0x80],
    ]
    .concat();
    let len = u16::try_from(fields.len()).expect("short").to_be_bytes();
    [&[0xf9][..], &len, &fields].concat()
}
