//! The `AccessToken` contract (paper, II-C, II-D, Fig. 4; `contracts/src/AccessToken.sol`): calls, events and storage.
//!
//! ```text
//! slot 0  issued    [client][res] -> token word     keccak(pad32(res) ‖ keccak(pad32(client) ‖ 0))
//! slot 1  resources [res]         -> resource word  keccak(pad32(res) ‖ 1)
//! ```

mod abi;
mod attestation;
mod event;
mod revert;
mod slot;
mod view;

use alloy_primitives::{Bytes, FixedBytes};
use alloy_sol_types::{SolCall, SolValue};
use iotchain_core::{Address, UnixTime};

use crate::convert::{from_alloy, to_alloy};
use crate::{Call, Hash, Ledger, LedgerError, Receipt, Result, Sender};

pub use attestation::Attestation;
pub use event::Event;
pub use revert::Revert;
pub use slot::{resource_slot, token_slot};
pub use view::TokenView;

const ARTIFACT: &str = include_str!("../../../contracts/out/AccessToken.json");
const OPEN_POLICY: &str = include_str!("../../../contracts/out/OpenPolicy.json");
const ATTESTATION_POLICY: &str = include_str!("../../../contracts/out/AttestationPolicy.json");
const CODE_HASH: &str = include_str!("../../../contracts/out/AccessToken.codehash");

/// What `setResource` registers for a resource server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// The policy contract, or [`Address::ZERO`] if only the owner and authorizers may issue.
    pub policy: Address,
    /// Longest life of a token in seconds, below 2^40; 0 removes the resource.
    pub max_ttl: u64,
    /// Gas that the policy may use, below 2^24 (paper, III-C).
    pub policy_gas: u32,
}

/// The paper's answer of `getToken`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The resource server.
    pub res: Address,
    /// Absolute expiry.
    pub expires_at: UnixTime,
    /// Role mask, layout and class (spec 5.1).
    pub claims: [u8; 4],
}

/// An `AccessToken` contract at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccessToken(Address);

impl AccessToken {
    /// The contract at `address`. Nothing is checked before [`AccessToken::check_code`] or [`AccessToken::read_token`].
    #[must_use]
    pub const fn at(address: Address) -> Self {
        Self(address)
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.0
    }

    /// Keccak-256 of the contract's code, pinned at compile time. The contract has no immutables, so that one hash
    /// covers every deployment.
    ///
    /// # Errors
    /// [`LedgerError::Config`] if the build output is damaged.
    pub fn pinned_code_hash() -> Result<Hash> {
        let hex = CODE_HASH.trim();
        hex.parse::<FixedBytes<32>>()
            .map(Hash::from)
            .map_err(|e| LedgerError::Config(format!("AccessToken.codehash: {e}")))
    }

    /// Deploys the contract with `owner` as its owner.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn deploy(sender: &Sender<'_>, owner: Address) -> Result<Self> {
        deploy(sender, ARTIFACT, &to_alloy(owner).abi_encode()).map(Self)
    }

    /// Deploys a policy that grants whatever a client asks for (paper, Fig. 4).
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn deploy_open_policy(sender: &Sender<'_>) -> Result<Address> {
        deploy(sender, OPEN_POLICY, &[])
    }

    /// Deploys a policy that grants what `attester` signed (EIP-712), for this contract only.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn deploy_attestation_policy(
        &self,
        sender: &Sender<'_>,
        attester: Address,
    ) -> Result<Address> {
        deploy(
            sender,
            ATTESTATION_POLICY,
            &(to_alloy(self.0), to_alloy(attester)).abi_encode(),
        )
    }

    /// Checks that the code at the address is the pinned one at `block`.
    ///
    /// # Errors
    /// [`LedgerError::WrongCode`].
    pub fn check_code(&self, ledger: &dyn Ledger, block: Hash) -> Result<()> {
        let found = ledger.code_hash(self.0, block)?;
        let expected = Self::pinned_code_hash()?;
        if found != expected {
            return Err(LedgerError::WrongCode { found, expected });
        }
        Ok(())
    }

    /// A client asks for a token for itself (paper, II-C, second phase). `ttl` in seconds; `proof` is what the resource's
    /// policy wants.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn add_token(
        &self,
        sender: &Sender<'_>,
        res: Address,
        claims: [u8; 4],
        ttl: u64,
        proof: &[u8],
    ) -> Result<Receipt> {
        self.transact(
            sender,
            &abi::addTokenCall {
                res: to_alloy(res),
                claims: claims.into(),
                ttl: uint(ttl)?,
                proof: Bytes::copy_from_slice(proof),
            },
        )
    }

    /// As [`AccessToken::add_token`], relayed for a client that sends no transactions; the policy must authenticate it.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn add_token_for(
        &self,
        sender: &Sender<'_>,
        client: Address,
        res: Address,
        claims: [u8; 4],
        ttl: u64,
        proof: &[u8],
    ) -> Result<Receipt> {
        self.transact(
            sender,
            &abi::addTokenForCall {
                client: to_alloy(client),
                res: to_alloy(res),
                claims: claims.into(),
                ttl: uint(ttl)?,
                proof: Bytes::copy_from_slice(proof),
            },
        )
    }

    /// The owner or an authorizer issues directly. `ttl` in seconds; `extra` is application data kept in the token word.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn issue_token(
        &self,
        sender: &Sender<'_>,
        client: Address,
        res: Address,
        claims: [u8; 4],
        ttl: u64,
        extra: u32,
    ) -> Result<Receipt> {
        self.transact(
            sender,
            &abi::issueTokenCall {
                client: to_alloy(client),
                res: to_alloy(res),
                claims: claims.into(),
                ttl: uint(ttl)?,
                extra,
            },
        )
    }

    /// Early revocation by the client itself, an authorizer or the owner (paper, II-D1).
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn delete_token(
        &self,
        sender: &Sender<'_>,
        client: Address,
        res: Address,
    ) -> Result<Receipt> {
        self.transact(
            sender,
            &abi::deleteTokenCall {
                client: to_alloy(client),
                res: to_alloy(res),
            },
        )
    }

    /// Revokes and bars a client: the word becomes a tombstone, so that it cannot simply ask again (spec 8,
    /// A14). [`AccessToken::delete_token`] by an authorizer or the owner lifts it.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn block_client(
        &self,
        sender: &Sender<'_>,
        client: Address,
        res: Address,
    ) -> Result<Receipt> {
        self.transact(
            sender,
            &abi::blockClientCall {
                client: to_alloy(client),
                res: to_alloy(res),
            },
        )
    }

    /// Revokes every token of one resource server at once.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn revoke_resource(&self, sender: &Sender<'_>, res: Address) -> Result<Receipt> {
        self.transact(sender, &abi::revokeResourceCall { res: to_alloy(res) })
    }

    /// Registers a resource server or changes its policy. Owner only.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn set_resource(
        &self,
        sender: &Sender<'_>,
        res: Address,
        policy: &ResourcePolicy,
    ) -> Result<Receipt> {
        let policy_gas = policy
            .policy_gas
            .try_into()
            .map_err(|_| LedgerError::Config("policy gas must be below 2^24".into()))?;
        self.transact(
            sender,
            &abi::setResourceCall {
                res: to_alloy(res),
                policy: to_alloy(policy.policy),
                maxTtl: uint(policy.max_ttl)?,
                policyGas: policy_gas,
            },
        )
    }

    /// Lets an account issue and revoke, or ends that. Owner only.
    ///
    /// # Errors
    /// As [`Sender::transact`].
    pub fn set_authorizer(
        &self,
        sender: &Sender<'_>,
        account: Address,
        authority: Authority,
    ) -> Result<Receipt> {
        self.transact(
            sender,
            &abi::setAuthorizerCall {
                account: to_alloy(account),
                allowed: authority == Authority::Granted,
            },
        )
    }

    /// The paper's `getToken` on the state after `block`; `None` if there is no valid token. For quick checks: admission
    /// needs [`AccessToken::read_token`] (spec 8, A20).
    ///
    /// # Errors
    /// As [`Ledger::call`]; [`LedgerError::Answer`] if the result does not decode.
    pub fn get_token(
        &self,
        ledger: &dyn Ledger,
        client: Address,
        res: Address,
        block: Hash,
    ) -> Result<Option<Token>> {
        let answer = self.call(
            ledger,
            &abi::getTokenCall {
                client: to_alloy(client),
                res: to_alloy(res),
            },
            block,
        )?;
        let expires_at = u64::try_from(answer.ttl)
            .map_err(|_| LedgerError::Answer("getToken: ttl beyond 2^64".into()))?;
        let token = Token {
            res: from_alloy(answer.res),
            expires_at: UnixTime::new(expires_at),
            claims: answer.claims.into(),
        };
        Ok((token.res != Address::ZERO).then_some(token))
    }

    /// The contract's owner on the state after `block`.
    ///
    /// # Errors
    /// As [`Ledger::call`]; [`LedgerError::Answer`] if the result does not decode.
    pub fn owner(&self, ledger: &dyn Ledger, block: Hash) -> Result<Address> {
        self.call(ledger, &abi::ownerCall {}, block).map(from_alloy)
    }

    fn transact<C: SolCall>(&self, sender: &Sender<'_>, call: &C) -> Result<Receipt> {
        sender.transact(Some(self.0), &call.abi_encode())
    }

    fn call<C: SolCall>(&self, ledger: &dyn Ledger, call: &C, block: Hash) -> Result<C::Return> {
        let call = Call {
            from: Address::ZERO,
            to: self.0,
            data: &call.abi_encode(),
        };
        let answer = ledger.call(&call, block)?;
        C::abi_decode_returns_validate(&answer)
            .map_err(|e| LedgerError::Answer(format!("{}: {e}", C::SIGNATURE)))
    }
}

/// Whether an account may issue and revoke in the owner's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// It may.
    Granted,
    /// It may not, or no longer.
    Withdrawn,
}

fn uint(seconds: u64) -> Result<alloy_primitives::aliases::U40> {
    seconds
        .try_into()
        .map_err(|_| LedgerError::Config("a life time must be below 2^40 seconds".into()))
}

fn deploy(sender: &Sender<'_>, artifact: &str, arguments: &[u8]) -> Result<Address> {
    let mut code = bytecode(artifact)?;
    code.extend_from_slice(arguments);
    sender
        .transact(None, &code)?
        .contract
        .ok_or_else(|| LedgerError::Answer("the receipt of a deployment names no contract".into()))
}

fn bytecode(artifact: &str) -> Result<Vec<u8>> {
    let damaged =
        |e: &dyn std::fmt::Display| LedgerError::Config(format!("contract build output: {e}"));
    let artifact: serde_json::Value = serde_json::from_str(artifact).map_err(|e| damaged(&e))?;
    let hex = artifact["bytecode"]
        .as_str()
        .ok_or_else(|| damaged(&"no bytecode"))?;
    alloy_primitives::hex::decode(hex).map_err(|e| damaged(&e))
}

#[cfg(test)]
mod tests;
