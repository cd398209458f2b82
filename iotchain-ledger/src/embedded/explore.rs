//! What a JSON-RPC node shows beyond the port: whole blocks, transactions, accounts, proofs.

use alloy_consensus::{ReceiptEnvelope, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::TrieAccount;

use super::EmbeddedLedger;
use super::ledger::block_logs;
use super::proof::{AccountProof, prove};
use super::state::absent_account;
use super::store::FullBlock;
use crate::{Log, Result};

/// A block with its hash, receipts and logs.
pub(crate) struct BlockView {
    pub(crate) hash: B256,
    pub(crate) block: FullBlock,
}

impl EmbeddedLedger {
    pub(crate) fn block(&self, number: u64) -> Result<Option<BlockView>> {
        let block = self.chain().store.block(number)?;
        Ok(block.map(|block| BlockView {
            hash: block.header.hash_slow(),
            block,
        }))
    }

    pub(crate) fn number_of(&self, hash: B256) -> Result<Option<u64>> {
        self.chain().number_of(hash)
    }

    pub(crate) fn head_number(&self) -> u64 {
        self.chain().head().1.number
    }

    pub(crate) fn hash_of(&self, number: u64) -> Result<Option<B256>> {
        Ok(self.chain().header(number)?.map(|(hash, _)| hash))
    }

    pub(crate) fn receipts(&self, number: u64) -> Result<Vec<ReceiptEnvelope>> {
        self.chain().store.receipts(number)
    }

    pub(crate) fn block_logs(&self, number: u64, hash: B256) -> Result<Vec<Log>> {
        block_logs(&self.chain(), number, hash)
    }

    /// Block and position of a transaction.
    pub(crate) fn position_of(&self, transaction: B256) -> Result<Option<(u64, usize)>> {
        self.chain().store.position_of(transaction)
    }

    /// A transaction that waits for a block.
    pub(crate) fn waiting(&self, transaction: B256) -> Option<TxEnvelope> {
        let chain = self.chain();
        chain
            .pool
            .iter()
            .find(|signed| signed.hash() == transaction)
            .map(|signed| signed.transaction.clone())
    }

    pub(crate) fn account(&self, address: Address, block: B256) -> Result<TrieAccount> {
        Ok(self
            .chain()
            .view(block)?
            .account(address)
            .unwrap_or_else(absent_account))
    }

    pub(crate) fn code(&self, address: Address, block: B256) -> Result<Bytes> {
        let chain = self.chain();
        let view = chain.view(block)?;
        Ok(view.account(address).map_or_else(Bytes::new, |account| {
            view.code(account.code_hash).original_bytes()
        }))
    }

    pub(crate) fn storage(&self, address: Address, slot: U256, block: B256) -> Result<U256> {
        Ok(self.chain().view(block)?.storage(address, slot))
    }

    pub(crate) fn proof(
        &self,
        address: Address,
        slots: &[U256],
        block: B256,
    ) -> Result<AccountProof> {
        Ok(prove(&self.chain().view(block)?, address, slots))
    }

    /// Runs a call or deployment without a trace.
    pub(crate) fn simulate(
        &self,
        from: Address,
        to: Option<Address>,
        data: Bytes,
        block: B256,
    ) -> Result<Bytes> {
        let chain = self.chain();
        let gas = chain.gas_cap();
        chain
            .call(block, from, to, data, gas)
            .map(|(output, _)| output)
    }

    /// A gas limit with which a call succeeds, at most 1/64 above the least one.
    pub(crate) fn estimate_gas(
        &self,
        from: Address,
        to: Option<Address>,
        data: &Bytes,
        block: B256,
    ) -> Result<u64> {
        let chain = self.chain();
        let mut enough = chain.gas_cap();
        let (_, used) = chain.call(block, from, to, data.clone(), enough)?;
        // Refunds and gas held back for inner calls can make a limit of `used` too little.
        let mut too_little = used.saturating_sub(1);
        while enough - too_little > enough / 64 {
            let middle = too_little + (enough - too_little) / 2;
            match chain.call(block, from, to, data.clone(), middle) {
                Ok(_) => enough = middle,
                Err(_) => too_little = middle,
            }
        }
        Ok(enough)
    }
}
