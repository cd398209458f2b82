//! What can go wrong between two roles.

use crate::coap::Code;
use std::{io, path::PathBuf, time::Duration};

/// A failure of the network layer, told so that an operator can act on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// A socket could not be opened or bound.
    #[error("cannot use the address {addr}: {source}")]
    Address {
        /// The address asked for.
        addr: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("cannot use the file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// The system's random number generator failed.
    #[error("the system gives no random numbers")]
    Random,
    /// Nothing came back.
    #[error("no answer from {peer} within {waited:?}")]
    Timeout {
        /// Whom we asked.
        peer: String,
        /// How long we waited.
        waited: Duration,
    },
    /// The server cannot make sense of the request.
    #[error("{peer} reset the exchange")]
    Reset {
        /// Whom we asked.
        peer: String,
    },
    /// The request does not fit what the protocol allows.
    #[error("not a valid request: {0}")]
    Request(&'static str),
    /// The answer breaks the protocol.
    #[error("{peer} broke the protocol: {what}")]
    Protocol {
        /// Whom we asked.
        peer: String,
        /// The rule that was broken.
        what: &'static str,
    },
    /// The representation changed while its blocks were fetched.
    #[error("the representation changed while it was being transferred")]
    Changed,
    /// The answer is larger than the caller allows.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is not the success the caller needs.
    #[error("{peer} answered {code}")]
    Refused {
        /// Whom we asked.
        peer: String,
        /// The code of the answer.
        code: Code,
    },
    /// The DTLS handshake failed.
    #[error("no DTLS association with {peer}: {reason}")]
    Handshake {
        /// The other end.
        peer: String,
        /// What the library or the check said.
        reason: String,
    },
    /// The DTLS association ended.
    #[error("the DTLS association with {peer} is closed")]
    Closed {
        /// The other end.
        peer: String,
    },
    /// A certificate or key is unusable.
    #[error("certificate: {0}")]
    Certificate(String),
    /// The cryptographic library refused an operation.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}
