//! Two ciphertexts opened in step: what a gateway gains from checking many small objects.
//!
//! ```text
//! first   B_0 A_0 | aad .. | body .. | tag
//! second  B_0 A_0 | aad .. | body .. | tag
//! ```
//! Each block of a CBC-MAC waits for the one before, so one message leaves hardware AES idle most of the time; the
//! blocks of the other message fill the gaps. Software AES gains nothing and loses nothing.

use crate::additional_data::Blocks;
use crate::aead::{AeadKey, Nonce, check_len, is_same};
use crate::aes::Cipher;
use crate::ccm::{Backend, Direction, Message, Pass};
use crate::error::{Error, Result};
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, consts::U16,
};
use zeroize::Zeroize;

/// The arguments of one [`AeadKey::open`].
pub struct Sealed<'a> {
    /// The key it was sealed with.
    pub key: &'a AeadKey,
    /// The nonce it was sealed with.
    pub nonce: &'a Nonce,
    /// The additional data.
    pub aad: Blocks<'a>,
    /// The ciphertext, tag included.
    pub ciphertext: &'a [u8],
    /// Where the plaintext goes, at the front.
    pub out: &'a mut [u8],
}

/// Opens two ciphertexts, of any keys, algorithms and lengths: for each what [`AeadKey::open`] returns and writes,
/// independent of the other.
///
/// # Errors
/// Each of its own, as in [`AeadKey::open`].
pub fn open_pair(pair: [Sealed<'_>; 2]) -> [Result<usize>; 2] {
    let [a, b] = pair.map(
        |Sealed {
             key,
             nonce,
             aad,
             ciphertext,
             out,
         }| Opening::new(key, nonce, aad, ciphertext, out),
    );
    match (a, b) {
        (Ok(mut a), Ok(mut b)) => {
            let mut tags = [[0; 16]; 2];
            let (first, second) = (a.cipher(), b.cipher());
            first.encrypt_with_backend(First {
                messages: [a.message(), b.message()],
                second,
                tags: &mut tags,
            });
            let [tag_a, tag_b] = &tags;
            [a.judge(tag_a), b.judge(tag_b)]
        }
        (a, b) => [a.and_then(Opening::alone), b.and_then(Opening::alone)],
    }
}

/// A ciphertext of allowed length, about to be decrypted where it stands.
struct Opening<'a> {
    key: &'a AeadKey,
    nonce: &'a Nonce,
    aad: Blocks<'a>,
    body: &'a mut [u8],
    tag: &'a [u8],
}

impl<'a> Opening<'a> {
    /// Copies the ciphertext to the front of `out`.
    #[inline]
    fn new(
        key: &'a AeadKey,
        nonce: &'a Nonce,
        aad: Blocks<'a>,
        ciphertext: &'a [u8],
        out: &'a mut [u8],
    ) -> Result<Self> {
        let needed = key.split(ciphertext.len())?;
        let (sealed, tag) = ciphertext.split_at_checked(needed).ok_or(Error::Aead)?;
        let body = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
        check_len(needed)?;
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
    fn alone(self) -> Result<usize> {
        self.key
            .decrypt(self.nonce, self.aad, self.body, self.tag)?;
        Ok(self.body.len())
    }

    /// What goes through the cipher.
    #[inline(always)]
    fn message(&mut self) -> Message<'_> {
        Message {
            flags: self.key.alg().flags(),
            nonce: self.nonce,
            aad: self.aad,
            body: self.body,
            direction: Direction::Open,
        }
    }

    /// The cipher of its key.
    const fn cipher(&self) -> &'a Cipher {
        self.key.cipher()
    }

    /// The length of the plaintext, if the tag is the computed one; else wipes it.
    #[inline]
    fn judge(self, computed: &[u8; 16]) -> Result<usize> {
        if is_same(computed, self.tag) {
            Ok(self.body.len())
        } else {
            self.body.zeroize();
            Err(Error::Aead)
        }
    }
}

/// With the round keys of the first message loaded.
struct First<'a> {
    messages: [Message<'a>; 2],
    second: &'a Cipher,
    tags: &'a mut [[u8; 16]; 2],
}

/// With those of both.
struct Both<'a, A> {
    messages: [Message<'a>; 2],
    first: &'a A,
    tags: &'a mut [[u8; 16]; 2],
}

impl BlockSizeUser for First<'_> {
    type BlockSize = U16;
}

impl<A> BlockSizeUser for Both<'_, A> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for First<'_> {
    #[inline(always)]
    fn call<A: BlockCipherEncBackend<BlockSize = U16>>(self, first: &A) {
        let Self {
            messages,
            second,
            tags,
        } = self;
        second.encrypt_with_backend(Both {
            messages,
            first,
            tags,
        });
    }
}

impl<A: Backend> BlockCipherEncClosure for Both<'_, A> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, second: &B) {
        let Self {
            messages,
            first,
            tags,
        } = self;
        let [a, b] = messages;
        let (mut a, mut b) = (Pass::new(a), Pass::new(b));
        a.start(first);
        b.start(second);
        while a.absorb(first) & b.absorb(second) {}
        while a.absorb(first) {}
        while b.absorb(second) {}
        let (mut a_goes_on, mut b_goes_on) = (true, true);
        while a_goes_on & b_goes_on {
            a_goes_on = a.cross(first);
            b_goes_on = b.cross(second);
        }
        while a_goes_on {
            a_goes_on = a.cross(first);
        }
        while b_goes_on {
            b_goes_on = b.cross(second);
        }
        *tags = [a.finish(), b.finish()];
    }
}
