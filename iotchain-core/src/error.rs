//! The error registry (spec 7): one flat error for the whole family, each with the number that the C ABI and the
//! problem details of the key server carry.
//!
//! Groups: 1-11 encoding, 20-43 objects, 50-66 group keys, 70-87 tokens, 90-96 proof of possession, 100-101 local.

use core::ffi::CStr;

/// CoAP response codes as they stand in the header byte: class in the upper three bits (RFC 7252, 5.2).
mod code {
    pub(super) const BAD_REQUEST: Option<u8> = Some(0x80);
    pub(super) const UNAUTHORIZED: Option<u8> = Some(0x81);
    pub(super) const FORBIDDEN: Option<u8> = Some(0x83);
    pub(super) const NOT_FOUND: Option<u8> = Some(0x84);
    pub(super) const CONFLICT: Option<u8> = Some(0x89);
    pub(super) const TOO_LARGE: Option<u8> = Some(0x8d);
    pub(super) const TOO_MANY: Option<u8> = Some(0x9d);
    pub(super) const UNAVAILABLE: Option<u8> = Some(0xa3);
    pub(super) const LOCAL: Option<u8> = None;
}

macro_rules! registry {
    ($($number:literal $variant:ident $name:literal $coap:ident $group:expr, $text:literal;)*) => {
        /// What went wrong. Flat, `Copy`, without text: it fits a register and can cross the C ABI.
        ///
        /// Numbers are append-only; gaps are reserved. Each is also the discriminant, so that a device needs no table of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Error {
            $(#[doc = concat!("E_", $name, " (", stringify!($number), "): ", $text, ".")]
              #[error($text)]
              $variant = $number,)*
            /// E_BUFFER (42): output buffer too small. Nothing was written.
            #[error("output buffer too small, {needed} bytes needed")]
            Buffer {
                /// Length in bytes that would have been enough.
                needed: usize,
            } = 42,
        }

        impl Error {
            /// The registry number, 1..=101.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Buffer { .. } => 42,
                }
            }

            /// The registry name with its prefix, e.g. `E_AEAD`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("E_", $name),)*
                    Self::Buffer { .. } => "E_BUFFER",
                }
            }

            /// The description as a C string, for the C ABI.
            #[must_use]
            pub const fn c_text(self) -> &'static CStr {
                match self {
                    $(Self::$variant => const { c_str(concat!($text, "\0")) },)*
                    Self::Buffer { .. } => c"output buffer too small",
                }
            }

            /// The CoAP response code byte that answers this error (`0x81` = 4.01), or `None` if it never leaves the node.
            #[must_use]
            pub const fn coap(self) -> Option<u8> {
                match self {
                    $(Self::$variant => code::$coap,)*
                    Self::Buffer { .. } => None,
                }
            }

            /// The value of `ace-groupcomm-error` (RFC 9594, 9) where one exists.
            #[must_use]
            pub const fn group_comm(self) -> Option<i32> {
                match self {
                    $(Self::$variant => $group,)*
                    Self::Buffer { .. } => None,
                }
            }

            /// The error of a registry number; `None` for 0 (success), gaps and numbers of later versions.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    42 => Some(Self::Buffer { needed: 0 }),
                    _ => None,
                }
            }
        }
    };
}

/// `text` up to its final NUL.
const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

registry! {
    1 Truncated "TRUNCATED" BAD_REQUEST None, "input ends inside an item";
    2 Trailing "TRAILING" BAD_REQUEST None, "bytes after the item";
    3 NonMinimal "NONMINIMAL" BAD_REQUEST None, "head not in its shortest form";
    4 Indefinite "INDEFINITE" BAD_REQUEST None, "indefinite length";
    5 Order "ORDER" BAD_REQUEST None, "map keys not sorted";
    6 DuplicateKey "DUPKEY" BAD_REQUEST None, "map key twice";
    7 Depth "DEPTH" BAD_REQUEST None, "nesting above 6";
    8 Type "TYPE" BAD_REQUEST None, "wrong type, length or relation between fields";
    9 Utf8 "UTF8" BAD_REQUEST None, "text is not UTF-8";
    10 Size "SIZE" TOO_LARGE None, "above the size limit";
    11 Item "ITEM" BAD_REQUEST None, "forbidden item: float, tag or reserved";
    20 Header "HEADER" BAD_REQUEST None, "header set or shape";
    21 Alg "ALG" BAD_REQUEST None, "not the algorithm of the group";
    22 Crit "CRIT" BAD_REQUEST None, "crit present";
    23 Kid "KID" BAD_REQUEST None, "key id shape, or not the pinned key";
    24 Group "GROUP" UNAUTHORIZED None, "other group";
    25 Session "SESSION" UNAUTHORIZED None, "session not held";
    26 SessionExpired "SESSION_EXPIRED" UNAUTHORIZED None, "session over";
    27 Piv "PIV" BAD_REQUEST None, "Partial IV shape or range";
    28 Replay "REPLAY" UNAUTHORIZED None, "already accepted, or below the window";
    29 Echo "ECHO" UNAUTHORIZED None, "Echo missing or wrong";
    30 Aead "AEAD" BAD_REQUEST None, "decryption failed";
    31 Sig "SIG" BAD_REQUEST None, "signature invalid";
    32 SigRequired "SIG_REQUIRED" BAD_REQUEST None, "unsigned object from a proxy";
    33 Signer "SIGNER" BAD_REQUEST None, "sender may not do this";
    34 Rollback "ROLLBACK" CONFLICT None, "older than what was seen";
    35 Stale "STALE" BAD_REQUEST None, "outside iat and exp";
    36 Equivocation "EQUIVOCATION" CONFLICT None, "two different messages where one is allowed";
    37 Forbidden "FORBIDDEN" FORBIDDEN None, "role lacks the method";
    38 Path "PATH" BAD_REQUEST None, "invalid path or query";
    39 Binding "BINDING" BAD_REQUEST None, "Token length";
    40 ForgeryLimit "FORGERY_LIMIT" UNAVAILABLE None, "too many failures for this key id";
    41 SeqExhausted "SEQ_EXHAUSTED" UNAVAILABLE None, "Partial IVs used up";
    43 Mode "MODE" BAD_REQUEST None, "mode not allowed here";
    50 Version "VERSION" LOCAL None, "unknown version or payload number";
    51 Scheme "SCHEME" LOCAL None, "other self-healing scheme";
    52 SessionRange "SESSION_RANGE" LOCAL None, "session outside the personal key";
    53 Kcv "KCV" LOCAL None, "recovered key does not match the key check";
    54 RevokedMember "REVOKED_MEMBER" FORBIDDEN Some(5), "no entry for this member: revoked";
    55 Recover "RECOVER" LOCAL None, "the scheme could not recover the key";
    56 BroadcastOld "BCAST_OLD" LOCAL None, "older than the current position, ignored";
    57 NotMember "NOT_MEMBER" FORBIDDEN Some(0), "not a member of the group";
    58 GroupFull "GROUP_FULL" UNAVAILABLE Some(4), "no slot or id left";
    59 GroupGone "GROUP_GONE" NOT_FOUND Some(6), "group deleted";
    60 NeedEvent "NEED_EVENT" LOCAL None, "an event must be fetched first";
    61 TooManyRevoked "TOO_MANY_REVOKED" UNAVAILABLE None, "more than t revoked share-holders";
    62 Capacity "CAPACITY" LOCAL None, "this device cannot hold the window";
    63 Beacon "BEACON" LOCAL None, "beacon does not verify";
    64 NotAnnounced "NOT_ANNOUNCED" LOCAL None, "session not announced by an authenticated message";
    65 Epoch "EPOCH" LOCAL None, "other epoch, depth, last or t than the personal key";
    66 Skip "SKIP" LOCAL None, "beacon too far ahead";
    70 LedgerStale "LEDGER_STALE" UNAVAILABLE None, "ledger node not in sync";
    71 LedgerUnavailable "LEDGER_UNAVAILABLE" UNAVAILABLE None, "ledger node unreachable";
    72 TokenAbsent "TOKEN_ABSENT" FORBIDDEN None, "no token";
    73 Unconfirmed "UNCONFIRMED" UNAVAILABLE None, "not yet deep enough in the chain, retry";
    74 TokenRevoked "TOKEN_REVOKED" FORBIDDEN None, "token deleted, or its epoch is over";
    75 Issuer "ISSUER" FORBIDDEN None, "contract or issuer not published by the owner";
    76 Audience "AUDIENCE" FORBIDDEN None, "for another resource server";
    77 Subject "SUBJECT" FORBIDDEN None, "for another client";
    78 Claims "CLAIMS" FORBIDDEN None, "claims layout, class or scope shape";
    79 TtlRange "TTL_RANGE" FORBIDDEN None, "expiry implausible";
    80 Expired "EXPIRED" FORBIDDEN None, "expired";
    81 NotYet "NOT_YET" FORBIDDEN None, "not yet valid";
    82 Iat "IAT" FORBIDDEN None, "issued in the future";
    83 Scope "SCOPE" FORBIDDEN None, "rights or group not granted";
    84 Cnf "CNF" FORBIDDEN None, "confirmation key";
    85 Cti "CTI" FORBIDDEN None, "token id";
    86 CwtType "CWT_TYPE" BAD_REQUEST None, "not a signed CWT";
    87 CwtKey "CWT_KEY" BAD_REQUEST None, "key id of the issuer";
    90 Challenge "CHALLENGE" BAD_REQUEST None, "challenge not ours, or altered";
    91 ChallengeExpired "CHALLENGE_EXPIRED" BAD_REQUEST None, "challenge too old or from the future";
    92 ChallengeReplay "CHALLENGE_REPLAY" BAD_REQUEST None, "challenge used before";
    93 PopFormat "POP_FORMAT" BAD_REQUEST Some(3), "form of the proof of possession";
    94 Pop "POP" BAD_REQUEST Some(3), "proof signed by another key";
    95 Channel "CHANNEL" BAD_REQUEST Some(3), "channel binding type";
    96 Rate "RATE" TOO_MANY None, "too many requests";
    100 Random "RANDOM" LOCAL None, "random source failed";
    101 Proof "PROOF" LOCAL None, "no proof against a trusted block";
}

/// Result of every fallible call of the family.
pub type Result<T> = core::result::Result<T, Error>;
