//! AES-CCM with a 13-byte nonce and a 2-byte length (RFC 3610; COSE algorithms 10 and 30, RFC 9053, 4.2), into the
//! caller's buffer or in place. The `ccm` crate is the oracle in the tests.

use crate::aes::Aes128;
use crate::ccm::{Alone, Direction, Message, total};
use crate::error::{Error, Result};
use aes::cipher::BlockCipherEncrypt;
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
        let buffer = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        check_lengths(aad, plaintext.len())?;
        if let Some(body) = buffer.get_mut(..plaintext.len()) {
            body.copy_from_slice(plaintext);
        }
        self.seal_in_place(nonce, aad, buffer)?;
        Ok(needed)
    }

    /// Encrypts the front of `buffer` where it stands; its last 8 or 16 bytes, whatever they are, become the tag.
    ///
    /// # Errors
    /// [`Error::Size`] as in [`AeadKey::seal`], or if there is no room for a tag; nothing is changed then.
    pub fn seal_in_place(&self, nonce: &Nonce, aad: &[&[u8]], buffer: &mut [u8]) -> Result<()> {
        let len = buffer.len().checked_sub(self.alg.tag_len());
        let (body, tag) = len
            .and_then(|len| buffer.split_at_mut_checked(len))
            .ok_or(Error::Size)?;
        check_lengths(aad, body.len())?;
        let computed = self.run(Message {
            flags: self.alg.flags(),
            nonce,
            aad,
            body,
            direction: Direction::Seal,
        });
        match tag.first_chunk_mut::<16>() {
            Some(tag) => *tag = computed,
            None => {
                if let (Some(tag), Some(computed)) =
                    (tag.first_chunk_mut::<8>(), computed.first_chunk())
                {
                    *tag = *computed;
                }
            }
        }
        Ok(())
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
        Opening::new(self, nonce, aad, ciphertext, out)?.alone()
    }

    /// Decrypts `buffer` (tag included) where it stands; the length of the plaintext at its front.
    ///
    /// # Errors
    /// [`Error::Aead`] for anything that is not authentic, with `buffer` wiped; [`Error::Size`] as in
    /// [`AeadKey::seal`].
    pub fn open_in_place(&self, nonce: &Nonce, aad: &[&[u8]], buffer: &mut [u8]) -> Result<usize> {
        let len = self.split(buffer.len())?;
        let (body, tag) = buffer.split_at_mut_checked(len).ok_or(Error::Aead)?;
        check_lengths(aad, len)?;
        let opening = Opening {
            key: self,
            nonce,
            aad,
            body,
            tag,
        };
        opening.alone()
    }

    /// Length of the plaintext in a ciphertext of `len` bytes.
    fn split(&self, len: usize) -> Result<usize> {
        len.checked_sub(self.alg.tag_len()).ok_or(Error::Aead)
    }

    fn run(&self, message: Message<'_>) -> [u8; 16] {
        let mut tag = [0; 16];
        let alone = Alone {
            message,
            tag: &mut tag,
        };
        self.aes.cipher().encrypt_with_backend(alone);
        tag
    }
}

/// A ciphertext of allowed length, about to be decrypted where it stands.
pub(crate) struct Opening<'a> {
    key: &'a AeadKey,
    nonce: &'a Nonce,
    aad: &'a [&'a [u8]],
    body: &'a mut [u8],
    tag: &'a [u8],
}

impl<'a> Opening<'a> {
    /// Copies the ciphertext to the front of `out`.
    #[inline]
    pub(crate) fn new(
        key: &'a AeadKey,
        nonce: &'a Nonce,
        aad: &'a [&'a [u8]],
        ciphertext: &'a [u8],
        out: &'a mut [u8],
    ) -> Result<Self> {
        let needed = key.split(ciphertext.len())?;
        let (sealed, tag) = ciphertext.split_at_checked(needed).ok_or(Error::Aead)?;
        let body = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        check_lengths(aad, needed)?;
        body.copy_from_slice(sealed);
        Ok(Self {
            key,
            nonce,
            aad,
            body,
            tag,
        })
    }

    /// Decrypts it by itself; the length of the plaintext.
    #[inline]
    pub(crate) fn alone(mut self) -> Result<usize> {
        let tag = self.key.run(self.message());
        self.judge(&tag)
    }

    /// What goes through the cipher.
    #[inline(always)]
    pub(crate) fn message(&mut self) -> Message<'_> {
        Message {
            flags: self.key.alg.flags(),
            nonce: self.nonce,
            aad: self.aad,
            body: self.body,
            direction: Direction::Open,
        }
    }

    /// The cipher of its key.
    pub(crate) const fn cipher(&self) -> &'a aes::Aes128Enc {
        self.key.aes.cipher()
    }

    /// The length of the plaintext, if the tag is the computed one; else wipes it.
    #[inline]
    pub(crate) fn judge(self, computed: &[u8; 16]) -> Result<usize> {
        if is_same(computed, self.tag) {
            Ok(self.body.len())
        } else {
            self.body.zeroize();
            Err(Error::Aead)
        }
    }
}

/// Compares a tag of 8 or 16 bytes in constant time, as one number.
fn is_same(computed: &[u8; 16], tag: &[u8]) -> bool {
    let difference = match (tag.first_chunk::<16>(), tag.first_chunk::<8>()) {
        (Some(tag), _) => {
            let difference = u128::from_ne_bytes(*computed) ^ u128::from_ne_bytes(*tag);
            (difference >> 64) as u64 | difference as u64
        }
        (None, Some(tag)) => {
            let computed = computed.first_chunk().copied().unwrap_or_default();
            u64::from_ne_bytes(computed) ^ u64::from_ne_bytes(*tag)
        }
        (None, None) => u64::MAX,
    };
    difference.ct_eq(&0).into()
}

fn check_lengths(aad: &[&[u8]], plaintext: usize) -> Result<()> {
    if plaintext > MAX_PLAINTEXT || total(aad) > MAX_AAD {
        Err(Error::Size)
    } else {
        Ok(())
    }
}
