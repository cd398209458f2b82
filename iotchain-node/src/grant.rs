//! A grant: what an attester signed for one client, as a file that the client takes to the contract.

use std::path::Path;

use iotchain::Address;
use serde::{Deserialize, Serialize};

use crate::{NodeError, keyfile};

/// A signed promise of a token (`contracts/src/policies/AttestationPolicy.sol`). Of use to its client alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Whose token it will be.
    #[serde(with = "crate::address")]
    pub client: Address,
    /// For which resource server.
    #[serde(with = "crate::address")]
    pub rs: Address,
    /// Most that may be asked for: role mask, layout and class, 8 hex digits (spec 5.1).
    pub claims: String,
    /// Longest life of the token in seconds.
    pub ttl: u64,
    /// Last moment at which it can be used, Unix seconds.
    pub deadline: u64,
    /// What the policy wants to see, in hex.
    pub proof: String,
}

impl Grant {
    /// Reads the file of a grant that was made for `client` and `rs`.
    ///
    /// # Errors
    /// [`NodeError::Io`]; [`NodeError::Config`] for another file, client or resource server.
    pub fn read(path: &Path, client: &Address, rs: &Address) -> Result<Self, NodeError> {
        let fault = |what: String| NodeError::Config(format!("{}: {what}", path.display()));
        let grant: Self = serde_json::from_slice(&keyfile::read(path)?)
            .map_err(|error| fault(error.to_string()))?;
        if grant.client != *client {
            return Err(fault(format!(
                "the grant is for client 0x{}, not for 0x{client}",
                grant.client
            )));
        }
        if grant.rs != *rs {
            return Err(fault(format!(
                "the grant is for resource server 0x{}, not for 0x{rs}",
                grant.rs
            )));
        }
        Ok(grant)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`NodeError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), NodeError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| NodeError::Config(error.to_string()))?;
        keyfile::atomic_write(path, (text + "\n").as_bytes())
    }

    /// The proof as bytes.
    ///
    /// # Errors
    /// [`NodeError::Config`] if it is not hex.
    pub fn proof(&self) -> Result<Vec<u8>, NodeError> {
        hex::decode(&self.proof)
            .map_err(|error| NodeError::Config(format!("proof of the grant: {error}")))
    }
}
