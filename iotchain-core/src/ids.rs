//! Identifiers and their wire forms (spec 1.1).

use crate::error::{Error, Result};
use core::fmt;

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// From its bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// From a slice.
            ///
            /// # Errors
            /// [`Error::Type`] unless the length is exact.
            pub fn from_slice(bytes: &[u8]) -> Result<Self> {
                bytes.try_into().map(Self).map_err(|_| Error::Type)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

fixed_bytes!(
    /// An Ethereum address, 20 bytes: a client, a contract, or a resource server (`rs`, the on-chain `res`).
    Address, 20
);
fixed_bytes!(
    /// The group instance, 4 bytes chosen at random by the key server and never reused by it.
    Gid, 4
);
fixed_bytes!(
    /// SHA-256 COSE Key Thumbprint, 32 bytes (RFC 9679).
    Thumbprint, 32
);

impl Address {
    /// Twenty zero bytes: "no contract".
    pub const ZERO: Self = Self([0; 20]);
}

/// Session index j, 1..=2^32-1 (spec 3.1). 0 stands for "before the first session" in counters of the group manager only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(u32);

impl Session {
    /// Session `j`.
    #[must_use]
    pub const fn new(j: u32) -> Self {
        Self(j)
    }

    /// The number j.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// j + 1, or `None` when the index is used up and the group needs a new gid.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(j) => Some(Self(j)),
            None => None,
        }
    }

    /// j - 1, or `None` at 0.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(j) => Some(Self(j)),
            None => None,
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The role byte of a member: bits 0-6 are the AIF REST-method-set (RFC 9237, 3), bit 7 marks a producer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// May read by GET.
    pub const GET: Self = Self(1);
    /// May POST.
    pub const POST: Self = Self(2);
    /// May PUT.
    pub const PUT: Self = Self(4);
    /// May read by FETCH.
    pub const FETCH: Self = Self(16);
    /// Seals representations: a resource server.
    pub const PRODUCER: Self = Self(0x80);

    /// From the role byte.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits)
    }

    /// The role byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether bit 7 is set.
    #[must_use]
    pub const fn is_producer(self) -> bool {
        self.contains(Self::PRODUCER)
    }

    /// Whether the CoAP method `code` (1..=7: GET 1, POST 2, PUT 3, DELETE 4, FETCH 5, ...) is in the set.
    #[must_use]
    pub const fn allows(self, code: u8) -> bool {
        matches!(code, 1..=7) && self.0 >> (code.wrapping_sub(1) & 7) & 1 == 1
    }
}

impl core::ops::BitOr for Roles {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A short byte string of at most `N` bytes, compared over the bytes in use.
#[derive(Clone, Copy)]
struct Short<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Short<N> {
    const EMPTY: Self = Self {
        bytes: [0; N],
        len: 0,
    };

    fn new(parts: &[&[u8]]) -> Option<Self> {
        let mut short = Self::EMPTY;
        let mut free = short.bytes.iter_mut();
        for byte in parts.iter().copied().flatten() {
            *free.next()? = *byte;
            short.len = short.len.wrapping_add(1);
        }
        Some(short)
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

macro_rules! short_traits {
    ($name:ident) => {
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }
        impl Eq for $name {}
        impl core::hash::Hash for $name {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.as_bytes().hash(state);
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.as_bytes()
                    .iter()
                    .try_for_each(|b| write!(f, "{b:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

/// Sender id: role byte and index, 2 or 3 bytes, of one length per group.
#[derive(Clone, Copy)]
pub struct Sid(Short<3>);
short_traits!(Sid);

impl Sid {
    /// From its 2 or 3 bytes.
    ///
    /// # Errors
    /// [`Error::Kid`] for any other length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        match bytes.len() {
            2 | 3 => Short::new(&[bytes]).map(Self).ok_or(Error::Kid),
            _ => Err(Error::Kid),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The role byte.
    #[must_use]
    pub fn roles(&self) -> Roles {
        Roles(self.as_bytes().first().copied().unwrap_or_default())
    }
}

/// Boot salt `ss`: 0, 1 to 4 (a counter without leading zero) or 8 (random) bytes (spec 2.4).
#[derive(Clone, Copy)]
pub struct BootSalt(Short<8>);
short_traits!(BootSalt);

impl BootSalt {
    /// The empty salt: the PIV itself is persisted.
    pub const NONE: Self = Self(Short::EMPTY);

    /// From its bytes.
    ///
    /// # Errors
    /// [`Error::Kid`] for lengths 5, 6, 7 and above 8, and for a counter with a leading zero (h'00' included).
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        match (bytes.len(), bytes.first()) {
            (0 | 8, _) | (1..=4, Some(1..)) => Short::new(&[bytes]).map(Self).ok_or(Error::Kid),
            _ => Err(Error::Kid),
        }
    }

    /// A boot counter; it starts at 1.
    ///
    /// # Errors
    /// [`Error::Kid`] for 0.
    pub fn counter(boots: u32) -> Result<Self> {
        Self::from_slice(minimal(&boots.to_be_bytes()))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// COSE key id of an object: sid and boot salt, 2 to 11 bytes.
#[derive(Clone, Copy)]
pub struct Kid(Short<11>);
short_traits!(Kid);

impl Kid {
    /// Longest kid in bytes.
    pub const MAX_LEN: usize = 11;

    /// `sid || ss`.
    #[must_use]
    pub fn new(sid: &Sid, salt: &BootSalt) -> Self {
        // 3 + 8 bytes always fit
        Self(Short::new(&[sid.as_bytes(), salt.as_bytes()]).unwrap_or(Short::EMPTY))
    }

    /// From the header, in a group whose sids have `sid_len` bytes.
    ///
    /// # Errors
    /// [`Error::Kid`] if the length or the salt has no valid shape.
    pub fn parse(bytes: &[u8], sid_len: usize) -> Result<Self> {
        let (sid, salt) = bytes.split_at_checked(sid_len).ok_or(Error::Kid)?;
        Ok(Self::new(
            &Sid::from_slice(sid)?,
            &BootSalt::from_slice(salt)?,
        ))
    }

    /// The sid in front.
    ///
    /// # Errors
    /// [`Error::Kid`] if `sid_len` does not fit.
    pub fn sid(&self, sid_len: usize) -> Result<Sid> {
        Sid::from_slice(self.as_bytes().get(..sid_len).ok_or(Error::Kid)?)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// `bytes` without leading zeros, at least the last one.
fn minimal(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [0, tail @ ..] = rest {
        if tail.is_empty() {
            break;
        }
        rest = tail;
    }
    rest
}

/// Partial IV: 0..=2^23-1, minimal big-endian, 1 to 3 bytes; 0 is h'00' (spec 1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piv(u32);

impl Piv {
    /// The first Partial IV of a context.
    pub const ZERO: Self = Self(0);
    /// The last one, 2^23 - 1 (RFC 9053, 4.2.1).
    pub const MAX: Self = Self((1 << 23) - 1);

    /// From a number.
    ///
    /// # Errors
    /// [`Error::Piv`] above [`Piv::MAX`].
    pub const fn new(value: u32) -> Result<Self> {
        if value <= Self::MAX.0 {
            Ok(Self(value))
        } else {
            Err(Error::Piv)
        }
    }

    /// From the header.
    ///
    /// # Errors
    /// [`Error::Piv`] if empty, too long, not minimal or out of range.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = match *bytes {
            [a] => u32::from(a),
            [a @ 1..=255, b] => u32::from_be_bytes([0, 0, a, b]),
            [a @ 1..=255, b, c] => u32::from_be_bytes([0, a, b, c]),
            _ => return Err(Error::Piv),
        };
        Self::new(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The next one, or `None` after the last.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::new(self.0.wrapping_add(1)).ok()
    }

    /// Calls `f` with the wire form.
    pub fn with_bytes<T>(self, f: impl FnOnce(&[u8]) -> T) -> T {
        f(minimal(&self.0.to_be_bytes()))
    }
}

/// kid context (COSE label 10): gid and the session in minimal big-endian form, 5 to 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KidContext {
    /// The group instance.
    pub gid: Gid,
    /// The session j.
    pub session: Session,
}

impl KidContext {
    /// Longest form in bytes.
    pub const MAX_LEN: usize = 8;

    /// From the header.
    ///
    /// # Errors
    /// [`Error::Header`] unless 5 to 8 bytes with a session that has no leading zero.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (gid, j) = bytes.split_first_chunk::<4>().ok_or(Error::Header)?;
        if !matches!((j.len(), j.first()), (1..=4, Some(1..))) {
            return Err(Error::Header);
        }
        let session = j
            .iter()
            .fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        Ok(Self {
            gid: Gid(*gid),
            session: Session(session),
        })
    }

    /// Calls `f` with the wire form.
    pub fn with_bytes<T>(&self, f: impl FnOnce(&[u8]) -> T) -> T {
        let j = self.session.0.to_be_bytes();
        let bytes = Short::<8>::new(&[&self.gid.0, minimal(&j)]).unwrap_or(Short::EMPTY);
        f(bytes.as_bytes())
    }
}

/// Group name: 1 to 32 characters of `[A-Za-z0-9._-]`.
#[derive(Clone, Copy)]
pub struct GroupName(Short<32>);

impl GroupName {
    /// From text.
    ///
    /// # Errors
    /// [`Error::Scope`] for an empty or too long name or a character outside the set.
    pub fn new(name: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(Error::Scope);
        }
        Short::new(&[name.as_bytes()]).map(Self).ok_or(Error::Scope)
    }

    /// The name of the group of one access class of one resource server: 4 hex digits of the class, ".", the first 8
    /// hex digits of `rs` (spec 5.1).
    #[must_use]
    pub fn of_class(class: u16, rs: &Address) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| HEX.get(usize::from(nibble & 15)).copied().unwrap_or(b'0');
        let mut short = Short::<32>::EMPTY;
        let [high, low] = class.to_be_bytes();
        let head = [high >> 4, high, low >> 4, low].map(digit);
        let tail = rs
            .as_bytes()
            .iter()
            .take(4)
            .flat_map(|b| [digit(b >> 4), digit(*b)]);
        for (slot, byte) in short
            .bytes
            .iter_mut()
            .zip(head.into_iter().chain([b'.']).chain(tail))
        {
            *slot = byte;
            short.len = short.len.wrapping_add(1);
        }
        Self(short)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }
}

impl PartialEq for GroupName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
impl Eq for GroupName {}
impl core::hash::Hash for GroupName {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupName({self})")
    }
}
