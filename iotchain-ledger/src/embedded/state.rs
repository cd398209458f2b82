//! World state: accounts and their storage in tries, with what is needed to look back at recent blocks.

use std::collections::{HashMap, HashSet};

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use revm::bytecode::Bytecode;
use revm::state::{Account, EvmState};

use super::trie::Trie;

/// An account. Its `storage_root` is that of `storage` except while it is among [`State::changed`].
#[derive(Debug, Default)]
struct AccountState {
    trie: TrieAccount,
    storage: Trie,
}

/// One account before a block.
#[derive(Debug)]
struct AccountBefore {
    account: Option<TrieAccount>,
    /// Words that were changed, zero if they were not there.
    slots: HashMap<B256, U256>,
    /// The whole storage, if it was wiped. `slots` decides over it.
    wiped: Option<Trie>,
}

/// What a block changed: enough to look at the state before it, or to take it back.
#[derive(Debug, Default)]
pub(super) struct Undo(HashMap<B256, AccountBefore>);

/// The state after the newest block. Accounts and slots go by the hashes that the tries use.
#[derive(Debug, Default)]
pub(super) struct State {
    accounts: HashMap<B256, AccountState>,
    code: HashMap<B256, Bytecode>,
    trie: Trie,
    /// Accounts that `trie` does not show yet.
    changed: HashSet<B256>,
}

impl State {
    /// Applies what one transaction changed and remembers in `undo` what was there before.
    pub(super) fn apply(&mut self, changes: EvmState, undo: &mut Undo) {
        for (address, change) in changes {
            if !change.is_touched() {
                continue;
            }
            let key = keccak256(address);
            let before = undo.0.entry(key).or_insert_with(|| AccountBefore {
                account: self.accounts.get(&key).map(|account| account.trie),
                slots: HashMap::new(),
                wiped: None,
            });
            self.changed.insert(key);
            let gone = change.is_selfdestructed() || change.is_empty();
            // An account that was destroyed, or created over an empty one, keeps no storage (EIP-161, EIP-684).
            if (gone || change.is_created())
                && let Some(account) = self.accounts.remove(&key)
            {
                before.wiped.get_or_insert(account.storage);
            }
            if !gone {
                self.accounts
                    .entry(key)
                    .or_default()
                    .update(&change, before);
                if let Some(code) = change.info.code.filter(|code| !code.is_empty()) {
                    self.code.entry(change.info.code_hash).or_insert(code);
                }
            }
        }
    }

    /// Takes a block back. Code stays: it is addressed by its hash.
    pub(super) fn revert(&mut self, undo: Undo) {
        for (key, before) in undo.0 {
            self.changed.insert(key);
            let Some(trie) = before.account else {
                self.accounts.remove(&key);
                continue;
            };
            let account = self.accounts.entry(key).or_default();
            account.trie = trie;
            before.restore(&mut account.storage);
        }
        self.root();
    }

    /// The state root.
    pub(super) fn root(&mut self) -> B256 {
        for key in self.changed.drain() {
            match self.accounts.get_mut(&key) {
                Some(account) => {
                    account.trie.storage_root = account.storage.root();
                    self.trie.insert(key, alloy_rlp::encode(account.trie));
                }
                None => self.trie.remove(key),
            }
        }
        self.trie.root()
    }
}

impl AccountState {
    fn update(&mut self, change: &Account, before: &mut AccountBefore) {
        self.trie.nonce = change.info.nonce;
        self.trie.balance = change.info.balance;
        self.trie.code_hash = change.info.code_hash;
        for (slot, value) in change.changed_storage_slots() {
            let slot = keccak256(slot.to_be_bytes::<32>());
            // After a wipe, `wiped` knows what was there.
            if before.wiped.is_none() {
                before
                    .slots
                    .entry(slot)
                    .or_insert_with(|| word(&self.storage, slot));
            }
            set_word(&mut self.storage, slot, value.present_value);
        }
    }
}

impl AccountBefore {
    fn word(&self, slot: B256) -> Option<U256> {
        let wiped = || self.wiped.as_ref().map(|storage| word(storage, slot));
        self.slots.get(&slot).copied().or_else(wiped)
    }

    /// Makes of the storage after the block the storage before it.
    fn restore(&self, storage: &mut Trie) {
        if let Some(wiped) = &self.wiped {
            *storage = wiped.clone();
        }
        for (slot, value) in &self.slots {
            set_word(storage, *slot, *value);
        }
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
        let key = keccak256(address);
        match self.newer.iter().find_map(|undo| undo.0.get(&key)) {
            Some(before) => before.account,
            None => self.state.accounts.get(&key).map(|account| account.trie),
        }
    }

    pub(super) fn storage(&self, address: Address, slot: U256) -> U256 {
        let (key, slot) = (keccak256(address), keccak256(slot.to_be_bytes::<32>()));
        let before = self
            .newer
            .iter()
            .find_map(|undo| undo.0.get(&key)?.word(slot));
        before.unwrap_or_else(|| {
            self.state
                .accounts
                .get(&key)
                .map_or(U256::ZERO, |account| word(&account.storage, slot))
        })
    }

    /// The code with this hash; empty if it is the hash of nothing.
    pub(super) fn code(&self, hash: B256) -> Bytecode {
        self.state.code.get(&hash).cloned().unwrap_or_default()
    }

    /// A copy of the trie of all accounts.
    pub(super) fn account_trie(&self) -> Trie {
        let mut trie = self.state.trie.clone();
        for (key, before) in self.newer.iter().rev().flat_map(|undo| &undo.0) {
            match before.account {
                Some(account) => trie.insert(*key, alloy_rlp::encode(account)),
                None => trie.remove(*key),
            }
        }
        trie
    }

    /// A copy of the trie of an account's storage.
    pub(super) fn storage_trie(&self, address: Address) -> Trie {
        let key = keccak256(address);
        let mut trie = self
            .state
            .accounts
            .get(&key)
            .map(|account| account.storage.clone())
            .unwrap_or_default();
        for before in self.newer.iter().rev().filter_map(|undo| undo.0.get(&key)) {
            match before.account {
                Some(_) => before.restore(&mut trie),
                None => trie = Trie::default(),
            }
        }
        trie
    }
}

/// An account that does not exist, as EIP-1186 shows it.
pub(super) const fn absent_account() -> TrieAccount {
    TrieAccount::new(0, U256::ZERO, EMPTY_ROOT_HASH, KECCAK256_EMPTY)
}

/// A storage word; zero if it is not there.
pub(super) fn word(storage: &Trie, slot: B256) -> U256 {
    // What stands there was encoded by `set_word`.
    storage
        .get(slot)
        .and_then(|value| alloy_rlp::decode_exact(value).ok())
        .unwrap_or_default()
}

fn set_word(storage: &mut Trie, slot: B256, value: U256) {
    if value.is_zero() {
        storage.remove(slot);
    } else {
        storage.insert(slot, alloy_rlp::encode(value));
    }
}
