//! CCM by steps, so that two messages can take theirs by turns.
//!
//! It does what [`Pass`](crate::ccm::Pass) does in one go. What lies between two steps has to be kept, which would cost a single
//! message a tenth more and a device 1.6 kB of flash; so both stand here.

use crate::aead::Nonce;
use crate::ccm::{Block, Direction, bits, block, encrypt, load, pair, tail, total};
use aes::cipher::{BlockCipherEncBackend, consts::U16};
use core::mem;
use core::slice::{Iter, IterMut};
use zeroize::Zeroize;

/// What is encrypted or decrypted. Both lengths were checked to fit 16 bits.
pub(crate) struct Message<'a> {
    /// Flags byte of B_0 without the AAD bit.
    pub(crate) flags: u8,
    pub(crate) nonce: &'a Nonce,
    pub(crate) aad: &'a [&'a [u8]],
    pub(crate) body: &'a mut [u8],
    pub(crate) direction: Direction,
}

/// What encrypts blocks under one key.
pub(crate) trait Backend: BlockCipherEncBackend<BlockSize = U16> {}

impl<B: BlockCipherEncBackend<BlockSize = U16>> Backend for B {}

/// A message on its way through the cipher: [`Steps::start`], [`Steps::absorb`] and [`Steps::cross`] until they have
/// nothing left, [`Steps::finish`].
///
/// A step takes the backend, so that two messages can take theirs by turns.
pub(crate) struct Steps<'a> {
    data: AdditionalData<'a>,
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

impl<'a> Steps<'a> {
    #[inline(always)]
    pub(crate) fn new(message: Message<'a>) -> Self {
        let Message {
            flags,
            nonce,
            aad,
            body,
            direction,
        } = message;
        let aad_len = total(aad) as u16;
        let adata = if aad_len == 0 { 0 } else { 0x40 };
        let mac = block(flags | adata, nonce, body.len() as u16);
        let first = block(1, nonce, 0);
        let (blocks, rest) = body.as_chunks_mut();
        Self {
            data: AdditionalData::new(aad_len, aad),
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
        match self.data.next() {
            Some(data) => {
                self.mac ^= data;
                pair(backend, &mut self.mac, &mut self.keystream);
            }
            None => encrypt(backend, &mut self.keystream),
        }
    }

    /// One more block of additional data; whether there was one.
    #[inline(always)]
    pub(crate) fn absorb<B: Backend>(&mut self, backend: &B) -> bool {
        let Some(data) = self.data.next() else {
            return false;
        };
        self.mac ^= data;
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
            let mask = !(Block::MAX
                .checked_shl(bits(self.rest.len()))
                .unwrap_or_default());
            let input = load(self.rest);
            let output = (input ^ self.keystream) & mask;
            self.mac ^= self.direction.plaintext(input, output);
            for (byte, value) in self.rest.iter_mut().zip(output.to_le_bytes()) {
                *byte = value;
            }
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

/// The additional data, its length in front, as blocks padded with zeros (RFC 3610, 2.2).
struct AdditionalData<'a> {
    part: &'a [u8],
    parts: Iter<'a, &'a [u8]>,
    /// What was taken from parts that ended inside a block.
    staged: Block,
    filled: usize,
}

impl<'a> AdditionalData<'a> {
    #[inline(always)]
    fn new(len: u16, parts: &'a [&'a [u8]]) -> Self {
        Self {
            part: &[],
            parts: parts.iter(),
            staged: len.swap_bytes().into(),
            filled: if len == 0 { 0 } else { 2 },
        }
    }

    #[inline(always)]
    fn next(&mut self) -> Option<Block> {
        if self.filled == 0
            && let Some((head, rest)) = self.part.split_first_chunk()
        {
            self.part = rest;
            return Some(Block::from_le_bytes(*head));
        }
        loop {
            let room = 16usize.wrapping_sub(self.filled);
            if let Some((head, rest)) = self.part.split_at_checked(room) {
                let staged = mem::take(&mut self.staged);
                let block = staged | load(head).wrapping_shl(bits(self.filled));
                self.filled = 0;
                self.part = rest;
                return Some(block);
            }
            self.staged |= load(self.part).wrapping_shl(bits(self.filled));
            self.filled = self.filled.wrapping_add(self.part.len());
            match self.parts.next() {
                Some(part) => self.part = part,
                None => break,
            }
        }
        self.part = &[];
        let is_full = mem::take(&mut self.filled) != 0;
        is_full.then(|| mem::take(&mut self.staged))
    }
}
