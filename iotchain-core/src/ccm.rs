//! CCM in one pass over the message (RFC 3610, 2).
//!
//! The CBC-MAC block and the CTR block of each step are independent, so they go to the block cipher as a pair: hardware
//! AES overlaps them, the bitsliced software AES encrypts two blocks for the price of one. The round keys are loaded
//! once per message.

use crate::aead::Nonce;
use aes::cipher::typenum::Unsigned;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockSizeUser, ParBlocks, consts::U16,
};
use zeroize::Zeroize;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Seal,
    Open,
}

/// One message on its way through the cipher.
pub(crate) struct Pass<'a> {
    /// Flags byte of B_0 without the AAD bit.
    pub(crate) flags: u8,
    pub(crate) nonce: &'a Nonce,
    pub(crate) aad: &'a [&'a [u8]],
    pub(crate) body: &'a mut [u8],
    pub(crate) direction: Direction,
    /// Of 16 bytes; a shorter one is its front.
    pub(crate) tag: &'a mut [u8; 16],
}

impl BlockSizeUser for Pass<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Pass<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Pass {
            flags,
            nonce,
            aad,
            body,
            direction,
            tag,
        } = self;
        let aad_len = total(aad);
        // both lengths were checked to fit 16 bits
        let adata = if aad_len == 0 { 0 } else { 0x40 };
        let mut mac = block(flags | adata, nonce, body.len() as u16);
        let first = block(1, nonce, 0);
        let mut tag_mask = first;
        pair(backend, &mut mac, &mut tag_mask);

        // the first keystream block rides with the first block of additional data
        let mut counter = 1u16;
        let mut keystream = first ^ tail(counter);
        if aad_len == 0 {
            encrypt(backend, &mut keystream);
        } else {
            let mut is_first = true;
            absorb(aad_len as u16, aad, |data| {
                mac ^= data;
                if is_first {
                    pair(backend, &mut mac, &mut keystream);
                    is_first = false;
                } else {
                    encrypt(backend, &mut mac);
                }
            });
        }

        let (blocks, rest) = body.as_chunks_mut::<16>();
        let mut left = blocks.len();
        for chunk in blocks {
            let input = Block::from_le_bytes(*chunk);
            let output = input ^ keystream;
            mac ^= direction.plaintext(input, output);
            *chunk = output.to_le_bytes();
            left = left.wrapping_sub(1);
            if left == 0 && rest.is_empty() {
                encrypt(backend, &mut mac);
            } else {
                counter = counter.wrapping_add(1);
                keystream = first ^ tail(counter);
                pair(backend, &mut mac, &mut keystream);
            }
        }
        if !rest.is_empty() {
            let mask = !(Block::MAX.checked_shl(bits(rest.len())).unwrap_or_default());
            let input = load(rest);
            let output = (input ^ keystream) & mask;
            mac ^= direction.plaintext(input, output);
            for (byte, value) in rest.iter_mut().zip(output.to_le_bytes()) {
                *byte = value;
            }
            encrypt(backend, &mut mac);
        }
        *tag = (mac ^ tag_mask).to_le_bytes();
        keystream.zeroize();
        tag_mask.zeroize();
    }
}

impl Direction {
    /// Which of both is authenticated.
    #[inline(always)]
    pub(crate) const fn plaintext(self, input: Block, output: Block) -> Block {
        match self {
            Self::Seal => input,
            Self::Open => output,
        }
    }
}

/// 16 bytes as one number, the first byte lowest: an exclusive or of blocks is one of registers.
pub(crate) type Block = u128;

/// `first | nonce | last`: B_0 with the length, or A_i with the counter.
#[inline(always)]
pub(crate) fn block(first: u8, nonce: &Nonce, last: u16) -> Block {
    let mut bytes = [first; 16];
    if let Some(place) = bytes.split_at_mut(1).1.first_chunk_mut() {
        *place = *nonce;
    }
    // the last two bytes make way for `last`
    (Block::from_le_bytes(bytes) & (Block::MAX >> 16)) ^ tail(last)
}

/// A number of two bytes, big-endian, at the end of a block.
#[inline(always)]
pub(crate) const fn tail(last: u16) -> Block {
    (last.swap_bytes() as Block) << 112
}

/// The additional data, its length in front, as blocks padded with zeros (RFC 3610, 2.2).
#[inline(always)]
fn absorb(len: u16, aad: &[&[u8]], mut take: impl FnMut(Block)) {
    let mut staged = Block::from(len.swap_bytes());
    let mut filled = 2usize;
    for part in aad {
        let Some((head, rest)) = part.split_at_checked(16usize.wrapping_sub(filled)) else {
            staged |= load(part).wrapping_shl(bits(filled));
            filled = filled.wrapping_add(part.len());
            continue;
        };
        take(staged | load(head).wrapping_shl(bits(filled)));
        let (blocks, end) = rest.as_chunks::<16>();
        for block in blocks {
            take(Block::from_le_bytes(*block));
        }
        staged = load(end);
        filled = end.len();
    }
    if filled != 0 {
        take(staged);
    }
}

/// Up to 16 bytes as a block padded with zeros, by two loads that overlap.
#[inline(always)]
pub(crate) fn load(bytes: &[u8]) -> Block {
    if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let high = Block::from(u64::from_le_bytes(*high));
        return Block::from(u64::from_le_bytes(*low))
            | high.wrapping_shl(bits(bytes.len().wrapping_sub(8)));
    }
    if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let high = u64::from(u32::from_le_bytes(*high));
        let low = u64::from(u32::from_le_bytes(*low));
        return (low | high.wrapping_shl(bits(bytes.len().wrapping_sub(4)))).into();
    }
    let bytes = bytes.iter().rev();
    bytes
        .fold(0u32, |block, byte| block << 8 | u32::from(*byte))
        .into()
}

/// Bits in a few bytes.
#[inline(always)]
pub(crate) const fn bits(bytes: usize) -> u32 {
    (bytes as u32).wrapping_mul(8)
}

#[inline(always)]
pub(crate) fn encrypt<B: BlockCipherEncBackend<BlockSize = U16>>(backend: &B, block: &mut Block) {
    let mut bytes = block.to_le_bytes();
    backend.encrypt_block_inplace((&mut bytes).into());
    *block = Block::from_le_bytes(bytes);
}

/// Two independent blocks: together where the backend works on a few blocks at once, else one after the other, which
/// hardware AES overlaps by itself.
#[inline(always)]
pub(crate) fn pair<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    a: &mut Block,
    b: &mut Block,
) {
    if (2..=4).contains(&<B::ParBlocksSize as Unsigned>::USIZE) {
        let mut both = ParBlocks::<B>::default();
        for (slot, value) in both.iter_mut().zip([&*a, &*b]) {
            *slot = value.to_le_bytes().into();
        }
        backend.encrypt_par_blocks_inplace(&mut both);
        for (slot, value) in [a, b].into_iter().zip(&both) {
            *slot = Block::from_le_bytes((*value).into());
        }
    } else {
        encrypt(backend, a);
        encrypt(backend, b);
    }
}

/// Length of the concatenation.
pub(crate) fn total(parts: &[&[u8]]) -> usize {
    parts
        .iter()
        .fold(0, |sum, part| sum.saturating_add(part.len()))
}
