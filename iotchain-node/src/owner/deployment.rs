//! What an owner has set up so far, and the parts it acts with.

use std::path::Path;

use iotchain::{Address, PublicKey, Signer};
use iotchain_ledger::{AccessToken, Account, JsonRpcLedger, Sender};
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, KeyServer, ResourceServer};
use crate::data_dir::DataDir;
use crate::{NodeError, chain, cose_key, keyfile};

const FILE: &str = "owner.json";
const CATALOGUE: &str = "catalogue.json";

/// The owner's notes: a catalogue in the making.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    pub(super) chain_id: u64,
    pub(super) ledger: String,
    pub(super) confirmations: u64,
    /// The contract, once deployed.
    pub(super) contract: Option<Published>,
    /// The policy for all resource servers, once deployed.
    pub(super) policy: Option<DeployedPolicy>,
    /// The key server, once certified.
    pub(super) key_server: Option<KeyServer>,
    pub(super) resource_servers: Vec<ResourceServer>,
}

/// A contract on the ledger.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Published(#[serde(with = "crate::address")] pub(super) Address);

/// A policy on the ledger.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeployedPolicy {
    #[serde(with = "crate::address")]
    pub(super) address: Address,
    /// Whether it asks for grants.
    pub(super) attestation: bool,
}

/// The owner's account at its ledger.
pub(super) struct Office {
    pub(super) ledger: JsonRpcLedger,
    pub(super) account: Account,
}

impl Office {
    pub(super) fn sender(&self) -> Sender<'_> {
        Sender::new(&self.ledger, &self.account)
    }
}

impl Deployment {
    /// # Errors
    /// [`NodeError::Config`] before `init`; [`NodeError::State`] for a damaged file.
    pub(super) fn load(directory: &DataDir) -> Result<Self, NodeError> {
        let path = directory.file(FILE);
        let bytes = keyfile::read_if_present(&path)?.ok_or_else(|| {
            NodeError::Config(format!(
                "{} is empty; run `init` first",
                directory.path().display()
            ))
        })?;
        serde_json::from_slice(&bytes)
            .map_err(|error| NodeError::State(format!("{}: {error}", path.display())))
    }

    pub(super) fn exists(directory: &DataDir) -> bool {
        directory.file(FILE).exists()
    }

    /// Writes the notes, and the catalogue as soon as it is complete.
    pub(super) fn save(&self, directory: &DataDir) -> Result<(), NodeError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| NodeError::State(error.to_string()))?;
        keyfile::atomic_write(&directory.file(FILE), (text + "\n").as_bytes())?;
        match self.catalogue(directory)? {
            Some(catalogue) => {
                keyfile::atomic_write(&directory.file(CATALOGUE), catalogue.to_json()?.as_bytes())
            }
            None => Ok(()),
        }
    }

    /// The catalogue, `None` before contract and key server are known.
    pub(super) fn catalogue(&self, directory: &DataDir) -> Result<Option<Catalogue>, NodeError> {
        let (Some(Published(contract)), Some(key_server)) = (self.contract, &self.key_server)
        else {
            return Ok(None);
        };
        Ok(Some(Catalogue {
            chain_id: self.chain_id,
            ledger: self.ledger.clone(),
            contract,
            owner: account(directory)?.address(),
            confirmations: self.confirmations,
            key_server: key_server.clone(),
            resource_servers: self.resource_servers.clone(),
        }))
    }

    /// # Errors
    /// [`NodeError::Config`] before `deploy`.
    pub(super) fn contract(&self) -> Result<AccessToken, NodeError> {
        let missing = || NodeError::Config("no contract yet; run `deploy` first".into());
        self.contract
            .map(|Published(address)| AccessToken::at(address))
            .ok_or_else(missing)
    }

    /// # Errors
    /// [`NodeError::Config`] before `deploy`.
    pub(super) fn policy(&self) -> Result<DeployedPolicy, NodeError> {
        self.policy
            .ok_or_else(|| NodeError::Config("no policy yet; run `deploy` first".into()))
    }

    /// # Errors
    /// [`NodeError::Config`] for an unknown name.
    pub(super) fn resource_server(&self, name: &str) -> Result<&ResourceServer, NodeError> {
        let rs = crate::address::parse(name).ok();
        let found = self
            .resource_servers
            .iter()
            .find(|server| server.name == name || Some(server.rs) == rs);
        found.ok_or_else(|| {
            NodeError::Config(format!(
                "no resource server `{name}`; see `add-resource-server`"
            ))
        })
    }

    pub(super) fn office(&self, directory: &DataDir) -> Result<Office, NodeError> {
        Ok(Office {
            ledger: chain::connect(&self.ledger, self.chain_id)?,
            account: account(directory)?,
        })
    }
}

fn account(directory: &DataDir) -> Result<Account, NodeError> {
    Ok(Account::from_bytes(&*keyfile::read_key(
        &directory.file("owner.key"),
    )?)?)
}

/// The public key in a file: that of a secret key, or a COSE_Key in hex.
///
/// # Errors
/// [`NodeError::Io`], [`NodeError::Config`].
pub(super) fn public_key(path: &Path) -> Result<PublicKey, NodeError> {
    let text = keyfile::read(path)?;
    if let Ok(key) = keyfile::read_key(path) {
        return Ok(keyfile::signing_key(&key)?.public());
    }
    std::str::from_utf8(&text)
        .map_err(|error| error.to_string())
        .and_then(cose_key::parse)
        .map_err(|error| {
            NodeError::Config(format!(
                "{}: neither a private key file nor a {error}",
                path.display()
            ))
        })
}

/// The address of a resource server's key.
///
/// # Errors
/// [`NodeError::Config`] for an algorithm without addresses.
pub(super) fn address_of(key: &PublicKey, path: &Path) -> Result<Address, NodeError> {
    key.address().ok_or_else(|| {
        NodeError::Config(format!(
            "{}: not a secp256k1 key, so it has no address",
            path.display()
        ))
    })
}
