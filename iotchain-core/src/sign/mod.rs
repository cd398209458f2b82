//! Signatures and the keys behind them (spec 1.4).
//!
//! A message is given in parts, so that a Sig_structure never has to be assembled in memory. ES256K is always
//! present in a default build; ESP256 and Ed25519 are features. A secure element implements [`Signer`], a
//! library of the platform [`Verifier`]; and with `--cfg iotchain_es256k="port"` ES256K is done by functions that the firmware
//! defines (`iotchain-port`).

#[cfg(not(all(feature = "es256k", feature = "esp256", feature = "ed25519")))]
mod absent;
mod cose;
#[cfg(any(
    feature = "esp256",
    all(
        feature = "es256k",
        not(iotchain_es256k = "port"),
        any(test, not(feature = "small-ecdsa"))
    )
))]
mod ecdsa;
#[cfg(feature = "ed25519")]
mod ed25519;
mod low_s;
#[cfg(all(feature = "es256k", iotchain_es256k = "port"))]
mod port;
mod public_key;
#[cfg(all(
    feature = "es256k",
    not(iotchain_es256k = "port"),
    any(test, not(feature = "small-ecdsa"))
))]
mod recover;
mod signing_key;
#[cfg(all(feature = "small-ecdsa", not(iotchain_es256k = "port")))]
mod small;
mod verifier;

pub use cose::{countersignature0, sig_structure};
pub use low_s::{is_low_s, with_low_s};
pub use public_key::PublicKey;
pub use signing_key::SigningKey;
pub use verifier::{Software, Verifier};

#[cfg(not(feature = "ed25519"))]
use absent as ed25519;
#[cfg(not(feature = "es256k"))]
use absent as es256k;
#[cfg(not(feature = "esp256"))]
use absent as esp256;
#[cfg(feature = "esp256")]
use ecdsa::esp256;
#[cfg(all(feature = "es256k", iotchain_es256k = "port"))]
use port as es256k;
#[cfg(all(feature = "small-ecdsa", not(iotchain_es256k = "port")))]
use small as es256k;

/// ES256K as the curve's own crate has it, in both of its halves.
#[cfg(all(
    feature = "es256k",
    not(iotchain_es256k = "port"),
    any(test, not(feature = "small-ecdsa"))
))]
mod stock {
    #[cfg_attr(feature = "small-ecdsa", allow(unused_imports))]
    pub(super) use super::{ecdsa::es256k::*, recover::*};
}
#[cfg(all(
    feature = "es256k",
    not(any(feature = "small-ecdsa", iotchain_es256k = "port"))
))]
use stock as es256k;

use crate::error::{Error, Result};

/// r||s or R||S: 64 bytes in every suite.
pub type Signature = [u8; 64];

/// Signature algorithms of the suites (RFC 8812, RFC 9864).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignAlg {
    /// COSE -47: ECDSA with secp256k1 and SHA-256, low-S only; mandatory to implement.
    Es256k,
    /// COSE -9: ECDSA with P-256 and SHA-256.
    Esp256,
    /// COSE -19: Ed25519, strict verification.
    Ed25519,
}

impl SignAlg {
    /// From the COSE algorithm number.
    ///
    /// # Errors
    /// [`Error::Alg`] for any other algorithm, -7 and -8 included.
    pub const fn from_cose(number: i64) -> Result<Self> {
        match number {
            -47 => Ok(Self::Es256k),
            -9 => Ok(Self::Esp256),
            -19 => Ok(Self::Ed25519),
            _ => Err(Error::Alg),
        }
    }

    /// The COSE algorithm number.
    #[must_use]
    pub const fn cose(self) -> i64 {
        match self {
            Self::Es256k => -47,
            Self::Esp256 => -9,
            Self::Ed25519 => -19,
        }
    }

    /// The COSE curve number (`crv`, label -1).
    pub(crate) const fn curve(self) -> i64 {
        match self {
            Self::Es256k => 8,
            Self::Esp256 => 1,
            Self::Ed25519 => 6,
        }
    }

    /// The COSE key type (`kty`, label 1): 1 OKP, 2 EC2.
    pub(crate) const fn key_type(self) -> u64 {
        match self {
            Self::Ed25519 => 1,
            Self::Es256k | Self::Esp256 => 2,
        }
    }
}

/// Something that signs: a key in memory ([`SigningKey`]) or a secure element.
pub trait Signer {
    /// The public half; its algorithm is the algorithm of the signatures.
    fn public(&self) -> PublicKey;

    /// Signs the concatenation of `message`.
    ///
    /// # Errors
    /// [`Error::Sig`] if the signer cannot sign.
    fn sign(&self, message: &[&[u8]]) -> Result<Signature>;
}

impl<T: Signer + ?Sized> Signer for &T {
    fn public(&self) -> PublicKey {
        (**self).public()
    }

    fn sign(&self, message: &[&[u8]]) -> Result<Signature> {
        (**self).sign(message)
    }
}
