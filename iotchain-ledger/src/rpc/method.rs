//! The methods of the Ethereum JSON-RPC interface that the embedded chain answers.

use alloy_primitives::{Address, B256, Bytes};
use serde_json::{Value, json};

use super::params::{Params, number, read};
use super::render::{self, quantity};
use crate::convert::from_alloy;
use crate::embedded::FullBlock;
use crate::{EmbeddedLedger, Ledger, LedgerError};

/// Widest range of blocks of one `eth_getLogs`, and most logs it returns.
const MAX_LOG_RANGE: u64 = 100_000;
const MAX_LOGS: usize = 10_000;
/// Most storage words in one proof.
const MAX_PROOF_SLOTS: usize = 64;
/// Longest `eth_feeHistory`.
const MAX_FEE_HISTORY: u64 = 1024;

/// An error object of JSON-RPC.
#[derive(Debug)]
pub(super) struct Fault {
    code: i64,
    message: String,
    data: Option<Bytes>,
}

impl Fault {
    pub(super) fn new(code: i64, message: impl std::fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            data: None,
        }
    }

    pub(super) fn params(message: &str) -> Self {
        Self::new(-32602, message)
    }

    pub(super) fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(-32603, message)
    }

    /// EIP-1898.
    pub(super) fn unknown_block() -> Self {
        Self::new(-32001, "block not found")
    }

    pub(super) fn render(&self) -> Value {
        let mut shown = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            shown["data"] = json!(data);
        }
        shown
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Reverted(revert) => Self {
                code: 3,
                message: format!("execution reverted: {revert}"),
                data: Some(Bytes::copy_from_slice(revert.data())),
            },
            LedgerError::UnknownBlock(_) => Self::unknown_block(),
            LedgerError::Rejected(why) => Self::new(-32000, why),
            error => Self::internal(error),
        }
    }
}

/// Answers one method.
pub(super) fn answer(
    ledger: &EmbeddedLedger,
    method: &str,
    params: &Params<'_>,
) -> Result<Value, Fault> {
    Ok(match method {
        "web3_clientVersion" => json!(concat!("iotchain-ledger/", env!("CARGO_PKG_VERSION"))),
        "net_version" => json!(ledger.chain_id()?.to_string()),
        "eth_chainId" => quantity(ledger.chain_id()?),
        "eth_blockNumber" => quantity(ledger.head_number()),
        "eth_gasPrice" | "eth_maxPriorityFeePerGas" => quantity(0),
        "eth_feeHistory" => fee_history(ledger, params)?,
        "eth_syncing" => json!(false),
        "eth_accounts" => json!([]),
        "eth_getBlockByNumber" => block(ledger, params.number(0, ledger)?, params.flag(1))?,
        "eth_getBlockByHash" => block(ledger, ledger.number_of(params.get(0)?)?, params.flag(1))?,
        "debug_getRawHeader" => raw(ledger, params, |block| alloy_rlp::encode(&block.header))?,
        "debug_getRawBlock" => raw(ledger, params, |block| alloy_rlp::encode(block))?,
        "eth_getTransactionByHash" => transaction(ledger, params.get(0)?)?,
        "eth_getTransactionReceipt" => receipt(ledger, params.get(0)?)?,
        "eth_getTransactionCount" => transaction_count(ledger, params)?,
        "eth_getBalance" => json!(
            ledger
                .account(params.get(0)?, params.block(1, ledger)?)?
                .balance
        ),
        "eth_getCode" => json!(ledger.code(params.get(0)?, params.block(1, ledger)?)?),
        "eth_getStorageAt" => storage(ledger, params)?,
        "eth_getProof" => proof(ledger, params)?,
        "eth_getLogs" => logs(ledger, params)?,
        "eth_call" => {
            let call = params.call(0)?;
            json!(ledger.simulate(call.from, call.to, call.data, params.block(1, ledger)?)?)
        }
        "eth_estimateGas" => {
            let call = params.call(0)?;
            quantity(ledger.estimate_gas(
                call.from,
                call.to,
                &call.data,
                params.block(1, ledger)?,
            )?)
        }
        "eth_sendRawTransaction" => {
            let raw: Bytes = params.get(0)?;
            json!(B256::from(ledger.send(&raw)?))
        }
        _ => {
            return Err(Fault::new(
                -32601,
                format!("the method {method} does not exist here"),
            ));
        }
    })
}

fn block(ledger: &EmbeddedLedger, number: Option<u64>, whole: bool) -> Result<Value, Fault> {
    match number
        .map(|number| ledger.block(number))
        .transpose()?
        .flatten()
    {
        Some(view) => render::block(&view, whole),
        None => Ok(Value::Null),
    }
}

/// A block in its consensus encoding, for whoever verifies it.
fn raw(
    ledger: &EmbeddedLedger,
    params: &Params<'_>,
    encode: impl FnOnce(&FullBlock) -> Vec<u8>,
) -> Result<Value, Fault> {
    let number = params.number(0, ledger)?.ok_or_else(Fault::unknown_block)?;
    let view = ledger.block(number)?.ok_or_else(Fault::unknown_block)?;
    Ok(json!(Bytes::from(encode(&view.block))))
}

fn transaction(ledger: &EmbeddedLedger, hash: B256) -> Result<Value, Fault> {
    if let Some((number, index)) = ledger.position_of(hash)?
        && let Some(view) = ledger.block(number)?
        && let Some(tx) = view.block.body.transactions.get(index)
    {
        return render::transaction(tx, Some((&view, index)));
    }
    match ledger.waiting(hash) {
        Some(tx) => render::transaction(&tx, None),
        None => Ok(Value::Null),
    }
}

fn receipt(ledger: &EmbeddedLedger, hash: B256) -> Result<Value, Fault> {
    let Some((number, index)) = ledger.position_of(hash)? else {
        return Ok(Value::Null);
    };
    let Some(view) = ledger.block(number)? else {
        return Ok(Value::Null);
    };
    render::receipt(
        &view,
        index,
        &ledger.receipts(number)?,
        &ledger.block_logs(number, view.hash)?,
    )
}

fn transaction_count(ledger: &EmbeddedLedger, params: &Params<'_>) -> Result<Value, Fault> {
    let account: Address = params.get(0)?;
    if params.raw(1).and_then(Value::as_str) == Some("pending") {
        return Ok(quantity(ledger.nonce(from_alloy(account))?));
    }
    Ok(quantity(
        ledger.account(account, params.block(1, ledger)?)?.nonce,
    ))
}

fn storage(ledger: &EmbeddedLedger, params: &Params<'_>) -> Result<Value, Fault> {
    let slot = params
        .raw(1)
        .ok_or_else(|| Fault::params("the slot is missing"))?;
    let word = ledger.storage(
        params.get(0)?,
        Params::slot(slot)?,
        params.block(2, ledger)?,
    )?;
    Ok(json!(B256::from(word)))
}

fn proof(ledger: &EmbeddedLedger, params: &Params<'_>) -> Result<Value, Fault> {
    let address = params.get(0)?;
    let slots: Vec<Value> = params.get(1)?;
    if slots.len() > MAX_PROOF_SLOTS {
        return Err(Fault::params("too many slots"));
    }
    let slots: Vec<_> = slots.iter().map(Params::slot).collect::<Result<_, _>>()?;
    Ok(render::proof(
        address,
        &ledger.proof(address, &slots, params.block(2, ledger)?)?,
    ))
}

fn logs(ledger: &EmbeddedLedger, params: &Params<'_>) -> Result<Value, Fault> {
    let filter = params
        .raw(0)
        .ok_or_else(|| Fault::params("the filter is missing"))?;
    let set = |name: &str| filter.get(name).filter(|value| !value.is_null());
    let addresses: Vec<Address> = set("address")
        .map(|value| one_or_many(value, "address"))
        .transpose()?
        .unwrap_or_default();
    let topics: Vec<Value> = set("topics")
        .map(|value| read(value, "topics"))
        .transpose()?
        .unwrap_or_default();
    let topics: Vec<Vec<B256>> = topics
        .iter()
        .map(|topic| one_or_many(topic, "topic"))
        .collect::<Result<_, _>>()?;
    let head = ledger.head_number();
    let height = |name: &str| set(name).map_or(Ok(Some(head)), |value| number(value, ledger));
    let (first, last) = match set("blockHash") {
        Some(hash) => {
            let number = ledger
                .number_of(read(hash, "blockHash")?)?
                .ok_or_else(Fault::unknown_block)?;
            (number, number)
        }
        None => match height("fromBlock")? {
            Some(first) => (first, height("toBlock")?.unwrap_or(head)),
            None => return Ok(json!([])),
        },
    };
    if last.saturating_sub(first) > MAX_LOG_RANGE {
        return Err(Fault::new(
            -32005,
            format!("at most {MAX_LOG_RANGE} blocks at once"),
        ));
    }
    let mut found = Vec::new();
    for number in first..=last {
        let Some(view) = ledger.block(number)? else {
            break;
        };
        if view.block.header.logs_bloom.is_zero() {
            continue;
        }
        for log in ledger.block_logs(number, view.hash)? {
            let address = addresses.is_empty()
                || addresses
                    .iter()
                    .any(|address| from_alloy(*address) == log.address);
            let topic = log.topics.len() >= topics.len()
                && topics
                    .iter()
                    .zip(&log.topics)
                    .all(|(wanted, topic)| wanted.is_empty() || wanted.contains(&topic.into()));
            if address && topic {
                let position = ledger
                    .position_of(log.transaction.into())?
                    .map_or(0, |(_, index)| index);
                found.push(render::log(&log, position));
            }
        }
        if found.len() > MAX_LOGS {
            return Err(Fault::new(
                -32005,
                format!("more than {MAX_LOGS} logs; ask for fewer blocks"),
            ));
        }
    }
    Ok(json!(found))
}

/// Base fees and tips are 0 here, which is what a wallet needs to know.
fn fee_history(ledger: &EmbeddedLedger, params: &Params<'_>) -> Result<Value, Fault> {
    let count = params
        .get::<alloy_primitives::U64>(0)?
        .to::<u64>()
        .clamp(1, MAX_FEE_HISTORY);
    let last = params.number(1, ledger)?.ok_or_else(Fault::unknown_block)?;
    let count = count.min(last + 1);
    let tips = params.raw(2).and_then(Value::as_array).map_or(0, Vec::len);
    let zeros = |n: u64| (0..n).map(|_| quantity(0)).collect::<Vec<_>>();
    Ok(json!({
        "oldestBlock": quantity(last + 1 - count),
        "baseFeePerGas": zeros(count + 1),
        "gasUsedRatio": vec![0.0; usize::try_from(count).unwrap_or_default()],
        "reward": (0..count).map(|_| zeros(tips as u64)).collect::<Vec<_>>(),
    }))
}

/// A value or an array of values; null stands for any.
fn one_or_many<T: serde::de::DeserializeOwned>(value: &Value, what: &str) -> Result<Vec<T>, Fault> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(_) => read(value, what),
        value => Ok(vec![read(value, what)?]),
    }
}
