//! Byte strings of a few bytes, and numbers in their shortest big-endian form.

/// A short byte string of at most `N` bytes; the bytes behind it are zero.
#[derive(Clone, Copy)]
pub(super) struct Short<const N: usize> {
    pub(super) bytes: [u8; N],
    pub(super) len: u8,
}

impl<const N: usize> Short<N> {
    pub(super) const EMPTY: Self = Self {
        bytes: [0; N],
        len: 0,
    };

    pub(super) fn new(parts: &[&[u8]]) -> Option<Self> {
        let mut short = Self::EMPTY;
        let mut free = short.bytes.iter_mut();
        for byte in parts.iter().copied().flatten() {
            *free.next()? = *byte;
            short.len = short.len.wrapping_add(1);
        }
        Some(short)
    }

    /// A copy of `bytes`, if it fits.
    #[inline]
    pub(super) fn copied(bytes: &[u8]) -> Option<Self> {
        let mut short = Self::EMPTY;
        if bytes.len() > N {
            return None;
        }
        for (to, from) in short.bytes.iter_mut().zip(bytes) {
            *to = *from;
        }
        short.len = u8::try_from(bytes.len()).ok()?;
        Some(short)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

macro_rules! short_traits {
    ($name:ident) => {
        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                // the bytes behind the string are zero
                self.0.len == other.0.len && self.0.bytes == other.0.bytes
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
pub(super) use short_traits;

/// `bytes` without leading zeros, at least the last one.
pub(super) fn minimal(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [0, tail @ ..] = rest {
        if tail.is_empty() {
            break;
        }
        rest = tail;
    }
    rest
}
