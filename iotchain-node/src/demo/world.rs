//! The stage: directories, ports, certificates and the five roles, set up with the commands a person would type.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::adversary::{Jammer, Mallory};
use super::ports::{free_tcp_port, free_udp_ports};
use super::roles::{self, Role};
use super::shell::Shell;
use super::timeline::{Cost, Timeline};
use crate::clock::Stop;
use crate::{NodeError, keyfile};
use std::time::{Duration, Instant};

/// The access class of the demo, as in group names.
const CLASS: &str = "0007";
/// Seconds a grant and a token live: far longer than the demo.
const LIFE: &str = "86400";
/// Seconds of a session: short, so that a story of a dozen sessions fits a minute.
pub(super) const SESSION: &str = "4";
/// Seconds a key outlives its session. A revoked client is out after that long at the latest.
const GRACE: &str = "2";

/// How a client reaches the others.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// Broadcasts through the jammer, the proxy's objects from mallory.
    Attacked,
    /// The resource server through somebody who listens.
    Watched,
    /// As published.
    Open,
}

impl Way {
    /// The catalogue that leads this way.
    const fn catalogue(self) -> &'static str {
        match self {
            Self::Attacked => "attacked.json",
            Self::Watched => "watched.json",
            Self::Open => "owner/catalogue.json",
        }
    }
}

/// Everything that runs.
pub(super) struct World {
    directory: PathBuf,
    stop: Stop,
    pub(super) ledger: Role,
    pub(super) key_server: Role,
    pub(super) proxy: Role,
    pub(super) resource_server: Role,
    pub(super) proxy_address: SocketAddr,
    pub(super) jammer: Jammer,
    /// In front of the resource server.
    pub(super) spy: Jammer,
    pub(super) mallory: Mallory,
}

impl World {
    /// Sets the owner up, deploys the contract and starts the roles: step 1 of Fig. 1.
    pub(super) fn build(
        directory: &Path,
        document: &Path,
        stop: &Stop,
        timeline: &mut Timeline,
    ) -> Result<Self, NodeError> {
        let at = |name: &str| directory.join(name).display().to_string();
        let owner = |rest: &[&str]| {
            let mut arguments = vec!["owner".to_owned(), "--data".to_owned(), at("owner")];
            arguments.extend(rest.iter().map(|word| (*word).to_owned()));
            roles::run(&arguments)
        };

        let start = Instant::now();
        let listen = format!("127.0.0.1:{}", free_tcp_port()?);
        let ledger = Role::start(
            directory,
            "ledger",
            &[
                "ledger",
                "--data",
                &at("ledger"),
                "--listen",
                &listen,
                "--block-time",
                "500",
            ],
            stop,
        )?;
        timeline.step(
            "ledger",
            format!("an Ethereum chain of its own, {}", ledger.address("rpc")?),
            Cost::since(start),
        );

        let start = Instant::now();
        owner(&["init", "--ledger", ledger.address("rpc")?])?;
        owner(&["deploy", "--policy", "attestation"])?;
        timeline.step(
            "owner",
            "(1) deploys the contract: a token needs a grant the owner signed",
            Cost::since(start),
        );

        let start = Instant::now();
        let [ks_coap, ks_coaps, rs_coap, proxy_coap] =
            free_udp_ports()?.map(|port| format!("127.0.0.1:{port}"));
        let proxy_address = parse(&proxy_coap)?;
        owner(&[
            "certify",
            "key-server",
            "--out",
            &at("key-server-cert"),
            "--coap",
            &ks_coap,
            "--coaps",
            &ks_coaps,
            // Clients that know an address and no name, such as the one in C, check this one.
            "--ip",
            "127.0.0.1",
        ])?;
        owner(&["new-key", "--out", &at("meter.key")])?;
        owner(&[
            "add-resource-server",
            "--name",
            "meter",
            "--key",
            &at("meter.key"),
            "--coap",
            &rs_coap,
            "--proxy",
            &format!("coap://{proxy_coap}"),
            "--class",
            &format!("{CLASS}=load,memory,doc,light,door"),
        ])?;
        owner(&[
            "certify",
            "resource-server",
            "--key-file",
            &at("meter.key"),
            "--out",
            &at("meter-cert"),
        ])?;
        timeline.step(
            "owner",
            "certifies key server and resource server, publishes the catalogue",
            Cost::since(start),
        );

        let catalogue = at("owner/catalogue.json");
        let start = Instant::now();
        let key_server = Role::start(
            directory,
            "key-server",
            &[
                "key-server",
                "--data",
                &at("key-server"),
                "--catalogue",
                &catalogue,
                "--cert",
                &at("key-server-cert/key-server.pem"),
                "--cert-key",
                &at("key-server-cert/key-server.key"),
                "--session",
                SESSION,
                "--grace",
                GRACE,
            ],
            stop,
        )?;
        timeline.step(
            "key-server",
            "serves broadcasts by CoAP and joins by DTLS",
            Cost::since(start),
        );
        let start = Instant::now();
        let proxy = Role::start(
            directory,
            "proxy",
            &[
                "proxy",
                "--data",
                &at("proxy"),
                "--catalogue",
                &catalogue,
                "--coap",
                &proxy_coap,
            ],
            stop,
        )?;
        timeline.step("proxy", "holds no key", Cost::since(start));
        std::fs::write(at("light"), "off").map_err(|source| NodeError::io(at("light"), source))?;
        let start = Instant::now();
        let resource_server = Role::start(
            directory,
            "resource-server",
            &[
                "resource-server",
                "--data",
                &at("meter"),
                "--catalogue",
                &catalogue,
                "--name",
                "meter",
                "--key-file",
                &at("meter.key"),
                "--cert",
                &at("meter-cert/resource-server.pem"),
                "--cert-key",
                &at("meter-cert/resource-server.key"),
                "--publish",
                "1",
                "--resource",
                "load=proc:loadavg",
                "--resource",
                "memory=proc:meminfo",
                "--resource",
                &format!("doc=file:{}", document.display()),
                "--resource",
                &format!("light=file:{}", at("light")),
                "--writable",
                "light",
                "--action",
                &format!("door=printf x >> {0}; wc -c < {0}", at("door")),
            ],
            stop,
        )?;
        timeline.step(
            "resource-server",
            "mutual DTLS with the key server, joins its group, publishes signed objects",
            Cost::since(start),
        );

        let jammer = Jammer::before(parse(&ks_coap)?)?;
        let spy = Jammer::before(parse(&rs_coap)?)?;
        let mallory = Mallory::before(proxy_address)?;
        let world = Self {
            directory: directory.to_owned(),
            stop: stop.clone(),
            ledger,
            key_server,
            proxy,
            resource_server,
            proxy_address,
            jammer,
            spy,
            mallory,
        };
        world.write_catalogues()?;
        Ok(world)
    }

    /// Every UDP port that a role serves at.
    pub(super) fn udp_ports(&self) -> Result<Vec<SocketAddr>, NodeError> {
        let served = [
            self.key_server.address("coap")?,
            self.key_server.address("coaps")?,
            self.resource_server.address("coap")?,
            self.proxy.address("coap")?,
        ];
        served.into_iter().map(parse).collect()
    }

    /// Where the ledger serves its JSON-RPC.
    pub(super) fn ledger_port(&self) -> Result<SocketAddr, NodeError> {
        parse(self.ledger.address("rpc")?.trim_start_matches("http://"))
    }

    /// The roles whose process has ended.
    pub(super) fn fallen(&mut self) -> Vec<String> {
        let roles = [
            &mut self.ledger,
            &mut self.key_server,
            &mut self.proxy,
            &mut self.resource_server,
        ];
        let ended = roles
            .into_iter()
            .filter_map(|role| (!role.is_alive()).then(|| role.name().to_owned()));
        ended.collect()
    }

    /// Waits a moment.
    ///
    /// # Errors
    /// [`NodeError::Failed`] if the demo is to end.
    pub(super) fn pause(&self, time: Duration) -> Result<(), NodeError> {
        if self.stop.wait(time) {
            return Err(NodeError::Failed("told to end".into()));
        }
        Ok(())
    }

    /// The file that `name` would be.
    pub(super) fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// The arguments before a client's command.
    pub(super) fn client(&self, name: &str, way: Way) -> Vec<String> {
        let catalogue = self.path(way.catalogue());
        [
            "client",
            "--data",
            &self.path(name),
            "--catalogue",
            &catalogue,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// A client's address.
    pub(super) fn address_of(&self, client: &[String]) -> Result<String, NodeError> {
        let mut arguments = client.to_vec();
        arguments.push("address".into());
        Ok(roles::run(&arguments)?.trim().to_owned())
    }

    /// Owner commands in the middle of the story.
    pub(super) fn owner(&self, rest: &[&str]) -> Result<String, NodeError> {
        let mut arguments = vec!["owner".to_owned(), "--data".to_owned(), self.path("owner")];
        arguments.extend(rest.iter().map(|word| (*word).to_owned()));
        roles::run(&arguments)
    }

    /// The owner signs a grant for a client; the file it is in.
    pub(super) fn attest(
        &self,
        name: &str,
        address: &str,
        roles: &str,
    ) -> Result<String, NodeError> {
        let file = self.path(&format!("{name}.grant.json"));
        self.owner(&[
            "attest", address, "--rs", "meter", "--class", CLASS, "--roles", roles, "--ttl", LIFE,
            "--out", &file,
        ])?;
        Ok(file)
    }

    /// A client's request for a token, with or without a grant.
    pub(super) fn request_token(
        &self,
        client: &[String],
        roles: &str,
        grant: Option<&str>,
    ) -> Result<String, NodeError> {
        let mut arguments = client.to_vec();
        let words = [
            "request-token",
            "--no-wait",
            "--rs",
            "meter",
            "--class",
            CLASS,
            "--roles",
            roles,
            "--ttl",
            LIFE,
        ];
        arguments.extend(words.map(str::to_owned));
        if let Some(grant) = grant {
            arguments.extend(["--grant".to_owned(), grant.to_owned()]);
        }
        roles::run(&arguments)
    }

    /// A client process.
    pub(super) fn shell(&self, name: &'static str, client: &[String]) -> Result<Shell, NodeError> {
        Shell::start(&self.directory, name, client, &self.stop)
    }

    /// What those believe who are attacked or watched.
    fn write_catalogues(&self) -> Result<(), NodeError> {
        let path = self.directory.join("owner/catalogue.json");
        let fault =
            |error: serde_json::Error| NodeError::State(format!("{}: {error}", path.display()));
        let mut catalogue: Value = serde_json::from_slice(&keyfile::read(&path)?).map_err(fault)?;
        let authority = self
            .directory
            .join("owner")
            .join(catalogue["key_server"]["ca"].as_str().unwrap_or("ca.pem"));
        catalogue["key_server"]["ca"] = authority.display().to_string().into();
        let write = |way: Way, catalogue: &Value| {
            let path = self.directory.join(way.catalogue());
            keyfile::atomic_write(&path, catalogue.to_string().as_bytes())
        };
        let mut watched = catalogue.clone();
        watched["resource_servers"][0]["coap"] = self.spy.address().to_string().into();
        write(Way::Watched, &watched)?;
        catalogue["key_server"]["coap"] = self.jammer.address().to_string().into();
        let mallory = self
            .mallory
            .address()
            .ok_or_else(|| NodeError::State("mallory has no port".into()))?;
        catalogue["resource_servers"][0]["proxy"] = format!("coap://{mallory}").into();
        write(Way::Attacked, &catalogue)
    }
}

/// The group as a client names it.
pub(super) fn group() -> String {
    format!("meter/{CLASS}")
}

fn parse(address: &str) -> Result<SocketAddr, NodeError> {
    address
        .parse()
        .map_err(|_| NodeError::State(format!("`{address}` is no address")))
}
