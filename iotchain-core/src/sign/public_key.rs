//! Public keys as COSE_Key (RFC 9052, 7) and their thumbprints (RFC 9679).

use super::{SignAlg, Signature, ed25519, es256k, esp256};
use crate::cbor::{self, Reader, Writer};
use crate::error::{Error, Result};
use crate::hash::sha256;
use crate::ids::Thumbprint;

/// A public key with the one algorithm it is used with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    alg: SignAlg,
    x: [u8; 32],
    /// Zero for Ed25519.
    y: [u8; 32],
}

impl PublicKey {
    /// Longest encoding in bytes.
    pub const MAX_ENCODED: usize = 75;

    /// From affine coordinates (EC2). Whether the point is on the curve shows at verification.
    #[must_use]
    pub const fn ec2(alg: SignAlg, x: [u8; 32], y: [u8; 32]) -> Self {
        Self { alg, x, y }
    }

    /// From an Ed25519 public key.
    #[must_use]
    pub const fn okp(x: [u8; 32]) -> Self {
        Self {
            alg: SignAlg::Ed25519,
            x,
            y: [0; 32],
        }
    }

    /// The algorithm of its signatures.
    #[must_use]
    pub const fn alg(&self) -> SignAlg {
        self.alg
    }

    /// The x coordinate, or the Ed25519 public key.
    #[must_use]
    pub const fn x(&self) -> &[u8; 32] {
        &self.x
    }

    /// The y coordinate; zero for Ed25519.
    #[must_use]
    pub const fn y(&self) -> &[u8; 32] {
        &self.y
    }

    /// Reads `{1: kty, -1: crv, -2: x, ? -3: y}`, deterministic CBOR with exactly these labels.
    ///
    /// # Errors
    /// A format error, or [`Error::Type`] for another set of labels, type or curve.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        let key = Self::read(&mut reader)?;
        reader.done()?;
        Ok(key)
    }

    /// As [`PublicKey::parse`], from inside a larger item that was checked.
    ///
    /// # Errors
    /// As [`PublicKey::parse`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let pairs = reader.map()?;
        let label = |reader: &mut Reader<'_>, wanted: i64| match reader.int() {
            Ok(label) if label == wanted => Ok(()),
            _ => Err(Error::Type),
        };
        label(reader, 1)?;
        let key_type = reader.uint()?;
        label(reader, -1)?;
        let alg = match reader.int()? {
            8 => SignAlg::Es256k,
            1 => SignAlg::Esp256,
            6 => SignAlg::Ed25519,
            _ => return Err(Error::Type),
        };
        if key_type != alg.key_type() || pairs != if alg == SignAlg::Ed25519 { 3 } else { 4 } {
            return Err(Error::Type);
        }
        label(reader, -2)?;
        let x = *reader.array_of::<32>()?;
        if alg == SignAlg::Ed25519 {
            return Ok(Self::okp(x));
        }
        label(reader, -3)?;
        Ok(Self::ec2(alg, x, *reader.array_of::<32>()?))
    }

    /// Writes the COSE_Key; this is also the input of the thumbprint.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let ec2 = self.alg != SignAlg::Ed25519;
        writer
            .map(if ec2 { 4 } else { 3 })
            .uint(1)
            .uint(self.alg.key_type());
        writer.int(-1).int(self.alg.curve()).int(-2).bytes(&self.x);
        if ec2 {
            writer.int(-3).bytes(&self.y);
        }
    }

    /// Encodes the COSE_Key to the front of `out`.
    ///
    /// # Errors
    /// [`Error::Buffer`]; [`PublicKey::MAX_ENCODED`] bytes are always enough.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        self.write(&mut writer);
        writer.finish()
    }

    /// SHA-256 COSE Key Thumbprint (RFC 9679).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        let mut encoded = [0; Self::MAX_ENCODED];
        let len = self.encode(&mut encoded).unwrap_or(0);
        Thumbprint::new(sha256(&[encoded.get(..len).unwrap_or_default()]))
    }

    /// The Ethereum address of a secp256k1 key: last 20 bytes of Keccak-256 of x||y; `None` for other curves.
    #[cfg(feature = "keccak")]
    #[must_use]
    pub fn address(&self) -> Option<crate::ids::Address> {
        if self.alg != SignAlg::Es256k {
            return None;
        }
        let hash = crate::hash::keccak256(&[&self.x, &self.y]);
        hash.last_chunk::<20>()
            .map(|tail| crate::ids::Address::new(*tail))
    }

    /// Verifies a signature over the concatenation of `message`.
    ///
    /// # Errors
    /// [`Error::Sig`] for a wrong length, range, high S (ES256K), a key of another algorithm or off its curve, a
    /// signature that does not verify, and an algorithm this build leaves out.
    pub fn verify(&self, alg: SignAlg, message: &[&[u8]], signature: &[u8]) -> Result<()> {
        let signature: &Signature = signature.try_into().map_err(|_| Error::Sig)?;
        if alg != self.alg {
            return Err(Error::Sig);
        }
        match alg {
            SignAlg::Es256k => es256k::verify_digest(self, &sha256(message), signature),
            SignAlg::Esp256 => esp256::verify_digest(self, &sha256(message), signature),
            SignAlg::Ed25519 => ed25519::verify(self, message, signature),
        }
    }

    /// As [`PublicKey::verify`], over a message of which only the SHA-256 is left: one that arrived in pieces.
    ///
    /// # Errors
    /// As [`PublicKey::verify`]; [`Error::Alg`] for Ed25519, which hashes the message behind a part of the signature.
    pub fn verify_digest(&self, digest: &[u8; 32], signature: &Signature) -> Result<()> {
        match self.alg {
            SignAlg::Es256k => es256k::verify_digest(self, digest, signature),
            SignAlg::Esp256 => esp256::verify_digest(self, digest, signature),
            SignAlg::Ed25519 => Err(Error::Alg),
        }
    }

    /// Whether it is a point of its curve, and for Ed25519 none of small order. Verification looks at it by itself.
    ///
    /// # Errors
    /// [`Error::Sig`] if not, and for an algorithm this build leaves out.
    pub fn check(&self) -> Result<()> {
        match self.alg {
            SignAlg::Es256k => es256k::check(self),
            SignAlg::Esp256 => esp256::check(self),
            SignAlg::Ed25519 => ed25519::check(self),
        }
    }

    /// The ES256K key that made `signature` over `digest`. A signature fits two keys; `odd`, the parity of the y of its
    /// point R, says which (SEC 1, 4.1.6).
    ///
    /// # Errors
    /// [`Error::Sig`] if no key made it, or this build leaves ES256K out.
    pub fn recover(digest: &[u8; 32], signature: &Signature, odd: bool) -> Result<Self> {
        es256k::recover(digest, signature, odd)
    }

    /// SEC 1 uncompressed point, `04 || x || y`.
    #[cfg(any(
        feature = "esp256",
        all(
            feature = "es256k",
            not(iotchain_es256k = "port"),
            any(test, not(feature = "small-ecdsa"))
        )
    ))]
    pub(crate) fn sec1(&self) -> [u8; 65] {
        let mut point = [4; 65];
        for (to, from) in point.iter_mut().skip(1).zip(self.x.iter().chain(&self.y)) {
            *to = *from;
        }
        point
    }
}
