//! Scope of a join: CBOR `[gname, roles]` (spec 4.2; AIF, RFC 9237).

use iotchain_core::cbor::{self, Reader, Writer};
use iotchain_core::{Error, GroupName, Result, Roles};

/// The group somebody asks for, and the rights in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Name of the group.
    pub group: GroupName,
    /// Rights: REST-method bits, or [`Roles::PRODUCER`] alone for a resource server.
    pub roles: Roles,
}

impl Scope {
    /// Longest encoding in bytes: array head, name of 32 characters, role byte.
    pub const MAX_LEN: usize = 1 + 34 + 2;

    /// From its encoding.
    ///
    /// # Errors
    /// The CBOR errors 1 to 11; [`Error::Type`] unless an array of text and a byte value; [`Error::Scope`] for a name
    /// outside `[A-Za-z0-9._-]{1,32}` or the empty right.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        if reader.array()? != 2 {
            return Err(Error::Type);
        }
        let name = reader.text()?;
        let roles = u8::try_from(reader.uint()?).map_err(|_| Error::Type)?;
        if roles == 0 {
            return Err(Error::Scope);
        }
        Ok(Self {
            group: GroupName::new(name)?,
            roles: Roles::new(roles),
        })
    }

    /// Writes the encoding and returns its length, at most [`Scope::MAX_LEN`].
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        writer.array(2);
        writer.text(self.group.as_str());
        writer.uint(self.roles.bits().into());
        writer.finish()
    }
}
