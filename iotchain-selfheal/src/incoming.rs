//! The envelope of a signed broadcast, read from front to end in pieces of any size (spec 3.3, steps 1 and 2).
//!
//! ```text
//! 84 | 58 len, protected | a0 | 59 len, payload ... | 58 40, signature
//!      checked at once           handed on            comes last
//! ```
//!
//! The first byte that departs from this form decides. Nothing that is handed on is verified: that is for whoever holds the
//! last byte.

use iotchain_core::cbor::{self, Major, Reader};
use iotchain_core::sign::Signature;
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
    /// The protected header, and the session that it names.
    Protected(&'a [u8], Session),
    /// How many bytes of payload follow.
    Len(u64),
    /// The next bytes of the payload.
    Payload(&'a [u8]),
}

/// Bytes of one head, or how much of one short string is there, across pieces.
#[derive(Clone, Debug)]
pub(crate) struct Gather {
    head: [u8; 9],
    len: u8,
}

impl Gather {
    pub(crate) const fn new() -> Self {
        Self {
            head: [0; 9],
            len: 0,
        }
    }

    /// Takes a head of one kind off the front of `input`; `None` until all of it is there.
    ///
    /// # Errors
    /// A format error; [`Error::Item`] for a tag, [`Error::Type`] for another item.
    pub(crate) fn expect(&mut self, wanted: Major, input: &mut &[u8]) -> Result<Option<u64>> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            if let Some(place) = self.head.get_mut(usize::from(self.len)) {
                *place = *byte;
            }
            self.len = self.len.saturating_add(1);
            let gathered = self.head.get(..self.len.into()).unwrap_or(&self.head);
            match Reader::new(gathered).head() {
                Err(Error::Truncated) => continue,
                Err(error) => return Err(error),
                Ok((major, argument)) if major == wanted => {
                    self.len = 0;
                    return Ok(Some(argument));
                }
                Ok((Major::Tag, _)) => return Err(Error::Item),
                Ok(_) => return Err(Error::Type),
            }
        }
        Ok(None)
    }

    /// Fills a string from the front of `input`; whether all of it is there.
    pub(crate) fn fill(&mut self, string: &mut [u8], input: &mut &[u8]) -> bool {
        let free = string.get_mut(self.len.into()..).unwrap_or_default();
        let (taken, rest) = input.split_at_checked(free.len()).unwrap_or((*input, &[]));
        for (to, from) in free.iter_mut().zip(taken) {
            *to = *from;
            self.len = self.len.saturating_add(1);
        }
        *input = rest;
        let complete = usize::from(self.len) == string.len();
        if complete {
            self.len = 0;
        }
        complete
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Array,
    ProtectedHead,
    Protected,
    Unprotected,
    PayloadHead,
    Payload,
    SignatureHead,
    Signature,
    End,
}

/// The reader of one envelope.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pinned: Pinned,
    gather: Gather,
    next: Next,
    /// Bytes of the protected header, or those of the payload that are still to come.
    left: u32,
    /// The protected header, and then the signature.
    string: [u8; LONGEST],
}

impl Incoming {
    pub(crate) const fn new(pinned: Pinned) -> Self {
        Self {
            pinned,
            gather: Gather::new(),
            next: Next::Array,
            left: 0,
            string: [0; LONGEST],
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
    /// 64 bytes; the error of `hand_on`.
    pub(crate) fn push(
        &mut self,
        mut input: &[u8],
        hand_on: &mut impl FnMut(Piece<'_>) -> Result<()>,
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
            Next::End => Ok(&self.string),
            _ => Err(Error::Truncated),
        }
    }

    /// Reads one part; what comes after it, or `None` if the input ends before.
    fn step(
        &mut self,
        input: &mut &[u8],
        hand_on: &mut impl FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<Option<Next>> {
        let len = usize::try_from(self.left).unwrap_or(usize::MAX);
        let head = match self.next {
            Next::Array => Major::Array,
            Next::Unprotected => Major::Map,
            Next::ProtectedHead | Next::PayloadHead | Next::SignatureHead => Major::Bytes,
            Next::Protected | Next::Signature => {
                let string = self.string.get_mut(..len).ok_or(Error::Size)?;
                if !self.gather.fill(string, input) {
                    return Ok(None);
                }
                if matches!(self.next, Next::Signature) {
                    return Ok(Some(Next::End));
                }
                hand_on(Piece::Protected(
                    string,
                    read_protected(&self.pinned, string)?,
                ))?;
                return Ok(Some(Next::Unprotected));
            }
            Next::Payload => {
                let (part, rest) = input.split_at_checked(len).unwrap_or((*input, &[]));
                *input = rest;
                hand_on(Piece::Payload(part))?;
                let taken = u32::try_from(part.len()).unwrap_or(u32::MAX);
                self.left = self.left.saturating_sub(taken);
                return Ok(Some(self.after_payload()));
            }
            Next::End => return Err(Error::Trailing),
        };
        let Some(value) = self.gather.expect(head, input)? else {
            return Ok(None);
        };
        // what does not fit 32 bits never ends
        self.left = u32::try_from(value).unwrap_or(u32::MAX);
        Ok(Some(match (self.next, self.left) {
            (Next::Array, 4) => Next::ProtectedHead,
            // an empty protected header is h'' (spec 1.2); as a header set it is simply incomplete
            (Next::ProtectedHead, 0) => return Err(Error::Header),
            (Next::ProtectedHead, len) if len > LONGEST as u32 => return Err(Error::Size),
            (Next::ProtectedHead, _) => Next::Protected,
            (Next::Unprotected, 0) => Next::PayloadHead,
            (Next::Unprotected, _) => return Err(Error::Header),
            (Next::PayloadHead, _) => {
                hand_on(Piece::Len(value))?;
                self.after_payload()
            }
            (Next::SignatureHead, 64) => Next::Signature,
            (Next::SignatureHead, _) => return Err(Error::Sig),
            _ => return Err(Error::Type),
        }))
    }

    const fn after_payload(&self) -> Next {
        if self.left == 0 {
            Next::SignatureHead
        } else {
            Next::Payload
        }
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
