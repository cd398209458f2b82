//! What an attester signs for a client, off the chain (EIP-712; `contracts/src/policies/AttestationPolicy.sol`).

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain};
use iotchain_core::{Address, UnixTime};

use super::uint;
use crate::convert::to_alloy;
use crate::{Account, LedgerError, Result};

/// The signed type, as the contract spells it.
mod typed {
    #![allow(missing_docs, unreachable_pub)]

    alloy_sol_types::sol! {
        struct Grant {
            address client;
            address res;
            bytes4 claims;
            uint40 ttl;
            uint64 deadline;
            bytes32 nonce;
        }
    }
}

/// A promise of a token: `addToken` of this client, with the signed form as its proof, succeeds once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Whose token it will be.
    pub client: Address,
    /// For which resource server.
    pub res: Address,
    /// Most that the client may ask for: role mask, layout and class (spec 5.1).
    pub claims: [u8; 4],
    /// Longest life of the token in seconds, below 2^40.
    pub ttl: u64,
    /// Last moment of use.
    pub deadline: UnixTime,
}

impl Attestation {
    /// Signs it for the policy contract at `policy`, with a random nonce. The result is the proof that
    /// [`AccessToken::add_token`](super::AccessToken::add_token) takes.
    ///
    /// # Errors
    /// [`LedgerError::Config`] for a life time that does not fit, or if the system has no random numbers.
    pub fn sign(&self, attester: &Account, chain_id: u64, policy: Address) -> Result<Vec<u8>> {
        let mut nonce = B256::ZERO;
        getrandom::fill(nonce.as_mut_slice())
            .map_err(|e| LedgerError::Config(format!("no random numbers: {e}")))?;
        let grant = typed::Grant {
            client: to_alloy(self.client),
            res: to_alloy(self.res),
            claims: self.claims.into(),
            ttl: uint(self.ttl)?,
            deadline: self.deadline.get(),
            nonce,
        };
        let digest = grant.eip712_signing_hash(&domain(chain_id, policy));
        let signature = Bytes::copy_from_slice(&attester.sign_digest(&digest.0));
        // The contract knows client and resource server from the call.
        let signed = (grant.claims, grant.ttl, grant.deadline, grant.nonce);
        Ok((signed, signature).abi_encode_params())
    }
}

fn domain(chain_id: u64, policy: Address) -> Eip712Domain {
    eip712_domain! {
        name: "IoTChain",
        version: "1",
        chain_id: chain_id,
        verifying_contract: to_alloy(policy),
    }
}
