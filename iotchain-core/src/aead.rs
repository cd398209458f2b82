//! AES-CCM with a 13-byte nonce and a 2-byte length (RFC 3610; COSE algorithms 10 and 30, RFC 9053, 4.2), into the
//! caller's buffer or in place. The `ccm` crate is the oracle in the tests.

use crate::additional_data::Blocks;
use crate::aes::{Aes128, Cipher};
use crate::ccm::{Alone, Direction, Message};
use crate::error::{Error, Result};
use aes::cipher::BlockCipherEncrypt;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Length of the nonce in bytes.
pub const NONCE_LEN: usize = 13;
/// Longest plaintext in bytes: the length field has two bytes.
pub const MAX_PLAINTEXT: usize = 0xffff;

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
    pub(crate) const fn flags(self) -> u8 {
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

    /// Encrypts `plaintext` to the front of `out`, tag behind it.
    /// The length written is `plaintext.len()` plus the tag.
    ///
    /// # Errors
    /// [`Error::Size`] above 65535 bytes of plaintext; [`Error::Buffer`], nothing written.
    pub fn seal(
        &self,
        nonce: &Nonce,
        aad: Blocks<'_>,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let needed = plaintext.len().saturating_add(self.alg.tag_len());
        let buffer = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        check_len(plaintext.len())?;
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
    pub fn seal_in_place(&self, nonce: &Nonce, aad: Blocks<'_>, buffer: &mut [u8]) -> Result<()> {
        let len = buffer.len().checked_sub(self.alg.tag_len());
        let (body, tag) = len
            .and_then(|len| buffer.split_at_mut_checked(len))
            .ok_or(Error::Size)?;
        check_len(body.len())?;
        let computed = self.run(nonce, aad, body, Direction::Seal);
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
    // inlined: as a function of its own it would take 80 B of stack on the deepest path of a device
    #[inline(always)]
    pub fn open(
        &self,
        nonce: &Nonce,
        aad: Blocks<'_>,
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let (sealed, tag) = self.split(ciphertext.len()).and_then(|len| {
            let split = ciphertext.split_at_checked(len);
            split.ok_or(Error::Aead)
        })?;
        let needed = sealed.len();
        let body = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        check_len(needed)?;
        body.copy_from_slice(sealed);
        self.decrypt(nonce, aad, body, tag)?;
        Ok(needed)
    }

    /// Decrypts `buffer` (tag included) where it stands; the length of the plaintext at its front.
    ///
    /// # Errors
    /// [`Error::Aead`] for anything that is not authentic, with `buffer` wiped; [`Error::Size`] as in
    /// [`AeadKey::seal`].
    pub fn open_in_place(
        &self,
        nonce: &Nonce,
        aad: Blocks<'_>,
        buffer: &mut [u8],
    ) -> Result<usize> {
        let len = self.split(buffer.len())?;
        let (body, tag) = buffer.split_at_mut_checked(len).ok_or(Error::Aead)?;
        check_len(len)?;
        self.decrypt(nonce, aad, body, tag)?;
        Ok(len)
    }

    /// The cipher with its key.
    pub(crate) const fn cipher(&self) -> &Cipher {
        self.aes.cipher()
    }

    /// Length of the plaintext in a ciphertext of `len` bytes.
    pub(crate) fn split(&self, len: usize) -> Result<usize> {
        len.checked_sub(self.alg.tag_len()).ok_or(Error::Aead)
    }

    #[inline(always)]
    pub(crate) fn decrypt(
        &self,
        nonce: &Nonce,
        aad: Blocks<'_>,
        body: &mut [u8],
        tag: &[u8],
    ) -> Result<()> {
        let computed = self.run(nonce, aad, body, Direction::Open);
        if is_same(&computed, tag) {
            Ok(())
        } else {
            body.zeroize();
            Err(Error::Aead)
        }
    }

    fn run(
        &self,
        nonce: &Nonce,
        aad: Blocks<'_>,
        body: &mut [u8],
        direction: Direction,
    ) -> [u8; 16] {
        let mut tag = [0; 16];
        let message = Message {
            flags: self.alg.flags(),
            nonce,
            aad,
            body,
            direction,
        };
        let tag_place = &mut tag;
        self.aes.cipher().encrypt_with_backend(Alone {
            message,
            tag: tag_place,
        });
        tag
    }
}

/// Compares a tag of 8 or 16 bytes in constant time, as one number.
pub(crate) fn is_same(computed: &[u8; 16], tag: &[u8]) -> bool {
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

pub(crate) const fn check_len(plaintext: usize) -> Result<()> {
    if plaintext > MAX_PLAINTEXT {
        Err(Error::Size)
    } else {
        Ok(())
    }
}
