//! AES-128 as a block function: what the self-healing scheme ratchets with.

use crate::ccm::{encrypt, pair};
use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};

#[cfg(not(iotchain_aes = "port"))]
pub(crate) use aes::Aes128Enc as Cipher;
#[cfg(iotchain_aes = "port")]
pub(crate) use port::Cipher;

/// An expanded AES-128 key, for encryption only; wiped on drop.
pub struct Aes128(Cipher);

impl Aes128 {
    /// Expands a 16-byte key.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self(Cipher::new(key.into()))
    }

    /// Encrypts one block in place.
    // Inlined, its stack would lie under that of the key schedule.
    #[inline(never)]
    pub fn encrypt_block(&self, block: &mut [u8; 16]) {
        self.0.encrypt_with_backend(Single(block));
    }

    /// Encrypts two blocks in place. Bitsliced software AES does both at the price of one.
    #[inline(never)]
    pub fn encrypt_pair(&self, blocks: &mut [[u8; 16]; 2]) {
        self.0.encrypt_with_backend(Pair(blocks));
    }

    /// The cipher behind it, for the one-pass CCM.
    pub(crate) const fn cipher(&self) -> &Cipher {
        &self.0
    }
}

/// One block, encrypted where those of CCM are.
struct Single<'a>(&'a mut [u8; 16]);

impl BlockSizeUser for Single<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Single<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut block = u128::from_le_bytes(*self.0);
        encrypt(backend, &mut block);
        *self.0 = block.to_le_bytes();
    }
}

/// Two blocks under one key.
struct Pair<'a>(&'a mut [[u8; 16]; 2]);

impl BlockSizeUser for Pair<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Pair<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let [mut a, mut b] = self.0.map(u128::from_le_bytes);
        pair(backend, &mut a, &mut b);
        *self.0 = [a, b].map(u128::to_le_bytes);
    }
}

/// The cipher of the platform (`iotchain-port`), block by block, where the crate `aes` would stand.
#[cfg(iotchain_aes = "port")]
mod port {
    use aes::cipher::common::{BlockSizeUser, KeySizeUser, ParBlocksSizeUser};
    use aes::cipher::consts::{U1, U16};
    use aes::cipher::inout::InOut;
    use aes::cipher::{
        Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, Key, KeyInit,
    };
    use iotchain_port::aes128::Aes128;

    pub(crate) struct Cipher(Aes128);

    impl KeySizeUser for Cipher {
        type KeySize = U16;
    }

    impl KeyInit for Cipher {
        #[inline]
        fn new(key: &Key<Self>) -> Self {
            Self(Aes128::new(key.as_ref()))
        }
    }

    impl BlockSizeUser for Cipher {
        type BlockSize = U16;
    }

    impl BlockCipherEncrypt for Cipher {
        #[inline]
        fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U16>) {
            f.call(self);
        }
    }

    impl ParBlocksSizeUser for Cipher {
        type ParBlocksSize = U1;
    }

    impl BlockCipherEncBackend for Cipher {
        #[inline]
        fn encrypt_block(&self, mut block: InOut<'_, '_, Block<Self>>) {
            let mut bytes = (*block.get_in()).into();
            self.0.encrypt_block(&mut bytes);
            *block.get_out() = bytes.into();
        }
    }
}
