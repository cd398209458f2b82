//! What fuzz targets with a story share: live groups, a random generator that repeats itself, and patches.

pub mod calls;
pub mod live;

/// A random generator that counts: the same story in every run.
#[derive(Default)]
pub struct Counter(u64);

impl rand_core::TryRng for Counter {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk
                .iter_mut()
                .zip(word)
                .for_each(|(byte, new)| *byte = new);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counter {}

/// `message` with the bytes of `patch` written over it, at the place that the first two bytes of `patch` name.
pub fn patched(message: &[u8], patch: &[u8]) -> Vec<u8> {
    let mut out = message.to_vec();
    if let Some((at, patch)) = patch.split_first_chunk() {
        let at = usize::from(u16::from_le_bytes(*at)) % out.len().max(1);
        let place = out.iter_mut().skip(at);
        place.zip(patch).for_each(|(byte, new)| *byte = *new);
    }
    out
}
