//! Why a role or a command gave up, told so that its user can act on it.

use std::fmt::Display;
use std::io;

use iotchain_ledger::LedgerError;

use crate::coap::Code;
use crate::runtime::NetError;

/// A failure that ends a command, or one exchange of a role that goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A setting, an argument or a file of settings that cannot be used.
    #[error("{0}")]
    Config(String),
    /// The system refused to read, write, or start something.
    #[error("{what}: {source}")]
    Io {
        /// The path, address or command.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The network layer failed.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The ledger failed or refused.
    #[error("ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// Something received or asked for breaks the protocol; the registry has its number (spec 7).
    #[error("{name} ({number}): {0}", name = .0.name(), number = .0.number())]
    Protocol(#[from] iotchain::Error),
    /// A peer refused, with a CoAP code and, from a key server, the registry's error.
    #[error("{what} refused with {code}{}", because(*.number))]
    Refused {
        /// Who refused what.
        what: String,
        /// The response code.
        code: Code,
        /// The error named in problem details (RFC 9290), if any.
        number: Option<iotchain::Error>,
    },
    /// Stored state is damaged, belongs to something else, or is in use.
    #[error("{0}")]
    State(String),
    /// A check of the user's did not hold.
    #[error("{0}")]
    Failed(String),
}

impl NodeError {
    /// A refusal by the system concerning `what`.
    pub fn io(what: impl Display, source: io::Error) -> Self {
        Self::Io {
            what: what.to_string(),
            source,
        }
    }

    /// The exit code of the process: 1 refused or failed, 3 configuration or file, 4 network, 5 ledger, 6 stored state.
    /// (2 is a wrong command line.)
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Protocol(_) | Self::Refused { .. } | Self::Failed(_) => 1,
            Self::Config(_) | Self::Io { .. } => 3,
            Self::Net(
                NetError::File { .. } | NetError::Certificate(_) | NetError::Address { .. },
            ) => 3,
            Self::Net(_) => 4,
            Self::Ledger(
                LedgerError::InUse(_) | LedgerError::Foreign(_) | LedgerError::Corrupt(_),
            ) => 6,
            Self::Ledger(LedgerError::Config(_)) => 3,
            Self::Ledger(LedgerError::Reverted(_)) => 1,
            Self::Ledger(_) => 5,
            Self::State(_) => 6,
        }
    }

    /// The registry error behind it, where there is one.
    #[must_use]
    pub fn number(&self) -> Option<iotchain::Error> {
        match self {
            Self::Protocol(error) => Some(*error),
            Self::Refused { number, .. } => *number,
            Self::Ledger(error) => Some(error.registry()),
            _ => None,
        }
    }
}

fn because(number: Option<iotchain::Error>) -> String {
    number.map_or_else(String::new, |error| {
        format!(": {} ({}), {error}", error.name(), error.number())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_number() {
        let error = NodeError::Refused {
            what: "key-server: join of 0007.fa870181".into(),
            code: Code::SERVICE_UNAVAILABLE,
            number: Some(iotchain::Error::Unconfirmed),
        };
        assert!(error.to_string().starts_with(
            "key-server: join of 0007.fa870181 refused with 5.03: E_UNCONFIRMED (73)"
        ));
        assert_eq!(error.exit_code(), 1);
        assert_eq!(error.number(), Some(iotchain::Error::Unconfirmed));
    }

    #[test]
    fn each_kind_of_failure_has_its_exit_code() {
        let io = || io::Error::from(io::ErrorKind::NotFound);
        let cases = [
            (NodeError::Config("x".into()), 3),
            (NodeError::io("x", io()), 3),
            (
                NodeError::Net(NetError::File {
                    path: "x".into(),
                    source: io(),
                }),
                3,
            ),
            (NodeError::Net(NetError::Random), 4),
            (NodeError::Ledger(LedgerError::Unavailable("x".into())), 5),
            (NodeError::Ledger(LedgerError::Corrupt("x".into())), 6),
            (NodeError::Protocol(iotchain::Error::Aead), 1),
            (NodeError::State("x".into()), 6),
        ];
        for (error, code) in cases {
            assert_eq!(error.exit_code(), code, "{error:?}");
        }
    }
}
