//! Setting a deployment up: keys, contract, resource servers.

use std::path::Path;
use std::time::Duration;

use iotchain::Signer;
use iotchain_ledger::contract::ResourcePolicy;
use iotchain_ledger::{AccessToken, Account, JsonRpcLedger, Ledger};

use super::deployment::{DeployedPolicy, Deployment, Published, address_of, public_key};
use super::{Entry, Policy};
use crate::catalogue::ResourceServer;
use crate::data_dir::DataDir;
use crate::dtls::pki::Authority;
use crate::{NodeError, cose_key, keyfile, output};

/// Life of the certificate authority in days.
const AUTHORITY_DAYS: u32 = 3650;
/// Gas for a policy's decision; the dearest of ours needs a third of it.
const POLICY_GAS: u32 = 200_000;

pub(super) fn init(directory: &DataDir, url: &str, confirmations: u64) -> Result<(), NodeError> {
    if Deployment::exists(directory) {
        return Err(NodeError::Config(format!(
            "{} is set up already",
            directory.path().display()
        )));
    }
    let chain_id = JsonRpcLedger::new(url, Duration::from_secs(10)).chain_id()?;
    let owner = Account::from_bytes(&*keyfile::read_or_create_key(&directory.file("owner.key"))?)?;
    let attester = Account::from_bytes(&*keyfile::read_or_create_key(
        &directory.file("attester.key"),
    )?)?;
    Authority::create("IoTChain owner", AUTHORITY_DAYS)?
        .write(&directory.file("ca.pem"), &directory.file("ca.key"))?;
    // Last, so that an interrupted run can be repeated.
    let deployment = Deployment {
        chain_id,
        ledger: url.to_owned(),
        confirmations,
        contract: None,
        policy: None,
        key_server: None,
        resource_servers: Vec::new(),
    };
    deployment.save(directory)?;
    output::line(format_args!(
        "owner=0x{} attester=0x{} chain_id={chain_id}",
        owner.address(),
        attester.address()
    ))
}

pub(super) fn deploy(directory: &DataDir, policy: Policy) -> Result<(), NodeError> {
    let mut deployment = Deployment::load(directory)?;
    let office = deployment.office(directory)?;
    let sender = office.sender();
    if let (Some(Published(contract)), Some(_)) = (deployment.contract, deployment.policy) {
        return Err(NodeError::Config(format!(
            "the contract is deployed already, at 0x{contract}"
        )));
    }
    // An interrupted run goes on where it stopped.
    let contract = match deployment.contract {
        Some(Published(address)) => AccessToken::at(address),
        None => {
            let contract = AccessToken::deploy(&sender, office.account.address())?;
            deployment.contract = Some(Published(contract.address()));
            deployment.save(directory)?;
            contract
        }
    };
    contract.check_code(&office.ledger, office.ledger.head()?.hash)?;
    let address = match policy {
        Policy::Open => AccessToken::deploy_open_policy(&sender)?,
        Policy::Attestation => {
            let attester =
                Account::from_bytes(&*keyfile::read_key(&directory.file("attester.key"))?)?;
            contract.deploy_attestation_policy(&sender, attester.address())?
        }
    };
    deployment.policy = Some(DeployedPolicy {
        address,
        attestation: policy == Policy::Attestation,
    });
    deployment.save(directory)?;
    output::line(format_args!(
        "contract=0x{} policy=0x{address}",
        contract.address()
    ))
}

pub(super) fn new_key(path: &Path) -> Result<(), NodeError> {
    let key = keyfile::signing_key(&keyfile::create_key(path)?)?.public();
    output::line(format_args!(
        "address=0x{} cose_key={}",
        address_of(&key, path)?,
        cose_key::text(&key)
    ))
}

pub(super) fn add_resource_server(directory: &DataDir, entry: &Entry) -> Result<(), NodeError> {
    let mut deployment = Deployment::load(directory)?;
    let key = public_key(&entry.key)?;
    let server = ResourceServer {
        name: entry.name.clone(),
        rs: address_of(&key, &entry.key)?,
        key,
        coap: entry.coap,
        proxy: entry.proxy,
        classes: entry.classes.iter().cloned().collect(),
    };
    if server.classes.len() != entry.classes.len() {
        return Err(NodeError::Config("a class is given twice".into()));
    }
    let rs = server.rs;
    deployment
        .resource_servers
        .retain(|known| known.name != server.name);
    deployment.resource_servers.push(server);
    // What cannot be published is refused before it costs a transaction.
    deployment
        .catalogue(directory)?
        .map(|catalogue| catalogue.to_json())
        .transpose()?;
    let policy = ResourcePolicy {
        policy: deployment.policy()?.address,
        max_ttl: entry.max_ttl,
        policy_gas: POLICY_GAS,
    };
    let office = deployment.office(directory)?;
    let receipt = deployment
        .contract()?
        .set_resource(&office.sender(), rs, &policy)?;
    deployment.save(directory)?;
    output::line(format_args!(
        "name={} rs=0x{rs} block={}",
        entry.name, receipt.number
    ))
}

pub(super) fn print_catalogue(directory: &DataDir) -> Result<(), NodeError> {
    let catalogue = Deployment::load(directory)?
        .catalogue(directory)?
        .ok_or_else(|| {
            NodeError::Config("not complete yet: it takes `deploy` and `certify key-server`".into())
        })?;
    output::bytes(catalogue.to_json()?.as_bytes())
}
