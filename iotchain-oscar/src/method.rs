//! Request methods of mode P (spec 2.7).

use iotchain_core::Roles;

/// A CoAP method whose request carries an object. GET and DELETE carry no payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// POST (0.02).
    Post,
    /// PUT (0.03).
    Put,
    /// FETCH (0.05, RFC 8132): with empty plaintext, a read that other members cannot forge.
    Fetch,
    /// PATCH (0.06, RFC 8132).
    Patch,
    /// iPATCH (0.07, RFC 8132).
    IPatch,
}

impl Method {
    /// From the CoAP request code; `None` for GET, DELETE and codes that are no method.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            2 => Some(Self::Post),
            3 => Some(Self::Put),
            5 => Some(Self::Fetch),
            6 => Some(Self::Patch),
            7 => Some(Self::IPatch),
            _ => None,
        }
    }

    /// The CoAP request code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Post => 2,
            Self::Put => 3,
            Self::Fetch => 5,
            Self::Patch => 6,
            Self::IPatch => 7,
        }
    }

    /// Whether a sender with these rights may use it: the bit `code - 1` of the role byte (RFC 9237, 3).
    pub(crate) const fn is_within(self, roles: Roles) -> bool {
        roles.allows(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_the_bit_of_the_code() {
        let methods = (0..=255).filter_map(|code| Some((code, Method::from_code(code)?)));
        let mut codes = std::vec![];
        for (code, method) in methods {
            assert_eq!(method.code(), code);
            let right = 1 << (code - 1);
            assert!(method.is_within(Roles::new(right)));
            assert!(!method.is_within(Roles::new(!right)));
            codes.push(code);
        }
        assert_eq!(codes, [2, 3, 5, 6, 7]);
    }
}
