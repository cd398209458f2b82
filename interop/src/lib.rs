//! What must agree with IoTChain: known answers from a directory, and independent implementations.
//!
//! ```text
//! DIR/*.json --> VectorSet --> one module per file --> Report --> "N passed, N failed"
//! ```
//!
//! [`run`] checks a whole set of vector files against the crates; the schema is that of `vectors/README.md`, and the
//! secrets, counts and parameters of the set are its own. Files describe attackers as well as honest parties, so
//! nothing in them is trusted: whatever is missing, misspelled or out of range is a failure of its case.
//!
//! One rule is younger than the traces of the members: they may not seal before nbf_j - skew (spec C6). Where it decides,
//! it is checked instead of the file's `may_seal`. Texts for readers (`diag`, notes) are not looked at.
//!
//! Beside what the crates compute, fields that only lead there (protected headers, additional data, infos of the key
//! schedule) are built here once more, from their definition.
//!
//! The other oracles are the tests of this crate: COSE, CWT and CBOR libraries in Rust and Python and wallets in
//! JavaScript read what we write, and we what they write; official vectors run through `iotchain-core`. The README tells who
//! agrees on what.
//!
//! ```
//! let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");
//! let report = iotchain_interop::run(vectors.as_ref())?;
//! assert!(report.is_success());
//! # Ok::<(), iotchain_interop::Unreadable>(())
//! ```
#![forbid(unsafe_code)]

mod covers;
mod cwt;
mod errors;
mod field;
mod groups;
mod healing;
mod json;
mod kdf;
mod keyserver;
mod manager;
mod objects;
mod ops;
mod overhead;
mod params;
mod polynomials;
mod pop;
mod receiver;
mod regrouped;
mod report;
mod script;
mod sealing;
mod set;
mod state_proofs;
mod steps;
mod structure;
mod tokens;

pub use report::Report;
pub use set::{Unreadable, VectorSet};

use std::path::Path;

/// Checks every file of the vector set in `directory`.
///
/// # Errors
/// [`Unreadable`] if a file of the schema is missing or is not JSON; nothing is checked then.
pub fn run(directory: &Path) -> Result<Report, Unreadable> {
    Ok(check(&VectorSet::read(directory)?))
}

/// Checks a set that was read.
#[must_use]
pub fn check(set: &VectorSet) -> Report {
    let mut report = Report::default();
    params::check(set, &mut report.section("params.json"));
    kdf::check(set, &mut report.section("kdf.json"));
    objects::check(set, &mut report.section("objects.json"));
    regrouped::check(set, &mut report.section("objects-of-groups.json"));
    groups::check(set, &mut report.section("broadcast-rsd.json"));
    polynomials::check(set, &mut report.section("broadcast-polynomial.json"));
    field::check(set, &mut report.section("field.json"));
    covers::check(set, &mut report.section("sd-cover.json"));
    keyserver::check(set, &mut report.section("keyserver.json"));
    tokens::check(set, &mut report.section("token.json"));
    cwt::check(set, &mut report.section("token.json"));
    state_proofs::check(set, &mut report.section("token-proof.json"));
    pop::check(set, &mut report.section("pop.json"));
    ops::check(set, &mut report.section("negative.json"));
    errors::check(set, &mut report.section("errors.json"));
    for stranger in set.strangers() {
        report.section(stranger).skip("a file outside the schema");
    }
    report
}
