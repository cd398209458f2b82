//! Syntax of an object, steps 1 to 4 of opening (spec 2.1, 2.8). Nothing here is verified.
//!
//! ```text
//! oscar-object = [ protected: bstr .cbor hdr, unprotected: {} / {12: bstr .size 64}, ciphertext: bstr ]
//! ```

use crate::header::{Claims, Fields, Header, Labels, MAX_PROTECTED};
use crate::{MAX_OBJECT_LIMIT, straight};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Object<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) header: Header<'a>,
    pub(crate) ciphertext: &'a [u8],
    pub(crate) seal: Seal<'a>,
}

/// What the mode adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    #[inline]
    pub(crate) fn parse(bytes: &'a [u8], position: Position, max_len: usize) -> Result<Self> {
        let seal = match position {
            Position::Response => Some(Seal::Group),
            Position::Request => Some(Seal::Pairwise),
            Position::Stored => None,
        };
        if let Some(seal) = seal
            && bytes.len() <= max_len.min(MAX_OBJECT_LIMIT)
            && let Some((protected, header, ciphertext)) = straight::read(bytes)
        {
            return Ok(Self {
                protected,
                header,
                ciphertext,
                seal,
            });
        }
        Self::parse_strictly(bytes, position, max_len)
    }

    /// As [`Object::parse`], by the strict reader alone.
    fn parse_strictly(bytes: &'a [u8], position: Position, max_len: usize) -> Result<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Objects in many forms: heads and lengths around every boundary, fields left out, doubled or in disorder.
    fn forms() -> Vec<Vec<u8>> {
        let formats: [&[u8]; 9] = [
            &[],
            &[3, 0],
            &[3, 23],
            &[3, 24, 24],
            &[3, 24, 23],
            &[3, 25, 1, 0],
            &[3, 25, 0, 99],
            &[3, 26, 0, 1, 0, 0],
            &[3, 0x41, 0],
        ];
        let algs: [&[u8]; 5] = [&[1, 10], &[1, 24, 30], &[1, 24, 10], &[1, 0x20], &[]];
        let kids: [&[u8]; 4] = [&[4, 0x42, 0x80, 0], &[4, 0x40], &[4, 0x62, 0x61, 0x61], &[]];
        let tails: [&[u8]; 5] = [
            &[6, 0x41, 5, 10, 0x45, 1, 1, 1, 1, 7],
            &[6, 0x40, 10, 0x40],
            &[10, 0x45, 1, 1, 1, 1, 7, 6, 0x41, 5],
            &[6, 0x41, 5, 10, 0x45, 1, 1, 1, 1, 7, 33, 0],
            &[6, 0x41, 5, 6, 0x41, 5],
        ];
        let mut forms = std::vec![];
        for format in formats {
            for alg in algs {
                for kid in kids {
                    for tail in tails {
                        for labels in 3..7u8 {
                            let map = [&[0xa0 | labels], alg, format, kid, tail].concat();
                            forms.push(object(&map, &[0xa0], 8));
                        }
                    }
                }
            }
        }
        let usual = [&[0xa4, 1, 10, 4, 0x42, 0x80, 0][..], tails[0]].concat();
        for len in [0, 1, 23, 24, 255, 256, 700] {
            forms.push(object(&usual, &[0xa0], len));
        }
        forms.push(object(&usual, &[0xa1, 12, 0x41, 1], 8));
        forms.push(object(&usual, &[0xf6], 8));
        forms
    }

    fn object(protected: &[u8], unprotected: &[u8], len: usize) -> Vec<u8> {
        let mut out = std::vec![0; protected.len() + len + 32];
        let mut w = iotchain_core::cbor::Writer::new(&mut out);
        w.array(3)
            .bytes(protected)
            .raw(unprotected)
            .bytes(&std::vec![7; len]);
        let len = w.finish().unwrap();
        out.truncate(len);
        out
    }

    fn agree(bytes: &[u8]) -> bool {
        for position in [Position::Response, Position::Request, Position::Stored] {
            for limit in [bytes.len(), bytes.len().saturating_sub(1)] {
                let strict = Object::parse_strictly(bytes, position, limit);
                assert_eq!(
                    Object::parse(bytes, position, limit),
                    strict,
                    "{bytes:02x?}"
                );
            }
        }
        straight::read(bytes).is_some()
    }

    #[test]
    fn the_straight_reader_takes_nothing_that_the_strict_one_refuses() {
        let taken = forms().iter().filter(|form| agree(form)).count();
        assert_eq!(taken, 47, "40 usual heads and 7 lengths are taken");
    }

    #[test]
    fn the_readers_agree_on_everything_near_an_object() {
        for form in [0, 20, 182, 400].map(|at| forms().swap_remove(at)) {
            for cut in 0..form.len() {
                agree(&form[..cut]);
            }
            for bit in 0..form.len() * 8 {
                let mut flipped = form.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                agree(&flipped);
            }
            agree(&[&form[..], &[0]].concat());
        }
    }
}
