//! AES-CCM with a 13-byte nonce and a 2-byte length (RFC 3610; COSE algorithms 10 and 30, RFC 9053, 4.2) in one pass.
//!
//! The CBC-MAC block and the CTR block of each step are independent, so they go to the block cipher as a pair: hardware
//! AES overlaps them, the bitsliced software AES encrypts two blocks for the price of one. The round keys are loaded
//! once per message. The `ccm` crate is the oracle in the tests.

use crate::aes::{Aes128, CipherBlock};
use crate::error::{Error, Result};
use aes::cipher::typenum::Unsigned;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, ParBlocks,
    consts::U16,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Length of the nonce in bytes.
pub const NONCE_LEN: usize = 13;
/// Longest plaintext in bytes: the length field has two bytes.
pub const MAX_PLAINTEXT: usize = 0xffff;
/// Longest additional data in bytes that the short length form of CCM carries.
pub const MAX_AAD: usize = 0xfeff;

/// The nonce of one message: context IV xor Partial IV (RFC 9052, 3.1).
pub type Nonce = [u8; NONCE_LEN];

/// AEAD algorithms of the suites (spec 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AeadAlg {
    /// COSE 10, AES-CCM-16-64-128: 8-byte tag, mandatory to implement.
    AesCcm16_64_128,
    /// COSE 30, AES-CCM-16-128-128: 16-byte tag.
    AesCcm16_128_128,
}

impl AeadAlg {
    /// From the COSE algorithm number.
    ///
    /// # Errors
    /// [`Error::Alg`] for any other algorithm.
    pub const fn from_cose(number: i64) -> Result<Self> {
        match number {
            10 => Ok(Self::AesCcm16_64_128),
            30 => Ok(Self::AesCcm16_128_128),
            _ => Err(Error::Alg),
        }
    }

    /// The COSE algorithm number.
    #[must_use]
    pub const fn cose(self) -> i64 {
        match self {
            Self::AesCcm16_64_128 => 10,
            Self::AesCcm16_128_128 => 30,
        }
    }

    /// Length of the tag in bytes.
    #[must_use]
    pub const fn tag_len(self) -> usize {
        match self {
            Self::AesCcm16_64_128 => 8,
            Self::AesCcm16_128_128 => 16,
        }
    }

    /// Flags byte of B_0 without the AAD bit: `8 * ((M - 2) / 2) + (L - 1)`.
    const fn flags(self) -> u8 {
        match self {
            Self::AesCcm16_64_128 => 0x19,
            Self::AesCcm16_128_128 => 0x39,
        }
    }
}

/// A content key with its expanded AES schedule; wiped on drop.
pub struct AeadKey {
    alg: AeadAlg,
    aes: Aes128,
}

impl AeadKey {
    /// Expands the 16-byte key.
    #[must_use]
    pub fn new(alg: AeadAlg, key: &[u8; 16]) -> Self {
        Self {
            alg,
            aes: Aes128::new(key),
        }
    }

    /// The algorithm of this key.
    #[must_use]
    pub const fn alg(&self) -> AeadAlg {
        self.alg
    }

    /// Encrypts `plaintext` to the front of `out`, tag behind it. `aad` is the concatenation of its parts.
    /// The length written is `plaintext.len()` plus the tag.
    ///
    /// # Errors
    /// [`Error::Size`] above 65535 bytes of plaintext or 65279 of additional data; [`Error::Buffer`], nothing written.
    pub fn seal(
        &self,
        nonce: &Nonce,
        aad: &[&[u8]],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let needed = plaintext.len().saturating_add(self.alg.tag_len());
        let (body, rest) = out
            .split_at_mut_checked(plaintext.len())
            .ok_or(Error::Buffer { needed })?;
        let tag_out = rest
            .get_mut(..self.alg.tag_len())
            .ok_or(Error::Buffer { needed })?;
        check_lengths(aad, plaintext.len())?;
        body.copy_from_slice(plaintext);
        let tag = self.run(nonce, aad, body, Direction::Seal);
        for (to, from) in tag_out.iter_mut().zip(tag) {
            *to = from;
        }
        Ok(needed)
    }

    /// Decrypts `ciphertext` (tag included) to the front of `out`; the length written is that of the plaintext.
    ///
    /// # Errors
    /// [`Error::Aead`] for anything that is not authentic, with the written part of `out` wiped; [`Error::Buffer`],
    /// nothing written; [`Error::Size`] as in [`AeadKey::seal`].
    pub fn open(
        &self,
        nonce: &Nonce,
        aad: &[&[u8]],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let len = ciphertext
            .len()
            .checked_sub(self.alg.tag_len())
            .ok_or(Error::Aead)?;
        let (sealed, tag) = ciphertext.split_at_checked(len).ok_or(Error::Aead)?;
        let body = out.get_mut(..len).ok_or(Error::Buffer { needed: len })?;
        check_lengths(aad, len)?;
        body.copy_from_slice(sealed);
        let mut computed = self.run(nonce, aad, body, Direction::Open);
        let authentic = computed
            .get(..tag.len())
            .is_some_and(|computed| computed.ct_eq(tag).into());
        computed.zeroize();
        if authentic {
            Ok(len)
        } else {
            body.zeroize();
            Err(Error::Aead)
        }
    }

    fn run(&self, nonce: &Nonce, aad: &[&[u8]], body: &mut [u8], direction: Direction) -> [u8; 16] {
        let mut tag = [0; 16];
        let pass = Pass {
            flags: self.alg.flags(),
            nonce,
            aad,
            body,
            direction,
            tag: &mut tag,
        };
        self.aes.cipher().encrypt_with_backend(pass);
        tag
    }
}

fn check_lengths(aad: &[&[u8]], plaintext: usize) -> Result<()> {
    if plaintext > MAX_PLAINTEXT || total(aad) > MAX_AAD {
        Err(Error::Size)
    } else {
        Ok(())
    }
}

fn total(parts: &[&[u8]]) -> usize {
    parts
        .iter()
        .fold(0, |sum, part| sum.saturating_add(part.len()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Seal,
    Open,
}

/// One message on its way through the cipher.
struct Pass<'a> {
    flags: u8,
    nonce: &'a Nonce,
    aad: &'a [&'a [u8]],
    body: &'a mut [u8],
    direction: Direction,
    tag: &'a mut [u8; 16],
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
        let mut tag_mask = block(1, nonce, 0);
        pair(backend, &mut mac, &mut tag_mask);

        // the first keystream block rides with the first block of additional data
        let mut counter = 1u16;
        let mut keystream = block(1, nonce, counter);
        let mut keystream_ready = false;
        let mut absorb = |mac: &mut CipherBlock, keystream: &mut CipherBlock| {
            if keystream_ready {
                backend.encrypt_block_inplace(mac);
            } else {
                pair(backend, mac, keystream);
                keystream_ready = true;
            }
        };
        if aad_len != 0 {
            let mut filled = 2;
            for (m, b) in mac.iter_mut().zip((aad_len as u16).to_be_bytes()) {
                *m ^= b;
            }
            for part in aad {
                let mut part = *part;
                while !part.is_empty() {
                    if filled == 16 {
                        absorb(&mut mac, &mut keystream);
                        filled = 0;
                    }
                    let take = part.len().min(16usize.saturating_sub(filled));
                    let Some((head, tail)) = part.split_at_checked(take) else {
                        break;
                    };
                    for (m, b) in mac.iter_mut().skip(filled).zip(head) {
                        *m ^= *b;
                    }
                    filled = filled.saturating_add(take);
                    part = tail;
                }
            }
            absorb(&mut mac, &mut keystream);
        }
        if !keystream_ready {
            backend.encrypt_block_inplace(&mut keystream);
        }

        let (blocks, rest) = body.as_chunks_mut::<16>();
        for chunk in blocks {
            let input = u128::from_ne_bytes(*chunk);
            let output = input ^ u128::from_ne_bytes(keystream.0);
            let plain = if direction == Direction::Seal {
                input
            } else {
                output
            };
            mac.0 = (u128::from_ne_bytes(mac.0) ^ plain).to_ne_bytes();
            *chunk = output.to_ne_bytes();
            counter = counter.wrapping_add(1);
            keystream = block(1, nonce, counter);
            pair(backend, &mut mac, &mut keystream);
        }
        if !rest.is_empty() {
            for ((byte, m), k) in rest.iter_mut().zip(mac.iter_mut()).zip(keystream.iter()) {
                let output = *byte ^ *k;
                *m ^= if direction == Direction::Seal {
                    *byte
                } else {
                    output
                };
                *byte = output;
            }
            backend.encrypt_block_inplace(&mut mac);
        }
        for ((t, m), k) in tag.iter_mut().zip(mac.iter()).zip(tag_mask.iter()) {
            *t = m ^ k;
        }
        keystream.zeroize();
        tag_mask.zeroize();
    }
}

/// `first | nonce | tail`: B_0 with the length, or A_i with the counter.
#[inline(always)]
fn block(first: u8, nonce: &Nonce, tail: u16) -> CipherBlock {
    let mut block = CipherBlock::default();
    let bytes = [first].into_iter().chain(*nonce).chain(tail.to_be_bytes());
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = from;
    }
    block
}

/// Two independent blocks: together where the backend works on a few blocks at once, else one after the other, which
/// hardware AES overlaps by itself.
#[inline(always)]
fn pair<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    a: &mut CipherBlock,
    b: &mut CipherBlock,
) {
    if (2..=4).contains(&<B::ParBlocksSize as Unsigned>::USIZE) {
        let mut both = ParBlocks::<B>::default();
        for (slot, value) in both.iter_mut().zip([*a, *b]) {
            *slot = value;
        }
        backend.encrypt_par_blocks_inplace(&mut both);
        for (slot, value) in [a, b].into_iter().zip(&both) {
            *slot = *value;
        }
    } else {
        backend.encrypt_block_inplace(a);
        backend.encrypt_block_inplace(b);
    }
}
