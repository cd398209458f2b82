//! The one primitive of both schemes: AES-128 as a pseudorandom function with a tag per use (spec 3.4.2, 3.5.2).
//!
//! ```text
//! F_k(tag, x, y) = AES-128_k( tag(1) || sigma(7) || BE32(x) || BE32(y) )
//! sigma          = first 7 bytes of SHA-256(label || 0x04 || gid || BE32(epoch))
//! ```

use iotchain_core::aes::Aes128;
use iotchain_core::hash::sha256;
use iotchain_core::{Gid, Secret};
use zeroize::{Zeroize, Zeroizing};

/// The function family of one (scheme, gid, epoch).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaggedPrf {
    /// Separates this family from those of other groups, epochs and schemes: 7 bytes, big-endian.
    sigma: u64,
}

impl TaggedPrf {
    /// The family of no group.
    pub(crate) const NONE: Self = Self { sigma: 0 };

    /// `label` names the scheme.
    pub(crate) fn new(label: &[u8; 12], gid: Gid, epoch: u32) -> Self {
        // 0x04 is the length of a gid
        let hash = sha256(&[label, &[4], gid.as_bytes(), &epoch.to_be_bytes()]);
        let front = hash.first_chunk().copied().unwrap_or_default();
        Self {
            sigma: u64::from_be_bytes(front) >> 8,
        }
    }

    /// F under `key`.
    pub(crate) fn derive(&self, key: &Secret<16>, tag: u8, x: u32, y: u32) -> Secret<16> {
        self.derive_expanded(&Aes128::new(key.expose()), tag, x, y)
    }

    /// The state `key` turns into F of it.
    pub(crate) fn step(&self, key: &mut Secret<16>, tag: u8, x: u32, y: u32) {
        *key = self.derive(key, tag, x, y);
    }

    /// F under a key that was expanded before.
    pub(crate) fn derive_expanded(&self, key: &Aes128, tag: u8, x: u32, y: u32) -> Secret<16> {
        let mut block = self.input(tag, x, y);
        key.encrypt_block(&mut block);
        #[cfg(test)]
        count::block();
        let output = Secret::new(block);
        block.zeroize();
        output
    }

    /// F under `key` of two [inputs](Self::input), which share its expansion.
    pub(crate) fn derive_pair(key: &Secret<16>, inputs: [[u8; 16]; 2]) -> Zeroizing<[[u8; 16]; 2]> {
        let mut blocks = Zeroizing::new(inputs);
        Aes128::new(key.expose()).encrypt_pair(&mut blocks);
        #[cfg(test)]
        blocks.iter().for_each(|_| count::block());
        blocks
    }

    /// What is encrypted.
    pub(crate) const fn input(&self, tag: u8, x: u32, y: u32) -> [u8; 16] {
        let front = (tag as u64) << 56 | self.sigma;
        ((front as u128) << 64 | (x as u128) << 32 | y as u128).to_be_bytes()
    }
}

/// Counts the work of a thread, for the tests of what a broadcast and a key cost.
#[cfg(test)]
pub(crate) mod count {
    use core::cell::Cell;

    std::thread_local! {
        static WORK: Cell<Work> = const { Cell::new(Work { blocks: 0, hashes: 0 }) };
    }

    /// AES blocks of the scheme, and steps along a beacon chain.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Work {
        pub(crate) blocks: u32,
        pub(crate) hashes: u32,
    }

    pub(super) fn block() {
        WORK.set(Work {
            blocks: WORK.get().blocks + 1,
            ..WORK.get()
        });
    }

    pub(crate) fn hash() {
        WORK.set(Work {
            hashes: WORK.get().hashes + 1,
            ..WORK.get()
        });
    }

    /// What `call` costs, and what it gives.
    pub(crate) fn work<T>(call: impl FnOnce() -> T) -> (Work, T) {
        let before = WORK.get();
        let done = call();
        let after = WORK.get();
        let work = Work {
            blocks: after.blocks - before.blocks,
            hashes: after.hashes - before.hashes,
        };
        (work, done)
    }
}
