//! The envelope of a signed broadcast, read from front to end in pieces of any size (spec 3.3, steps 1 and 2).
//!
//! ```text
//! 84 | 58 len, protected | a0 | 59 len, payload ... | 58 40, signature
//!      checked at once           handed on            comes last
//! ```
//!
//! The first byte that departs from this form decides. Nothing that is handed on is verified: that is for whoever holds the
//! last byte.

use iotchain_core::cbor::{self, Major, Reader, Writer};
use iotchain_core::sign::{Signature, sig_structure};
use iotchain_core::{Error, Gid, KidContext, Result, Session, SignAlg};

/// External additional data of every broadcast signature: `["IoTC1", "bcast"]`.
pub(crate) const EXTERNAL_AAD: &[u8] = b"\x82\x65IoTC1\x65bcast";
/// Bytes of the key server's thumbprint that name the signer.
pub(crate) const KEY_ID_LEN: usize = 8;
/// Longest protected header in bytes (spec 1.2), and length of a signature.
const LONGEST: usize = 64;

/// What the protected header of every broadcast of a group says, beside the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pinned {
    pub(crate) gid: Gid,
    pub(crate) alg: SignAlg,
    pub(crate) key_id: [u8; KEY_ID_LEN],
}

/// A part of a broadcast, handed on as soon as it is there.
pub(crate) enum Piece<'a> {
    /// The session that the header names.
    Session(Session),
    /// The beginning of the Sig_structure (RFC 9052, 4.4), up to the payload.
    Head(&'a [u8]),
    /// The next bytes of the payload.
    Payload(&'a [u8]),
}

/// Bytes of one head or of one short string, gathered across pieces.
#[derive(Clone, Debug)]
pub(crate) struct Gather<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Gather<N> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    /// Takes a head off the front of `input`; `None` until all of it is there.
    pub(crate) fn head(&mut self, input: &mut &[u8]) -> Result<Option<(Major, u64)>> {
        while let Some(gathered) = self.more(usize::from(self.len).saturating_add(1), input) {
            match Reader::new(gathered).head() {
                Err(Error::Truncated) => {}
                found => {
                    self.len = 0;
                    return found.map(Some);
                }
            }
        }
        Ok(None)
    }

    /// As [`Gather::head`], for a head of one kind.
    ///
    /// # Errors
    /// A format error; [`Error::Item`] for a tag, [`Error::Type`] for another item.
    pub(crate) fn expect(&mut self, wanted: Major, input: &mut &[u8]) -> Result<Option<u64>> {
        match self.head(input)? {
            None => Ok(None),
            Some((major, argument)) if major == wanted => Ok(Some(argument)),
            Some((Major::Tag, _)) => Err(Error::Item),
            Some(_) => Err(Error::Type),
        }
    }

    /// Takes `len` bytes, at most `N`, off the front of `input`; `None` until all of them are there.
    pub(crate) fn string(&mut self, len: usize, input: &mut &[u8]) -> Option<&[u8]> {
        self.more(len, input)?;
        self.len = 0;
        self.bytes.get(..len)
    }

    /// Gathers up to `len` bytes in all.
    fn more(&mut self, len: usize, input: &mut &[u8]) -> Option<&[u8]> {
        let free = self.bytes.get_mut(usize::from(self.len)..len)?;
        let (taken, rest) = input.split_at_checked(free.len()).unwrap_or((*input, &[]));
        for (to, from) in free.iter_mut().zip(taken) {
            *to = *from;
            self.len = self.len.saturating_add(1);
        }
        *input = rest;
        (usize::from(self.len) == len)
            .then_some(&self.bytes)?
            .get(..len)
    }
}

/// What comes next, with the bytes that are left of it.
#[derive(Clone, Copy, Debug)]
enum Next {
    Array,
    ProtectedHead,
    Protected(u8),
    Unprotected,
    PayloadHead,
    Payload(u32),
    SignatureHead,
    Signature,
    End,
}

/// The reader of one envelope.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pinned: Pinned,
    gather: Gather<LONGEST>,
    next: Next,
}

impl Incoming {
    pub(crate) const fn new(pinned: Pinned) -> Self {
        Self {
            pinned,
            gather: Gather::new(),
            next: Next::Array,
        }
    }

    /// What its header has to say.
    pub(crate) const fn pinned(&self) -> &Pinned {
        &self.pinned
    }

    /// Reads the next bytes. After an error there is nothing more to read.
    ///
    /// # Errors
    /// A format error; [`Error::Type`], [`Error::Size`] for a protected header of more than 64 bytes, [`Error::Crit`],
    /// [`Error::Header`], [`Error::Alg`], [`Error::Kid`], [`Error::Group`]; [`Error::Sig`] for a signature that has not
    /// 64 bytes.
    pub(crate) fn push(
        &mut self,
        mut input: &[u8],
        hand_on: &mut impl FnMut(Piece<'_>),
    ) -> Result<()> {
        while !input.is_empty() {
            let Some(next) = self.step(&mut input, hand_on)? else {
                break;
            };
            self.next = next;
        }
        Ok(())
    }

    /// The signature, once all is there.
    ///
    /// # Errors
    /// [`Error::Truncated`] if something is missing.
    pub(crate) const fn finish(&self) -> Result<&Signature> {
        match &self.next {
            // the string that was gathered last
            Next::End => Ok(&self.gather.bytes),
            _ => Err(Error::Truncated),
        }
    }

    /// Reads one part; what comes after it, or `None` if the input ends before.
    fn step(
        &mut self,
        input: &mut &[u8],
        hand_on: &mut impl FnMut(Piece<'_>),
    ) -> Result<Option<Next>> {
        let gather = &mut self.gather;
        Ok(match self.next {
            Next::Array => match gather.expect(Major::Array, input)? {
                Some(4) => Some(Next::ProtectedHead),
                Some(_) => return Err(Error::Type),
                None => None,
            },
            Next::ProtectedHead => match gather.expect(Major::Bytes, input)? {
                // an empty protected header is h'' (spec 1.2); as a header set it is simply incomplete
                Some(0) => return Err(Error::Header),
                Some(len) => match u8::try_from(len) {
                    Ok(len) if usize::from(len) <= LONGEST => Some(Next::Protected(len)),
                    _ => return Err(Error::Size),
                },
                None => None,
            },
            Next::Protected(len) => {
                let Some(protected) = gather.string(len.into(), input) else {
                    return Ok(None);
                };
                hand_on(Piece::Session(read_protected(&self.pinned, protected)?));
                sig_structure(protected, EXTERNAL_AAD, &[], |parts| {
                    // the payload has a head of its own length
                    parts
                        .iter()
                        .take(2)
                        .for_each(|part| hand_on(Piece::Head(part)));
                    Ok(())
                })?;
                Some(Next::Unprotected)
            }
            Next::Unprotected => match gather.expect(Major::Map, input)? {
                Some(0) => Some(Next::PayloadHead),
                Some(_) => return Err(Error::Header),
                None => None,
            },
            Next::PayloadHead => match gather.expect(Major::Bytes, input)? {
                Some(len) => {
                    let mut head = [0; 9];
                    let mut writer = Writer::new(&mut head);
                    writer.bytes_head(len);
                    let head_len = writer.finish()?;
                    hand_on(Piece::Head(head.get(..head_len).unwrap_or_default()));
                    // what does not fit 32 bits never ends
                    Some(after_payload(u32::try_from(len).unwrap_or(u32::MAX)))
                }
                None => None,
            },
            Next::Payload(left) => {
                let len = usize::try_from(left).unwrap_or(usize::MAX);
                let (part, rest) = input.split_at_checked(len).unwrap_or((*input, &[]));
                *input = rest;
                hand_on(Piece::Payload(part));
                let taken = u32::try_from(part.len()).unwrap_or(u32::MAX);
                Some(after_payload(left.saturating_sub(taken)))
            }
            Next::SignatureHead => match gather.expect(Major::Bytes, input)? {
                Some(64) => Some(Next::Signature),
                Some(_) => return Err(Error::Sig),
                None => None,
            },
            Next::Signature => gather.string(LONGEST, input).map(|_| Next::End),
            Next::End => return Err(Error::Trailing),
        })
    }
}

const fn after_payload(left: u32) -> Next {
    if left == 0 {
        Next::SignatureHead
    } else {
        Next::Payload(left)
    }
}

/// Step 2 of 3.3: exactly the labels 1, 4 and 10, each as pinned. Gives the session.
fn read_protected(pinned: &Pinned, bytes: &[u8]) -> Result<Session> {
    // an empty protected header is h'' (spec 1.2); as a header set it is simply incomplete
    if bytes.is_empty() {
        return Err(Error::Header);
    }
    cbor::check(bytes)?;
    let mut reader = Reader::new(bytes);
    let pairs = reader.map()?;
    // a checked map names no label twice, and the lower one first
    let mut own = 0u32;
    let mut labels = reader.clone();
    for _ in 0..pairs {
        match labels.skip()? {
            [2] => return Err(Error::Crit),
            [1 | 4 | 10] => own = own.wrapping_add(1),
            _ => {}
        }
        labels.skip()?;
    }
    if pairs != 3 || own != 3 {
        return Err(Error::Header);
    }
    reader.skip()?;
    let alg = reader.int()?;
    reader.skip()?;
    let key_id = reader.bytes()?;
    reader.skip()?;
    let kid_context = reader.bytes()?;
    if alg != pinned.alg.cose() {
        return Err(Error::Alg);
    }
    if key_id != pinned.key_id {
        return Err(Error::Kid);
    }
    let context = KidContext::parse(kid_context)?;
    if context.gid != pinned.gid {
        return Err(Error::Group);
    }
    Ok(context.session)
}
