//! cose-rust, which is COSE over OpenSSL, as another oracle; its tests are all there is here.
//!
//! Of 0.1.7 only COSE_Sign1 with ES256K serves: CWTs and the proofs of resource servers, in both directions. It knows no
//! header label 10 (kid context), which every broadcast and object carries, and drops the tag of AES-CCM when it seals.
//! Later versions need OpenSSL 3.2. Its ES256K signatures have either s, and ours must have the smaller one (spec 1.4).
#![forbid(unsafe_code)]
