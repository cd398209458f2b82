//! The ledger as of one moment, for any number of questions (spec 5.3 step 3; spec 8, A20).

use iotchain::token::{Class, LedgerView, Policy, Publications};
use iotchain::{Address, UnixTime};
use iotchain_ledger::contract::{resource_slot, token_slot};
use iotchain_ledger::{AccessToken, Header, Ledger, LedgerError, Word};

use crate::catalogue::Catalogue;

/// Longest wait for a confirmation that a client is told to make, in seconds. The pace of an idle chain says little about
/// the blocks that follow a transaction.
const LONGEST_RETRY: u64 = 15;

/// Two blocks of one chain, the head and an ancestor that is deep enough, by hash.
pub(super) struct Snapshot<'a> {
    ledger: &'a dyn Ledger,
    contract: Address,
    head: Header,
    confirmed: Header,
}

/// What both blocks say about one token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    head: Header,
    word_head: Word,
    word_confirmed: Word,
    resource_head: Word,
}

impl<'a> Snapshot<'a> {
    /// Reads the head, checks the contract's code in it, and follows the parent hashes to the confirmed block.
    ///
    /// # Errors
    /// Those of the ledger; [`LedgerError::Answer`] from a node of another chain, [`LedgerError::WrongCode`].
    pub(super) fn take(
        ledger: &'a dyn Ledger,
        catalogue: &Catalogue,
        policy: &Policy,
    ) -> Result<Self, LedgerError> {
        let chain = ledger.chain_id()?;
        if chain != catalogue.chain_id {
            return Err(LedgerError::Answer(format!(
                "it is a node of chain {chain}, not of {}",
                catalogue.chain_id
            )));
        }
        let head = ledger.head()?;
        AccessToken::at(catalogue.contract).check_code(ledger, head.hash)?;
        let confirmed = ledger.ancestor(&head, policy.confirmations.into())?;
        Ok(Self {
            ledger,
            contract: catalogue.contract,
            head,
            confirmed,
        })
    }

    /// Reads the token of `client` for `rs`.
    ///
    /// # Errors
    /// Those of the ledger.
    pub(super) fn words(&self, client: Address, rs: Address) -> Result<Words, LedgerError> {
        let read = |slot, block: &Header| self.ledger.storage_at(self.contract, slot, block.hash);
        let slot = token_slot(client, rs);
        Ok(Words {
            head: self.head,
            word_head: read(slot, &self.head)?,
            word_confirmed: read(slot, &self.confirmed)?,
            resource_head: read(resource_slot(rs), &self.head)?,
        })
    }

    /// In how many seconds a token that stands in the head will be deep enough, by the pace of the last blocks.
    pub(super) fn retry_after(&self) -> u32 {
        let seconds = self
            .head
            .timestamp
            .since(self.confirmed.timestamp)
            .clamp(1, LONGEST_RETRY);
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}

impl Words {
    /// As validation wants them, with the age of the head at `now`.
    pub(super) fn view(&self, now: UnixTime) -> LedgerView<'_> {
        LedgerView {
            head: self.head.number,
            head_age: now.abs_diff(self.head.timestamp),
            word_head: &self.word_head,
            word_confirmed: &self.word_confirmed,
            resource_head: &self.resource_head,
        }
    }
}

/// The owner's catalogue as the publication that validation asks for.
pub(super) struct Published<'a>(pub(super) &'a Catalogue);

impl Publications for Published<'_> {
    fn publishes(&self, chain: u64, contract: &Address, rs: &Address) -> bool {
        chain == self.0.chain_id && *contract == self.0.contract && self.server(rs).is_some()
    }

    fn defines(&self, rs: &Address, class: Class) -> bool {
        self.server(rs)
            .is_some_and(|server| server.classes().any(|defined| defined == class))
    }
}

impl Published<'_> {
    fn server(&self, rs: &Address) -> Option<&crate::catalogue::ResourceServer> {
        self.0
            .resource_servers
            .iter()
            .find(|server| server.rs == *rs)
    }
}
