//! Runs transactions and calls in the EVM under the London rules.

use std::convert::Infallible;

use alloy_consensus::{
    Eip658Value, Header, Receipt, ReceiptEnvelope, Transaction, TxEnvelope, TxReceipt, TxType,
    proofs,
};
use alloy_primitives::{Address, B256, Bloom, Log, U256};
use revm::bytecode::Bytecode;
use revm::context::result::{EVMError, ExecutionResult, ResultAndState};
use revm::context::{BlockEnv, Context, TxEnv};
use revm::context_interface::cfg::gas::calculate_initial_tx_gas_for_tx;
use revm::database_interface::WrapDatabaseRef;
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{DatabaseRef, ExecuteEvm, MainBuilder, MainContext};

use super::state::{State, Undo, View};

/// Why a transaction cannot stand in a block.
pub(super) type Invalid = EVMError<Infallible>;

/// State and recent block hashes, as the EVM reads them.
pub(super) struct Database<'a, H> {
    pub(super) view: View<'a>,
    pub(super) block_hash: H,
}

impl<H: Fn(u64) -> B256> DatabaseRef for Database<'_, H> {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.view.account(address).map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self.view.code(code_hash))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.view.storage(address, slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok((self.block_hash)(number))
    }
}

/// Runs one transaction; nothing is written.
pub(super) fn run<H: Fn(u64) -> B256>(
    database: Database<'_, H>,
    block: &Header,
    sealer: Address,
    chain_id: u64,
    transaction: TxEnv,
) -> Result<ResultAndState, Invalid> {
    let environment = BlockEnv {
        number: U256::from(block.number),
        beneficiary: sealer,
        timestamp: U256::from(block.timestamp),
        gas_limit: block.gas_limit,
        basefee: block.base_fee_per_gas.unwrap_or_default(),
        difficulty: block.difficulty,
        ..BlockEnv::default()
    };
    Context::mainnet()
        .modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::LONDON);
            cfg.chain_id = chain_id;
        })
        .with_db(WrapDatabaseRef(database))
        .with_block(environment)
        .build_mainnet()
        .transact(transaction)
}

/// Gas that a transaction uses before its first instruction.
pub(super) fn least_gas(transaction: &TxEnv) -> u64 {
    calculate_initial_tx_gas_for_tx(transaction, SpecId::LONDON, None).initial_total_gas()
}

/// The EVM's form of a signed transaction.
pub(super) fn environment(transaction: &TxEnvelope, sender: Address) -> TxEnv {
    TxEnv {
        tx_type: transaction.tx_type().into(),
        caller: sender,
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        gas_priority_fee: transaction.max_priority_fee_per_gas(),
        kind: transaction.kind(),
        value: transaction.value(),
        data: transaction.input().clone(),
        nonce: transaction.nonce(),
        chain_id: transaction.chain_id(),
        access_list: transaction.access_list().cloned().unwrap_or_default(),
        ..TxEnv::default()
    }
}

/// A block in the making.
pub(super) struct Execution<'a, H> {
    state: &'a mut State,
    block_hash: H,
    header: &'a Header,
    sealer: Address,
    chain_id: u64,
    outcome: Outcome,
}

/// What a block's transactions did.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) gas_used: u64,
    pub(super) receipts: Vec<ReceiptEnvelope>,
    pub(super) undo: Undo,
}

impl<'a, H: Fn(u64) -> B256> Execution<'a, H> {
    pub(super) fn new(
        state: &'a mut State,
        block_hash: H,
        header: &'a Header,
        sealer: Address,
        chain_id: u64,
    ) -> Self {
        Self {
            state,
            block_hash,
            header,
            sealer,
            chain_id,
            outcome: Outcome::default(),
        }
    }

    pub(super) const fn gas_used(&self) -> u64 {
        self.outcome.gas_used
    }

    /// Runs a transaction and keeps what it changed. On failure nothing is changed.
    pub(super) fn add(&mut self, transaction: &TxEnvelope, sender: Address) -> Result<(), Invalid> {
        let database = Database {
            view: View::new(self.state, Vec::new()),
            block_hash: &self.block_hash,
        };
        let ResultAndState { result, state } = run(
            database,
            self.header,
            self.sealer,
            self.chain_id,
            environment(transaction, sender),
        )?;
        self.state.apply(state, &mut self.outcome.undo);
        self.outcome.gas_used += result.tx_gas_used();
        let success = result.is_success();
        let logs = if let ExecutionResult::Success { logs, .. } = result {
            logs
        } else {
            Vec::new()
        };
        self.outcome.receipts.push(receipt(
            transaction.tx_type(),
            success,
            self.outcome.gas_used,
            logs,
        ));
        Ok(())
    }

    pub(super) fn finish(self) -> Outcome {
        self.outcome
    }
}

impl Outcome {
    pub(super) fn receipts_root(&self) -> B256 {
        proofs::calculate_receipt_root(&self.receipts)
    }

    pub(super) fn bloom(&self) -> Bloom {
        self.receipts
            .iter()
            .fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom())
    }
}

fn receipt(
    kind: TxType,
    success: bool,
    cumulative_gas_used: u64,
    logs: Vec<Log>,
) -> ReceiptEnvelope {
    let receipt = Receipt {
        status: Eip658Value::Eip658(success),
        cumulative_gas_used,
        logs,
    }
    .into_with_bloom();
    match kind {
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        // Admission lets no other kind in.
        _ => ReceiptEnvelope::Legacy(receipt),
    }
}
