//! The client's signature, r || s || v as every wallet makes it, and the key behind an account (spec 5.6).

use iotchain_core::sign::is_low_s;
use iotchain_core::{
    Address, Error, PublicKey, Result, SignAlg, Signature, Signer, SigningKey, TryCryptoRng,
};

/// v of an even and of an odd R.y is 27 and 28.
const V_BASE: u8 = 27;

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
        match rs.try_into() {
            Ok(signature) if is_low_s(&signature) => Ok(Self { signature, odd }),
            _ => Err(Error::PopFormat),
        }
    }

    /// From the signature of a signer that keeps v to itself, as secure elements do: of both values, the one that leads
    /// to `client`. That costs up to two key recoveries.
    ///
    /// # Errors
    /// [`Error::Pop`] if neither does, or the signature has not the accepted form.
    pub fn complete(signature: &Signature, digest: &[u8; 32], client: &Address) -> Result<Self> {
        if !is_low_s(signature) {
            return Err(Error::Pop);
        }
        [false, true]
            .into_iter()
            .map(|odd| Self {
                signature: *signature,
                odd,
            })
            .find(|candidate| candidate.recover(digest) == Ok(*client))
            .ok_or(Error::Pop)
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
        let mut out = [V_BASE.wrapping_add(self.odd.into()); Self::LEN];
        for (slot, byte) in out.iter_mut().zip(self.signature) {
            *slot = byte;
        }
        out
    }

    /// The account that signed `digest`.
    ///
    /// # Errors
    /// [`Error::Pop`] if no key made this signature.
    pub fn recover(&self, digest: &[u8; 32]) -> Result<Address> {
        PublicKey::recover(digest, &self.signature, self.odd)
            .ok()
            .and_then(|key| key.address())
            .ok_or(Error::Pop)
    }
}

/// The secp256k1 key of a client's account. Wiped on drop.
pub struct ClientKey {
    key: SigningKey,
    address: Address,
}

impl ClientKey {
    /// From the private key, 32 bytes big-endian.
    ///
    /// # Errors
    /// [`Error::Type`] for zero and for values not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        SigningKey::from_bytes(SignAlg::Es256k, bytes).and_then(Self::of)
    }

    /// A random key.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails.
    pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self> {
        SigningKey::generate(SignAlg::Es256k, rng).and_then(Self::of)
    }

    fn of(key: SigningKey) -> Result<Self> {
        let address = key.public().address().ok_or(Error::Type)?;
        Ok(Self { key, address })
    }

    /// The account: the last 20 bytes of Keccak-256(x || y).
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs an EIP-191 digest with the nonce of RFC 6979.
    ///
    /// # Errors
    /// [`Error::Pop`] with probability 2^-127: the signature has no v.
    pub fn sign(&self, digest: &[u8; 32]) -> Result<PopSignature> {
        let (signature, odd) = self.key.sign_recoverable(digest).map_err(|_| Error::Pop)?;
        Ok(PopSignature { signature, odd })
    }
}

impl core::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ClientKey({})", self.address)
    }
}
