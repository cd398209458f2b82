//! The compact transport form (spec 2.11): a lossless re-encoding for links with small frames. Cryptography is always
//! over the COSE form; a receiver expands first and then opens.
//!
//! ```text
//! byte 0: bits 0-1 PIV length (0 = P response), bits 2-3 length of j (0 = 4), bit 4 content-format, bit 5 claims,
//!         bit 6 signature, bit 7 = 0
//! then, as flagged: PIV | gid(4) j | kid length(1) kid | content-format(2) | iat(4) exp(4, 0 = absent)
//!                   | signature(64) | ciphertext to the end
//! ```

use crate::MAX_OBJECT_LIMIT;
use crate::header::{ALG, CONTENT_FORMAT, CWT_CLAIMS, EXP, IAT, KID, KID_CONTEXT, PIV};
use crate::object::{COUNTER_SIGNATURE0, Envelope};
use iotchain_core::cbor::{Writer, encoded_len};
use iotchain_core::{AeadAlg, Error, Result, Signature};

/// CoAP Content-Format of the compact form, from the experimental range (RFC 7252, 12.3).
pub const COMPACT_CONTENT_FORMAT: u16 = 65_116;

const LENGTH: u8 = 3;
const HAS_CONTENT_FORMAT: u8 = 1 << 4;
const HAS_CLAIMS: u8 = 1 << 5;
const HAS_SIGNATURE: u8 = 1 << 6;
const RESERVED: u8 = 1 << 7;

/// Re-encodes an object of a group with algorithm `alg` to the front of `out`. The length written.
///
/// # Errors
/// Format and header errors of steps 1 to 3 of opening, [`Error::Alg`] for another algorithm, [`Error::Type`] for
/// values that the compact form cannot express (times of 2^32 and above, odd lengths), [`Error::Buffer`] with nothing
/// written.
pub fn compact(object: &[u8], alg: AeadAlg, out: &mut [u8]) -> Result<usize> {
    let form = Form::of_object(object, alg)?;
    written(out, |w| form.write_compact(w))
}

/// The COSE form of what [`compact`] made, in a group with algorithm `alg`, to the front of `out`. The length written.
///
/// # Errors
/// [`Error::Truncated`] if it ends inside a field, [`Error::Version`] for the reserved bit, [`Error::Header`] for a
/// response with fields that it cannot have, [`Error::Buffer`] with nothing written.
pub fn expand(bytes: &[u8], alg: AeadAlg, out: &mut [u8]) -> Result<usize> {
    let form = Form::of_compact(bytes)?;
    written(out, |w| form.write_object(w, alg))
}

fn written(out: &mut [u8], write: impl Fn(&mut Writer<'_>)) -> Result<usize> {
    let needed = encoded_len(&write);
    if needed > out.len() {
        return Err(Error::Buffer { needed });
    }
    let mut w = Writer::new(out);
    write(&mut w);
    w.finish()
}

/// The content of an object, in neither form.
struct Form<'a> {
    /// `None`: a P response.
    sender: Option<Sender<'a>>,
    content_format: Option<u16>,
    claims: Option<Times>,
    signature: Option<&'a Signature>,
    ciphertext: &'a [u8],
}

/// What names the sender; shapes are judged on opening.
struct Sender<'a> {
    /// 1 to 3 bytes.
    piv: &'a [u8],
    /// 5 to 8 bytes.
    kid_context: &'a [u8],
    /// At most 255 bytes.
    kid: &'a [u8],
}

/// iat, and exp or 0.
struct Times {
    iat: u32,
    exp: u32,
}

impl<'a> Form<'a> {
    fn of_object(object: &'a [u8], alg: AeadAlg) -> Result<Self> {
        let envelope = Envelope::parse(object, MAX_OBJECT_LIMIT)?;
        let signature = envelope.signature.map(TryInto::try_into).transpose();
        let signature = signature.map_err(|_| Error::Type)?;
        let ciphertext = envelope.ciphertext;
        if envelope.fields.is_answer() {
            let content_format = envelope.fields.only_content_format()?;
            if signature.is_some() {
                return Err(Error::Header);
            }
            return Ok(Self {
                sender: None,
                content_format,
                claims: None,
                signature,
                ciphertext,
            });
        }
        let header = envelope.fields.header()?;
        if header.alg != alg.cose() {
            return Err(Error::Alg);
        }
        let sender = Sender {
            piv: header.piv,
            kid_context: header.kid_context,
            kid: header.kid,
        };
        if !matches!(sender.piv.len(), 1..=3) || !matches!(sender.kid_context.len(), 5..=8) {
            return Err(Error::Type);
        }
        let seconds = |time: u64| u32::try_from(time).map_err(|_| Error::Type);
        let times = |iat: u64, exp: Option<u64>| match exp {
            Some(0) => Err(Error::Type),
            exp => Ok(Times {
                iat: seconds(iat)?,
                exp: seconds(exp.unwrap_or_default())?,
            }),
        };
        let claims = match header.claims {
            Some(claims) => {
                let iat = claims.iat.ok_or(Error::Header)?;
                Some(times(iat.get(), claims.exp.map(|exp| exp.get()))?)
            }
            None => None,
        };
        Ok(Self {
            sender: Some(sender),
            content_format: header.content_format,
            claims,
            signature,
            ciphertext,
        })
    }

    fn of_compact(bytes: &'a [u8]) -> Result<Self> {
        let mut rest = Rest(bytes);
        let [flags] = *rest.array()?;
        let has = |flag: u8| flags & flag != 0;
        if has(RESERVED) {
            return Err(Error::Version);
        }
        let lengths = (flags & LENGTH, flags >> 2 & LENGTH);
        let sender = match lengths {
            (0, 0) if !has(HAS_CLAIMS) && !has(HAS_SIGNATURE) => None,
            (0, _) => return Err(Error::Header),
            (piv, j) => {
                let j = if j == 0 { 4 } else { j };
                let piv = rest.take(piv.into())?;
                let kid_context = rest.take(usize::from(j).saturating_add(4))?;
                let [kid] = *rest.array()?;
                Some(Sender {
                    piv,
                    kid_context,
                    kid: rest.take(kid.into())?,
                })
            }
        };
        let content_format = if has(HAS_CONTENT_FORMAT) {
            Some(u16::from_be_bytes(*rest.array()?))
        } else {
            None
        };
        let claims = if has(HAS_CLAIMS) {
            Some(Times {
                iat: u32::from_be_bytes(*rest.array()?),
                exp: u32::from_be_bytes(*rest.array()?),
            })
        } else {
            None
        };
        let signature = if has(HAS_SIGNATURE) {
            Some(rest.array()?)
        } else {
            None
        };
        Ok(Self {
            sender,
            content_format,
            claims,
            signature,
            ciphertext: rest.0,
        })
    }

    fn write_compact(&self, w: &mut Writer<'_>) {
        let flag = |is_present: bool, flag: u8| if is_present { flag } else { 0 };
        let optional = flag(self.content_format.is_some(), HAS_CONTENT_FORMAT)
            | flag(self.claims.is_some(), HAS_CLAIMS)
            | flag(self.signature.is_some(), HAS_SIGNATURE);
        match &self.sender {
            None => {
                w.raw(&[optional]);
            }
            Some(Sender {
                piv,
                kid_context,
                kid,
            }) => {
                // both lengths fit two bits: 1 to 3, and 1 to 4 where 4 is written as 0
                let lengths = (piv.len() | (kid_context.len() & 3) << 2) as u8;
                w.raw(&[optional | lengths]).raw(piv).raw(kid_context);
                w.raw(&[kid.len() as u8]).raw(kid);
            }
        }
        if let Some(content_format) = self.content_format {
            w.raw(&content_format.to_be_bytes());
        }
        if let Some(Times { iat, exp }) = self.claims {
            w.raw(&iat.to_be_bytes()).raw(&exp.to_be_bytes());
        }
        if let Some(signature) = self.signature {
            w.raw(signature);
        }
        w.raw(self.ciphertext);
    }

    fn write_object(&self, w: &mut Writer<'_>, alg: AeadAlg) {
        let protected = encoded_len(|w| self.write_protected(w, alg));
        w.array(3).bytes_head(protected as u64);
        self.write_protected(w, alg);
        match self.signature {
            None => w.map(0),
            Some(signature) => w.map(1).uint(COUNTER_SIGNATURE0.into()).bytes(signature),
        };
        w.bytes(self.ciphertext);
    }

    fn write_protected(&self, w: &mut Writer<'_>, alg: AeadAlg) {
        let optional =
            u64::from(self.content_format.is_some()).wrapping_add(u64::from(self.claims.is_some()));
        let named = if self.sender.is_some() { 4 } else { 0 };
        let labels = optional.wrapping_add(named);
        if labels == 0 {
            return;
        }
        w.map(labels);
        if self.sender.is_some() {
            w.uint(ALG.into()).int(alg.cose());
        }
        if let Some(content_format) = self.content_format {
            w.uint(CONTENT_FORMAT.into()).uint(content_format.into());
        }
        if let Some(Sender {
            piv,
            kid_context,
            kid,
        }) = self.sender
        {
            w.uint(KID.into()).bytes(kid).uint(PIV.into()).bytes(piv);
            w.uint(KID_CONTEXT.into()).bytes(kid_context);
        }
        if let Some(Times { iat, exp }) = self.claims {
            w.uint(CWT_CLAIMS.into());
            match exp {
                0 => w.map(1),
                exp => w.map(2).uint(EXP.into()).uint(exp.into()),
            };
            w.uint(IAT.into()).uint(iat.into());
        }
    }
}

/// The bytes not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }
}
