//! Asking the contract for a token (paper, Fig. 1, steps 2 and 3).

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use iotchain::token::{Claims, Class};
use iotchain::{Address, Roles};
use iotchain_ledger::{AccessToken, Ledger, Receipt, Sender};

use super::ClientAccount;
use crate::catalogue::Catalogue;
use crate::grant::Grant;
use crate::{NodeError, chain};

/// How long to wait for confirmations.
const CONFIRMATION_LIMIT: Duration = Duration::from_secs(300);

/// A request for a token, checked as far as the client can.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    rs: Address,
    claims: [u8; 4],
    ttl: u64,
    proof: Vec<u8>,
}

/// A token on the ledger.
#[derive(Clone, Debug)]
pub struct TokenReceipt {
    /// The transaction.
    pub receipt: Receipt,
    /// Blocks on top of its block that were awaited.
    pub confirmations: u64,
    /// How long all of it took.
    pub elapsed: Duration,
}

impl TokenRequest {
    /// A request for `roles` in `class` at the resource server `name` for `ttl` seconds. `grant` is the file of what the
    /// owner's attester signed.
    ///
    /// # Errors
    /// [`NodeError::Config`] for an unknown resource server or class, or somebody else's grant; [`NodeError::Io`].
    pub fn new(
        catalogue: &Catalogue,
        account: &ClientAccount,
        name: &str,
        class: Class,
        roles: Roles,
        ttl: u64,
        grant: Option<&Path>,
    ) -> Result<Self, NodeError> {
        let server = catalogue.expect_resource_server(name)?;
        if !server.classes().any(|known| known == class) {
            return Err(NodeError::Config(format!(
                "{name} has no class {:04x}",
                class.get()
            )));
        }
        let claims = Claims::new(roles, class)?.encode();
        let proof = match grant {
            Some(path) => Grant::read(path, &account.address(), &server.rs)?.proof()?,
            None => Vec::new(),
        };
        Ok(Self {
            rs: server.rs,
            claims,
            ttl,
            proof,
        })
    }

    /// Sends it, and waits for its block and for `confirmations` blocks on top.
    ///
    /// # Errors
    /// [`NodeError::Ledger`] with the contract's reason if it is refused.
    pub fn send(
        &self,
        catalogue: &Catalogue,
        account: &ClientAccount,
        confirmations: u64,
    ) -> Result<TokenReceipt, NodeError> {
        let start = Instant::now();
        let ledger = chain::connect(&catalogue.ledger, catalogue.chain_id)?;
        let contract = AccessToken::at(catalogue.contract);
        contract.check_code(&ledger, ledger.head()?.hash)?;
        let sender = Sender::new(&ledger, &account.ledger);
        let receipt = contract.add_token(&sender, self.rs, self.claims, self.ttl, &self.proof)?;
        let receipt =
            ledger.wait_confirmed(receipt.transaction, confirmations, CONFIRMATION_LIMIT)?;
        Ok(TokenReceipt {
            receipt,
            confirmations,
            elapsed: start.elapsed(),
        })
    }
}

impl fmt::Display for TokenReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Receipt {
            transaction,
            number,
            gas_used,
            ..
        } = &self.receipt;
        let (confirmations, ms) = (self.confirmations, self.elapsed.as_millis());
        write!(
            f,
            "transaction={transaction} block={number} gas={gas_used} confirmations={confirmations} ms={ms}"
        )
    }
}
