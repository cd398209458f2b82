//! What a client is asked to read: `meter/load`, or a CoAP URI of the catalogue's servers and proxies.

use std::fmt;
use std::net::SocketAddr;

use iotchain::token::Class;
use iotchain::{Address, GroupName};

use crate::NodeError;
use crate::catalogue::{Catalogue, ResourceServer};

/// The port of `coap` (RFC 7252, 6.1).
const DEFAULT_PORT: u16 = 5683;

/// A resource of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of its resource server.
    pub name: String,
    /// Address of its resource server on the ledger.
    pub rs: Address,
    /// Its access class.
    pub class: Class,
    /// Where the resource server answers.
    pub server: SocketAddr,
    /// Where its proxy answers.
    pub proxy: Option<SocketAddr>,
    /// Path segments at the resource server.
    pub path: Vec<String>,
}

impl Target {
    /// Finds `NAME/PATH`, `coap://SERVER/PATH` or `coap://PROXY/NAME/PATH` in the catalogue.
    ///
    /// # Errors
    /// [`NodeError::Config`] if it is none of them.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self, NodeError> {
        let (server, path) = match text.strip_prefix("coap://") {
            Some(rest) => by_uri(rest, catalogue),
            None => text
                .split_once('/')
                .and_then(|(name, path)| Some((catalogue.resource_server(name)?, path))),
        }
        .ok_or_else(|| {
            NodeError::Config(format!("{text}: no such resource server in the catalogue"))
        })?;
        let path: Vec<String> = path.split('/').map(str::to_owned).collect();
        let class = server.class_of(&path).ok_or_else(|| {
            NodeError::Config(format!(
                "{text}: {} has no class with this path",
                server.name
            ))
        })?;
        Ok(Self {
            name: server.name.clone(),
            rs: server.rs,
            class,
            server: server.coap,
            proxy: server.proxy.map(|uri| uri.0),
            path,
        })
    }

    /// The group whose members read it.
    #[must_use]
    pub fn group(&self) -> GroupName {
        self.class.group(&self.rs)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.path.join("/"))
    }
}

fn by_uri<'a, 'b>(
    rest: &'b str,
    catalogue: &'a Catalogue,
) -> Option<(&'a ResourceServer, &'b str)> {
    let (authority, path) = rest.split_once('/')?;
    let address: SocketAddr = authority
        .parse()
        .ok()
        .or_else(|| Some((authority.parse::<std::net::IpAddr>().ok()?, DEFAULT_PORT).into()))?;
    let direct = catalogue
        .resource_servers
        .iter()
        .find(|server| server.coap == address);
    direct.map(|server| (server, path)).or_else(|| {
        let (name, path) = path.split_once('/')?;
        let server = catalogue.resource_server(name)?;
        (server.proxy?.0 == address).then_some((server, path))
    })
}
