//! What a node's answers say: fields of JSON, headers, logs.

use alloy_primitives::{B256, Bytes, U64, U256};
use iotchain_core::UnixTime;
use serde_json::Value;

use crate::convert::from_alloy;
use crate::{Hash, Header, LedgerError, Log, Result};

/// The part of a header that decisions rest on.
pub(super) fn excerpt(hash: Hash, header: &alloy_consensus::Header) -> Header {
    Header {
        number: header.number,
        hash,
        parent: header.parent_hash.into(),
        timestamp: UnixTime::new(header.timestamp),
        state_root: header.state_root.into(),
    }
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(value: Value, what: &str) -> Result<T> {
    serde_json::from_value(value).map_err(|e| LedgerError::Answer(format!("{what}: {e}")))
}

pub(super) fn field<T: serde::de::DeserializeOwned>(object: &Value, name: &str) -> Result<T> {
    parse(object[name].clone(), name)
}

pub(super) fn parse_logs(logs: &Value) -> Result<Vec<Log>> {
    let logs = logs
        .as_array()
        .ok_or_else(|| LedgerError::Answer("logs: no array".into()))?;
    logs.iter()
        .map(|log| {
            if log["removed"] == true {
                return Err(LedgerError::Answer("a log that was removed".into()));
            }
            Ok(Log {
                address: from_alloy(field(log, "address")?),
                topics: field::<Vec<B256>>(log, "topics")?
                    .into_iter()
                    .map(|topic| topic.0)
                    .collect(),
                data: field::<Bytes>(log, "data")?.into(),
                number: field::<U64>(log, "blockNumber")?.to(),
                block: field::<B256>(log, "blockHash")?.into(),
                transaction: field::<B256>(log, "transactionHash")?.into(),
                index: field::<U256>(log, "logIndex")?.saturating_to(),
            })
        })
        .collect()
}
