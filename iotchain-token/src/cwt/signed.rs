//! The envelope of a signed CWT: making one, and who may have made one.

use super::{Confirmation, CwtClaims};
use crate::account::AccountId;
use iotchain_core::cbor::{self, Major, Reader, Writer, encoded_len};
use iotchain_core::sign::sig_structure;
use iotchain_core::{Address, Error, PublicKey, Result, SignAlg, Signature, Signer};

/// Tag of a CWT (RFC 8392, 6).
const CWT: u64 = 61;
/// Tag of a COSE_Sign1 (RFC 9052, 2).
const SIGN1: u64 = 18;
/// Header `{1: alg, 4: address}` with an algorithm of at most 3 bytes.
const MAX_HEADER: usize = 1 + 1 + 3 + 1 + 21;
const EMPTY_MAP: &[u8] = &[0xa0];
/// CWTs are signed with empty external_aad, which keeps them apart from every bound signature (spec 1.4).
const EXTERNAL_AAD: &[u8] = &[];

/// Somebody whose CWTs the owner of a resource server accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CwtIssuer {
    /// iss: the contract in whose place the issuer speaks.
    pub account: AccountId,
    /// The resource server whose owner published this issuer.
    pub rs: Address,
    /// Header label 4: the issuer's own address.
    pub id: Address,
    /// Its signing key.
    pub key: PublicKey,
}

/// Whose CWTs count.
#[derive(Clone, Copy, Debug)]
pub struct CwtTrust<'a> {
    /// The algorithm of the group's suite.
    pub alg: SignAlg,
    /// The issuers.
    pub issuers: &'a [CwtIssuer],
}

impl CwtTrust<'_> {
    /// Who speaks for `account` to `rs` under the id in `cwt`; a contract may have several issuers, as while keys change.
    pub(super) fn issuer(
        &self,
        cwt: &SignedCwt<'_>,
        account: &AccountId,
        rs: &Address,
    ) -> Result<&CwtIssuer> {
        let speaks = |issuer: &&CwtIssuer| issuer.account == *account && issuer.rs == *rs;
        let mut issuers = self.issuers.iter().filter(speaks).peekable();
        issuers.peek().ok_or(Error::Issuer)?;
        issuers
            .find(|issuer| cwt.has_key_id(&issuer.id))
            .ok_or(Error::CwtKey)
    }
}

/// A signed CWT as it arrived. Its header is known, its signature is not checked.
#[derive(Clone, Debug)]
pub struct SignedCwt<'a> {
    protected: &'a [u8],
    /// The encoded values of header labels 1 and 4.
    alg: &'a [u8],
    key_id: &'a [u8],
    pub(super) payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> SignedCwt<'a> {
    /// From its encoding.
    ///
    /// # Errors
    /// The CBOR errors 1 to 11, among them [`Error::Item`] for a tag other than 61 and 18; [`Error::CwtType`] unless
    /// 61(18([bstr, map, bstr, bstr])); [`Error::Type`] if the header is no map; [`Error::Crit`] for label 2;
    /// [`Error::Header`] unless the header has exactly the labels 1 and 4, all of them protected.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        cbor::check_tagged(bytes, &[CWT, SIGN1])?;
        let [protected, unprotected, payload, signature] =
            open(bytes).map_err(|_| Error::CwtType)?;
        let (mut alg, mut key_id, mut others) = (None, None, unprotected != EMPTY_MAP);
        if !protected.is_empty() {
            cbor::check(protected)?;
            let mut header = Reader::new(protected);
            for _ in 0..header.map()? {
                let (label, value) = (header.skip()?, header.skip()?);
                match label {
                    [1] => alg = Some(value),
                    [2] => return Err(Error::Crit),
                    [4] => key_id = Some(value),
                    _ => others = true,
                }
            }
        }
        match (alg, key_id, others) {
            (Some(alg), Some(key_id), false) => Ok(Self {
                protected,
                alg,
                key_id,
                payload,
                signature,
            }),
            _ => Err(Error::Header),
        }
    }

    /// Writes the encoding, the same bytes that were parsed, and returns its length.
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        write_start(&mut writer, self.protected);
        writer.bytes(self.payload).bytes(self.signature);
        writer.finish()
    }

    pub(super) fn check_alg(&self, alg: SignAlg) -> Result<()> {
        match Reader::new(self.alg).int() {
            Ok(number) if number == alg.cose() => Ok(()),
            _ => Err(Error::Alg),
        }
    }

    fn has_key_id(&self, id: &Address) -> bool {
        Reader::new(self.key_id).bytes() == Ok(id.as_bytes().as_slice())
    }

    /// Whether `issuer` signed it.
    pub(super) fn check_signature(&self, issuer: &CwtIssuer, alg: SignAlg) -> Result<()> {
        sig_structure(self.protected, EXTERNAL_AAD, self.payload, |message| {
            issuer.key.verify(alg, message, self.signature)
        })
    }
}

/// The four parts of the envelope: protected header, unprotected header as an item, payload, signature.
fn open(bytes: &[u8]) -> Result<[&[u8]; 4]> {
    let mut reader = Reader::new(bytes);
    if reader.tag()? != CWT || reader.tag()? != SIGN1 || reader.array()? != 4 {
        return Err(Error::CwtType);
    }
    let protected = reader.bytes()?;
    if reader.peek() != Some(Major::Map) {
        return Err(Error::CwtType);
    }
    Ok([protected, reader.skip()?, reader.bytes()?, reader.bytes()?])
}

fn write_start(writer: &mut Writer<'_>, protected: &[u8]) {
    writer.tag(CWT).tag(SIGN1).array(4).bytes(protected).map(0);
}

impl CwtClaims<'_> {
    /// Issues a signed CWT: writes it to the front of `out` and returns its length. `id` is the issuer's address, which
    /// names its key.
    ///
    /// # Errors
    /// What no validation would accept is not issued: [`Error::Cti`] unless 1 to 32 bytes; [`Error::Cnf`] unless cnf is
    /// the subject's own key; [`Error::Claims`] for an empty scope, an empty mask or the producer bit;
    /// [`Error::TtlRange`] for an expiry of 2^40 or above or not after nbf; [`Error::Iat`] for an iat at or after exp.
    /// [`Error::Buffer`] if `out` is too small; the signer's own errors.
    pub fn issue(&self, signer: &impl Signer, id: &Address, out: &mut [u8]) -> Result<usize> {
        self.check()?;
        let mut header = [0; MAX_HEADER];
        let mut writer = Writer::new(&mut header);
        writer.map(2).uint(1).int(signer.public().alg().cose());
        writer.uint(4).bytes(id.as_bytes());
        let header_len = writer.finish()?;
        let protected = header.get(..header_len).unwrap_or_default();

        let payload_len = encoded_len(|writer| self.write(writer));
        let mut writer = Writer::new(out);
        write_start(&mut writer, protected);
        writer.bytes_head(payload_len as u64);
        let start = writer.position();
        self.write(&mut writer);
        let end = writer.position();
        let mut signature: Signature = [0; 64];
        writer.bytes(&signature);
        let len = writer.finish()?;

        let signed = sig_structure(
            protected,
            EXTERNAL_AAD,
            out.get(start..end).unwrap_or_default(),
            |message| signer.sign(message),
        );
        match signed {
            Ok(bytes) => signature = bytes,
            Err(error) => {
                out.fill(0);
                return Err(error);
            }
        }
        if let Some(place) = out.get_mut(..len).and_then(<[u8]>::last_chunk_mut) {
            *place = signature;
        }
        Ok(len)
    }

    fn check(&self) -> Result<()> {
        if !(1..=32).contains(&self.token_id.len()) {
            return Err(Error::Cti);
        }
        let is_key = matches!(self.confirmation, Confirmation::Key(_));
        if !is_key || self.confirmation.account()? != self.subject.address {
            return Err(Error::Cnf);
        }
        let no_grant = |bits: u8| bits == 0 || bits > 0x7f;
        if self.scope.is_empty() || self.scope.iter().any(|s| no_grant(s.roles.bits())) {
            return Err(Error::Claims);
        }
        if !self.expires_at.is_encodable() || self.expires_at <= self.not_before {
            return Err(Error::TtlRange);
        }
        if self.issued_at >= self.expires_at {
            return Err(Error::Iat);
        }
        Ok(())
    }
}
