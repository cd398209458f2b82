//! The claims themselves: writing all of them, finding each of them.

use super::{Confirmation, aif};
use crate::account::AccountId;
use crate::scope::Scope;
use iotchain_core::cbor::{Reader, Writer, encoded_len};
use iotchain_core::{Result, UnixTime};

/// What a token says (RFC 8392, 3.1; RFC 8747, 3.1; RFC 9237).
#[derive(Clone, Copy, Debug)]
pub struct CwtClaims<'a> {
    /// iss (1): who vouches for it, by the contract that it replaces.
    pub issuer: AccountId,
    /// sub (2): the client.
    pub subject: AccountId,
    /// aud (3): the resource server.
    pub audience: AccountId,
    /// exp (4): end of validity, exclusive, below 2^40.
    pub expires_at: UnixTime,
    /// nbf (5): begin of validity, below 2^40.
    pub not_before: UnixTime,
    /// iat (6): time of issuance, below 2^40.
    pub issued_at: UnixTime,
    /// cti (7): identifies the token at its issuer, 1 to 32 bytes.
    pub token_id: &'a [u8],
    /// cnf (8): the key that the client must prove; in a signed CWT a COSE_Key.
    pub confirmation: Confirmation,
    /// scope (9): groups and rights, at least one.
    pub scope: &'a [Scope],
}

impl CwtClaims<'_> {
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.map(9);
        let accounts = [(1, &self.issuer), (2, &self.subject), (3, &self.audience)];
        for (label, account) in accounts {
            writer.uint(label);
            account.with_text(|text| {
                writer.text(text);
            });
        }
        writer.uint(4).uint(self.expires_at.get());
        writer.uint(5).uint(self.not_before.get());
        writer.uint(6).uint(self.issued_at.get());
        writer.uint(7).bytes(self.token_id);
        self.confirmation.write(writer.uint(8));
        let scope_len = encoded_len(|writer| aif::write(writer, self.scope));
        aif::write(writer.uint(9).bytes_head(scope_len as u64), self.scope);
    }
}

/// The encoded claims 1 to 9 of a claims map, as far as they are there.
pub(super) struct Items<'a>([Option<&'a [u8]>; 9]);

impl<'a> Items<'a> {
    /// Finds the claims in a map whose format was checked; others are passed over (RFC 8392, 3).
    pub(super) fn find(map: &'a [u8]) -> Result<Self> {
        let mut items = [None; 9];
        let mut reader = Reader::new(map);
        for _ in 0..reader.map()? {
            let place = Reader::new(reader.skip()?)
                .uint()
                .ok()
                .and_then(|label| usize::try_from(label).ok()?.checked_sub(1))
                .and_then(|index| items.get_mut(index));
            let value = reader.skip()?;
            if let Some(place) = place {
                *place = Some(value);
            }
        }
        Ok(Self(items))
    }

    /// The encoded claim with this label, 1 to 9.
    pub(super) fn get(&self, label: usize) -> Option<&'a [u8]> {
        *self.0.get(label.checked_sub(1)?)?
    }
}
