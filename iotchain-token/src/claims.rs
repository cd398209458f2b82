//! Claims: four bytes of the token word, `mask(1) || 0x10 || class(2, big-endian)` (spec 5.1).

use iotchain_core::{Address, Error, GroupName, Result, Roles};

/// Layout 1, the second byte of the claims.
const LAYOUT: u8 = 0x10;

/// Access class: the owner's table at the key server maps it to paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(u16);

impl Class {
    /// Class `number`.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The group of this class at resource server `rs`: 4 hex digits, ".", the first 8 hex digits of `rs`.
    ///
    /// The name abbreviates `rs`; compare the full address wherever it decides (A20).
    #[must_use]
    pub fn group(self, rs: &Address) -> GroupName {
        GroupName::of_class(self.0, rs)
    }
}

/// What a token grants: a set of methods within one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    mask: Roles,
    class: Class,
}

impl Claims {
    /// Claims of `mask` in `class`.
    ///
    /// # Errors
    /// [`Error::Claims`] if the mask is empty or holds the producer bit.
    pub fn new(mask: Roles, class: Class) -> Result<Self> {
        if mask.bits() == 0 || mask.is_producer() {
            Err(Error::Claims)
        } else {
            Ok(Self { mask, class })
        }
    }

    /// From the four bytes.
    ///
    /// # Errors
    /// [`Error::Claims`] for another layout, an empty mask or the producer bit.
    pub fn parse(bytes: [u8; 4]) -> Result<Self> {
        match bytes {
            [mask, LAYOUT, high, low] => {
                Self::new(Roles::new(mask), Class(u16::from_be_bytes([high, low])))
            }
            _ => Err(Error::Claims),
        }
    }

    /// The four bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; 4] {
        let [high, low] = self.class.0.to_be_bytes();
        [self.mask.bits(), LAYOUT, high, low]
    }

    /// The methods granted.
    #[must_use]
    pub const fn mask(&self) -> Roles {
        self.mask
    }

    /// The access class.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The same class with no more than `mask`: bits of the first byte are cleared, nothing else (spec 5.1, narrowing).
    ///
    /// # Errors
    /// [`Error::Claims`] if no right is left.
    pub fn narrow(&self, mask: Roles) -> Result<Self> {
        Self::new(Roles::new(self.mask.bits() & mask.bits()), self.class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_never_touches_the_class() {
        let claims = Claims::parse([0x07, 0x10, 0x00, 0x07]).unwrap();
        let narrowed = claims.narrow(Roles::GET | Roles::FETCH).unwrap();
        assert_eq!(narrowed.encode(), [0x01, 0x10, 0x00, 0x07]);
        assert_eq!(claims.narrow(Roles::FETCH), Err(Error::Claims));
    }

    #[test]
    fn encode_reverses_parse() {
        for mask in 1..=0x7f {
            for class in [0u16, 1, 7, 0xff, 0x100, 0xffff] {
                let claims = Claims::new(Roles::new(mask), Class::new(class)).unwrap();
                assert_eq!(Claims::parse(claims.encode()), Ok(claims));
            }
        }
    }
}
