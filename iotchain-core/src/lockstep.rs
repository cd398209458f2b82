//! Two ciphertexts opened in step: what a gateway gains from checking many small objects.
//!
//! ```text
//! first   B_0 A_0 | aad .. | body .. | tag
//! second  B_0 A_0 | aad .. | body .. | tag
//! ```
//! Each block of a CBC-MAC waits for the one before, so one message leaves hardware AES idle most of the time; the
//! blocks of the other message fill the gaps. Software AES gains nothing and loses nothing.

use crate::aead::{AeadKey, Nonce, Opening};
use crate::ccm::{Backend, Message, Pass};
use crate::error::Result;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, consts::U16,
};

/// The arguments of one [`AeadKey::open`].
pub struct Sealed<'a> {
    /// The key it was sealed with.
    pub key: &'a AeadKey,
    /// The nonce it was sealed with.
    pub nonce: &'a Nonce,
    /// The parts of the additional data.
    pub aad: &'a [&'a [u8]],
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

/// With the round keys of the first message loaded.
struct First<'a> {
    messages: [Message<'a>; 2],
    second: &'a aes::Aes128Enc,
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
