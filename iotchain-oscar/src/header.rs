//! The protected header, a closed set (spec 2.1).
//!
//! ```text
//! hdr = { 1: alg, ? 3: content-format, 4: kid, 6: PIV, 10: kid context, ? 15: { ? 4: exp, 6: iat } }
//! ```
//! Every label is below 24: its only valid form is one byte, and it is compared as that.

use crate::frame::{BYTES, Frame, MAP, UINT};
use iotchain_core::cbor::{Major, Reader, check};
use iotchain_core::{AeadAlg, Error, Kid, KidContext, Piv, Result, UnixTime};

/// Longest protected header in bytes (spec 1.2). The longest that v1 can express has 58.
pub const MAX_PROTECTED: usize = 64;

pub(crate) const ALG: u8 = 1;
const CRIT: u8 = 2;
pub(crate) const CONTENT_FORMAT: u8 = 3;
pub(crate) const KID: u8 = 4;
pub(crate) const PIV: u8 = 6;
pub(crate) const KID_CONTEXT: u8 = 10;
pub(crate) const CWT_CLAIMS: u8 = 15;
const LABELS: &[u8] = &[ALG, CONTENT_FORMAT, KID, PIV, KID_CONTEXT, CWT_CLAIMS];

pub(crate) const EXP: u8 = 4;
pub(crate) const IAT: u8 = 6;

/// When a signed object was made and, if it says so, when it ends (CWT claims in the header, RFC 9597).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Time of signing.
    pub iat: UnixTime,
    /// First instant at which the object is no longer valid.
    pub exp: Option<UnixTime>,
}

/// Header of an object that names its own sender. Syntax is checked, nothing is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) alg: i64,
    pub(crate) content_format: Option<u16>,
    pub(crate) kid: &'a [u8],
    pub(crate) piv: &'a [u8],
    pub(crate) kid_context: &'a [u8],
    pub(crate) claims: Option<RawClaims>,
}

/// Claims before it is known whether the mode needs an `iat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawClaims {
    pub(crate) iat: Option<UnixTime>,
    pub(crate) exp: Option<UnixTime>,
}

/// The header as found: every label optional, values typed.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    alg: Option<i64>,
    content_format: Option<u16>,
    kid: Option<&'a [u8]>,
    piv: Option<&'a [u8]>,
    kid_context: Option<&'a [u8]>,
    claims: Option<&'a [u8]>,
}

/// Labels of one header map, judged before any value is looked at.
#[derive(Clone, Copy, Default)]
pub(crate) struct Labels {
    pub(crate) crit: bool,
    pub(crate) unknown: bool,
}

impl Labels {
    /// Reads over the map at `reader` and judges its labels against the closed set `known`.
    pub(crate) fn judge(reader: &mut Reader<'_>, known: &[u8]) -> Result<Self> {
        let mut labels = Self::default();
        for _ in 0..reader.map()? {
            let label = reader.skip()?;
            reader.skip()?;
            match *label {
                [CRIT] => labels.crit = true,
                [label] if known.contains(&label) => {}
                _ => labels.unknown = true,
            }
        }
        Ok(labels)
    }

    /// Judges the protected header: strict CBOR, one map, not the empty one.
    pub(crate) fn of_protected(protected: &[u8]) -> Result<Self> {
        if protected.is_empty() {
            return Ok(Self::default());
        }
        check(protected)?;
        let mut reader = Reader::new(protected);
        if reader.clone().map()? == 0 {
            return Err(Error::Header);
        }
        Self::judge(&mut reader, LABELS)
    }
}

impl<'a> Fields<'a> {
    /// Types of the values, after [`Labels::of_protected`] accepted the labels. Claims are looked into by [`Fields::header`].
    pub(crate) fn read(protected: &'a [u8]) -> Result<Self> {
        let mut fields = Self::default();
        if protected.is_empty() {
            return Ok(fields);
        }
        let mut reader = Reader::new(protected);
        for _ in 0..reader.map()? {
            match *reader.skip()? {
                [ALG] => fields.alg = Some(any_int(&mut reader)?),
                [CONTENT_FORMAT] => {
                    fields.content_format =
                        Some(reader.uint()?.try_into().map_err(|_| Error::Type)?)
                }
                [KID] => fields.kid = Some(reader.bytes()?),
                [PIV] => fields.piv = Some(reader.bytes()?),
                [KID_CONTEXT] => fields.kid_context = Some(reader.bytes()?),
                [CWT_CLAIMS] => {
                    reader.clone().map()?;
                    fields.claims = Some(reader.skip()?);
                }
                _ => return Err(Error::Header),
            }
        }
        Ok(fields)
    }

    /// Whether nothing names a sender, as in a response of mode P.
    pub(crate) const fn is_answer(&self) -> bool {
        matches!(
            self,
            Self {
                alg: None,
                kid: None,
                piv: None,
                kid_context: None,
                ..
            }
        )
    }

    /// The header of a response of mode P: nothing but a content format.
    pub(crate) fn only_content_format(self) -> Result<Option<u16>> {
        self.claims.map(RawClaims::read).transpose()?;
        match self {
            Self {
                alg: None,
                content_format,
                kid: None,
                piv: None,
                kid_context: None,
                claims: None,
            } => Ok(content_format),
            _ => Err(Error::Header),
        }
    }

    /// The header of an object that names its sender.
    pub(crate) fn header(self) -> Result<Header<'a>> {
        let claims = self.claims.map(RawClaims::read).transpose()?;
        match (self.alg, self.kid, self.piv, self.kid_context) {
            (Some(alg), Some(kid), Some(piv), Some(kid_context)) => Ok(Header {
                alg,
                content_format: self.content_format,
                kid,
                piv,
                kid_context,
                claims,
            }),
            _ => Err(Error::Header),
        }
    }
}

impl Claims {
    fn write(&self, frame: &mut Frame<'_>) {
        match self.exp {
            Some(exp) => frame.put([CWT_CLAIMS, MAP | 2, EXP]).uint(exp.get()),
            None => frame.put([CWT_CLAIMS, MAP | 1]),
        };
        frame.put([IAT]).uint(self.iat.get());
    }
}

impl RawClaims {
    fn read(map: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(map);
        let mut claims = Self {
            iat: None,
            exp: None,
        };
        for _ in 0..reader.map()? {
            let slot = match *reader.skip()? {
                [EXP] => &mut claims.exp,
                [IAT] => &mut claims.iat,
                _ => return Err(Error::Header),
            };
            let time = UnixTime::new(reader.uint()?);
            *slot = Some(if time.is_encodable() {
                time
            } else {
                return Err(Error::Type);
            });
        }
        Ok(claims)
    }
}

/// Any integer; one outside `i64` is no algorithm of ours and becomes the reserved number 0.
fn any_int(reader: &mut Reader<'_>) -> Result<i64> {
    match reader.peek() {
        Some(Major::Uint | Major::Negative) => {
            let value = reader.clone().int().unwrap_or_default();
            reader.skip()?;
            Ok(value)
        }
        _ => Err(Error::Type),
    }
}

/// A protected header to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Protected {
    bytes: [u8; MAX_PROTECTED],
    len: usize,
}

impl Protected {
    /// None yet.
    pub(crate) const EMPTY: Self = Self {
        bytes: [0; MAX_PROTECTED],
        len: 0,
    };

    /// Encodes the header in deterministic form.
    pub(crate) fn encode(
        &mut self,
        alg: AeadAlg,
        content_format: Option<u16>,
        kid: &Kid,
        piv: Piv,
        context: &KidContext,
        claims: Option<Claims>,
    ) -> Result<()> {
        let present = [content_format.is_some(), claims.is_some()].map(u8::from);
        let map = present.into_iter().fold(MAP | 4, u8::wrapping_add);
        self.write(|frame| {
            match alg {
                AeadAlg::AesCcm16_64_128 => frame.put([map, ALG, 10]),
                AeadAlg::AesCcm16_128_128 => frame.put([map, ALG, 24, 30]),
            };
            write_content_format(frame, content_format);
            // less than 24 bytes, as all that follow
            let kid = kid.as_bytes();
            frame.put([KID, BYTES | kid.len() as u8]).extend(kid);
            match piv.get().to_be_bytes() {
                [_, 0, 0, low] => frame.put([PIV, BYTES | 1, low]),
                [_, 0, mid, low] => frame.put([PIV, BYTES | 2, mid, low]),
                [_, high, mid, low] => frame.put([PIV, BYTES | 3, high, mid, low]),
            };
            let ([a, b, c, d], session) = (*context.gid.as_bytes(), context.session.get());
            let zeros = (session | 1).leading_zeros() >> 3;
            let session = session.to_be_bytes();
            let j = session.get(zeros as usize..).unwrap_or_default();
            let len = (j.len() as u8).wrapping_add(4);
            frame.put([KID_CONTEXT, BYTES | len, a, b, c, d]).extend(j);
            if let Some(claims) = claims {
                claims.write(frame);
            }
        })
    }

    /// Of a response of mode P: h'' or `{3: content-format}`.
    pub(crate) fn encode_answer(&mut self, content_format: Option<u16>) -> Result<()> {
        self.write(|frame| {
            if content_format.is_some() {
                frame.put([MAP | 1]);
            }
            write_content_format(frame, content_format);
        })
    }

    fn write(&mut self, write: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        let mut frame = Frame::new(&mut self.bytes);
        write(&mut frame);
        self.len = frame.finish()?;
        Ok(())
    }

    /// A copy of a header that was received.
    pub(crate) fn copied(protected: &[u8]) -> Result<Self> {
        let mut bytes = [0; MAX_PROTECTED];
        let len = protected.len();
        bytes
            .get_mut(..len)
            .ok_or(Error::Size)?
            .copy_from_slice(protected);
        Ok(Self { bytes, len })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

fn write_content_format(frame: &mut Frame<'_>, content_format: Option<u16>) {
    if let Some(format) = content_format {
        frame.put([CONTENT_FORMAT]).head(UINT, format.into());
    }
}
