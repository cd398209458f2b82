//! Token transfer at /authz-info, Content-Format 19 (RFC 9594, 3.3; spec 4.1).
//!
//! ```text
//! request  = {1: bstr .cbor [chain, contract, client]}
//! response = {17: bstr .cbor CCS of the key server, 30: N_S}
//! ```

use super::credential::Ccs;
use super::parameter::{Unknown, each_parameter, wrap};
use iotchain_core::cbor::Writer;
use iotchain_core::{Error, PublicKey, Result};
use iotchain_token::{Challenge, TokenRef};

const ACCESS_TOKEN: i64 = 1;
const KDC_CRED: i64 = 17;
const KDC_CHALLENGE: i64 = 30;

/// Names the token that will be used; the ledger record stands in for an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferRequest {
    /// Where the token lives, and the client.
    pub token: TokenRef,
}

impl TransferRequest {
    /// Longest encoding in bytes.
    pub const MAX_LEN: usize = 2 + 2 + TokenRef::MAX_LEN;

    /// From its encoding.
    ///
    /// # Errors
    /// [`Error::Size`] above the limit of a join request; the CBOR errors 1 to 11; [`Error::Type`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > super::JoinRequest::MAX_LEN {
            return Err(Error::Size);
        }
        let mut token = None;
        each_parameter(bytes, Unknown::Skip, |label, reader| {
            if label == ACCESS_TOKEN {
                token = Some(reader.bytes()?);
            }
            Ok(label == ACCESS_TOKEN)
        })?;
        Ok(Self {
            token: TokenRef::parse(token.ok_or(Error::Type)?)?,
        })
    }

    /// Writes the encoding and returns its length, at most [`TransferRequest::MAX_LEN`].
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        writer.map(1).int(ACCESS_TOKEN);
        wrap::<{ TokenRef::MAX_LEN }>(&mut writer, |out| self.token.encode(out))?;
        writer.finish()
    }
}

/// The key server's credential, whose thumbprint is `ks`, and the challenge to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferResponse {
    /// The signing key of the key server; trusted through the DTLS certificate.
    pub key_server: PublicKey,
    /// N_S.
    pub challenge: Challenge,
}

impl TransferResponse {
    /// Longest encoding in bytes.
    pub const MAX_LEN: usize = 1 + (1 + 2 + Ccs::MAX_LEN) + (2 + 2 + Challenge::LEN);

    /// From its encoding.
    ///
    /// # Errors
    /// [`Error::Size`] above the limit of a join response; the CBOR errors 1 to 11; [`Error::Type`];
    /// [`Error::Challenge`] unless N_S has 28 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > super::JoinResponse::MAX_LEN {
            return Err(Error::Size);
        }
        let (mut key_server, mut challenge) = (None, None);
        each_parameter(bytes, Unknown::Skip, |label, reader| {
            match label {
                KDC_CRED => key_server = Some(reader.bytes()?),
                KDC_CHALLENGE => challenge = Some(reader.bytes()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            key_server: Ccs::parse(key_server.ok_or(Error::Type)?)?.key,
            challenge: Challenge::from_slice(challenge.ok_or(Error::Type)?)?,
        })
    }

    /// Writes the encoding and returns its length, at most [`TransferResponse::MAX_LEN`].
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        writer.map(2).int(KDC_CRED);
        wrap::<{ Ccs::MAX_LEN }>(&mut writer, |out| {
            Ccs::key_server(self.key_server).encode(out)
        })?;
        writer.int(KDC_CHALLENGE).bytes(self.challenge.as_bytes());
        writer.finish()
    }
}
