//! Signatures bound to one use: Sig_structure over protected `{1: alg}` and external_aad `["IoTC1", use]` (spec 1.4).
//!
//! One key signs for several uses; the use in external_aad keeps a signature made for one from passing for another.

use iotchain_core::cbor::Writer;
use iotchain_core::sign::sig_structure;
use iotchain_core::{Error, PublicKey, Result, SignAlg, Signature, Signer};

const VERSION: &str = "IoTC1";
/// Map head, label 1, and an algorithm number of at most 3 bytes fit; so do array head and two short strings.
const MAX_HEAD: usize = 16;

/// What a bound signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// A resource server proves its key to the key server; the payload is pop-input.
    Join,
    /// The key server proves its key to a member; the payload is `bstr(cnonce) || bstr(kdc_nonce)` (RFC 9594).
    Kdc,
}

impl KeyUse {
    const fn label(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Kdc => "kdc",
        }
    }
}

/// Signs `payload` for one use.
///
/// # Errors
/// [`Error::Sig`] if the signer cannot sign.
pub fn sign_bound(signer: &impl Signer, key_use: KeyUse, payload: &[u8]) -> Result<Signature> {
    bound_structure(signer.public().alg(), key_use, payload, |message| {
        signer.sign(message)
    })
}

/// Verifies a signature made by [`sign_bound`].
///
/// # Errors
/// [`Error::Sig`] if `key` did not sign this payload for this use.
pub fn verify_bound(
    key: &PublicKey,
    key_use: KeyUse,
    payload: &[u8],
    signature: &[u8],
) -> Result<()> {
    let signature: &Signature = signature.try_into().map_err(|_| Error::Sig)?;
    bound_structure(key.alg(), key_use, payload, |message| {
        key.verify(key.alg(), message, signature)
    })
}

fn bound_structure<T>(
    alg: SignAlg,
    key_use: KeyUse,
    payload: &[u8],
    f: impl FnOnce(&[&[u8]]) -> Result<T>,
) -> Result<T> {
    let (mut protected, mut aad) = ([0; MAX_HEAD], [0; MAX_HEAD]);
    let mut writer = Writer::new(&mut protected);
    writer.map(1).uint(1).int(alg.cose());
    let protected_len = writer.finish()?;
    let mut writer = Writer::new(&mut aad);
    writer.array(2).text(VERSION).text(key_use.label());
    let aad_len = writer.finish()?;
    sig_structure(
        protected.get(..protected_len).unwrap_or_default(),
        aad.get(..aad_len).unwrap_or_default(),
        payload,
        f,
    )
}
