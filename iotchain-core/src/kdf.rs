//! The key schedule: from K_j to the key of every object (spec 1.3), HKDF-SHA-256 (RFC 5869).
//!
//! ```text
//! K_j --Extract(salt: "IoTC1" gid j ks)--> PRK_j --"res"--> RK --"grp"--> key, IV of mode G
//!                                                             |--"sig"--> key, IV of mode S
//! RSK --"ak"--> AK --Extract(salt: AK)------------------> PPRK --"p-req", "p-rsp"--> keys, IVs of mode P
//! ```
//!
//! | label | context | bytes | key |
//! |---|---|---|---|
//! | `res` | `[rs, [path]]` | 32 | RK, one resource in one session |
//! | `grp` | `[alg, kid]` | 29 | mode G: AES key (16), context IV (13) |
//! | `sig` | `[alg, kid]` | 29 | mode S |
//! | `ak` | `[gid, sid]` | 32 | AK, one client at one resource server |
//! | `p-req`, `p-rsp` | `[alg, kid]` | 29 | mode P, request and response |
//!
//! Every output has at most 32 bytes, so each expansion is a single HMAC and cannot fail on length.

use crate::aead::{AeadAlg, AeadKey, NONCE_LEN, Nonce};
use crate::cbor::Writer;
use crate::error::{Error, Result};
use crate::hash::hmac_sha256;
use crate::ids::{Address, Gid, Kid, Piv, Session, Sid, Thumbprint};
use crate::secret::{GroupKey, Secret};
use zeroize::Zeroize;

/// Protocol name and version: first element of every info and of the Extract salt.
pub const VERSION: &str = "IoTC1";

const LABEL_RESOURCE: &str = "res";
const LABEL_GROUP: &str = "grp";
const LABEL_SIGNED: &str = "sig";
const LABEL_ACCESS: &str = "ak";
const LABEL_PAIR_REQUEST: &str = "p-req";
const LABEL_PAIR_RESPONSE: &str = "p-rsp";

/// Longest info in bytes of the `res` context: 8 path segments of 192 bytes in all, with heads of 2 bytes.
const MAX_RESOURCE_INFO: usize = 1 + 6 + 4 + (1 + 21 + 1 + 192 + 8 * 2) + 2;
/// Longest info in bytes of every other context: ids, of which the longest, a kid, has 11 bytes.
const MAX_INFO: usize = 40;

/// HKDF-Extract (RFC 5869, 2.2).
#[must_use]
pub fn hkdf_extract(salt: &[u8], ikm: &[u8]) -> Secret<32> {
    Secret::new(hmac_sha256(salt, &[ikm]))
}

/// HKDF-Expand (RFC 5869, 2.3) for outputs of `L` <= 32 bytes, which is one HMAC.
#[must_use]
#[inline]
pub fn hkdf_expand<const L: usize>(prk: &Secret<32>, info: &[u8]) -> Secret<L> {
    const { assert!(L <= 32, "one HMAC gives 32 bytes") };
    let mut block = hmac_sha256(prk.expose(), &[info, &[1]]);
    let mut okm = Secret::new([0; L]);
    for (to, from) in okm.expose_mut().iter_mut().zip(block) {
        *to = from;
    }
    block.zeroize();
    okm
}

/// Begins the info `["IoTC1", label, context, L]`; the context, one array, comes next.
fn begin<'a>(info: &'a mut [u8], label: &str) -> Writer<'a> {
    let mut writer = Writer::new(info);
    writer.array(4).text(VERSION).text(label);
    writer
}

/// `Expand(prk, info, 32)` with an info that lacks only its length L, which is `len`: the first L bytes are the key.
#[inline(never)]
fn derive(prk: &Secret<32>, mut info: Writer<'_>, len: u64) -> Result<Secret<32>> {
    info.uint(len);
    let info = info.written()?;
    Ok(Secret::new(hmac_sha256(prk.expose(), &[info, &[1]])))
}

/// The 29 bytes of key and context IV for the sender `kid`. Not inlined: its stack is free again when the key is expanded.
#[inline(never)]
fn sender_okm(prk: &Secret<32>, label: &str, alg: AeadAlg, kid: &Kid) -> Result<Secret<32>> {
    let mut info = [0; MAX_INFO];
    let mut context = begin(&mut info, label);
    context.array(2).int(alg.cose()).bytes(kid.as_bytes());
    derive(prk, context, 29)
}

/// PRK_j: everything a session can derive. Erased with the session.
#[derive(Clone, Debug)]
pub struct SessionSecret(Secret<32>);

impl SessionSecret {
    /// PRK_j from K_j; `ks` is the thumbprint of the key server's key, so that a cloned group derives other keys.
    #[must_use]
    pub fn derive(key: &GroupKey, gid: Gid, session: Session, ks: &Thumbprint) -> Self {
        let parts: [&[u8]; 4] = [
            VERSION.as_bytes(),
            gid.as_bytes(),
            &session.get().to_be_bytes(),
            ks.as_bytes(),
        ];
        let mut salt = [0; 45];
        for (to, from) in salt.iter_mut().zip(parts.iter().copied().flatten()) {
            *to = *from;
        }
        Self(hkdf_extract(&salt, key.expose()))
    }

    /// RK: the key of one resource. May be handed to a party that is entitled to this resource only.
    ///
    /// # Errors
    /// [`Error::Path`] if the path is longer than the wire allows.
    pub fn resource(&self, rs: Address, path: &[&str]) -> Result<ResourceKey> {
        let mut info = [0; MAX_RESOURCE_INFO];
        let mut context = begin(&mut info, LABEL_RESOURCE);
        context.array(2).bytes(rs.as_bytes());
        context.array(path.len() as u64);
        for segment in path {
            context.text(segment);
        }
        derive(&self.0, context, 32)
            .map(ResourceKey)
            .map_err(|_| Error::Path)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// What a sender's key is for: modes G and S never share a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SenderUse {
    /// Mode G.
    Group,
    /// Mode S.
    Signed,
}

/// Direction of a pairwise exchange (mode P).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Client to resource server.
    Request,
    /// Resource server to client.
    Response,
}

/// RK: one resource in one session.
#[derive(Clone, Debug)]
pub struct ResourceKey(Secret<32>);

impl ResourceKey {
    /// From its 32 bytes, as handed over by a party that holds the session.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// Key and context IV of the sender `kid` in mode G or S.
    ///
    /// # Errors
    /// None in practice: a kid always fits.
    pub fn sender(&self, purpose: SenderUse, alg: AeadAlg, kid: &Kid) -> Result<ContentKey> {
        let label = match purpose {
            SenderUse::Group => LABEL_GROUP,
            SenderUse::Signed => LABEL_SIGNED,
        };
        ContentKey::derive(&self.0, label, alg, kid)
    }

    /// PPRK of the client that holds `access`; from it both directions of mode P.
    #[must_use]
    pub fn pair(&self, access: &AccessKey) -> PairKey {
        PairKey(hkdf_extract(access.expose(), self.0.expose()))
    }
}

/// AK: what one client and one resource server share beside the group key.
#[derive(Clone, Debug)]
pub struct AccessKey(Secret<32>);

impl AccessKey {
    /// From its 32 bytes, as a join response carries them.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// From RSK, known to the resource server and the key server.
    ///
    /// # Errors
    /// None in practice: gid and sid always fit.
    pub fn derive(rsk: &Secret<32>, gid: Gid, sid: &Sid) -> Result<Self> {
        let mut info = [0; MAX_INFO];
        let mut context = begin(&mut info, LABEL_ACCESS);
        context.array(2).bytes(gid.as_bytes()).bytes(sid.as_bytes());
        derive(rsk, context, 32).map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// PPRK: one client at one resource in one session.
#[derive(Clone, Debug)]
pub struct PairKey(Secret<32>);

impl PairKey {
    /// Key and context IV of one direction; `kid` is the client's in both.
    ///
    /// # Errors
    /// None in practice: a kid always fits.
    pub fn direction(&self, direction: Direction, alg: AeadAlg, kid: &Kid) -> Result<ContentKey> {
        let label = match direction {
            Direction::Request => LABEL_PAIR_REQUEST,
            Direction::Response => LABEL_PAIR_RESPONSE,
        };
        ContentKey::derive(&self.0, label, alg, kid)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// AES key and context IV of one sender: what seals and opens objects.
pub struct ContentKey {
    key: AeadKey,
    iv: Secret<NONCE_LEN>,
}

impl ContentKey {
    fn derive(prk: &Secret<32>, label: &str, alg: AeadAlg, kid: &Kid) -> Result<Self> {
        Self::expand(alg, &sender_okm(prk, label, alg, kid)?)
    }

    /// Not inlined: what it takes of the stack is not in use while the key is derived.
    #[inline(never)]
    fn expand(alg: AeadAlg, okm: &Secret<32>) -> Result<Self> {
        let (key, rest) = okm.expose().split_first_chunk().ok_or(Error::Size)?;
        let mut iv = [0; NONCE_LEN];
        for (to, from) in iv.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(Self {
            key: AeadKey::new(alg, key),
            iv: Secret::new(iv),
        })
    }

    /// The AEAD key.
    #[must_use]
    pub const fn key(&self) -> &AeadKey {
        &self.key
    }

    /// Context IV xor Partial IV, left-padded with zeros (RFC 9052, 3.1).
    #[must_use]
    pub fn nonce(&self, piv: Piv) -> Nonce {
        let mut nonce = *self.iv.expose();
        for (n, p) in nonce.iter_mut().rev().zip(piv.get().to_le_bytes()) {
            *n ^= p;
        }
        nonce
    }
}
