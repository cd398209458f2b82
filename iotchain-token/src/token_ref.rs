//! Token reference: CBOR `[chain, contract, client]`, the key server's stand-in for an access token (spec 4.1).

use iotchain_core::cbor::{self, Reader, Writer};
use iotchain_core::{Address, Error, Result};

/// Where a token lives and who claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRef {
    /// EIP-155 chain id; 0 for a resource server.
    pub chain: u64,
    /// The token contract; [`Address::ZERO`] for a resource server.
    pub contract: Address,
    /// The client, or the resource server itself.
    pub client: Address,
}

impl TokenRef {
    /// Longest encoding in bytes.
    pub const MAX_LEN: usize = 1 + 9 + 21 + 21;

    /// The reference by which a resource server joins its own group: it needs no token.
    #[must_use]
    pub const fn resource_server(rs: Address) -> Self {
        Self {
            chain: 0,
            contract: Address::ZERO,
            client: rs,
        }
    }

    /// Whether chain and contract are those of a resource server.
    #[must_use]
    pub fn is_resource_server(&self) -> bool {
        self.chain == 0 && self.contract == Address::ZERO
    }

    /// From its encoding.
    ///
    /// # Errors
    /// The CBOR errors 1 to 11; [`Error::Type`] unless an array of an unsigned integer and two strings of 20 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        if reader.array()? != 3 {
            return Err(Error::Type);
        }
        Ok(Self {
            chain: reader.uint()?,
            contract: Address::from_slice(reader.bytes()?)?,
            client: Address::from_slice(reader.bytes()?)?,
        })
    }

    /// Writes the encoding and returns its length, at most [`TokenRef::MAX_LEN`].
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        writer.array(3);
        writer.uint(self.chain);
        writer.bytes(self.contract.as_bytes());
        writer.bytes(self.client.as_bytes());
        writer.finish()
    }
}
