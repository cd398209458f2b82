//! The contract's events, decoded.

use std::ops::RangeInclusive;

use alloy_primitives::{B256, LogData};
use alloy_sol_types::SolEvent;
use iotchain_core::{Address, UnixTime};

use super::{AccessToken, ResourcePolicy, abi};
use crate::convert::from_alloy;
use crate::{Ledger, LedgerError, Log, Result};

/// Something that happened to the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A token was issued or renewed.
    TokenAdded {
        /// Whose token.
        client: Address,
        /// For which resource server.
        res: Address,
        /// Its serial, never reused.
        serial: u64,
        /// Role mask, layout and class (spec 5.1).
        claims: [u8; 4],
        /// Time of issuance.
        not_before: UnixTime,
        /// Absolute expiry.
        expires_at: UnixTime,
    },
    /// A token was deleted, or its client blocked.
    TokenDeleted {
        /// Whose token.
        client: Address,
        /// For which resource server.
        res: Address,
        /// Serial of the deleted token; 0 if a client that held none was barred.
        serial: u64,
        /// Who did it.
        by: Address,
        /// Whether the client is barred from asking again (spec 8, A14).
        blocked: bool,
    },
    /// A resource server was registered, or its policy changed.
    ResourceSet {
        /// The resource server.
        res: Address,
        /// Its policy.
        policy: ResourcePolicy,
    },
    /// Every token of a resource server was revoked.
    ResourceRevoked {
        /// The resource server.
        res: Address,
        /// Its epoch from here on.
        epoch: u32,
        /// Who did it.
        by: Address,
    },
    /// An authorizer was named or dismissed.
    AuthorizerSet {
        /// The account.
        account: Address,
        /// Whether it may issue and revoke from here on.
        allowed: bool,
    },
    /// The owner offered the contract to another account.
    OwnershipTransferStarted {
        /// The owner.
        from: Address,
        /// Who may accept.
        to: Address,
    },
    /// The contract changed hands.
    OwnershipTransferred {
        /// The owner before, zero at deployment.
        from: Address,
        /// The owner from here on.
        to: Address,
    },
}

impl Event {
    /// Decodes a log entry of the contract.
    ///
    /// # Errors
    /// [`LedgerError::Answer`] if it is none of its events.
    pub fn decode(log: &Log) -> Result<Self> {
        let data = LogData::new_unchecked(
            log.topics.iter().map(B256::from).collect(),
            log.data.clone().into(),
        );
        Self::decode_data(&data).ok_or_else(|| {
            LedgerError::Answer(format!(
                "log {} of block {} is no event of AccessToken",
                log.index, log.number
            ))
        })
    }

    fn decode_data(data: &LogData) -> Option<Self> {
        Some(match *data.topics().first()? {
            abi::TokenAdded::SIGNATURE_HASH => {
                let e = abi::TokenAdded::decode_log_data_validate(data).ok()?;
                Self::TokenAdded {
                    client: from_alloy(e.client),
                    res: from_alloy(e.res),
                    serial: e.serial.to(),
                    claims: e.claims.into(),
                    not_before: UnixTime::new(e.notBefore.to()),
                    expires_at: UnixTime::new(e.expiresAt.to()),
                }
            }
            abi::TokenDeleted::SIGNATURE_HASH => {
                let e = abi::TokenDeleted::decode_log_data_validate(data).ok()?;
                Self::TokenDeleted {
                    client: from_alloy(e.client),
                    res: from_alloy(e.res),
                    serial: e.serial.to(),
                    by: from_alloy(e.by),
                    blocked: e.blocked,
                }
            }
            abi::ResourceSet::SIGNATURE_HASH => {
                let e = abi::ResourceSet::decode_log_data_validate(data).ok()?;
                let policy = ResourcePolicy {
                    policy: from_alloy(e.policy),
                    max_ttl: e.maxTtl.to(),
                    policy_gas: e.policyGas.to(),
                };
                Self::ResourceSet {
                    res: from_alloy(e.res),
                    policy,
                }
            }
            abi::ResourceRevoked::SIGNATURE_HASH => {
                let e = abi::ResourceRevoked::decode_log_data_validate(data).ok()?;
                Self::ResourceRevoked {
                    res: from_alloy(e.res),
                    epoch: e.epoch,
                    by: from_alloy(e.by),
                }
            }
            abi::AuthorizerSet::SIGNATURE_HASH => {
                let e = abi::AuthorizerSet::decode_log_data_validate(data).ok()?;
                Self::AuthorizerSet {
                    account: from_alloy(e.account),
                    allowed: e.allowed,
                }
            }
            abi::OwnershipTransferStarted::SIGNATURE_HASH => {
                let e = abi::OwnershipTransferStarted::decode_log_data_validate(data).ok()?;
                Self::OwnershipTransferStarted {
                    from: from_alloy(e.from),
                    to: from_alloy(e.to),
                }
            }
            abi::OwnershipTransferred::SIGNATURE_HASH => {
                let e = abi::OwnershipTransferred::decode_log_data_validate(data).ok()?;
                Self::OwnershipTransferred {
                    from: from_alloy(e.from),
                    to: from_alloy(e.to),
                }
            }
            _ => return None,
        })
    }
}

impl AccessToken {
    /// The contract's events in a range of heights, in order, each with its log entry (block, transaction).
    ///
    /// # Errors
    /// As [`Ledger::logs`]; [`LedgerError::Answer`] if an entry does not decode.
    pub fn events(
        &self,
        ledger: &dyn Ledger,
        blocks: RangeInclusive<u64>,
    ) -> Result<Vec<(Log, Event)>> {
        ledger
            .logs(self.address(), blocks)?
            .into_iter()
            .map(|log| Event::decode(&log).map(|event| (log, event)))
            .collect()
    }
}
