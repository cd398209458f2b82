//! The port, answered by the embedded chain.

use std::ops::RangeInclusive;

use alloy_consensus::{Transaction as _, TxReceipt};
use alloy_primitives::{B256, Bloom, BloomInput, Bytes, U256};
use iotchain_core::{Address, UnixTime};

use super::EmbeddedLedger;
use super::chain::Chain;
use super::pool::Signed;
use crate::convert::{from_alloy, to_alloy};
use crate::{Call, Hash, Header, Ledger, LedgerError, Log, Receipt, Result, Word};

impl Ledger for EmbeddedLedger {
    fn chain_id(&self) -> Result<u64> {
        Ok(self.chain().chain_id)
    }

    fn head(&self) -> Result<Header> {
        let chain = self.chain();
        let (hash, header) = chain.head();
        Ok(summary(hash, header))
    }

    fn header(&self, number: u64) -> Result<Option<Header>> {
        Ok(self
            .chain()
            .header(number)?
            .map(|(hash, header)| summary(hash, &header)))
    }

    fn header_by_hash(&self, hash: Hash) -> Result<Option<Header>> {
        let chain = self.chain();
        let Some(number) = chain.number_of(hash.into())? else {
            return Ok(None);
        };
        Ok(chain
            .header(number)?
            .map(|(hash, header)| summary(hash, &header)))
    }

    fn storage_at(&self, contract: Address, slot: Word, block: Hash) -> Result<Word> {
        let chain = self.chain();
        let view = chain.view(block.into())?;
        Ok(view
            .storage(to_alloy(contract), U256::from_be_bytes(slot))
            .to_be_bytes())
    }

    fn code_hash(&self, contract: Address, block: Hash) -> Result<Hash> {
        let chain = self.chain();
        let account = chain.view(block.into())?.account(to_alloy(contract));
        let code = account.map(|account| account.code_hash);
        Ok(code
            .filter(|hash| *hash != alloy_primitives::KECCAK256_EMPTY)
            .unwrap_or_default()
            .into())
    }

    fn call(&self, call: &Call<'_>, block: Hash) -> Result<Vec<u8>> {
        let data = Bytes::copy_from_slice(call.data);
        let output = self.simulate(
            to_alloy(call.from),
            Some(to_alloy(call.to)),
            data,
            block.into(),
        )?;
        Ok(output.to_vec())
    }

    fn logs(&self, contract: Address, blocks: RangeInclusive<u64>) -> Result<Vec<Log>> {
        let head = self.chain().head().1.number;
        let mut found = Vec::new();
        for number in *blocks.start()..=head.min(*blocks.end()) {
            // The lock is taken block by block, so that a long range holds nobody up.
            let chain = self.chain();
            let Some((hash, header)) = chain.header(number)? else {
                break;
            };
            if may_contain(&header.logs_bloom, contract) {
                found.extend(
                    block_logs(&chain, number, hash)?
                        .into_iter()
                        .filter(|log| log.address == contract),
                );
            }
        }
        Ok(found)
    }

    fn nonce(&self, account: Address) -> Result<u64> {
        let chain = self.chain();
        let account = to_alloy(account);
        let state = chain
            .view(chain.head().0)?
            .account(account)
            .map_or(0, |account| account.nonce);
        Ok(chain.pool.next_nonce(account, state))
    }

    fn send(&self, transaction: &[u8]) -> Result<Hash> {
        // Recovering the sender is the costly part and needs no lock.
        let chain_id = self.chain_id()?;
        let signed = Signed::decode(transaction, chain_id)?;
        self.chain_mut().admit(signed).map(Hash::from)
    }

    fn receipt(&self, transaction: Hash) -> Result<Option<Receipt>> {
        receipt(&self.chain(), transaction.into())
    }
}

pub(super) fn summary(hash: B256, header: &alloy_consensus::Header) -> Header {
    Header {
        number: header.number,
        hash: hash.into(),
        parent: header.parent_hash.into(),
        timestamp: UnixTime::new(header.timestamp),
        state_root: header.state_root.into(),
    }
}

fn may_contain(bloom: &Bloom, contract: Address) -> bool {
    bloom.contains_input(BloomInput::Raw(contract.as_bytes()))
}

/// All logs of a block.
pub(super) fn block_logs(chain: &Chain, number: u64, hash: B256) -> Result<Vec<Log>> {
    let Some(block) = chain.store.block(number)? else {
        return Ok(Vec::new());
    };
    let receipts = chain.store.receipts(number)?;
    let logs = block
        .body
        .transactions
        .iter()
        .zip(&receipts)
        .flat_map(|(transaction, receipt)| {
            receipt
                .logs()
                .iter()
                .map(|log| (*transaction.tx_hash(), log))
        });
    Ok((0..)
        .zip(logs)
        .map(|(index, (transaction, log))| Log {
            address: from_alloy(log.address),
            topics: log.data.topics().iter().map(|topic| topic.0).collect(),
            data: log.data.data.to_vec(),
            number,
            block: hash.into(),
            transaction: transaction.into(),
            index,
        })
        .collect())
}

fn receipt(chain: &Chain, transaction: B256) -> Result<Option<Receipt>> {
    let Some((number, index)) = chain.store.position_of(transaction)? else {
        return Ok(None);
    };
    let missing = || LedgerError::Corrupt(format!("the receipt of {transaction} is missing"));
    let block = chain.store.block(number)?.ok_or_else(missing)?;
    let receipts = chain.store.receipts(number)?;
    let (envelope, receipt) = block
        .body
        .transactions
        .get(index)
        .zip(receipts.get(index))
        .ok_or_else(missing)?;
    let before = index
        .checked_sub(1)
        .and_then(|i| receipts.get(i))
        .map_or(0, TxReceipt::cumulative_gas_used);
    let hash = block.header.hash_slow();
    let logs = block_logs(chain, number, hash)?;
    let sender = alloy_consensus::transaction::SignerRecoverable::recover_signer(envelope)
        .map_err(|_| missing())?;
    Ok(Some(Receipt {
        transaction: transaction.into(),
        number,
        block: hash.into(),
        success: receipt.status(),
        contract: envelope
            .to()
            .is_none()
            .then(|| from_alloy(sender.create(envelope.nonce()))),
        gas_used: receipt.cumulative_gas_used() - before,
        logs: logs
            .into_iter()
            .filter(|log| log.transaction == transaction.into())
            .collect(),
    }))
}
