//! Accounts and storage words as the tries hold them (Yellow Paper, 4.1).

use super::rlp;
use super::trie::TrieStep;
use crate::word::StorageWord;
use iotchain_core::{Error, Result};

/// What the state keeps of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractState {
    /// Keccak-256 of its code.
    pub code_hash: [u8; 32],
    /// Root of the trie of its storage words.
    pub storage_root: [u8; 32],
}

impl ContractState {
    /// From the value that a path through the state trie ends at: RLP `[nonce, balance, storage root, code hash]`.
    ///
    /// # Errors
    /// [`Error::Proof`] if it is no account.
    pub fn parse(account: &[u8]) -> Result<Self> {
        let mut items = rlp::list(account)?;
        items.uint()?;
        let balance = items.string()?;
        let storage_root = items.array()?;
        let code_hash = items.array()?;
        if balance.len() > 32 || balance.first() == Some(&0) || !items.is_empty() {
            return Err(Error::Proof);
        }
        Ok(Self {
            code_hash,
            storage_root,
        })
    }
}

impl TrieStep<'_> {
    /// The storage word at the end of a path through a storage trie, which keeps words without leading zeros and no
    /// zero words at all.
    ///
    /// # Errors
    /// [`Error::Truncated`] on the way; [`Error::Proof`] if the value is no storage word.
    pub fn storage_word(&self) -> Result<StorageWord> {
        let mut word = [0; 32];
        let value = match self {
            Self::Onward(_) => return Err(Error::Truncated),
            Self::Absent => return Ok(word),
            Self::Present(value) => rlp::string(value)?,
        };
        if value.len() > word.len() || matches!(value, [] | [0, ..]) {
            return Err(Error::Proof);
        }
        word.iter_mut()
            .rev()
            .zip(value.iter().rev())
            .for_each(|(slot, byte)| *slot = *byte);
        Ok(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn words_have_no_leading_zeros() {
        let word = |value: &[u8]| TrieStep::Present(value).storage_word();
        let long = |head: u8, len: usize| [&[head][..], &std::vec![0xff; len]].concat();
        assert_eq!(word(&[7]).unwrap()[31], 7);
        assert_eq!(word(&long(0xa0, 32)), Ok([0xff; 32]));
        for wrong in [&[][..], &[0x80], &[0x00], &[0x82, 0, 1], &[0xc0], &[7, 7]] {
            assert_eq!(word(wrong), Err(Error::Proof), "{wrong:02x?}");
        }
        assert_eq!(word(&long(0xa1, 33)), Err(Error::Proof));
        assert_eq!(TrieStep::Absent.storage_word(), Ok([0; 32]));
    }

    #[test]
    fn accounts_have_four_fields() {
        let account = |balance: &[u8], hashes: usize, tail: &[u8]| {
            let hash = [&[0xa0][..], &[5; 32]].concat();
            let body: Vec<u8> = [&[0x01], balance, &hash.repeat(hashes), tail].concat();
            let head = [0xf8, body.len().try_into().unwrap()];
            ContractState::parse(&[&head[..], &body].concat())
        };
        assert!(account(&[0x80], 2, &[]).is_ok() && account(&[0x82, 1, 0], 2, &[]).is_ok());
        for wrong in [
            account(&[0x00], 2, &[]),
            account(&[0xc0], 2, &[]),
            account(&[0x80], 2, &[0x80]),
            account(&[0x80], 1, &[0x80]),
            account(&[0x80], 3, &[]),
            account(&[&[0xa1][..], &[1; 33]].concat(), 2, &[]),
        ] {
            assert_eq!(wrong, Err(Error::Proof));
        }
    }
}
