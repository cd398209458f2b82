//! AES-128 of the platform, as a block function.

use zeroize::Zeroize;

/// A key of AES-128 as the platform keeps it: the key itself, its round keys, or the place of it in the engine. 176 bytes are
/// enough for the round keys.
///
/// The library copies and moves it as plain bytes, wipes it, and gives no notice; so it must hold no pointer into itself and own
/// nothing.
#[repr(C)]
pub struct iotchain_port_aes128 {
    words: [u64; 22],
}

unsafe extern "C" {
    /// Sets `cipher` up for the 16 bytes of `key`.
    fn iotchain_port_aes128_set_key(cipher: *mut iotchain_port_aes128, key: *const u8);

    /// Encrypts the 16 bytes of `block` in place, under the key of `cipher`. There is no way to fail: what stayed unencrypted would
    /// leave the device as if it were encrypted. Should the engine break down, stop or reset.
    fn iotchain_port_aes128_encrypt(cipher: *const iotchain_port_aes128, block: *mut u8);
}

/// An AES-128 key, for encryption only; wiped on drop.
pub struct Aes128(iotchain_port_aes128);

impl Aes128 {
    /// Sets the key.
    #[inline]
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        let mut cipher = iotchain_port_aes128 { words: [0; 22] };
        // SAFETY: both live during the call; the function writes to `cipher` and reads 16 bytes, which is its contract.
        unsafe { iotchain_port_aes128_set_key(&raw mut cipher, key.as_ptr()) };
        Self(cipher)
    }

    /// Encrypts one block in place.
    #[inline]
    pub fn encrypt_block(&self, block: &mut [u8; 16]) {
        // SAFETY: both live during the call; the function reads `cipher` and changes 16 bytes, which is its contract.
        unsafe { iotchain_port_aes128_encrypt(&raw const self.0, block.as_mut_ptr()) };
    }
}

impl Drop for Aes128 {
    fn drop(&mut self) {
        self.0.words.zeroize();
    }
}
