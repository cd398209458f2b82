//! Protected objects: sealing and opening next to other COSE and OSCORE libraries and raw ciphers; signatures.

mod core;
mod cose_rust;
mod coset;
mod coset_cwt;
pub(crate) mod instructions;
mod liboscore;
mod openssl;
mod ours;
mod pairwise;
pub(crate) mod report;
mod rustcrypto;
mod scene;
mod signatures;
mod tokens;
#[path = "../../../iotchain-node/src/verifier.rs"]
#[allow(unreachable_pub, reason = "it is public in iotchain-node")]
mod verifier;

use crate::Outcome;
use crate::measure::{Case, measure};
use crate::row::Row;

pub(crate) const OURS: &str = "iotchain";
pub(crate) const COSET: &str = "coset+RustCrypto";
pub(crate) const COSE_RUST: &str = "cose-rust+OpenSSL";
pub(crate) const OPENSSL: &str = "OpenSSL EVP";
pub(crate) const CCM: &str = "ccm";
pub(crate) const LIBOSCORE: &str = "libOSCORE";
pub(crate) const K256: &str = "k256";
pub(crate) const LIBSECP256K1: &str = "libsecp256k1";
/// Ours, the signatures verified as hosts do it.
pub(crate) const HOST: &str = "iotchain+libsecp256k1";
pub(crate) const ALLOY: &str = "alloy-trie";

/// Plaintexts: a reading, a few of them, a page, and the largest that all peers carry in one object.
pub(crate) const SIZES: [usize; 4] = [16, 64, 1024, LARGEST];
/// An object has at most 65535 bytes; header and tag take less than 100.
pub(crate) const LARGEST: usize = 65_424;

const ROUNDS: u32 = 5;

/// What a run gives.
pub(crate) struct Results {
    pub(crate) rows: Vec<Row>,
    /// What was left out.
    pub(crate) notes: Vec<String>,
}

/// Measures everything.
pub(crate) fn run(quick: bool) -> Outcome<Results> {
    let sizes = if quick { &SIZES[..1] } else { &SIZES[..] };
    let cases = cases(sizes)?;
    eprintln!("{} cases, {ROUNDS} rounds", cases.len());
    let (mut rows, rounds) = measure(cases, ROUNDS);
    instructions::count(&mut rows)?;
    let busy = format!("The machine was busy: {rounds} rounds instead of {ROUNDS}.");
    let notes = (rounds < ROUNDS).then_some(busy).into_iter().collect();
    Ok(Results { rows, notes })
}

/// All cases for these sizes, and those that have none.
fn cases(sizes: &[usize]) -> Outcome<Vec<Case>> {
    type Peer = fn(&'static str, usize) -> Outcome<Vec<Case>>;
    const PEERS: [(&str, Peer); 8] = [
        (OURS, ours::cases),
        (OURS, pairwise::cases),
        (OURS, core::cases),
        (COSET, coset::cases),
        (COSE_RUST, cose_rust::cases),
        (LIBOSCORE, liboscore::cases),
        (OPENSSL, openssl::cases),
        (CCM, rustcrypto::cases),
    ];
    let mut all = Vec::new();
    for size in sizes {
        for (peer, cases) in PEERS {
            all.extend(cases(peer, *size)?);
        }
    }
    all.extend(signatures::cases(OURS)?);
    all.extend(signatures::bare(K256)?);
    all.extend(signatures::host(HOST)?);
    all.extend(signatures::libsecp256k1(LIBSECP256K1)?);
    all.extend(tokens::cases(OURS)?);
    all.extend(coset_cwt::cases(COSET)?);
    all.extend(tokens::bare(K256)?);
    all.extend(tokens::alloy(ALLOY)?);
    Ok(all)
}
