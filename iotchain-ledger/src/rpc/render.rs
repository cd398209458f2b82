//! Blocks, transactions, receipts and proofs as JSON-RPC shows them.

use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{ReceiptEnvelope, Transaction, TxEnvelope, TxReceipt};
use alloy_primitives::{Address, B256, Bytes, U64};
use serde_json::{Value, json};

use super::method::Fault;
use crate::Log;
use crate::convert::to_alloy;
use crate::embedded::{AccountProof, BlockView};

/// A quantity: hex without leading zeros.
pub(super) fn quantity(number: u64) -> Value {
    json!(U64::from(number))
}

/// A block, with whole transactions or only their hashes.
pub(super) fn block(view: &BlockView, whole: bool) -> Result<Value, Fault> {
    let transactions = view.block.body.transactions.iter().enumerate();
    let transactions: Vec<_> = transactions
        .map(|(index, tx)| {
            if whole {
                transaction(tx, Some((view, index)))
            } else {
                Ok(json!(tx.tx_hash()))
            }
        })
        .collect::<Result<_, _>>()?;
    let mut shown = serde_json::to_value(&view.block.header).map_err(Fault::internal)?;
    shown["hash"] = json!(view.hash);
    shown["size"] = quantity(alloy_rlp::encode(&view.block).len() as u64);
    shown["uncles"] = json!([]);
    shown["transactions"] = json!(transactions);
    Ok(shown)
}

/// A transaction, waiting or in a block.
pub(super) fn transaction(
    tx: &TxEnvelope,
    position: Option<(&BlockView, usize)>,
) -> Result<Value, Fault> {
    let mut shown = serde_json::to_value(tx).map_err(Fault::internal)?;
    shown["from"] = json!(sender(tx)?);
    shown["blockHash"] = json!(position.map(|(view, _)| view.hash));
    shown["blockNumber"] = json!(position.map(|(view, _)| quantity(view.block.header.number)));
    shown["transactionIndex"] = json!(position.map(|(_, index)| quantity(index as u64)));
    // The price that was paid; the base fee is 0.
    shown["gasPrice"] = json!(U64::from(
        tx.effective_gas_price(Some(0)).min(u64::MAX.into())
    ));
    Ok(shown)
}

/// The receipt of the transaction at `index` of a block. `logs` are those of the block.
pub(super) fn receipt(
    view: &BlockView,
    index: usize,
    receipts: &[ReceiptEnvelope],
    logs: &[Log],
) -> Result<Value, Fault> {
    let missing = || Fault::internal("a receipt is missing");
    let (tx, receipt) = view
        .block
        .body
        .transactions
        .get(index)
        .zip(receipts.get(index))
        .ok_or_else(missing)?;
    let before = index
        .checked_sub(1)
        .and_then(|i| receipts.get(i))
        .map_or(0, TxReceipt::cumulative_gas_used);
    let sender = sender(tx)?;
    let hash = *tx.tx_hash();
    let logs: Vec<_> = logs
        .iter()
        .filter(|log| B256::from(log.transaction) == hash)
        .map(|l| log(l, index))
        .collect();
    Ok(json!({
        "transactionHash": hash,
        "transactionIndex": quantity(index as u64),
        "blockHash": view.hash,
        "blockNumber": quantity(view.block.header.number),
        "from": sender,
        "to": tx.to(),
        "contractAddress": tx.to().is_none().then(|| sender.create(tx.nonce())),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used()),
        "gasUsed": quantity(receipt.cumulative_gas_used() - before),
        "effectiveGasPrice": json!(U64::from(tx.effective_gas_price(Some(0)).min(u64::MAX.into()))),
        "status": quantity(receipt.status().into()),
        "type": quantity(u8::from(tx.tx_type()).into()),
        "logsBloom": receipt.logs_bloom(),
        "logs": logs,
    }))
}

/// A log entry of the transaction at `index` of its block.
pub(super) fn log(log: &Log, index: usize) -> Value {
    json!({
        "address": to_alloy(log.address),
        "topics": log.topics.iter().map(B256::from).collect::<Vec<_>>(),
        "data": Bytes::copy_from_slice(&log.data),
        "blockNumber": quantity(log.number),
        "blockHash": B256::from(log.block),
        "transactionHash": B256::from(log.transaction),
        "transactionIndex": quantity(index as u64),
        "logIndex": quantity(log.index),
        "removed": false,
    })
}

/// An EIP-1186 proof.
pub(super) fn proof(address: Address, proof: &AccountProof) -> Value {
    let storage = proof.storage.iter();
    let storage: Vec<_> = storage
        .map(|word| json!({ "key": word.slot, "value": word.value, "proof": word.nodes }))
        .collect();
    json!({
        "address": address,
        "balance": proof.account.balance,
        "nonce": quantity(proof.account.nonce),
        "codeHash": proof.account.code_hash,
        "storageHash": proof.account.storage_root,
        "accountProof": proof.nodes,
        "storageProof": storage,
    })
}

fn sender(tx: &TxEnvelope) -> Result<Address, Fault> {
    tx.recover_signer().map_err(Fault::internal)
}
