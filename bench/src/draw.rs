//! Repeatable randomness: two runs measure the same groups.

use std::convert::Infallible;

/// SplitMix64. Good enough to choose who is revoked; a key server takes a CSPRNG.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `count` different numbers below `n`.
    pub(crate) fn distinct(&mut self, count: u32, n: u32) -> Vec<u32> {
        let mut drawn = std::collections::BTreeSet::new();
        let mut order = Vec::new();
        while order.len() < count as usize {
            let number = (self.next() % u64::from(n)) as u32;
            if drawn.insert(number) {
                order.push(number);
            }
        }
        order
    }
}

impl rand_core::TryRng for Draw {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.iter_mut().for_each(|byte| *byte = self.next() as u8);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Draw {}
