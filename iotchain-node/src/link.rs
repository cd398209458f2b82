//! Connections of this process to the other roles, and what their refusals say.

use std::net::SocketAddr;
use std::time::Duration;

use iotchain::join::ProblemDetails;

use crate::NodeError;
use crate::catalogue::KeyServer;
use crate::coap::{Client, Reply, Settings, content_format};
use crate::dtls::pki::{Identity, TrustAnchor};
use crate::dtls::{ClientConfig, ServerName};
use crate::runtime::Loss;

/// How long a handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);
/// How long to wait for the answer to an acknowledged request.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How clients of this process behave. The environment variable `IOTCHAIN_LOSS` (`20`, or `20:7` with a seed) makes them
/// lose that many of 100 datagrams.
///
/// # Errors
/// [`NodeError::Config`] if it is set to something else.
pub fn settings() -> Result<Settings, NodeError> {
    let loss =
        Loss::from_env().map_err(|error| NodeError::Config(format!("IOTCHAIN_LOSS: {error}")))?;
    Ok(Settings {
        handshake_timeout: HANDSHAKE_LIMIT,
        response_timeout: ANSWER_LIMIT,
        loss,
        ..Settings::default()
    })
}

/// A client over plain UDP.
///
/// # Errors
/// [`NodeError::Net`], [`NodeError::Config`].
pub fn plain(server: SocketAddr) -> Result<Client, NodeError> {
    Ok(Client::udp(server, settings()?)?)
}

/// A client of the key server over DTLS, showing `identity` if there is one.
///
/// # Errors
/// [`NodeError::Net`] if the key server is silent or is not the one that the owner certified.
pub fn key_server(address: &KeyServer, identity: Option<&Identity>) -> Result<Client, NodeError> {
    let anchor = TrustAnchor::read(&address.ca)?;
    let name = match address.name.parse() {
        Ok(ip) => ServerName::Ip(ip),
        Err(_) => ServerName::Dns(address.name.clone()),
    };
    let config = ClientConfig::new(&anchor, name, identity)?;
    Ok(Client::dtls(address.coaps, &config, settings()?)?)
}

/// What a reply other than the expected success means. `what` says who was asked for what.
#[must_use]
pub fn refusal(what: impl Into<String>, reply: &Reply) -> NodeError {
    let detailed = reply.content_format() == Some(content_format::PROBLEM_DETAILS);
    let problem = if detailed {
        ProblemDetails::parse(&reply.payload).ok()
    } else {
        None
    };
    NodeError::Refused {
        what: what.into(),
        code: reply.code,
        number: problem.and_then(|problem| problem.error),
    }
}
