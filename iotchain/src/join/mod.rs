//! Messages between a member and its key server, both directions, heap-free (spec 4; profile of RFC 9594).
//!
//! ```text
//! member                                         key server
//!   | POST /authz-info        TransferRequest -> |
//!   | <- TransferResponse     ks, challenge      |
//!   | POST /ace-group/GNAME   JoinRequest ->     |   scope, proof, token reference
//!   | <- JoinResponse         keys, S_i, B_j     |
//!   |    or ProblemDetails    why not            |
//! ```
//!
//! Requests of strangers are parsed in full before anything is decided; answers are an [`UnverifiedJoin`] until the
//! key server's proof of its key was checked. RFC 9594 parameters this profile does not know are skipped.
//!
//! ```
//! use iotchain::join::{JoinRequest, TransferRequest};
//! use iotchain_core::{Address, Error};
//! use iotchain_token::TokenRef;
//!
//! let token = TokenRef { chain: 1337, contract: Address::new([1; 20]), client: Address::new([2; 20]) };
//! let mut buffer = [0; TransferRequest::MAX_LEN];
//! let len = TransferRequest { token }.encode(&mut buffer)?;
//! assert_eq!(TransferRequest::parse(&buffer[..len])?.token, token);
//! assert_eq!(JoinRequest::parse(&buffer[..len]).unwrap_err(), Error::Type); // not a join request
//! # Ok::<(), Error>(())
//! ```

mod access;
mod credential;
mod kdc;
mod key_map;
mod list;
mod parameter;
mod personal_key;
mod policies;
mod problem;
mod request;
mod response;
mod transfer;

pub use access::AccessResponse;
pub use credential::Ccs;
pub use kdc::kdc_proof;
pub use key_map::{KeyMap, ServerAccess};
pub use list::{Element, List, ListIter};
pub use policies::GroupPolicies;
pub use problem::ProblemDetails;
pub use request::JoinRequest;
pub use response::{JoinResponse, Peer, UnverifiedJoin};
pub use transfer::{TransferRequest, TransferResponse};
