//! The client's signature, r || s || v as every wallet makes it, and the key behind an account (spec 5.6).

use iotchain_core::hash::keccak256;
use iotchain_core::{Address, Error, Result, TryCryptoRng};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

/// v of an even and of an odd R.y is 27 and 28.
const V_BASE: u8 = 27;
/// A random string is no private key with probability 2^-128; more than a few in a row mean a broken generator.
const ATTEMPTS: usize = 4;

/// A proof of possession in the only accepted form: 65 bytes, v 27 or 28, r and s in range, s in the lower half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PopSignature {
    signature: Signature,
    odd: bool,
}

impl PopSignature {
    /// Length in bytes.
    pub const LEN: usize = 65;

    /// From its bytes; checks the form and nothing else.
    ///
    /// # Errors
    /// [`Error::PopFormat`] for any other form: 64 bytes, v of EIP-155, high s.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (rs, [v]) = bytes.split_last_chunk().ok_or(Error::PopFormat)?;
        let odd = match v.wrapping_sub(V_BASE) {
            0 => false,
            1 => true,
            _ => return Err(Error::PopFormat),
        };
        let signature = Signature::from_slice(rs).map_err(|_| Error::PopFormat)?;
        if signature.normalize_s() != signature {
            return Err(Error::PopFormat);
        }
        Ok(Self { signature, odd })
    }

    /// From the seal of a block, the same form with v 0 or 1 (EIP-225).
    pub(crate) fn parse_seal(seal: &[u8; Self::LEN]) -> Result<Self> {
        let mut bytes = *seal;
        let [.., v] = &mut bytes;
        *v = v.wrapping_add(V_BASE);
        Self::parse(&bytes).map_err(|_| Error::Sig)
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let v = [V_BASE.wrapping_add(self.odd.into())];
        let rs = self.signature.to_bytes();
        out.iter_mut()
            .zip(rs.iter().chain(&v))
            .for_each(|(slot, byte)| *slot = *byte);
        out
    }

    /// The account that signed `digest`.
    ///
    /// # Errors
    /// [`Error::Pop`] if no key made this signature.
    pub fn recover(&self, digest: &[u8; 32]) -> Result<Address> {
        VerifyingKey::recover_from_prehash(
            digest,
            &self.signature,
            RecoveryId::new(self.odd, false),
        )
        .map(|key| address(&key))
        .map_err(|_| Error::Pop)
    }
}

/// The secp256k1 key of a client's account. Wiped on drop.
pub struct ClientKey(SigningKey);

impl ClientKey {
    /// From the private key, 32 bytes big-endian.
    ///
    /// # Errors
    /// [`Error::Type`] for zero and for values not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        SigningKey::from_slice(bytes)
            .map(Self)
            .map_err(|_| Error::Type)
    }

    /// A random key.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails.
    pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        for _ in 0..ATTEMPTS {
            rng.try_fill_bytes(bytes.as_mut_slice())
                .map_err(|_| Error::Random)?;
            if let Ok(key) = Self::from_bytes(&bytes) {
                return Ok(key);
            }
        }
        Err(Error::Random)
    }

    /// The account: the last 20 bytes of Keccak-256(x || y).
    #[must_use]
    pub fn address(&self) -> Address {
        address(self.0.verifying_key())
    }

    /// Signs an EIP-191 digest with the nonce of RFC 6979.
    ///
    /// # Errors
    /// [`Error::Pop`] with probability 2^-127: the signature has no v.
    pub fn sign(&self, digest: &[u8; 32]) -> Result<PopSignature> {
        let (signature, id) = self.0.sign_prehash_recoverable(digest);
        if id.is_x_reduced() {
            Err(Error::Pop)
        } else {
            Ok(PopSignature {
                signature,
                odd: id.is_y_odd(),
            })
        }
    }
}

impl core::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ClientKey({})", self.address())
    }
}

fn address(key: &VerifyingKey) -> Address {
    let point = key.to_sec1_point(false);
    let xy = point.as_bytes().split_first().map_or(&[][..], |(_, xy)| xy);
    let [_, _, _, _, _, _, _, _, _, _, _, _, tail @ ..] = keccak256(&[xy]);
    Address::new(tail)
}
