//! Tokens off the ledger: CBOR Web Tokens (RFC 8392) and the claims set of a ledger record (spec 5.2, 5.5).
//!
//! ```text
//! claims set   601({1: iss, 2: sub, 3: aud, 4: exp, 5: nbf, 6: iat, 7: cti, 8: {3: client} / {1: COSE_Key}, 9: scope})
//! signed CWT   61(18([{1: sign_alg, 4: issuer address}, {}, claims, signature]))
//! scope        bstr .cbor [[gname, mask], ..]                                                       (AIF, RFC 9237)
//!
//! TokenWord <--> ClaimsSet         CwtClaims::issue --> SignedCwt --> VerifiedCwt --> CwtGrant
//! ```

mod aif;
mod claims;
mod confirmation;
mod record;
mod signed;
mod validate;

pub use aif::Aif;
pub use claims::CwtClaims;
pub use confirmation::Confirmation;
pub use record::ClaimsSet;
pub use signed::{CwtIssuer, CwtTrust, SignedCwt};
pub use validate::{CwtGrant, VerifiedCwt, validate_cwt};
