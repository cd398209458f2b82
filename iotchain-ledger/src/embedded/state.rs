//! World state: accounts and storage in trie order, with what is needed to look back at recent blocks.
//!
//! Everything is keyed by the Keccak-256 hash that the tries use, so that computing a root never hashes a key again.

use std::collections::{BTreeMap, HashMap};

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount, root};
use revm::bytecode::Bytecode;
use revm::state::EvmState;

/// An account and its storage. `trie.storage_root` is stale while `dirty`.
#[derive(Clone, Debug)]
pub(super) struct AccountState {
    trie: TrieAccount,
    storage: BTreeMap<B256, U256>,
    dirty: bool,
}

/// What a block changed in one account: its values before the block.
#[derive(Debug)]
struct AccountBefore {
    account: Option<TrieAccount>,
    slots: HashMap<B256, U256>,
}

/// What a block changed: enough to look at the state before it, or to take it back.
#[derive(Debug, Default)]
pub(super) struct Undo(HashMap<B256, AccountBefore>);

/// The state after the newest block.
#[derive(Debug, Default)]
pub(super) struct State {
    accounts: BTreeMap<B256, AccountState>,
    code: HashMap<B256, Bytecode>,
}

impl State {
    /// Applies what one transaction changed and remembers in `undo` what was there before.
    pub(super) fn apply(&mut self, changes: EvmState, undo: &mut Undo) {
        for (address, change) in changes {
            if !change.is_touched() {
                continue;
            }
            let key = keccak256(address);
            let present = self.accounts.get(&key);
            let before = undo.0.entry(key).or_insert_with(|| AccountBefore {
                account: present.map(|account| account.trie),
                slots: HashMap::new(),
            });
            // An account that was destroyed, or created over an empty one, keeps no storage (EIP-161, EIP-684).
            if change.is_selfdestructed() || change.is_created() || change.is_empty() {
                for (slot, value) in present.into_iter().flat_map(|account| &account.storage) {
                    before.slots.entry(*slot).or_insert(*value);
                }
                self.accounts.remove(&key);
                if !change.is_created() || change.is_selfdestructed() || change.is_empty() {
                    continue;
                }
            }
            let account = self.accounts.entry(key).or_insert_with(|| AccountState {
                trie: TrieAccount::default(),
                storage: BTreeMap::new(),
                dirty: false,
            });
            account.trie.nonce = change.info.nonce;
            account.trie.balance = change.info.balance;
            account.trie.code_hash = change.info.code_hash;
            for (slot, value) in change.changed_storage_slots() {
                let slot = keccak256(slot.to_be_bytes::<32>());
                let value = value.present_value;
                let old = if value.is_zero() {
                    account.storage.remove(&slot)
                } else {
                    account.storage.insert(slot, value)
                };
                before.slots.entry(slot).or_insert(old.unwrap_or_default());
                account.dirty = true;
            }
            if let Some(code) = change.info.code.filter(|code| !code.is_empty()) {
                self.code.entry(change.info.code_hash).or_insert(code);
            }
        }
    }

    /// Takes a block back. Code stays: it is addressed by its hash.
    pub(super) fn revert(&mut self, undo: Undo) {
        for (key, before) in undo.0 {
            let Some(trie) = before.account else {
                self.accounts.remove(&key);
                continue;
            };
            let account = self.accounts.entry(key).or_insert_with(|| AccountState {
                trie,
                storage: BTreeMap::new(),
                dirty: false,
            });
            account.trie = trie;
            account.dirty = false;
            for (slot, value) in before.slots {
                if value.is_zero() {
                    account.storage.remove(&slot);
                } else {
                    account.storage.insert(slot, value);
                }
            }
        }
    }

    /// The state root; storage tries are computed again only where something changed.
    pub(super) fn root(&mut self) -> B256 {
        for account in self.accounts.values_mut().filter(|account| account.dirty) {
            account.trie.storage_root =
                root::storage_root(account.storage.iter().map(|(slot, value)| (*slot, *value)));
            account.dirty = false;
        }
        root::state_root(
            self.accounts
                .iter()
                .map(|(key, account)| (*key, account.trie)),
        )
    }
}

/// The state as it was after a recent block.
pub(super) struct View<'a> {
    state: &'a State,
    /// The blocks after that one, oldest first.
    newer: Vec<&'a Undo>,
}

impl<'a> View<'a> {
    pub(super) const fn new(state: &'a State, newer: Vec<&'a Undo>) -> Self {
        Self { state, newer }
    }

    pub(super) fn account(&self, address: Address) -> Option<TrieAccount> {
        self.account_hashed(keccak256(address))
    }

    pub(super) fn storage(&self, address: Address, slot: U256) -> U256 {
        let (key, slot) = (keccak256(address), keccak256(slot.to_be_bytes::<32>()));
        self.newer
            .iter()
            .find_map(|undo| undo.0.get(&key)?.slots.get(&slot).copied())
            .or_else(|| self.state.accounts.get(&key)?.storage.get(&slot).copied())
            .unwrap_or_default()
    }

    /// The code with this hash; empty if it is the hash of nothing.
    pub(super) fn code(&self, hash: B256) -> Bytecode {
        self.state.code.get(&hash).cloned().unwrap_or_default()
    }

    /// Every account in trie order.
    pub(super) fn accounts(&self) -> BTreeMap<B256, TrieAccount> {
        let mut accounts: BTreeMap<_, _> = self
            .state
            .accounts
            .iter()
            .map(|(key, account)| (*key, account.trie))
            .collect();
        for (key, before) in self.newer.iter().rev().flat_map(|undo| &undo.0) {
            match before.account {
                Some(account) => accounts.insert(*key, account),
                None => accounts.remove(key),
            };
        }
        accounts
    }

    /// The storage of an account in trie order.
    pub(super) fn storage_of(&self, address: Address) -> BTreeMap<B256, U256> {
        let key = keccak256(address);
        let mut storage = self
            .state
            .accounts
            .get(&key)
            .map(|account| account.storage.clone())
            .unwrap_or_default();
        for before in self.newer.iter().rev().filter_map(|undo| undo.0.get(&key)) {
            storage.extend(&before.slots);
        }
        storage.retain(|_, value| !value.is_zero());
        storage
    }

    fn account_hashed(&self, key: B256) -> Option<TrieAccount> {
        match self.newer.iter().find_map(|undo| undo.0.get(&key)) {
            Some(before) => before.account,
            None => self.state.accounts.get(&key).map(|account| account.trie),
        }
    }
}

/// An account that does not exist, as EIP-1186 shows it.
pub(super) const fn absent_account() -> TrieAccount {
    TrieAccount::new(0, U256::ZERO, EMPTY_ROOT_HASH, KECCAK256_EMPTY)
}
