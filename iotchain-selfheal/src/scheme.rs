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
        Self::read(bytes, elements, |number| {
            if number == u32::from(self.number()) {
                Ok(())
            } else {
                Err(Error::Scheme)
            }
        })
    }

    /// Reads past the head and the first element of a signed payload of `elements` elements (spec 3.3, step 4).
    ///
    /// # Errors
    /// A format error (1 to 11), [`Error::Version`] for an unknown first element, [`Error::Scheme`] for that of the
    /// other scheme, else [`Error::Type`].
    pub(crate) fn read_payload(self, bytes: &[u8], elements: usize) -> Result<Reader<'_>> {
        Self::read(bytes, elements, |number| self.check_payload(number))
    }

    /// Checks the first element of a signed payload.
    ///
    /// # Errors
    /// [`Error::Version`] for an unknown number, [`Error::Scheme`] for that of the other scheme.
    pub(crate) fn check_payload(self, number: u32) -> Result<()> {
        let found = [Self::Polynomial, Self::Rsd]
            .into_iter()
            .find(|scheme| u32::from(scheme.number()) == number);
        match found {
            Some(scheme) if scheme == self => Ok(()),
            Some(_) => Err(Error::Scheme),
            None => Err(Error::Version),
        }
    }

    fn read(
        bytes: &[u8],
        elements: usize,
        check: impl FnOnce(u32) -> Result<()>,
    ) -> Result<Reader<'_>> {
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        let found = reader.array()?;
        if found == 0 {
            return Err(Error::Type);
        }
        check(reader.u32()?)?;
        if found == elements {
            Ok(reader)
        } else {
            Err(Error::Type)
        }
    }
}
