//! What stands for the AES engine of a platform: the crate `aes`, on a stack of its own and apart from what is counted.
//! The hooks are not inlined: a platform's are calls.

use crate::machine::apart;
pub(crate) use crate::machine::taken_apart;
use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

/// Keeps the key alone.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn iotchain_port_aes128_set_key(cipher: *mut u8, key: *const u8) {
    // SAFETY: the contract of the hook: a key, and more room than it needs.
    unsafe { cipher.copy_from_nonoverlapping(key, 16) }
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn iotchain_port_aes128_encrypt(cipher: *const u8, block: *mut u8) {
    apart(encrypt, cipher.cast_mut(), block);
}

extern "C" fn encrypt(key: *mut u8, block: *mut u8) {
    // SAFETY: the contract of the hook; the key is what `set_key` wrote.
    let (key, block) = unsafe { (&*key.cast::<[u8; 16]>(), &mut *block.cast::<[u8; 16]>()) };
    Aes128Enc::new(key.into()).encrypt_block(block.into());
}
