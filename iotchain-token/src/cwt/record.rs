//! The claims set of a ledger record (UCCS, RFC 9781): what the token word says, in terms of RFC 8392 (spec 5.2).

use super::claims::Items;
use super::{Aif, Confirmation, CwtClaims};
use crate::account::AccountId;
use crate::claims::{Claims, Class};
use crate::scope::Scope;
use crate::token_ref::TokenRef;
use crate::word::TokenWord;
use iotchain_core::cbor::{self, Reader, Writer};
use iotchain_core::hash::sha256;
use iotchain_core::{Address, Error, PublicKey, Result, UnixTime};

/// Tag of an unprotected claims set (RFC 9781).
const UCCS: u64 = 601;
const CTI: &str = "IoTC1-cti";
/// Longest input of the cti: array head, label, chain, three addresses, serial, expiry, claims.
const MAX_CTI_INPUT: usize = 1 + 10 + 9 + 3 * 21 + 9 + 9 + 5;

/// A ledger record as claims. Nothing protects it: whoever reads one compares it with the ledger.
///
/// ```
/// # use iotchain_core::{Address, Error, Roles, UnixTime};
/// # use iotchain_token::{Claims, ClaimsSet, Class, TokenRef, TokenWord};
/// let token = TokenRef { chain: 1337, contract: Address::new([1; 20]), client: Address::new([2; 20]) };
/// let word = TokenWord {
///     extra: 0, issued_at: 1000, serial: 41, epoch: 3,
///     claims: Claims::new(Roles::GET, Class::new(7))?.encode(),
///     expires_at: UnixTime::new(1_769_817_600), not_before: UnixTime::new(1_767_225_000),
/// };
/// let mut out = [0; ClaimsSet::MAX_LEN];
/// let len = ClaimsSet::of_word(&token, &Address::new([3; 20]), &word)?.encode(&mut out)?;
/// assert_eq!(ClaimsSet::parse(&out[..len])?.word(&word)?, word);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimsSet {
    token: TokenRef,
    rs: Address,
    claims: Claims,
    expires_at: UnixTime,
    not_before: UnixTime,
    token_id: [u8; 16],
    confirmation: Confirmation,
}

impl ClaimsSet {
    /// Longest encoding in bytes: tag and map head, three accounts, three times, cti, cnf with a key, one scope.
    pub const MAX_LEN: usize = 4
        + 3 * (3 + AccountId::MAX_LEN)
        + 3 * 7
        + 18
        + (3 + PublicKey::MAX_ENCODED)
        + (3 + 1 + Scope::MAX_LEN);

    /// The claims of `word`, read where `token` and `rs` lead. cnf names the client's account.
    ///
    /// # Errors
    /// [`Error::Claims`] if the word holds no claims; [`Error::Type`] for a time of 2^40 or above.
    pub fn of_word(token: &TokenRef, rs: &Address, word: &TokenWord) -> Result<Self> {
        if !word.expires_at.is_encodable() || !word.not_before.is_encodable() {
            return Err(Error::Type);
        }
        let claims = Claims::parse(word.claims)?;
        Ok(Self {
            token: *token,
            rs: *rs,
            claims,
            expires_at: word.expires_at,
            not_before: word.not_before,
            token_id: token_id(token, rs, word.serial, word.expires_at, &claims),
            confirmation: Confirmation::Account(token.client),
        })
    }

    /// The same claims after the client proved `key`: cnf holds the key itself.
    ///
    /// # Errors
    /// [`Error::Cnf`] if it is not the key of the client's account.
    pub fn confirm(self, key: &PublicKey) -> Result<Self> {
        let confirmation = Confirmation::Key(*key);
        if confirmation.account()? != self.token.client {
            return Err(Error::Cnf);
        }
        Ok(Self {
            confirmation,
            ..self
        })
    }

    /// From its encoding, tag 601 with all nine claims.
    ///
    /// # Errors
    /// The CBOR errors 1 to 11; [`Error::Type`] for another tag, other claims or types, accounts of two chains, or an
    /// iat beside nbf; [`Error::Cti`] unless 16 bytes; [`Error::Cnf`] unless the subject's; [`Error::Claims`] unless the
    /// scope has exactly one entry whose name matches a class of the audience.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        cbor::check_tagged(bytes, &[UCCS])?;
        let mut reader = Reader::new(bytes);
        if reader.tag()? != UCCS {
            return Err(Error::Type);
        }
        let map = reader.remaining();
        if reader.map()? != 9 {
            return Err(Error::Type);
        }
        let items = Items::find(map)?;
        let reader = |label| items.get(label).map(Reader::new).ok_or(Error::Type);
        let account = |label| AccountId::parse(reader(label)?.text()?);
        let time = |label| {
            let time = UnixTime::new(reader(label)?.uint()?);
            time.is_encodable().then_some(time).ok_or(Error::Type)
        };
        let (issuer, subject, audience) = (account(1)?, account(2)?, account(3)?);
        let (expires_at, not_before) = (time(4)?, time(5)?);
        if subject.chain != issuer.chain || audience.chain != issuer.chain || time(6)? != not_before
        {
            return Err(Error::Type);
        }
        let token_id = reader(7)?.bytes()?.try_into().map_err(|_| Error::Cti)?;
        let confirmation = Confirmation::parse(reader(8)?.remaining())?;
        if confirmation.account()? != subject.address {
            return Err(Error::Cnf);
        }
        Ok(Self {
            token: TokenRef {
                chain: issuer.chain,
                contract: issuer.address,
                client: subject.address,
            },
            rs: audience.address,
            claims: record_claims(reader(9)?.bytes()?, &audience.address)?,
            expires_at,
            not_before,
            token_id,
            confirmation,
        })
    }

    /// Writes the encoding and returns its length, at most [`ClaimsSet::MAX_LEN`].
    ///
    /// # Errors
    /// [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let account = |address| AccountId {
            chain: self.token.chain,
            address,
        };
        let claims = CwtClaims {
            issuer: account(self.token.contract),
            subject: account(self.token.client),
            audience: account(self.rs),
            expires_at: self.expires_at,
            not_before: self.not_before,
            issued_at: self.not_before,
            token_id: &self.token_id,
            confirmation: self.confirmation,
            scope: &[self.scope()],
        };
        let mut writer = Writer::new(out);
        claims.write(writer.tag(UCCS));
        writer.finish()
    }

    /// Back to a token word: claims and times from here; extra, block of issuance, serial and epoch, which a claims set
    /// does not carry, from `rest`.
    ///
    /// # Errors
    /// [`Error::Cti`] if the serial is not the one that this claims set was made for.
    pub fn word(&self, rest: &TokenWord) -> Result<TokenWord> {
        let expected = token_id(
            &self.token,
            &self.rs,
            rest.serial,
            self.expires_at,
            &self.claims,
        );
        if self.token_id != expected {
            return Err(Error::Cti);
        }
        Ok(TokenWord {
            claims: self.claims.encode(),
            expires_at: self.expires_at,
            not_before: self.not_before,
            ..*rest
        })
    }

    /// Where the token lives and who holds it: iss and sub.
    #[must_use]
    pub const fn token(&self) -> &TokenRef {
        &self.token
    }

    /// The resource server: aud.
    #[must_use]
    pub const fn rs(&self) -> &Address {
        &self.rs
    }

    /// What it grants.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What it grants, by group: scope.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope {
            group: self.claims.class().group(&self.rs),
            roles: self.claims.mask(),
        }
    }

    /// End of validity, exclusive: exp.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Begin of validity: nbf and iat.
    #[must_use]
    pub const fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// cti, 16 bytes: a hash of where the token lives, its serial, expiry and claims.
    #[must_use]
    pub const fn token_id(&self) -> &[u8; 16] {
        &self.token_id
    }

    /// The key of the client: cnf.
    #[must_use]
    pub const fn confirmation(&self) -> &Confirmation {
        &self.confirmation
    }
}

fn token_id(
    token: &TokenRef,
    rs: &Address,
    serial: u64,
    expires_at: UnixTime,
    claims: &Claims,
) -> [u8; 16] {
    let mut input = [0; MAX_CTI_INPUT];
    let mut writer = Writer::new(&mut input);
    writer.array(8).text(CTI).uint(token.chain);
    for address in [&token.contract, &token.client, rs] {
        writer.bytes(address.as_bytes());
    }
    writer
        .uint(serial)
        .uint(expires_at.get())
        .bytes(&claims.encode());
    let len = writer.position();
    let hash = sha256(&[input.get(..len).unwrap_or_default()]);
    hash.first_chunk().copied().unwrap_or_default()
}

/// The claims behind a scope of exactly one entry.
fn record_claims(scope: &[u8], rs: &Address) -> Result<Claims> {
    let scope = Aif::parse(scope)?;
    let mut entries = scope.entries();
    let (Some((name, mask)), None) = (entries.next(), entries.next()) else {
        return Err(Error::Claims);
    };
    let class = name
        .get(..4)
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .map(Class::new)
        .filter(|class| class.group(rs).as_str() == name)
        .ok_or(Error::Claims)?;
    Claims::new(mask, class)
}
