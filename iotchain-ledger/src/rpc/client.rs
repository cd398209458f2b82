//! A ledger over any Ethereum node.
//!
//! The node is never believed about itself: a header counts only if the hash of its fields is its hash, a transaction's
//! hash is computed here, and what was asked for by hash must come back with that hash. About state it is believed
//! unless it has to prove it ([`JsonRpcLedger::proving`]), about the newest block unless somebody else vouches for it
//! ([`JsonRpcLedger::sealed_by`]).

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::{Address as AlloyAddress, B256, Bytes, U64, keccak256};
use iotchain_core::Address;
use serde_json::{Value, json};

use super::answer::{excerpt, field, parse, parse_logs};
use super::seals::Seals;
use crate::contract::Revert;
use crate::convert::{from_alloy, to_alloy};
use crate::{Call, Hash, Header, Ledger, LedgerError, Log, Receipt, Result, Word};

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 16 << 20;
/// Headers are kept by hash, since confirmations walk over the same ones again and again.
const MAX_HEADERS: usize = 1024;

/// A ledger over an Ethereum node's JSON-RPC endpoint (plain HTTP: a node of one's own, or a tunnel to one).
pub struct JsonRpcLedger {
    url: String,
    agent: ureq::Agent,
    next_id: AtomicU64,
    headers: Mutex<HashMap<Hash, alloy_consensus::Header>>,
    evidence: Evidence,
    seals: Option<Seals>,
}

/// What is asked of a node beside a storage word or a code hash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Evidence {
    None,
    /// Its proof (EIP-1186).
    Proof,
}

/// An error object of JSON-RPC.
struct Refusal {
    code: i64,
    message: String,
    data: Option<Vec<u8>>,
}

impl JsonRpcLedger {
    /// A ledger at `url`, e.g. `http://127.0.0.1:8545`. Every request ends after `timeout`.
    #[must_use]
    pub fn new(url: impl Into<String>, timeout: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .build()
            .into();
        Self {
            url: url.into(),
            agent,
            next_id: AtomicU64::new(1),
            headers: Mutex::default(),
            evidence: Evidence::None,
            seals: None,
        }
    }

    /// The same ledger, where every storage word and every code hash must come with its proof (`eth_getProof`, EIP-1186)
    /// and is verified against the header of its block. What calls and logs say is not provable and stays unproven.
    #[must_use]
    pub fn proving(self) -> Self {
        Self {
            evidence: Evidence::Proof,
            ..self
        }
    }

    /// The same ledger of a network by proof of authority (Clique, EIP-225), in which `sealers` and nobody else seal: the
    /// newest block counts only if it and the floor(N/2) blocks before it were sealed by different ones of them. Then a
    /// majority vouches for every block below, and a node that makes up a chain is found out. Confirmations must be more
    /// than floor(N/2). No sealer may seal for another chain: its seals would count here too.
    #[must_use]
    pub fn sealed_by(self, sealers: &[Address]) -> Self {
        Self {
            seals: Some(Seals::of(sealers)),
            ..self
        }
    }

    /// Where the node is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks the node and returns its result, or its refusal.
    fn ask(&self, method: &str, params: &Value) -> Result<std::result::Result<Value, Refusal>> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let unavailable = |e: ureq::Error| LedgerError::Unavailable(format!("{}: {e}", self.url));
        let mut response = self
            .agent
            .post(&self.url)
            .send_json(&request)
            .map_err(unavailable)?;
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_vec()
            .map_err(unavailable)?;
        let mut answer: Value = serde_json::from_slice(&body).map_err(|e| {
            LedgerError::Answer(format!("{method}: HTTP {}: {e}", response.status()))
        })?;
        if answer["id"] != id {
            return Err(LedgerError::Answer(format!(
                "{method}: the answer is to another request"
            )));
        }
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            return Ok(Err(Refusal {
                code: error["code"].as_i64().unwrap_or_default(),
                message: error["message"].as_str().unwrap_or("no message").to_owned(),
                data: error["data"]
                    .as_str()
                    .and_then(|data| alloy_primitives::hex::decode(data).ok()),
            }));
        }
        match answer.get_mut("result") {
            Some(result) => Ok(Ok(result.take())),
            None => Err(LedgerError::Answer(format!(
                "{method}: neither result nor error"
            ))),
        }
    }

    /// As [`Self::ask`], where a refusal is out of place.
    fn get(&self, method: &str, params: &Value) -> Result<Value> {
        self.ask(method, params)?
            .map_err(|refusal| LedgerError::Answer(format!("{method}: {}", refusal.message)))
    }

    /// As [`Self::ask`] about the state after a block.
    pub(super) fn get_at(&self, method: &str, params: &Value, block: Hash) -> Result<Value> {
        self.ask(method, params)?.map_err(|refusal| {
            let message = refusal.message.to_ascii_lowercase();
            let reverted = refusal.code == 3 || message.contains("revert");
            // Geth: "header not found", "missing trie node"; EIP-1898: -32001.
            let unknown = [
                "not found",
                "unknown block",
                "not canonical",
                "missing trie node",
                "out of range",
            ];
            if reverted {
                LedgerError::Reverted(Revert::new(refusal.data.unwrap_or_default()))
            } else if refusal.code == -32001 || unknown.iter().any(|text| message.contains(text)) {
                LedgerError::UnknownBlock(block)
            } else {
                LedgerError::Answer(format!("{method}: {}", refusal.message))
            }
        })
    }

    /// A block with its whole header, from what is at hand if it is.
    pub(super) fn full_header(&self, hash: Hash) -> Result<Option<alloy_consensus::Header>> {
        let headers = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(header) = headers.get(&hash) {
            return Ok(Some(header.clone()));
        }
        drop(headers);
        match self.fetch_header("eth_getBlockByHash", json!(B256::from(hash)))? {
            Some((found, _)) if found != hash => Err(LedgerError::Answer(format!(
                "asked for block {hash}, got {found}"
            ))),
            found => Ok(found.map(|(_, header)| header)),
        }
    }

    fn fetch_header(
        &self,
        method: &str,
        block: Value,
    ) -> Result<Option<(Hash, alloy_consensus::Header)>> {
        let answer = self.get(method, &json!([block, false]))?;
        if answer.is_null() {
            return Ok(None);
        }
        let claimed: B256 = field(&answer, "hash")?;
        let header: alloy_consensus::Header = serde_json::from_value(answer)
            .map_err(|e| LedgerError::Answer(format!("block header: {e}")))?;
        if header.hash_slow() != claimed {
            return Err(LedgerError::Answer(format!(
                "the header's fields do not hash to {claimed}"
            )));
        }
        let mut headers = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        if headers.len() >= MAX_HEADERS {
            headers.clear();
        }
        headers.insert(claimed.into(), header.clone());
        Ok(Some((claimed.into(), header)))
    }
}

impl Ledger for JsonRpcLedger {
    fn chain_id(&self) -> Result<u64> {
        parse::<U64>(self.get("eth_chainId", &json!([]))?, "chain id").map(|id| id.to())
    }

    fn head(&self) -> Result<Header> {
        let (hash, header) = self
            .fetch_header("eth_getBlockByNumber", json!("latest"))?
            .ok_or_else(|| LedgerError::Answer("the node has no newest block".into()))?;
        if let Some(seals) = &self.seals {
            seals.check(self, hash)?;
        }
        Ok(excerpt(hash, &header))
    }

    fn header(&self, number: u64) -> Result<Option<Header>> {
        let header = self.fetch_header("eth_getBlockByNumber", json!(U64::from(number)))?;
        match header {
            Some((_, header)) if header.number != number => Err(LedgerError::Answer(format!(
                "asked for block {number}, got {}",
                header.number
            ))),
            header => Ok(header.map(|(hash, header)| excerpt(hash, &header))),
        }
    }

    fn header_by_hash(&self, hash: Hash) -> Result<Option<Header>> {
        let header = self.full_header(hash)?;
        Ok(header.map(|header| excerpt(hash, &header)))
    }

    fn storage_at(&self, contract: Address, slot: Word, block: Hash) -> Result<Word> {
        if self.evidence == Evidence::Proof {
            return self.proven_word(contract, slot, block);
        }
        let params = json!([to_alloy(contract), B256::from(slot), at(block)]);
        let word: B256 = parse(
            self.get_at("eth_getStorageAt", &params, block)?,
            "storage word",
        )?;
        Ok(word.0)
    }

    fn code_hash(&self, contract: Address, block: Hash) -> Result<Hash> {
        if self.evidence == Evidence::Proof {
            return self.proven_code_hash(contract, block);
        }
        let code: Bytes = parse(
            self.get_at(
                "eth_getCode",
                &json!([to_alloy(contract), at(block)]),
                block,
            )?,
            "code",
        )?;
        Ok(if code.is_empty() {
            Hash::default()
        } else {
            keccak256(&code).into()
        })
    }

    fn call(&self, call: &Call<'_>, block: Hash) -> Result<Vec<u8>> {
        let data = Bytes::copy_from_slice(call.data);
        let call = json!({ "from": to_alloy(call.from), "to": to_alloy(call.to), "input": data });
        let output: Bytes = parse(
            self.get_at("eth_call", &json!([call, at(block)]), block)?,
            "call result",
        )?;
        Ok(output.into())
    }

    fn logs(&self, contract: Address, blocks: RangeInclusive<u64>) -> Result<Vec<Log>> {
        let head = self.head()?.number;
        let (from, to) = (*blocks.start(), head.min(*blocks.end()));
        if from > to {
            return Ok(Vec::new());
        }
        let filter = json!({ "address": to_alloy(contract), "fromBlock": U64::from(from), "toBlock": U64::from(to) });
        let answer = self.get("eth_getLogs", &json!([filter]))?;
        let logs = parse_logs(&answer)?;
        if logs
            .iter()
            .any(|log| log.address != contract || !blocks.contains(&log.number))
        {
            return Err(LedgerError::Answer("logs that were not asked for".into()));
        }
        Ok(logs)
    }

    fn nonce(&self, account: Address) -> Result<u64> {
        let answer = self.get(
            "eth_getTransactionCount",
            &json!([to_alloy(account), "pending"]),
        )?;
        parse::<U64>(answer, "nonce").map(|nonce| nonce.to())
    }

    fn send(&self, transaction: &[u8]) -> Result<Hash> {
        let hash = keccak256(transaction);
        let bytes = Bytes::copy_from_slice(transaction);
        match self.ask("eth_sendRawTransaction", &json!([bytes]))? {
            Ok(answer) => {
                let found: B256 = parse(answer, "transaction hash")?;
                if found == hash {
                    Ok(hash.into())
                } else {
                    Err(LedgerError::Answer(format!(
                        "sent transaction {hash}, the node took in {found}"
                    )))
                }
            }
            Err(refusal) => {
                let message = refusal.message.to_ascii_lowercase();
                if message.contains("already known") || message.contains("already imported") {
                    return Ok(hash.into());
                }
                Err(LedgerError::Rejected(refusal.message))
            }
        }
    }

    fn receipt(&self, transaction: Hash) -> Result<Option<Receipt>> {
        let hash = B256::from(transaction);
        let answer = self.get("eth_getTransactionReceipt", &json!([hash]))?;
        if answer.is_null() || answer["blockHash"].is_null() {
            return Ok(None);
        }
        if field::<B256>(&answer, "transactionHash")? != hash {
            return Err(LedgerError::Answer(format!(
                "asked for the receipt of {hash}, got another"
            )));
        }
        Ok(Some(Receipt {
            transaction,
            number: field::<U64>(&answer, "blockNumber")?.to(),
            block: field::<B256>(&answer, "blockHash")?.into(),
            success: field::<U64>(&answer, "status")? == U64::ONE,
            contract: field::<Option<AlloyAddress>>(&answer, "contractAddress")?.map(from_alloy),
            gas_used: field::<U64>(&answer, "gasUsed")?.to(),
            logs: parse_logs(&answer["logs"])?,
        }))
    }
}

/// A block by hash, which must still be canonical (EIP-1898).
pub(super) fn at(block: Hash) -> Value {
    json!({ "blockHash": B256::from(block), "requireCanonical": true })
}
