//! Results of fallible functions: 0, or the negative number of the registry (spec 7).

use core::ffi::{CStr, c_char};
use iotchain::Error;

/// What a fallible function returns: 0, or the negative number of an error in the registry of the specification.
/// Numbers are never reused.
#[expect(non_camel_case_types, reason = "the name in C")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum iotchain_err {
    /// Success.
    Ok = 0,
    /// Input ends inside an item.
    Truncated = -1,
    /// Bytes after the item.
    Trailing = -2,
    /// Head not in its shortest form.
    Nonminimal = -3,
    /// Indefinite length.
    Indefinite = -4,
    /// Map keys not sorted.
    Order = -5,
    /// Map key twice.
    Dupkey = -6,
    /// Nesting above 6.
    Depth = -7,
    /// Wrong type, length or relation between fields.
    Type = -8,
    /// Text is not UTF-8.
    Utf8 = -9,
    /// Above the size limit.
    Size = -10,
    /// Forbidden item: float, tag or reserved.
    Item = -11,
    /// Header set or shape.
    Header = -20,
    /// Not the algorithm of the group.
    Alg = -21,
    /// Crit present.
    Crit = -22,
    /// Key id shape, or not the pinned key.
    Kid = -23,
    /// Other group.
    Group = -24,
    /// Session not held.
    Session = -25,
    /// Session over.
    SessionExpired = -26,
    /// Partial IV shape or range.
    Piv = -27,
    /// Already accepted, or below the window.
    Replay = -28,
    /// Echo missing or wrong.
    Echo = -29,
    /// Decryption failed.
    Aead = -30,
    /// Signature invalid.
    Sig = -31,
    /// Unsigned object from a proxy.
    SigRequired = -32,
    /// Sender may not do this.
    Signer = -33,
    /// Older than what was seen.
    Rollback = -34,
    /// Outside iat and exp.
    Stale = -35,
    /// Two different messages where one is allowed.
    Equivocation = -36,
    /// Role lacks the method.
    Forbidden = -37,
    /// Invalid path or query.
    Path = -38,
    /// Token length.
    Binding = -39,
    /// Too many failures for this key id.
    ForgeryLimit = -40,
    /// Partial IVs used up.
    SeqExhausted = -41,
    /// Output buffer too small.
    Buffer = -42,
    /// Mode not allowed here.
    Mode = -43,
    /// Unknown version or payload number.
    Version = -50,
    /// Other self-healing scheme.
    Scheme = -51,
    /// Session outside the personal key.
    SessionRange = -52,
    /// Recovered key does not match the key check.
    Kcv = -53,
    /// No entry for this member: revoked.
    RevokedMember = -54,
    /// The scheme could not recover the key.
    Recover = -55,
    /// Older than the current position, ignored.
    BcastOld = -56,
    /// Not a member of the group.
    NotMember = -57,
    /// No slot or id left.
    GroupFull = -58,
    /// Group deleted.
    GroupGone = -59,
    /// An event must be fetched first.
    NeedEvent = -60,
    /// More than t revoked share-holders.
    TooManyRevoked = -61,
    /// This device cannot hold the window.
    Capacity = -62,
    /// Beacon does not verify.
    Beacon = -63,
    /// Session not announced by an authenticated message.
    NotAnnounced = -64,
    /// Other epoch, depth, last or t than the personal key.
    Epoch = -65,
    /// Beacon too far ahead.
    Skip = -66,
    /// Ledger node not in sync.
    LedgerStale = -70,
    /// Ledger node unreachable.
    LedgerUnavailable = -71,
    /// No token.
    TokenAbsent = -72,
    /// Not yet deep enough in the chain, retry.
    Unconfirmed = -73,
    /// Token deleted, or its epoch is over.
    TokenRevoked = -74,
    /// Contract or issuer not published by the owner.
    Issuer = -75,
    /// For another resource server.
    Audience = -76,
    /// For another client.
    Subject = -77,
    /// Claims layout, class or scope shape.
    Claims = -78,
    /// Expiry implausible.
    TtlRange = -79,
    /// Expired.
    Expired = -80,
    /// Not yet valid.
    NotYet = -81,
    /// Issued in the future.
    Iat = -82,
    /// Rights or group not granted.
    Scope = -83,
    /// Confirmation key.
    Cnf = -84,
    /// Token id.
    Cti = -85,
    /// Not a signed CWT.
    CwtType = -86,
    /// Key id of the issuer.
    CwtKey = -87,
    /// Challenge not ours, or altered.
    Challenge = -90,
    /// Challenge too old or from the future.
    ChallengeExpired = -91,
    /// Challenge used before.
    ChallengeReplay = -92,
    /// Form of the proof of possession.
    PopFormat = -93,
    /// Proof signed by another key.
    Pop = -94,
    /// Channel binding type.
    Channel = -95,
    /// Too many requests.
    Rate = -96,
    /// Random source failed.
    Random = -100,
    /// No proof against a trusted block.
    Proof = -101,
    /// A pointer is null where it must not be, or a length is none. Only of this interface.
    NullArgument = -110,
    /// The object was never set up, is wiped, or was moved or copied. Only of this interface.
    NotReady = -111,
}

impl From<Error> for iotchain_err {
    fn from(error: Error) -> Self {
        // by its number, because a table of all of them would go into every firmware
        let negative = i32::from(error.number()).wrapping_neg();
        // SAFETY: the negative number of every error is the value of a variant, as is asserted below.
        unsafe { core::mem::transmute::<i32, Self>(negative) }
    }
}

const _: () = {
    let mut number = 0;
    while number < u8::MAX as u16 {
        if let Some(error) = Error::from_number(number) {
            assert!(iotchain_err::named(error) as i32 == -(error.number() as i32));
        }
        number += 1;
    }
};

impl iotchain_err {
    /// The variant of an error, by name.
    const fn named(error: Error) -> Self {
        match error {
            Error::Truncated => Self::Truncated,
            Error::Trailing => Self::Trailing,
            Error::NonMinimal => Self::Nonminimal,
            Error::Indefinite => Self::Indefinite,
            Error::Order => Self::Order,
            Error::DuplicateKey => Self::Dupkey,
            Error::Depth => Self::Depth,
            Error::Type => Self::Type,
            Error::Utf8 => Self::Utf8,
            Error::Size => Self::Size,
            Error::Item => Self::Item,
            Error::Header => Self::Header,
            Error::Alg => Self::Alg,
            Error::Crit => Self::Crit,
            Error::Kid => Self::Kid,
            Error::Group => Self::Group,
            Error::Session => Self::Session,
            Error::SessionExpired => Self::SessionExpired,
            Error::Piv => Self::Piv,
            Error::Replay => Self::Replay,
            Error::Echo => Self::Echo,
            Error::Aead => Self::Aead,
            Error::Sig => Self::Sig,
            Error::SigRequired => Self::SigRequired,
            Error::Signer => Self::Signer,
            Error::Rollback => Self::Rollback,
            Error::Stale => Self::Stale,
            Error::Equivocation => Self::Equivocation,
            Error::Forbidden => Self::Forbidden,
            Error::Path => Self::Path,
            Error::Binding => Self::Binding,
            Error::ForgeryLimit => Self::ForgeryLimit,
            Error::SeqExhausted => Self::SeqExhausted,
            Error::Buffer { .. } => Self::Buffer,
            Error::Mode => Self::Mode,
            Error::Version => Self::Version,
            Error::Scheme => Self::Scheme,
            Error::SessionRange => Self::SessionRange,
            Error::Kcv => Self::Kcv,
            Error::RevokedMember => Self::RevokedMember,
            Error::Recover => Self::Recover,
            Error::BroadcastOld => Self::BcastOld,
            Error::NotMember => Self::NotMember,
            Error::GroupFull => Self::GroupFull,
            Error::GroupGone => Self::GroupGone,
            Error::NeedEvent => Self::NeedEvent,
            Error::TooManyRevoked => Self::TooManyRevoked,
            Error::Capacity => Self::Capacity,
            Error::Beacon => Self::Beacon,
            Error::NotAnnounced => Self::NotAnnounced,
            Error::Epoch => Self::Epoch,
            Error::Skip => Self::Skip,
            Error::LedgerStale => Self::LedgerStale,
            Error::LedgerUnavailable => Self::LedgerUnavailable,
            Error::TokenAbsent => Self::TokenAbsent,
            Error::Unconfirmed => Self::Unconfirmed,
            Error::TokenRevoked => Self::TokenRevoked,
            Error::Issuer => Self::Issuer,
            Error::Audience => Self::Audience,
            Error::Subject => Self::Subject,
            Error::Claims => Self::Claims,
            Error::TtlRange => Self::TtlRange,
            Error::Expired => Self::Expired,
            Error::NotYet => Self::NotYet,
            Error::Iat => Self::Iat,
            Error::Scope => Self::Scope,
            Error::Cnf => Self::Cnf,
            Error::Cti => Self::Cti,
            Error::CwtType => Self::CwtType,
            Error::CwtKey => Self::CwtKey,
            Error::Challenge => Self::Challenge,
            Error::ChallengeExpired => Self::ChallengeExpired,
            Error::ChallengeReplay => Self::ChallengeReplay,
            Error::PopFormat => Self::PopFormat,
            Error::Pop => Self::Pop,
            Error::Channel => Self::Channel,
            Error::Rate => Self::Rate,
            Error::Random => Self::Random,
            Error::Proof => Self::Proof,
            // the enumeration may grow; the assertion above sees that none is left out
            _ => Self::Ok,
        }
    }
}

/// A short English description of a result, e.g. for a log; "unknown error" for a number that this version does not
/// know. The text is static: it needs no `free` and may be kept.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_strerror(err: i32) -> *const c_char {
    text(err).as_ptr()
}

fn text(err: i32) -> &'static CStr {
    if err == iotchain_err::Ok as i32 {
        return c"success";
    }
    if err == iotchain_err::NullArgument as i32 {
        return c"null pointer or impossible length";
    }
    if err == iotchain_err::NotReady as i32 {
        return c"object not set up here";
    }
    let number = err
        .checked_neg()
        .and_then(|number| u16::try_from(number).ok());
    number
        .and_then(Error::from_number)
        .map_or(c"unknown error", Error::c_text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String};

    /// Every variant that is an error of the registry.
    const VARIANTS: &[iotchain_err] = {
        use iotchain_err::*;
        &[
            Truncated,
            Trailing,
            Nonminimal,
            Indefinite,
            Order,
            Dupkey,
            Depth,
            Type,
            Utf8,
            Size,
            Item,
            Header,
            Alg,
            Crit,
            Kid,
            Group,
            Session,
            SessionExpired,
            Piv,
            Replay,
            Echo,
            Aead,
            Sig,
            SigRequired,
            Signer,
            Rollback,
            Stale,
            Equivocation,
            Forbidden,
            Path,
            Binding,
            ForgeryLimit,
            SeqExhausted,
            Buffer,
            Mode,
            Version,
            Scheme,
            SessionRange,
            Kcv,
            RevokedMember,
            Recover,
            BcastOld,
            NotMember,
            GroupFull,
            GroupGone,
            NeedEvent,
            TooManyRevoked,
            Capacity,
            Beacon,
            NotAnnounced,
            Epoch,
            Skip,
            LedgerStale,
            LedgerUnavailable,
            TokenAbsent,
            Unconfirmed,
            TokenRevoked,
            Issuer,
            Audience,
            Subject,
            Claims,
            TtlRange,
            Expired,
            NotYet,
            Iat,
            Scope,
            Cnf,
            Cti,
            CwtType,
            CwtKey,
            Challenge,
            ChallengeExpired,
            ChallengeReplay,
            PopFormat,
            Pop,
            Channel,
            Rate,
            Random,
            Proof,
        ]
    };

    /// The name in the registry: `SessionExpired` is `E_SESSION_EXPIRED`.
    fn registered(variant: iotchain_err) -> String {
        let mut name = String::from("E");
        for letter in format!("{variant:?}").chars() {
            if letter.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(letter.to_ascii_uppercase());
        }
        name
    }

    #[test]
    fn names_and_numbers_are_those_of_the_registry() {
        for variant in VARIANTS {
            let number = u16::try_from(-(*variant as i32)).unwrap();
            assert_eq!(
                Error::from_number(number).map(Error::name),
                Some(registered(*variant).as_str())
            );
        }
        let known = (0..=u16::MAX).filter_map(Error::from_number).count();
        assert_eq!(
            known,
            VARIANTS.len(),
            "every error of the registry has a variant"
        );
    }

    #[test]
    fn an_error_keeps_its_number() {
        for variant in VARIANTS {
            let number = u16::try_from(-(*variant as i32)).unwrap();
            assert_eq!(
                Error::from_number(number).map(iotchain_err::from),
                Some(*variant)
            );
        }
    }

    #[test]
    fn every_number_has_a_text() {
        for variant in [
            VARIANTS,
            &[iotchain_err::NullArgument, iotchain_err::NotReady],
        ]
        .concat()
        {
            let text = text(variant as i32).to_str().unwrap();
            assert!(
                text.len() > 3 && text != "unknown error",
                "{variant:?}: {text}"
            );
        }
        assert_eq!(text(0), c"success");
        for unknown in [1, 30, -12, -70_000, i32::MAX, i32::MIN] {
            assert_eq!(text(unknown), c"unknown error", "{unknown}");
        }
    }
}
