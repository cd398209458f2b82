//! A platform in software, with which the tests try the hooks of `iotchain-port`: its AES is the crate `aes`, its ECDSA the
//! crate `k256`, as each comes. Nobody normalises s here, so that the library has to.
#![expect(
    missing_docs,
    clippy::missing_safety_doc,
    reason = "the contracts stand in iotchain-port"
)]

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};

/// As `iotchain_port_aes128`: the key, which is expanded for each block.
#[repr(C)]
pub struct Cipher {
    words: [u64; 22],
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_port_aes128_set_key(cipher: *mut Cipher, key: *const u8) {
    // SAFETY: the contract of the hook; the front of the words has room for the key.
    unsafe {
        cipher
            .cast::<[u8; 16]>()
            .write_unaligned(*key.cast::<[u8; 16]>());
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_port_aes128_encrypt(cipher: *const Cipher, block: *mut u8) {
    // SAFETY: the contract of the hook.
    let (key, block) = unsafe { (&*cipher.cast::<[u8; 16]>(), &mut *block.cast::<[u8; 16]>()) };
    aes::Aes128Enc::new(key.into()).encrypt_block(block.into());
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_port_es256k_public(private: *const u8, public: *mut u8) -> i32 {
    // SAFETY: the contract of the hook.
    let (private, public) = unsafe { (&*private.cast(), &mut *public.cast()) };
    let Some(key) = signing_key(private) else {
        return -1;
    };
    *public = xy(key.verifying_key());
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_port_es256k_check(public: *const u8) -> i32 {
    // SAFETY: the contract of the hook.
    match verifying_key(unsafe { &*public.cast() }) {
        Some(_) => 0,
        None => -1,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_port_es256k_sign(
    private: *const u8,
    digest: *const u8,
    signature: *mut u8,
) -> i32 {
    // SAFETY: the contract of the hook.
    let (private, digest, out): (_, &[u8; 32], &mut [u8; 64]) =
        unsafe { (&*private.cast(), &*digest.cast(), &mut *signature.cast()) };
    let Some(key) = signing_key(private) else {
        return -1;
    };
    let (signature, _) = key.sign_prehash_recoverable(digest);
    // the other half of s for every other digest
    let (r, s) = signature.split_scalars();
    let s = if digest[0] & 1 == 0 { *s } else { -*s };
    match Signature::from_scalars(*r, s) {
        Ok(signature) => {
            *out = signature.to_bytes().into();
            0
        }
        Err(_) => -1,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_port_es256k_verify(
    public: *const u8,
    digest: *const u8,
    signature: *const u8,
) -> i32 {
    // SAFETY: the contract of the hook.
    let (public, digest, signature): (_, &[u8; 32], &[u8; 64]) =
        unsafe { (&*public.cast(), &*digest.cast(), &*signature.cast()) };
    let (Some(key), Ok(signature)) = (verifying_key(public), Signature::from_slice(signature))
    else {
        return -1;
    };
    key.verify_prehash(digest, &signature).map_or(-1, |()| 0)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_port_es256k_recover(
    digest: *const u8,
    signature: *const u8,
    odd: i32,
    public: *mut u8,
) -> i32 {
    // SAFETY: the contract of the hook.
    let (digest, signature, public): (&[u8; 32], &[u8; 64], _) =
        unsafe { (&*digest.cast(), &*signature.cast(), &mut *public.cast()) };
    let Ok(signature) = Signature::from_slice(signature) else {
        return -1;
    };
    let id = RecoveryId::new(odd == 1, false);
    match VerifyingKey::recover_from_prehash(digest, &signature, id) {
        Ok(key) => {
            *public = xy(&key);
            0
        }
        Err(_) => -1,
    }
}

fn signing_key(private: &[u8; 32]) -> Option<SigningKey> {
    SigningKey::from_slice(private).ok()
}

fn verifying_key(public: &[u8; 64]) -> Option<VerifyingKey> {
    let mut point = [4; 65];
    point[1..].copy_from_slice(public);
    VerifyingKey::from_sec1_bytes(&point).ok()
}

fn xy(key: &VerifyingKey) -> [u8; 64] {
    let mut xy = [0; 64];
    xy.copy_from_slice(&key.to_sec1_point(false).as_bytes()[1..]);
    xy
}
