//! The chain itself: its newest state, recent blocks to look back at, and how it grows by one block.

use std::collections::VecDeque;

use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{BlockBody, Header, Transaction, proofs};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use revm::context::TxEnv;
use revm::context::result::ExecutionResult;

use super::clique;
use super::execute::{Database, Execution, Outcome, environment, least_gas, run};
use super::pool::{Pool, Signed, rejected};
use super::state::{State, Undo, View};
use super::store::{Founding, FullBlock, Store};
use crate::contract::Revert;
use crate::convert::to_alloy;
use crate::{Account, LedgerError, Result};

/// How many blocks back the state can be read.
const LOOK_BACK: usize = 256;
/// How many block hashes are kept: whoever looks back that far may ask for 256 more (BLOCKHASH).
const RECENT: usize = 2 * LOOK_BACK;

/// A block of the recent past.
struct Recent {
    hash: B256,
    header: Header,
    undo: Undo,
}

/// A chain with one sealer.
pub(super) struct Chain {
    pub(super) chain_id: u64,
    pub(super) store: Store,
    pub(super) pool: Pool,
    sealer: Account,
    /// Most gas of one transaction.
    transaction_gas: u64,
    state: State,
    /// Oldest first, never empty.
    recent: VecDeque<Recent>,
}

/// The founding of a chain that starts at `now`, in unix seconds.
pub(super) fn found(chain_id: u64, gas_limit: u64, now: u64) -> Result<Founding> {
    let sealer = Account::generate()?;
    let genesis = clique::genesis(to_alloy(sealer.address()), gas_limit, now);
    Ok(Founding {
        chain_id,
        sealer: sealer.to_bytes(),
        genesis: FullBlock::new(genesis, BlockBody::default()),
    })
}

impl Chain {
    /// Replays the log. Every block must follow from the one before it, down to its hash and its state root.
    pub(super) fn open(store: Store, chain_id: u64, transaction_gas: u64) -> Result<Self> {
        let found = store.chain_id()?;
        if found != chain_id {
            return Err(LedgerError::Foreign(format!(
                "holds chain {found}, not {chain_id}; nothing was written"
            )));
        }
        let sealer = Account::from_bytes(&*store.sealer()?)?;
        let genesis = stored(&store, 0)?.header;
        if clique::genesis_signer(&genesis) != Some(to_alloy(sealer.address())) {
            return Err(LedgerError::Corrupt(
                "the genesis block is not of this sealer".into(),
            ));
        }
        let first = Recent {
            hash: genesis.hash_slow(),
            header: genesis,
            undo: Undo::default(),
        };
        let mut chain = Self {
            chain_id,
            pool: Pool::default(),
            sealer,
            transaction_gas,
            state: State::default(),
            recent: VecDeque::from([first]),
            store,
        };
        for number in 1..chain.store.len()? {
            let block = stored(&chain.store, number)?;
            chain
                .replay(block)
                .map_err(|why| LedgerError::Corrupt(format!("block {number}: {why}")))?;
        }
        // The chain of hashes carries the newest block's seal down to the genesis block.
        let (_, head) = chain.head();
        if head.number > 0 && clique::signer(head) != Some(chain.sealer_address()) {
            return Err(LedgerError::Corrupt(format!(
                "block {} is not sealed by the sealer",
                head.number
            )));
        }
        Ok(chain)
    }

    pub(super) fn sealer_address(&self) -> Address {
        to_alloy(self.sealer.address())
    }

    /// The newest block.
    pub(super) fn head(&self) -> (B256, &Header) {
        let newest = &self.recent[self.recent.len() - 1];
        (newest.hash, &newest.header)
    }

    /// Checks a transaction against the newest state and lets it wait for a block.
    pub(super) fn admit(&mut self, signed: Signed) -> Result<B256> {
        let hash = signed.hash();
        let transaction = &signed.transaction;
        if transaction.gas_limit() > self.gas_cap() {
            return Err(rejected(&format!("gas limit above {}", self.gas_cap())));
        }
        if transaction.gas_limit() < least_gas(&environment(transaction, signed.sender)) {
            return Err(rejected(
                "gas limit below what the transaction costs before it runs",
            ));
        }
        let account = View::new(&self.state, Vec::new()).account(signed.sender);
        let (nonce, balance) =
            account.map_or((0, U256::ZERO), |account| (account.nonce, account.balance));
        let price = U256::from(transaction.gas_limit())
            .saturating_mul(U256::from(transaction.max_fee_per_gas()));
        if price.saturating_add(transaction.value()) > balance {
            return Err(rejected("insufficient funds; use gas price 0 and value 0"));
        }
        // Sent again after it stood in a block: nothing is wrong.
        if transaction.nonce() < nonce && self.store.position_of(hash)?.is_some() {
            return Ok(hash);
        }
        self.pool.add(signed, nonce)?;
        Ok(hash)
    }

    /// Makes a block of waiting transactions, at most half full so that the base fee stays 0 (EIP-1559), and appends it.
    /// If the disk refuses, the chain is as before and the transactions still wait.
    pub(super) fn seal(&mut self, now: u64, period: u64) -> Result<()> {
        let (parent_hash, parent) = self.head();
        let timestamp = now.max(parent.timestamp + period);
        let mut header = clique::successor(parent, parent_hash, self.sealer_address(), timestamp);
        let target = header.gas_limit / 2;
        let sealer = self.sealer_address();
        let recent = &self.recent;
        let mut execution = Execution::new(
            &mut self.state,
            |number| block_hash(recent, number),
            &header,
            sealer,
            self.chain_id,
        );
        let (mut included, mut refused) = (Vec::new(), Vec::new());
        for signed in self.pool.iter() {
            let fits = execution
                .gas_used()
                .saturating_add(signed.transaction.gas_limit())
                <= target;
            if !fits {
                break;
            }
            match execution.add(&signed.transaction, signed.sender) {
                Ok(()) => included.push(signed.clone()),
                Err(why) => {
                    tracing::warn!(sender = %signed.sender, hash = %signed.hash(), %why, "transaction dropped");
                    refused.push(signed.sender);
                }
            }
        }
        let outcome = execution.finish();
        let transactions: Vec<_> = included
            .iter()
            .map(|signed| signed.transaction.clone())
            .collect();
        header.transactions_root = proofs::calculate_transaction_root(&transactions);
        complete(&mut header, &outcome, self.state.root());
        clique::seal(&mut header, &self.sealer);

        let hash = header.hash_slow();
        let body = BlockBody {
            transactions,
            ..BlockBody::default()
        };
        let block = FullBlock::new(header, body);
        if let Err(error) = self.store.append(&block, hash, &outcome.receipts) {
            self.state.revert(outcome.undo);
            return Err(error);
        }
        self.push(hash, block.header, outcome.undo);
        for signed in included {
            self.pool
                .forget_below(signed.sender, signed.transaction.nonce() + 1);
        }
        for sender in refused {
            self.pool.forget(sender);
        }
        Ok(())
    }

    fn replay(&mut self, block: FullBlock) -> std::result::Result<(), String> {
        let (parent_hash, parent) = self.head();
        let stored = &block.header;
        if stored.timestamp < parent.timestamp {
            return Err("it is older than its parent".into());
        }
        let mut header =
            clique::successor(parent, parent_hash, self.sealer_address(), stored.timestamp);
        let sealer = self.sealer_address();
        let recent = &self.recent;
        let mut execution = Execution::new(
            &mut self.state,
            |number| block_hash(recent, number),
            &header,
            sealer,
            self.chain_id,
        );
        for transaction in &block.body.transactions {
            let sender = transaction.recover_signer().map_err(|e| e.to_string())?;
            execution
                .add(transaction, sender)
                .map_err(|e| e.to_string())?;
        }
        let outcome = execution.finish();
        header.transactions_root = proofs::calculate_transaction_root(&block.body.transactions);
        // An empty block changes no state, and its root is its parent's.
        let root = if block.body.transactions.is_empty() {
            self.head().1.state_root
        } else {
            self.state.root()
        };
        complete(&mut header, &outcome, root);
        header.extra_data = stored.extra_data.clone();
        if header != *stored {
            return Err("it does not reproduce: its header says something else".into());
        }
        self.push(header.hash_slow(), header, outcome.undo);
        Ok(())
    }

    fn push(&mut self, hash: B256, header: Header, undo: Undo) {
        self.recent.push_back(Recent { hash, header, undo });
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// A block of the recent past or of the log, with its hash.
    pub(super) fn header(&self, number: u64) -> Result<Option<(B256, Header)>> {
        let oldest = self.recent[0].header.number;
        if let Some(recent) = number
            .checked_sub(oldest)
            .and_then(|i| self.recent.get(usize::try_from(i).ok()?))
        {
            return Ok(Some((recent.hash, recent.header.clone())));
        }
        Ok(self
            .store
            .block(number)?
            .map(|block| (block.header.hash_slow(), block.header)))
    }

    pub(super) fn number_of(&self, hash: B256) -> Result<Option<u64>> {
        // Most questions are about the newest blocks.
        match self
            .recent
            .iter()
            .rev()
            .take(16)
            .find(|recent| recent.hash == hash)
        {
            Some(recent) => Ok(Some(recent.header.number)),
            None => self.store.number_of(hash),
        }
    }

    /// The state after a block, if it is recent enough.
    pub(super) fn view(&self, hash: B256) -> Result<View<'_>> {
        Ok(self.recent_view(hash)?.1)
    }

    /// Runs a call on the state after a block, with that block's number and time.
    /// Returns its output and the gas it used.
    pub(super) fn call(
        &self,
        block: B256,
        from: Address,
        to: Option<Address>,
        data: Bytes,
        gas_limit: u64,
    ) -> Result<(Bytes, u64)> {
        let (header, view) = self.recent_view(block)?;
        let call = TxEnv {
            caller: from,
            nonce: view.account(from).map_or(0, |account| account.nonce),
            kind: to.map_or(TxKind::Create, TxKind::Call),
            data,
            gas_limit,
            gas_price: 0,
            chain_id: None,
            ..TxEnv::default()
        };
        let database = Database {
            view,
            block_hash: |number| block_hash(&self.recent, number),
        };
        let result = run(database, header, self.sealer_address(), self.chain_id, call)
            .map_err(|e| rejected(&e.to_string()))?
            .result;
        let gas = result.tx_gas_used();
        match result {
            ExecutionResult::Success { output, .. } => Ok((output.into_data(), gas)),
            ExecutionResult::Revert { output, .. } => {
                Err(LedgerError::Reverted(Revert::new(output.to_vec())))
            }
            ExecutionResult::Halt { reason, .. } => {
                Err(rejected(&format!("the call stopped: {reason:?}")))
            }
        }
    }

    /// Most gas of one transaction or call.
    pub(super) fn gas_cap(&self) -> u64 {
        self.transaction_gas.min(self.head().1.gas_limit / 2)
    }

    fn recent_view(&self, hash: B256) -> Result<(&Header, View<'_>)> {
        let position = self
            .recent
            .iter()
            .rev()
            .take(LOOK_BACK)
            .position(|recent| recent.hash == hash);
        let newer = position.ok_or_else(|| LedgerError::UnknownBlock(hash.into()))?;
        let at = self.recent.len() - 1 - newer;
        let undo = self
            .recent
            .iter()
            .skip(at + 1)
            .map(|recent| &recent.undo)
            .collect();
        Ok((&self.recent[at].header, View::new(&self.state, undo)))
    }
}

fn complete(header: &mut Header, outcome: &Outcome, state_root: B256) {
    header.state_root = state_root;
    header.receipts_root = outcome.receipts_root();
    header.logs_bloom = outcome.bloom();
    header.gas_used = outcome.gas_used;
}

fn block_hash(recent: &VecDeque<Recent>, number: u64) -> B256 {
    recent
        .iter()
        .rev()
        .find(|recent| recent.header.number == number)
        .map_or(B256::ZERO, |recent| recent.hash)
}

fn stored(store: &Store, number: u64) -> Result<FullBlock> {
    store
        .block(number)?
        .ok_or_else(|| LedgerError::Corrupt(format!("block {number} is missing")))
}
