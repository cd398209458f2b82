//! ECDSA over secp256k1 of the platform. All numbers are big-endian; a public key is x and y, a signature r and s, of 32 bytes
//! each.

/// What a function of the platform could not do: the key, the signature or the chip is not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

unsafe extern "C" {
    /// Writes the 64 bytes of the public key that belongs to the 32 bytes of `private_key`. Returns 0, or anything else if the
    /// private key is zero or not below the order of the group.
    fn iotchain_port_es256k_public(private_key: *const u8, public_key: *mut u8) -> i32;

    /// Whether the 64 bytes of `public_key` are a point of the curve: returns 0, or anything else if not.
    fn iotchain_port_es256k_check(public_key: *const u8) -> i32;

    /// Signs `digest`, 32 bytes: writes the 64 bytes of `signature` and returns 0, or anything else. The nonce must be secret and
    /// never come twice for two digests; RFC 6979 makes it from key and digest. Both halves of s will do: the library takes the
    /// lower one.
    fn iotchain_port_es256k_sign(
        private_key: *const u8,
        digest: *const u8,
        signature: *mut u8,
    ) -> i32;

    /// Returns 0 if the 64 bytes of `signature` are one of `public_key`, a point of the curve, over the 32 bytes of `digest`;
    /// anything else if not. r and s are in range, and s is in the lower half.
    fn iotchain_port_es256k_verify(
        public_key: *const u8,
        digest: *const u8,
        signature: *const u8,
    ) -> i32;

    /// Writes the 64 bytes of the public key that made `signature` over the 32 bytes of `digest`, with the point R whose x is r
    /// and whose y is odd if `odd` is 1 and even if it is 0. Returns 0, or anything else if there is none. Only accounts of a
    /// ledger need it: a client's answer to the key server's challenge by a signer, and the seals of blocks.
    fn iotchain_port_es256k_recover(
        digest: *const u8,
        signature: *const u8,
        odd: i32,
        public_key: *mut u8,
    ) -> i32;
}

const fn granted(result: i32) -> Result<(), Refused> {
    match result {
        0 => Ok(()),
        _ => Err(Refused),
    }
}

/// The public key of a private one.
///
/// # Errors
/// [`Refused`] if it is zero or not below the order of the group.
pub fn public(private_key: &[u8; 32]) -> Result<[u8; 64], Refused> {
    let mut key = [0; 64];
    // SAFETY: both arrays live during the call and have the lengths of the contract.
    granted(unsafe { iotchain_port_es256k_public(private_key.as_ptr(), key.as_mut_ptr()) })?;
    Ok(key)
}

/// Whether a public key is a point of the curve.
///
/// # Errors
/// [`Refused`] if not.
pub fn check(public_key: &[u8; 64]) -> Result<(), Refused> {
    // SAFETY: the array lives during the call and has the length of the contract.
    granted(unsafe { iotchain_port_es256k_check(public_key.as_ptr()) })
}

/// A signature over a digest, s in either half.
///
/// # Errors
/// [`Refused`] if the platform cannot sign.
pub fn sign(private_key: &[u8; 32], digest: &[u8; 32]) -> Result<[u8; 64], Refused> {
    let mut signature = [0; 64];
    let (key, digest) = (private_key.as_ptr(), digest.as_ptr());
    // SAFETY: the arrays live during the call and have the lengths of the contract.
    granted(unsafe { iotchain_port_es256k_sign(key, digest, signature.as_mut_ptr()) })?;
    Ok(signature)
}

/// Whether a signature with r and s in range is one of a key on the curve.
///
/// # Errors
/// [`Refused`] if not.
pub fn verify(
    public_key: &[u8; 64],
    digest: &[u8; 32],
    signature: &[u8; 64],
) -> Result<(), Refused> {
    let (key, digest) = (public_key.as_ptr(), digest.as_ptr());
    // SAFETY: the arrays live during the call and have the lengths of the contract.
    granted(unsafe { iotchain_port_es256k_verify(key, digest, signature.as_ptr()) })
}

/// The key that made a signature, by the parity of its point R.
///
/// # Errors
/// [`Refused`] if there is none.
pub fn recover(digest: &[u8; 32], signature: &[u8; 64], odd: bool) -> Result<[u8; 64], Refused> {
    let mut key = [0; 64];
    let (digest, signature) = (digest.as_ptr(), signature.as_ptr());
    // SAFETY: the arrays live during the call and have the lengths of the contract.
    granted(unsafe {
        iotchain_port_es256k_recover(digest, signature, odd.into(), key.as_mut_ptr())
    })?;
    Ok(key)
}
