//! SHA-256, HMAC-SHA-256 (RFC 2104) and, behind `keccak`, Keccak-256, over messages given in parts.

pub use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// SHA-256 of the concatenation of `parts`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    sha256_behind(&[], parts)
}

/// SHA-256 of `first` and the concatenation of `parts`. Not inlined: HMAC takes it twice, one after the other.
#[inline(never)]
fn sha256_behind(first: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(first);
    for part in parts {
        hash.update(part);
    }
    hash.finalize_reset().into()
}

/// HMAC-SHA-256 of the concatenation of `parts` (RFC 2104). Keys longer than a block (64 bytes) are hashed first.
///
/// Written over `sha2` because the `hmac` crate's constructor returns a `Result` that cannot fail; it is the test oracle.
#[must_use]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let hashed;
    let key = if key.len() > BLOCK {
        hashed = sha256(&[key]);
        &hashed[..]
    } else {
        key
    };
    let mut pad = [0u8; BLOCK];
    for (p, k) in pad.iter_mut().zip(key) {
        *p = *k;
    }
    pad.iter_mut().for_each(|b| *b ^= 0x36);
    let mut inner = sha256_behind(&pad, parts);
    pad.iter_mut().for_each(|b| *b ^= 0x36 ^ 0x5c);
    let mac = sha256_behind(&pad, &[&inner]);
    pad.zeroize();
    inner.zeroize();
    mac
}

/// Keccak-256 of the concatenation of `parts`, as Ethereum uses it (not SHA3-256).
#[cfg(feature = "keccak")]
#[must_use]
pub fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = sha3::Keccak256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
