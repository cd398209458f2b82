//! CCM in one pass over the message (RFC 3610, 2).
//!
//! The CBC-MAC block and the CTR block of each step are independent, so they go to the block cipher as a pair: hardware
//! AES overlaps them, the bitsliced software AES encrypts two blocks for the price of one. The round keys are loaded
//! once per message.

use crate::additional_data::Blocks;
use crate::aead::Nonce;
use aes::cipher::typenum::Unsigned;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockSizeUser, ParBlocks, consts::U16,
};
use core::slice::{Iter, IterMut};
use zeroize::Zeroize;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Seal,
    Open,
}

impl Direction {
    /// Which of both is authenticated.
    #[inline(always)]
    const fn plaintext(self, input: Block, output: Block) -> Block {
        match self {
            Self::Seal => input,
            Self::Open => output,
        }
    }
}

/// What is encrypted or decrypted. The length of the body was checked to fit 16 bits.
pub(crate) struct Message<'a> {
    /// Flags byte of B_0 without the AAD bit.
    pub(crate) flags: u8,
    pub(crate) nonce: &'a Nonce,
    pub(crate) aad: Blocks<'a>,
    pub(crate) body: &'a mut [u8],
    pub(crate) direction: Direction,
}

/// A message by itself.
pub(crate) struct Alone<'a> {
    pub(crate) message: Message<'a>,
    /// Of 16 bytes; a shorter one is its front.
    pub(crate) tag: &'a mut [u8; 16],
}

impl BlockSizeUser for Alone<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Alone<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut pass = Pass::new(self.message);
        pass.start(backend);
        while pass.absorb(backend) {}
        while pass.cross(backend) {}
        *self.tag = pass.finish();
    }
}

/// What encrypts blocks under one key.
pub(crate) trait Backend: BlockCipherEncBackend<BlockSize = U16> {}

impl<B: BlockCipherEncBackend<BlockSize = U16>> Backend for B {}

/// A message on its way through the cipher: [`Pass::start`], [`Pass::absorb`] and [`Pass::cross`] until they have
/// nothing left, [`Pass::finish`].
///
/// A step takes the backend, so that two messages can take theirs by turns.
pub(crate) struct Pass<'a> {
    aad: Iter<'a, [u8; 16]>,
    blocks: IterMut<'a, [u8; 16]>,
    rest: &'a mut [u8],
    direction: Direction,
    /// A_0; the other counter blocks differ from it in the counter.
    first: Block,
    counter: u16,
    keystream: Block,
    mac: Block,
    tag_mask: Block,
}

impl<'a> Pass<'a> {
    #[inline(always)]
    pub(crate) fn new(message: Message<'a>) -> Self {
        let Message {
            flags,
            nonce,
            aad: Blocks(aad),
            body,
            direction,
        } = message;
        let adata = if aad.is_empty() { 0 } else { 0x40 };
        let mac = block(flags | adata, nonce, body.len() as u16);
        let first = block(1, nonce, 0);
        let (blocks, rest) = body.as_chunks_mut();
        Self {
            aad: aad.iter(),
            blocks: blocks.iter_mut(),
            rest,
            direction,
            first,
            counter: 1,
            keystream: first ^ tail(1),
            mac,
            tag_mask: first,
        }
    }

    /// B_0 with A_0; the first keystream block rides with the first block of additional data.
    #[inline(always)]
    pub(crate) fn start<B: Backend>(&mut self, backend: &B) {
        pair(backend, &mut self.mac, &mut self.tag_mask);
        match self.aad.next() {
            Some(data) => {
                self.mac ^= Block::from_le_bytes(*data);
                pair(backend, &mut self.mac, &mut self.keystream);
            }
            None => encrypt(backend, &mut self.keystream),
        }
    }

    /// One more block of additional data; whether there was one.
    #[inline(always)]
    pub(crate) fn absorb<B: Backend>(&mut self, backend: &B) -> bool {
        let Some(data) = self.aad.next() else {
            return false;
        };
        self.mac ^= Block::from_le_bytes(*data);
        encrypt(backend, &mut self.mac);
        true
    }

    /// One more block of the body, with the keystream for the one behind it; whether there is one behind it.
    #[inline(always)]
    pub(crate) fn cross<B: Backend>(&mut self, backend: &B) -> bool {
        if let Some(chunk) = self.blocks.next() {
            let input = Block::from_le_bytes(*chunk);
            let output = input ^ self.keystream;
            self.mac ^= self.direction.plaintext(input, output);
            *chunk = output.to_le_bytes();
            if self.blocks.len() != 0 || !self.rest.is_empty() {
                self.counter = self.counter.wrapping_add(1);
                self.keystream = self.first ^ tail(self.counter);
                pair(backend, &mut self.mac, &mut self.keystream);
                return true;
            }
            encrypt(backend, &mut self.mac);
        } else if !self.rest.is_empty() {
            let input = padded(self.rest);
            let output = (input ^ self.keystream).to_le_bytes();
            for (byte, value) in self.rest.iter_mut().zip(output) {
                *byte = value;
            }
            self.mac ^= match self.direction {
                Direction::Seal => input,
                Direction::Open => padded(self.rest),
            };
            encrypt(backend, &mut self.mac);
        }
        false
    }

    /// The tag of 16 bytes; a shorter one is its front.
    #[inline(always)]
    pub(crate) fn finish(mut self) -> [u8; 16] {
        let tag = (self.mac ^ self.tag_mask).to_le_bytes();
        self.keystream.zeroize();
        self.tag_mask.zeroize();
        tag
    }
}

/// 16 bytes as one number, the first byte lowest: an exclusive or of blocks is one of registers.
type Block = u128;

/// `first | nonce | last`: B_0 with the length, or A_i with the counter.
#[inline(always)]
fn block(first: u8, nonce: &Nonce, last: u16) -> Block {
    let mut bytes = [first; 16];
    if let Some(place) = bytes.split_at_mut(1).1.first_chunk_mut() {
        *place = *nonce;
    }
    // the last two bytes make way for `last`
    (Block::from_le_bytes(bytes) & (Block::MAX >> 16)) ^ tail(last)
}

/// A number of two bytes, big-endian, at the end of a block.
#[inline(always)]
const fn tail(last: u16) -> Block {
    (last.swap_bytes() as Block) << 112
}

/// Less than 16 bytes as a block padded with zeros.
#[inline(always)]
fn padded(bytes: &[u8]) -> Block {
    let mut block = [0; 16];
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = *from;
    }
    Block::from_le_bytes(block)
}

// a device that calls its platform does so at one place
#[cfg_attr(iotchain_aes = "port", inline(never))]
#[cfg_attr(not(iotchain_aes = "port"), inline(always))]
pub(crate) fn encrypt<B: Backend>(backend: &B, block: &mut Block) {
    if takes_few::<B>() {
        return together(backend, block, &mut 0);
    }
    let mut bytes = block.to_le_bytes();
    backend.encrypt_block_inplace((&mut bytes).into());
    *block = Block::from_le_bytes(bytes);
}

/// Two independent blocks: together where that costs no more than one, else one after the other, which hardware AES
/// overlaps by itself.
#[inline(always)]
pub(crate) fn pair<B: Backend>(backend: &B, a: &mut Block, b: &mut Block) {
    if takes_few::<B>() {
        return together(backend, a, b);
    }
    encrypt(backend, a);
    encrypt(backend, b);
}

/// Whether the backend is bitsliced: it encrypts a few blocks at the price of one.
#[inline(always)]
fn takes_few<B: Backend>() -> bool {
    (2..=4).contains(&<B::ParBlocksSize as Unsigned>::USIZE)
}

/// Not inlined: a device has one copy of the cipher.
#[inline(never)]
fn together<B: Backend>(backend: &B, a: &mut Block, b: &mut Block) {
    let mut both = ParBlocks::<B>::default();
    for (slot, value) in both.iter_mut().zip([&*a, &*b]) {
        *slot = value.to_le_bytes().into();
    }
    backend.encrypt_par_blocks_inplace(&mut both);
    for (slot, value) in [a, b].into_iter().zip(&both) {
        *slot = Block::from_le_bytes((*value).into());
    }
}
