//! Tokens: a CWT, a client's proof, a proof of state, and the signatures or library calls that they are made of.

use super::scene::signer;
use crate::Outcome;
use crate::draw::Draw;
use crate::measure::Case;
use crate::row::Row;
use alloy_trie::{Nibbles, proof::verify_proof};
use iotchain_core::hash::keccak256;
use iotchain_core::{
    Address, GroupName, Result, Roles, SignAlg, Signer, SigningKey, Thumbprint, UnixTime,
};
use iotchain_token::{
    AccountId, Challenge, Challenger, ChannelBinding, ClientKey, Confirmation, CwtClaims,
    CwtIssuer, CwtTrust, Policy, PopInput, Query, Scope, TokenRef, TriePath, TrieStep,
    validate_cwt,
};
use k256::ecdsa::{RecoveryId, VerifyingKey, signature::hazmat::PrehashSigner};
use serde_json::Value;

const NOW: UnixTime = UnixTime::new(1_767_225_600);
const RS: Address = Address::new([3; 20]);
const CHAIN: u64 = 1337;
/// A proof of a contract's account, from an account tree of a real node.
const PROOFS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/token-proof.json");

fn account(address: Address) -> AccountId {
    AccountId {
        chain: CHAIN,
        address,
    }
}

/// Issuing and validating a CWT.
fn cwt(peer: &'static str) -> Outcome<Vec<Case>> {
    let issuer = signer()?;
    let client = SigningKey::from_bytes(SignAlg::Es256k, &[8; 32])?.public();
    let subject = client.address().ok_or("no account")?;
    let id = issuer.public().address().ok_or("no account")?;
    let owner = account(Address::new([1; 20]));
    let scope = Scope {
        group: GroupName::new("0007.03030303")?,
        roles: Roles::GET,
    };
    let issue = move |out: &mut [u8]| {
        let claims = CwtClaims {
            issuer: owner,
            subject: account(subject),
            audience: account(RS),
            expires_at: NOW.saturating_add(600),
            not_before: NOW,
            issued_at: NOW,
            token_id: &[5; 8],
            confirmation: Confirmation::Key(client),
            scope: &[scope],
        };
        claims.issue(&issuer, &id, out)
    };
    let mut out = [0; 512];
    let len = issue(&mut out)?;
    let token = out[..len].to_vec();
    let query = Query {
        token: TokenRef {
            chain: CHAIN,
            contract: owner.address,
            client: subject,
        },
        rs: RS,
        scope,
    };
    let issuers = [CwtIssuer {
        account: owner,
        rs: RS,
        id,
        key: signer()?.public(),
    }];
    let validate = move || {
        let trust = CwtTrust {
            alg: SignAlg::Es256k,
            issuers: &issuers,
        };
        validate_cwt(&token, &query, &Policy::default(), &trust, NOW).map(|_| ())
    };
    validate()?;
    Ok(vec![
        Case::same(Row::new(peer, "cwt-issue"), move || issue(&mut out).is_ok()),
        Case::same(Row::new(peer, "cwt-validate"), move || validate().is_ok()),
    ])
}

/// What a proof is about.
#[derive(Clone, Copy)]
struct Asked {
    binding: ChannelBinding,
    key_server: Thumbprint,
    token: TokenRef,
    scope: Scope,
}

impl Asked {
    fn input<'a>(&'a self, challenge: &'a Challenge) -> PopInput<'a> {
        PopInput {
            binding: &self.binding,
            key_server: &self.key_server,
            token: &self.token,
            scope: &self.scope,
            challenge,
            cnonce: &[4; 8],
        }
    }
}

/// Checking a client's proof of possession.
fn pop(peer: &'static str) -> Outcome<Vec<Case>> {
    let mut draw = Draw(9);
    let key = ClientKey::generate(&mut draw)?;
    let token = TokenRef {
        chain: CHAIN,
        contract: Address::new([1; 20]),
        client: key.address(),
    };
    let scope = Scope {
        group: GroupName::new("0007.03030303")?,
        roles: Roles::GET,
    };
    let binding = ChannelBinding::Exporter([2; 32]);
    let key_server = signer()?.public().thumbprint();
    let asked = Asked {
        binding,
        key_server,
        token,
        scope,
    };
    // a challenge is good for one proof
    let mut ask = move || -> Result<_> {
        let mut challenger = Challenger::<4>::new(&mut draw, NOW)?;
        let challenge = challenger.issue(&mut draw, NOW, &token, &binding)?;
        let signature = key.sign(&asked.input(&challenge).digest()?)?.encode();
        Ok((challenger, challenge, signature))
    };
    ask()?;
    let check = move |proof: &mut Result<(Challenger<4>, Challenge, [u8; 65])>| {
        let Ok((challenger, challenge, signature)) = proof else {
            return false;
        };
        challenger
            .prove_client(&asked.input(challenge), signature, NOW)
            .is_ok()
    };
    let row = Row::new(peer, "pop-check");
    Ok(vec![Case::new(row, ask, check)])
}

/// The same work with bare k256.
pub(crate) fn bare(peer: &'static str) -> Outcome<Vec<Case>> {
    let key = k256::ecdsa::SigningKey::from_slice(&[7; 32])?;
    let digest = [6; 32];
    let (signature, recovery): (_, RecoveryId) = key.sign_prehash(&digest)?;
    Ok(vec![Case::same(Row::new(peer, "recover"), move || {
        VerifyingKey::recover_from_prehash(&digest, &signature, recovery).is_ok()
    })])
}

/// One path through an account tree.
struct Path {
    root: [u8; 32],
    key: [u8; 32],
    nodes: Vec<Vec<u8>>,
}

fn path() -> Outcome<Path> {
    let file: Value = serde_json::from_slice(&std::fs::read(PROOFS)?)?;
    let case = &file["cases"][1];
    let bytes = |value: &Value| -> Outcome<Vec<u8>> {
        let text = value.as_str().ok_or("no hexadecimal text")?;
        Ok(hex::decode(text)?)
    };
    let nodes = case["account"].as_array().ok_or("no nodes")?;
    let nodes: Vec<Vec<u8>> = nodes.iter().map(bytes).collect::<Outcome<_>>()?;
    let root = keccak256(&[nodes.first().ok_or("no nodes")?]);
    Ok(Path {
        root,
        key: keccak256(&[&bytes(&case["contract"])?]),
        nodes,
    })
}

fn proof(peer: &'static str) -> Outcome<Vec<Case>> {
    let Path { root, key, nodes } = path()?;
    let walk = move || {
        let mut step = TriePath::start(&root, key);
        for node in &nodes {
            let TrieStep::Onward(path) = step else {
                return false;
            };
            match path.push(node) {
                Ok(next) => step = next,
                Err(_) => return false,
            }
        }
        matches!(step, TrieStep::Present(_))
    };
    if !walk() {
        return Err("our own proof is refused".into());
    }
    Ok(vec![Case::same(Row::new(peer, "proof"), walk)])
}

/// alloy-trie on the same path.
pub(crate) fn alloy(peer: &'static str) -> Outcome<Vec<Case>> {
    let Path { root, key, nodes } = path()?;
    let mut value = None;
    let nodes: Vec<_> = nodes
        .into_iter()
        .map(alloy_primitives::Bytes::from)
        .collect();
    let mut step = TriePath::start(&root, key);
    for node in &nodes {
        if let TrieStep::Onward(path) = step {
            step = path.push(node)?;
        }
    }
    if let TrieStep::Present(found) = step {
        value = Some(found.to_vec());
    }
    let value = value.ok_or("the proof ends early")?;
    let walk = move || {
        let key = Nibbles::unpack(key);
        verify_proof(root.into(), key, Some(value.clone()), &nodes).is_ok()
    };
    if !walk() {
        return Err("alloy-trie refuses the proof".into());
    }
    Ok(vec![Case::same(Row::new(peer, "proof"), walk)])
}

/// Ours.
pub(crate) fn cases(peer: &'static str) -> Outcome<Vec<Case>> {
    Ok([cwt(peer)?, pop(peer)?, proof(peer)?]
        .into_iter()
        .flatten()
        .collect())
}
