//! Granting and revoking.

use std::path::Path;

use iotchain::token::Claims;
use iotchain_ledger::contract::Attestation;
use iotchain_ledger::{Account, Receipt};

use super::deployment::Deployment;
use super::{Holder, Token};
use crate::data_dir::DataDir;
use crate::grant::Grant;
use crate::{NodeError, clock, keyfile, output};

pub(super) fn attest(
    directory: &DataDir,
    token: &Token,
    valid: u64,
    out: &Path,
) -> Result<(), NodeError> {
    let deployment = Deployment::load(directory)?;
    let (client, rs) = (
        token.holder.client,
        deployment.resource_server(&token.holder.rs)?.rs,
    );
    let policy = deployment.policy()?;
    if !policy.attestation {
        return Err(NodeError::Config(
            "the policy `open` asks for no grants".into(),
        ));
    }
    let claims = claims(token)?;
    let attester = Account::from_bytes(&*keyfile::read_key(&directory.file("attester.key"))?)?;
    let deadline = clock::now().saturating_add(valid);
    let attestation = Attestation {
        client,
        res: rs,
        claims,
        ttl: token.ttl,
        deadline,
    };
    let proof = attestation.sign(&attester, deployment.chain_id, policy.address)?;
    let grant = Grant {
        client,
        rs,
        claims: hex::encode(claims),
        ttl: token.ttl,
        deadline: deadline.get(),
        proof: hex::encode(proof),
    };
    grant.write(out)?;
    output::line(format_args!(
        "grant={} client=0x{client} rs=0x{rs} deadline={}",
        out.display(),
        deadline.get()
    ))
}

pub(super) fn issue(directory: &DataDir, token: &Token) -> Result<(), NodeError> {
    let deployment = Deployment::load(directory)?;
    let rs = deployment.resource_server(&token.holder.rs)?.rs;
    let office = deployment.office(directory)?;
    let claims = claims(token)?;
    let receipt = deployment.contract()?.issue_token(
        &office.sender(),
        token.holder.client,
        rs,
        claims,
        token.ttl,
        0,
    )?;
    report("issued", &receipt)
}

pub(super) fn revoke(directory: &DataDir, at: &Holder) -> Result<(), NodeError> {
    let deployment = Deployment::load(directory)?;
    let rs = deployment.resource_server(&at.rs)?.rs;
    let office = deployment.office(directory)?;
    report(
        "revoked",
        &deployment
            .contract()?
            .delete_token(&office.sender(), at.client, rs)?,
    )
}

pub(super) fn block(directory: &DataDir, at: &Holder) -> Result<(), NodeError> {
    let deployment = Deployment::load(directory)?;
    let rs = deployment.resource_server(&at.rs)?.rs;
    let office = deployment.office(directory)?;
    report(
        "blocked",
        &deployment
            .contract()?
            .block_client(&office.sender(), at.client, rs)?,
    )
}

pub(super) fn revoke_all(directory: &DataDir, name: &str) -> Result<(), NodeError> {
    let deployment = Deployment::load(directory)?;
    let rs = deployment.resource_server(name)?.rs;
    let office = deployment.office(directory)?;
    report(
        "revoked-all",
        &deployment
            .contract()?
            .revoke_resource(&office.sender(), rs)?,
    )
}

fn claims(token: &Token) -> Result<[u8; 4], NodeError> {
    Ok(Claims::new(token.roles, token.class.0)?.encode())
}

fn report(what: &str, receipt: &Receipt) -> Result<(), NodeError> {
    output::line(format_args!(
        "{what} transaction={} block={} gas={}",
        receipt.transaction, receipt.number, receipt.gas_used
    ))
}
