//! The scope claim: CBOR `[[name, mask], ..]`, the authorization information format of RFC 9237.

use crate::scope::Scope;
use iotchain_core::cbor::{self, Reader, Writer};
use iotchain_core::{Error, Result, Roles};

/// The groups and rights that a token names, read in place.
#[derive(Clone, Debug)]
pub struct Aif<'a> {
    entries: Reader<'a>,
}

impl<'a> Aif<'a> {
    /// From the content of the scope claim.
    ///
    /// # Errors
    /// The CBOR errors 1 to 11; [`Error::Claims`] unless an array of at least one pair of text and mask, a mask being
    /// REST-method bits, not empty and without the producer bit.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        let count = reader.array().map_err(|_| Error::Claims)?;
        let entries = reader.clone();
        for _ in 0..count {
            read_entry(&mut reader)?;
        }
        if count == 0 {
            Err(Error::Claims)
        } else {
            Ok(Self { entries })
        }
    }

    /// Its entries: name of a group and the rights in it. A name need not be one that a group can have.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Roles)> {
        let mut reader = self.entries.clone();
        core::iter::from_fn(move || read_entry(&mut reader).ok())
    }

    /// Everything that the first entry granting all of `scope` grants; `None` if no entry does.
    #[must_use]
    pub fn grants(&self, scope: &Scope) -> Option<Roles> {
        self.entries()
            .find(|(name, mask)| *name == scope.group.as_str() && mask.contains(scope.roles))
            .map(|(_, mask)| mask)
    }
}

fn read_entry<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, Roles)> {
    let entry = (|| {
        if reader.array()? != 2 {
            return Err(Error::Claims);
        }
        Ok((reader.text()?, reader.uint()?))
    })();
    match entry {
        Ok((name, mask @ 1..=0x7f)) => Ok((name, Roles::new(mask.to_le_bytes()[0]))),
        _ => Err(Error::Claims),
    }
}

/// Writes the entries of `scopes`.
pub(super) fn write(writer: &mut Writer<'_>, scopes: &[Scope]) {
    writer.array(scopes.len() as u64);
    for scope in scopes {
        writer
            .array(2)
            .text(scope.group.as_str())
            .uint(scope.roles.bits().into());
    }
}
