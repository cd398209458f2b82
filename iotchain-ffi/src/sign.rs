//! Public keys, and who signs: a key in memory or a secure element.

use crate::iotchain_err;
use crate::memory::{Outcome, array, outcome, result, value};
use crate::object::{self, object};
use crate::random::{iotchain_rng, rng};
use core::ffi::c_void;
use iotchain::core::hash::sha256;
use iotchain::core::sign::{Signature, with_low_s};
use iotchain::{Error, PublicKey, SignAlg, Signer, SigningKey};

/// ES256K: ECDSA over secp256k1 with SHA-256 (RFC 8812), the suite that every member has.
pub const IOTCHAIN_ES256K: i32 = -47;
/// ESP256: ECDSA over P-256 with SHA-256 (RFC 9864).
pub const IOTCHAIN_ESP256: i32 = -9;

/// A public key of ECDSA. Its point is checked where it is used.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_public_key {
    /// The algorithm of COSE: `IOTCHAIN_ES256K` or `IOTCHAIN_ESP256`.
    pub alg: i32,
    /// Big-endian.
    pub x: [u8; 32],
    /// Big-endian.
    pub y: [u8; 32],
}

impl iotchain_public_key {
    /// As Rust sees it.
    pub(crate) fn read(&self) -> Outcome<PublicKey> {
        match SignAlg::from_cose(self.alg.into())? {
            alg @ (SignAlg::Es256k | SignAlg::Esp256) => Ok(PublicKey::ec2(alg, self.x, self.y)),
            SignAlg::Ed25519 => Err(iotchain_err::Alg.into()),
        }
    }

    /// As C sees it.
    pub(crate) fn of(key: &PublicKey) -> Outcome<Self> {
        let alg = match key.alg() {
            SignAlg::Es256k => IOTCHAIN_ES256K,
            SignAlg::Esp256 => IOTCHAIN_ESP256,
            SignAlg::Ed25519 => return Err(iotchain_err::Alg.into()),
        };
        let (x, y) = (*key.x(), *key.y());
        Ok(Self { alg, x, y })
    }
}

/// The Ethereum address of a key: by it a ledger knows the client, or the resource server, that holds the key (spec 1.1).
///
/// @param key  a key of ES256K; its point is not checked
/// @param address  room for 20 bytes
/// @return 0, `IOTCHAIN_ERR_ALG` for a key of another algorithm
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_public_key_address(
    key: *const iotchain_public_key,
    address: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (key, out) = unsafe { (value(key)?.read()?, result(address.cast::<[u8; 20]>())?) };
        out.write(*key.address().ok_or(Error::Alg)?.as_bytes());
        Ok(())
    })
}

/// Somebody who signs: `iotchain_signing_key_signer` gives one for a key in memory; a secure element comes with a function of
/// its own.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct iotchain_signer {
    /// The public half.
    pub key: iotchain_public_key,
    /// Signs the hash `digest` of 32 bytes: writes r and s, 32 bytes each, to `signature` and returns 0. Both halves of s will
    /// do: the library takes the lower one. Anything but 0 makes the caller fail with `IOTCHAIN_ERR_SIG`.
    pub sign: Option<
        unsafe extern "C" fn(ctx: *mut c_void, digest: *const u8, signature: *mut u8) -> i32,
    >,
    /// Handed to `sign`.
    pub ctx: *mut c_void,
}

/// The signer behind `signer`.
///
/// # Safety
/// Unless it is null, `signer` points to an `iotchain_signer` whose function keeps its contract for `'a`.
pub(crate) unsafe fn signer<'a>(signer: *const iotchain_signer) -> Outcome<Callback<'a>> {
    // SAFETY: the caller's promise.
    let signer = unsafe { value(signer)? };
    match signer.sign {
        Some(_) => Ok(Callback {
            public: signer.key.read()?,
            signer,
        }),
        None => Err(iotchain_err::NullArgument.into()),
    }
}

/// As Rust sees it.
#[derive(Debug)]
pub(crate) struct Callback<'a> {
    public: PublicKey,
    signer: &'a iotchain_signer,
}

impl Signer for Callback<'_> {
    fn public(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[&[u8]]) -> Result<Signature, Error> {
        self.sign_digest(&sha256(message))
    }
}

impl Callback<'_> {
    /// Has `digest` signed; of both halves of s takes the one that verifiers accept (spec 1.4).
    pub(crate) fn sign_digest(&self, digest: &[u8; 32]) -> Result<Signature, Error> {
        let sign = self.signer.sign.ok_or(Error::Sig)?;
        let mut signature = [0; 64];
        // SAFETY: both arrays have the lengths of the contract; the rest is the contract itself, see `signer`.
        match unsafe { sign(self.signer.ctx, digest.as_ptr(), signature.as_mut_ptr()) } {
            0 if self.public.alg() == SignAlg::Es256k => Ok(with_low_s(signature)),
            0 => Ok(signature),
            _ => Err(Error::Sig),
        }
    }
}

/// A private key in memory, wiped by `iotchain_signing_key_wipe`.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_signing_key {
    opaque: [u64; 14],
}

object!(iotchain_signing_key: SigningKey, b"signkey");

/// `sizeof (struct iotchain_signing_key)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_signing_key_size() -> usize {
    size_of::<iotchain_signing_key>()
}

/// Sets a private key up from its 32 bytes, e.g. out of protected flash.
///
/// @param key  room for the key
/// @param alg  `IOTCHAIN_ES256K`
/// @param bytes  32 bytes, big-endian; wipe your copy
/// @return 0, `IOTCHAIN_ERR_TYPE` for zero or a number not below the order, `IOTCHAIN_ERR_ALG` for an algorithm that this library was
///   built without
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_signing_key_init(
    key: *mut iotchain_signing_key,
    alg: i32,
    bytes: *const u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let bytes = unsafe { array(bytes)? };
        let value = SigningKey::from_bytes(SignAlg::from_cose(alg.into())?, bytes)?;
        // SAFETY: the caller's promise.
        unsafe { object::put(key, || value) }
    })
}

/// Makes a fresh private key. Store it with `iotchain_signing_key_export`.
///
/// @param key  room for the key
/// @param alg  `IOTCHAIN_ES256K`
/// @param random  where the key comes from
/// @return 0, `IOTCHAIN_ERR_RANDOM` if the source fails, `IOTCHAIN_ERR_ALG`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_signing_key_generate(
    key: *mut iotchain_signing_key,
    alg: i32,
    random: *const iotchain_rng,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let mut random = unsafe { rng(random)? };
        let value = SigningKey::generate(SignAlg::from_cose(alg.into())?, &mut random)?;
        // SAFETY: the caller's promise.
        unsafe { object::put(key, || value) }
    })
}

/// Writes the private key to `bytes`, 32 bytes, for protected storage.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_signing_key_export(
    key: *const iotchain_signing_key,
    bytes: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (key, out) = unsafe { (object::get(key)?, result(bytes.cast::<[u8; 32]>())?) };
        out.write(*key.expose());
        Ok(())
    })
}

/// The signer that uses `key`, which has to stay where it is for as long as `signer` is used.
///
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_signing_key_signer(
    key: *const iotchain_signing_key,
    signer: *mut iotchain_signer,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (value, out) = unsafe { (object::get(key)?, result(signer)?) };
        out.write(iotchain_signer {
            key: iotchain_public_key::of(&value.public())?,
            sign: Some(sign_in_memory),
            ctx: key.cast_mut().cast(),
        });
        Ok(())
    })
}

/// Ends a key: nothing of it stays in the storage. Zeroed storage is left alone.
///
/// # Safety
/// `key` is null, or points to a key or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_signing_key_wipe(key: *mut iotchain_signing_key) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(key) }
}

/// # Safety
/// The contract of `iotchain_signer::sign`; `ctx` is null or points to an `iotchain_signing_key`.
unsafe extern "C" fn sign_in_memory(
    ctx: *mut c_void,
    digest: *const u8,
    signature: *mut u8,
) -> i32 {
    let signed = outcome(|| {
        // SAFETY: the caller's promise.
        let (key, digest, out) = unsafe {
            (
                object::get(ctx.cast::<iotchain_signing_key>())?,
                array::<32>(digest)?,
                result(signature.cast::<Signature>())?,
            )
        };
        out.write(key.sign_digest(digest)?);
        Ok(())
    });
    signed as i32
}
