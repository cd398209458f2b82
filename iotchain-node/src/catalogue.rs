//! The catalogue: everything public about a deployment, written by its owner and given to everybody.
//!
//! ```json
//! { "chain_id": 20180, "ledger": "http://127.0.0.1:8545", "contract": "0x..", "owner": "0x..", "confirmations": 2,
//!   "key_server": {"coap": "127.0.0.1:5687", "coaps": "127.0.0.1:5688", "name": "key-server", "ca": "ca.pem"},
//!   "resource_servers": [{"name": "meter", "rs": "0x..", "key": "<COSE_Key, hex>", "coap": "127.0.0.1:5683",
//!                         "proxy": "coap://127.0.0.1:5690", "classes": {"0007": ["load", "doc", "log/*"]}}] }
//! ```
//! `ca` is relative to the catalogue's directory. A proxy serves a resource at `/<name>/<path>`.

mod path;

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use iotchain::token::Class;
use iotchain::{Address, GroupName, PublicKey};
use serde::{Deserialize, Serialize};

use crate::{NodeError, keyfile};

pub use path::PathPattern;

/// A deployment, as published by its owner.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Chain id (EIP-155).
    pub chain_id: u64,
    /// URL of the ledger node's JSON-RPC.
    pub ledger: String,
    /// The AccessToken contract.
    #[serde(with = "crate::address")]
    pub contract: Address,
    /// Who owns the contract and the resource servers.
    #[serde(with = "crate::address")]
    pub owner: Address,
    /// n: blocks on top of a token's block before it counts (spec 5.3).
    pub confirmations: u64,
    /// Where to join.
    pub key_server: KeyServer,
    /// Whose resources there are.
    pub resource_servers: Vec<ResourceServer>,
}

/// How to reach a key server and how to recognise it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyServer {
    /// Broadcasts, without DTLS.
    pub coap: SocketAddr,
    /// Everything else, over DTLS.
    pub coaps: SocketAddr,
    /// The name in its certificate: a DNS name or an IP address.
    pub name: String,
    /// PEM file of the authority that certifies it. Resolved once read.
    pub ca: PathBuf,
}

/// A resource server and what it serves.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceServer {
    /// Its name: the first path segment at a proxy.
    pub name: String,
    /// Its address on the ledger, `res` of the contract.
    #[serde(with = "crate::address")]
    pub rs: Address,
    /// The key it signs with.
    #[serde(with = "crate::cose_key")]
    pub key: PublicKey,
    /// Where it answers.
    pub coap: SocketAddr,
    /// The proxy that stores its signed objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyUri>,
    /// Access classes and the resources in each.
    pub classes: BTreeMap<ClassKey, Vec<PathPattern>>,
}

/// `coap://HOST:PORT` of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProxyUri(pub SocketAddr);

/// A class as the key of a JSON object: four lower-case hex digits, as in group names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClassKey(pub Class);

/// A resource server and one of its classes: the group of a [`GroupName`].
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Whose resources.
    pub server: &'a ResourceServer,
    /// Which of them.
    pub class: Class,
}

impl Catalogue {
    /// Reads and checks a catalogue file.
    ///
    /// # Errors
    /// [`NodeError::Io`] if it cannot be read; [`NodeError::Config`] naming what is wrong.
    pub fn read(path: &Path) -> Result<Self, NodeError> {
        let bytes = keyfile::read(path)?;
        let fault = |what: String| NodeError::Config(format!("{}: {what}", path.display()));
        let mut catalogue: Self =
            serde_json::from_slice(&bytes).map_err(|error| fault(error.to_string()))?;
        catalogue.check().map_err(fault)?;
        let directory = path.parent().unwrap_or(Path::new(""));
        catalogue.key_server.ca = directory.join(&catalogue.key_server.ca);
        Ok(catalogue)
    }

    /// Its JSON.
    ///
    /// # Errors
    /// [`NodeError::Config`] naming what is wrong with it.
    pub fn to_json(&self) -> Result<String, NodeError> {
        self.check().map_err(NodeError::Config)?;
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| NodeError::Config(error.to_string()))?;
        Ok(text + "\n")
    }

    /// What could make two parties read it differently.
    fn check(&self) -> Result<(), String> {
        if self.contract == Address::ZERO || self.owner == Address::ZERO {
            return Err("contract and owner may not be the zero address".into());
        }
        if self.chain_id == 0 {
            return Err("chain_id may not be 0".into());
        }
        let (mut names, mut groups) = (HashSet::new(), HashSet::new());
        for server in &self.resource_servers {
            server
                .check()
                .map_err(|what| format!("resource server `{}`: {what}", server.name))?;
            if !names.insert(&server.name) {
                return Err(format!("two resource servers are called `{}`", server.name));
            }
            // A group name abbreviates rs; two servers may not share one (A20).
            if let Some(group) = server
                .classes()
                .find(|class| !groups.insert(class.group(&server.rs)))
            {
                return Err(format!(
                    "two resource servers share the group {}",
                    group.group(&server.rs)
                ));
            }
        }
        Ok(())
    }

    /// The resource server called `name`, or whose address `name` spells.
    #[must_use]
    pub fn resource_server(&self, name: &str) -> Option<&ResourceServer> {
        let rs = crate::address::parse(name).ok();
        self.resource_servers
            .iter()
            .find(|server| server.name == name || Some(server.rs) == rs)
    }

    /// As [`Catalogue::resource_server`], or an error that lists the names there are.
    ///
    /// # Errors
    /// [`NodeError::Config`].
    pub fn expect_resource_server(&self, name: &str) -> Result<&ResourceServer, NodeError> {
        self.resource_server(name).ok_or_else(|| {
            let known: Vec<&str> = self
                .resource_servers
                .iter()
                .map(|server| server.name.as_str())
                .collect();
            NodeError::Config(format!(
                "no resource server `{name}` in the catalogue; it has: {}",
                known.join(", ")
            ))
        })
    }

    /// Every group of the deployment.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let of = |server| move |class| Group { server, class };
        self.resource_servers
            .iter()
            .flat_map(move |server| server.classes().map(of(server)))
    }

    /// The group with a name.
    #[must_use]
    pub fn group(&self, name: &GroupName) -> Option<Group<'_>> {
        self.groups().find(|group| group.name() == *name)
    }
}

impl ResourceServer {
    /// Its classes.
    pub fn classes(&self) -> impl Iterator<Item = Class> {
        self.classes.keys().map(|key| key.0)
    }

    /// The class of a resource: the first, by number, with a pattern that fits.
    #[must_use]
    pub fn class_of<S: AsRef<str>>(&self, path: &[S]) -> Option<Class> {
        let fits = |patterns: &Vec<PathPattern>| patterns.iter().any(|pattern| pattern.fits(path));
        self.classes
            .iter()
            .find(|(_, patterns)| fits(patterns))
            .map(|(key, _)| key.0)
    }

    /// The patterns of a class.
    #[must_use]
    pub fn patterns(&self, class: Class) -> &[PathPattern] {
        self.classes
            .get(&ClassKey(class))
            .map_or(&[], Vec::as_slice)
    }

    fn check(&self) -> Result<(), String> {
        path::check_segment(&self.name)?;
        if self.classes.is_empty() {
            return Err("it has no class".into());
        }
        if self.classes.values().any(Vec::is_empty) {
            return Err("a class has no path".into());
        }
        if self.key.address().is_none_or(|address| address != self.rs) {
            // Other algorithms have no address of their own: rs is then whatever the owner registered.
            if self.key.alg() == iotchain::SignAlg::Es256k {
                return Err("rs is not the address of its key".into());
            }
        }
        Ok(())
    }
}

impl Group<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> GroupName {
        self.class.group(&self.server.rs)
    }
}

impl TryFrom<String> for ProxyUri {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.strip_prefix("coap://")
            .and_then(|rest| rest.trim_end_matches('/').parse().ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not coap://ADDRESS:PORT"))
    }
}

impl From<ProxyUri> for String {
    fn from(uri: ProxyUri) -> Self {
        format!("coap://{}", uri.0)
    }
}

impl std::str::FromStr for ProxyUri {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ClassKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for ClassKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits =
            text.len() == 4 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = if digits {
            u16::from_str_radix(text, 16).ok()
        } else {
            None
        };
        number
            .map(|number| Self(Class::new(number)))
            .ok_or_else(|| format!("class `{text}` is not four lower-case hex digits"))
    }
}

impl std::fmt::Display for ClassKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04x}", self.0.get())
    }
}

impl From<ClassKey> for String {
    fn from(class: ClassKey) -> Self {
        class.to_string()
    }
}

#[cfg(test)]
mod tests;
