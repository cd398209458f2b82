//! A small service and a small authority for tests over real sockets.
// Each test binary uses its part, and none of it is public beyond.
#![allow(dead_code, unreachable_pub)]

use iotchain_node::{
    coap::{
        Code, Link, Outcome, Request, Response, Service, Settings, Transmission, content_format,
    },
    dtls::{
        ClientConfig, ServerConfig, ServerName,
        pki::{Authority, Identity, Name},
    },
};
use std::{collections::HashMap, net::SocketAddr, thread, time::Duration};

/// The loopback address with a port of the system's choice.
pub const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Names the resource server of the tests.
pub const RS: [u8; 20] = [0x5a; 20];

/// Repeats quickly, so that lossy tests end soon.
pub const BRISK: Transmission = Transmission {
    ack_timeout: Duration::from_millis(30),
    max_retransmit: 8,
};

pub fn settings() -> Settings {
    Settings {
        transmission: BRISK,
        response_timeout: Duration::from_secs(20),
        handshake_timeout: Duration::from_secs(40),
        ..Settings::default()
    }
}

/// Stores what is PUT and answers with facts about the request.
#[derive(Default)]
pub struct Store {
    bodies: HashMap<String, Vec<u8>>,
    counter: u32,
}

impl Service for Store {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        let path = request.path.join("/");
        match (request.code, request.path) {
            (Code::GET, ["slow"]) => {
                let (ticket, outcome) = request.defer();
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(150));
                    ticket.complete(Response::content(content_format::TEXT_PLAIN, "at last"));
                });
                outcome
            }
            (Code::GET, ["token"]) => {
                Response::content(content_format::OCTET_STREAM, request.token.as_bytes()).into()
            }
            (Code::GET, ["exporter"]) => match &request.peer.association {
                Some(association) => {
                    Response::content(content_format::OCTET_STREAM, association.exporter).into()
                }
                None => Code::UNAUTHORIZED.into(),
            },
            (Code::GET, ["who"]) => {
                let certificate = request
                    .peer
                    .association
                    .as_ref()
                    .and_then(|a| a.peer.as_ref());
                let who = match certificate {
                    None => "nobody",
                    Some(c) if c.authorises(&RS) => "the resource server",
                    Some(_) => "somebody",
                };
                Response::content(content_format::TEXT_PLAIN, who).into()
            }
            (Code::POST, ["count"]) => {
                self.counter += 1;
                Response::content(content_format::TEXT_PLAIN, self.counter.to_string()).into()
            }
            (Code::PUT, ["fresh"]) if request.fresh_until.is_none() => Response::challenge().into(),
            (Code::PUT, _) => {
                self.bodies.insert(path.clone(), request.payload.to_vec());
                Response::new(Code::CHANGED).changed(path).into()
            }
            (Code::GET, _) => match self.bodies.get(&path) {
                Some(body) => Response::content(content_format::OCTET_STREAM, body.clone())
                    .observable()
                    .into(),
                None => Code::NOT_FOUND.into(),
            },
            _ => Code::METHOD_NOT_ALLOWED.into(),
        }
    }

    fn links(&self) -> Vec<Link> {
        vec![Link {
            path: "a".into(),
            attributes: "ct=42;obs".into(),
        }]
    }
}

/// A deployment: one authority, a server at 127.0.0.1, a resource server.
pub struct Pki {
    pub authority: Authority,
    pub server: Identity,
    pub rs: Identity,
}

impl Pki {
    pub fn new() -> Self {
        let authority = Authority::create("Test authority", 2).unwrap();
        let server = authority.issue(
            "key server",
            &[Name::Ip(ANYWHERE.ip()), Name::Dns("ks.test".into())],
            2,
        );
        let rs = authority.issue("thermometer", &[Name::ResourceServer(RS)], 2);
        Pki {
            server: server.unwrap(),
            rs: rs.unwrap(),
            authority,
        }
    }

    pub fn server(&self) -> ServerConfig {
        ServerConfig::new(self.server.clone(), Some(self.authority.anchor()))
    }

    pub fn client(&self) -> ClientConfig {
        ClientConfig::new(
            &self.authority.anchor(),
            ServerName::Ip(ANYWHERE.ip()),
            None,
        )
        .unwrap()
    }

    pub fn rs_client(&self) -> ClientConfig {
        ClientConfig::new(
            &self.authority.anchor(),
            ServerName::Ip(ANYWHERE.ip()),
            Some(&self.rs),
        )
        .unwrap()
    }
}
