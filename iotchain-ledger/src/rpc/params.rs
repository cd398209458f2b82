//! Parameters of JSON-RPC methods.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::method::Fault;
use crate::{EmbeddedLedger, LedgerError};

/// The positional parameters of a request.
pub(super) struct Params<'a>(&'a [Value]);

/// What `eth_call` and `eth_estimateGas` run.
pub(super) struct CallRequest {
    pub(super) from: Address,
    pub(super) to: Option<Address>,
    pub(super) data: Bytes,
}

impl<'a> Params<'a> {
    pub(super) fn new(params: Option<&'a Value>) -> Result<Self, Fault> {
        match params {
            None | Some(Value::Null) => Ok(Self(&[])),
            Some(Value::Array(values)) => Ok(Self(values)),
            Some(_) => Err(Fault::params("params must be an array")),
        }
    }

    pub(super) fn raw(&self, index: usize) -> Option<&'a Value> {
        self.0.get(index).filter(|value| !value.is_null())
    }

    pub(super) fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, Fault> {
        let value = self
            .raw(index)
            .ok_or_else(|| Fault::params(&format!("parameter {index} is missing")))?;
        read(value, &format!("parameter {index}"))
    }

    pub(super) fn flag(&self, index: usize) -> bool {
        self.raw(index).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A storage slot: 32 bytes of hex, or a quantity.
    pub(super) fn slot(value: &Value) -> Result<U256, Fault> {
        read(value, "slot")
    }

    /// A height; `None` above the head.
    pub(super) fn number(
        &self,
        index: usize,
        ledger: &EmbeddedLedger,
    ) -> Result<Option<u64>, Fault> {
        let Some(value) = self.raw(index) else {
            return Ok(Some(ledger.head_number()));
        };
        number(value, ledger)
    }

    /// The hash of a block whose state is asked for: by tag, height or hash (EIP-1898).
    pub(super) fn block(&self, index: usize, ledger: &EmbeddedLedger) -> Result<B256, Fault> {
        let number = match self.raw(index) {
            Some(Value::Object(block)) => {
                match (block.get("blockHash"), block.get("blockNumber")) {
                    (Some(hash), None) => {
                        let hash = read(hash, "blockHash")?;
                        // This chain has no forks: every known block is canonical.
                        ledger
                            .number_of(hash)?
                            .ok_or_else(|| LedgerError::UnknownBlock(hash.into()))?;
                        return Ok(hash);
                    }
                    (None, Some(height)) => number(height, ledger)?,
                    _ => {
                        return Err(Fault::params(
                            "a block needs either blockHash or blockNumber",
                        ));
                    }
                }
            }
            _ => self.number(index, ledger)?,
        };
        let hash = number
            .map(|number| ledger.hash_of(number))
            .transpose()?
            .flatten();
        hash.ok_or_else(Fault::unknown_block)
    }

    pub(super) fn call(&self, index: usize) -> Result<CallRequest, Fault> {
        let call = self
            .raw(index)
            .ok_or_else(|| Fault::params("the call is missing"))?;
        let optional = |name: &str| call.get(name).filter(|value| !value.is_null());
        let data = optional("input").or_else(|| optional("data"));
        if let Some(value) = optional("value")
            && !read::<U256>(value, "value")?.is_zero()
        {
            return Err(Fault::params(
                "accounts hold no ether here; value must be 0",
            ));
        }
        Ok(CallRequest {
            from: optional("from")
                .map(|from| read(from, "from"))
                .transpose()?
                .unwrap_or_default(),
            to: optional("to").map(|to| read(to, "to")).transpose()?,
            data: data
                .map(|data| read(data, "input"))
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

pub(super) fn read<T: DeserializeOwned>(value: &Value, what: &str) -> Result<T, Fault> {
    T::deserialize(value).map_err(|e| Fault::params(&format!("{what}: {e}")))
}

/// A height by tag or number; `None` above the head.
pub(super) fn number(value: &Value, ledger: &EmbeddedLedger) -> Result<Option<u64>, Fault> {
    let head = ledger.head_number();
    match value.as_str() {
        Some("latest" | "pending" | "safe" | "finalized") => Ok(Some(head)),
        Some("earliest") => Ok(Some(0)),
        _ => {
            let number: u64 = read::<U64>(value, "block")?.to();
            Ok((number <= head).then_some(number))
        }
    }
}
