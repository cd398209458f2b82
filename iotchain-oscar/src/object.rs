//! Syntax of an object, steps 1 to 4 of opening (spec 2.1, 2.8). Nothing here is verified.
//!
//! ```text
//! oscar-object = [ protected: bstr .cbor hdr, unprotected: {} / {12: bstr .size 64}, ciphertext: bstr ]
//! ```

use crate::MAX_OBJECT_LIMIT;
use crate::header::{Claims, Fields, Header, Labels, MAX_PROTECTED};
use iotchain_core::cbor::{Major, Reader, check};
use iotchain_core::{Error, Result};

/// Label of the abbreviated countersignature (RFC 9338, 3.2).
pub(crate) const COUNTER_SIGNATURE0: u8 = 12;

/// How an object is protected. Each mode has its own keys and its own additional data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// G: under the group key, for a direct answer.
    Group,
    /// P: under a key of one client and the resource server, for its requests and their responses.
    Pairwise,
    /// S: as G with a key of its own, plus a countersignature: for whatever is stored on a proxy.
    Signed,
}

impl Mode {
    /// The number in the additional data.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Group => 0,
            Self::Pairwise => 1,
            Self::Signed => 2,
        }
    }
}

/// Where an object was found; it decides the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// In the response to a GET, with no proxy in between.
    Response,
    /// In a request.
    Request,
    /// At a proxy or in a cache.
    Stored,
}

/// A well-formed object that names its sender: all but the responses of mode P.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) header: Header<'a>,
    pub(crate) ciphertext: &'a [u8],
    pub(crate) seal: Seal<'a>,
}

/// What the mode adds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seal<'a> {
    Group,
    Pairwise,
    Signed { claims: Claims, signature: &'a [u8] },
}

/// A well-formed response of mode P: whatever names its sender stands in the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) content_format: Option<u16>,
    pub(crate) ciphertext: &'a [u8],
}

/// What all objects have in common: steps 1 to 3.
pub(crate) struct Envelope<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) fields: Fields<'a>,
    pub(crate) signature: Option<&'a [u8]>,
    pub(crate) ciphertext: &'a [u8],
}

impl<'a> Object<'a> {
    /// Steps 1 to 4.
    pub(crate) fn parse(bytes: &'a [u8], position: Position, max_len: usize) -> Result<Self> {
        let Envelope {
            protected,
            fields,
            signature,
            ciphertext,
        } = Envelope::parse(bytes, max_len)?;
        let header = fields.header()?;
        let seal = Seal::by_position(position, &header, signature)?;
        Ok(Self {
            protected,
            header,
            ciphertext,
            seal,
        })
    }
}

impl<'a> Answer<'a> {
    /// Steps 1 to 4; any label but the content format, 12 included, is E_HEADER (C10).
    pub(crate) fn parse(bytes: &'a [u8], max_len: usize) -> Result<Self> {
        let Envelope {
            protected,
            fields,
            signature,
            ciphertext,
        } = Envelope::parse(bytes, max_len)?;
        let content_format = fields.only_content_format()?;
        if signature.is_some() {
            return Err(Error::Header);
        }
        Ok(Self {
            protected,
            content_format,
            ciphertext,
        })
    }
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(bytes: &'a [u8], max_len: usize) -> Result<Self> {
        if bytes.len() > max_len.min(MAX_OBJECT_LIMIT) {
            return Err(Error::Size);
        }
        check(bytes)?;
        let mut reader = Reader::new(bytes);
        if reader.array()? != 3 {
            return Err(Error::Type);
        }
        let protected = reader.bytes()?;
        if reader.peek() != Some(Major::Map) {
            return Err(Error::Type);
        }
        let mut unprotected = reader.clone();
        reader.skip()?;
        let ciphertext = reader.bytes()?;
        if protected.len() > MAX_PROTECTED {
            return Err(Error::Size);
        }

        let inner = Labels::of_protected(protected)?;
        let outer = Labels::judge(&mut unprotected.clone(), &[COUNTER_SIGNATURE0])?;
        if inner.crit || outer.crit {
            return Err(Error::Crit);
        }
        if inner.unknown || outer.unknown {
            return Err(Error::Header);
        }
        let fields = Fields::read(protected)?;
        let signature = match unprotected.map()? {
            0 => None,
            _ => {
                unprotected.skip()?;
                Some(unprotected.bytes()?)
            }
        };
        Ok(Self {
            protected,
            fields,
            signature,
            ciphertext,
        })
    }
}

impl<'a> Seal<'a> {
    /// The mode it belongs to.
    pub(crate) const fn mode(&self) -> Mode {
        match self {
            Self::Group => Mode::Group,
            Self::Pairwise => Mode::Pairwise,
            Self::Signed { .. } => Mode::Signed,
        }
    }

    /// Step 4.
    fn by_position(
        position: Position,
        header: &Header<'_>,
        signature: Option<&'a [u8]>,
    ) -> Result<Self> {
        match (position, signature, header.claims) {
            (Position::Stored, None, _) => Err(Error::SigRequired),
            (Position::Response, None, None) => Ok(Self::Group),
            (Position::Request, None, None) => Ok(Self::Pairwise),
            (Position::Request, Some(_), _) | (_, None, Some(_)) => Err(Error::Mode),
            (_, Some(signature), claims) => {
                let claims = claims.ok_or(Error::Header)?;
                let iat = claims.iat.ok_or(Error::Header)?;
                Ok(Self::Signed {
                    claims: Claims {
                        iat,
                        exp: claims.exp,
                    },
                    signature,
                })
            }
        }
    }
}
