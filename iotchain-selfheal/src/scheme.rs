//! The two schemes, told apart by the first element of personal keys and of signed payloads (spec 3.2).

use iotchain_core::cbor::{self, Reader};
use iotchain_core::{Error, Result};

/// A self-healing scheme with its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Scheme {
    Polynomial = 1,
    Rsd = 2,
}

impl Scheme {
    /// The first element on the wire.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// Reads past the head and the first element of a personal key of `elements` elements.
    ///
    /// # Errors
    /// A format error (1 to 11), [`Error::Scheme`] for another first element, else [`Error::Type`].
    pub(crate) fn read_personal_key(self, bytes: &[u8], elements: usize) -> Result<Reader<'_>> {
        self.read(bytes, elements, |_| Error::Scheme)
    }

    /// Reads past the head and the first element of a signed payload of `elements` elements (spec 3.3, step 4).
    ///
    /// # Errors
    /// A format error (1 to 11), [`Error::Version`] for an unknown first element, [`Error::Scheme`] for that of the
    /// other scheme, else [`Error::Type`].
    pub(crate) fn read_payload(self, bytes: &[u8], elements: usize) -> Result<Reader<'_>> {
        let known = |number| {
            [Self::Polynomial, Self::Rsd]
                .iter()
                .any(|scheme| u32::from(scheme.number()) == number)
        };
        self.read(bytes, elements, |number| {
            if known(number) {
                Error::Scheme
            } else {
                Error::Version
            }
        })
    }

    fn read(
        self,
        bytes: &[u8],
        elements: usize,
        refused: impl FnOnce(u32) -> Error,
    ) -> Result<Reader<'_>> {
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        let found = reader.array()?;
        if found == 0 {
            return Err(Error::Type);
        }
        let number = reader.u32()?;
        if number != u32::from(self.number()) {
            return Err(refused(number));
        }
        if found == elements {
            Ok(reader)
        } else {
            Err(Error::Type)
        }
    }
}
