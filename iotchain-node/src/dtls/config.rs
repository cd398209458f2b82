//! How the two ends of an association are set up.

use super::{
    Session,
    cookie::{Arrival, COOKIE_LEN, CookieJar},
    openssl::OpenSslSession,
    pki::{Identity, TrustAnchor},
};
use crate::runtime::NetError;
use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{
        Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef,
        SslSessionCacheMode, SslVerifyMode, SslVersion,
    },
};
use std::{net::IpAddr, time::Instant};

/// CCM_8 is what RFC 7925 makes mandatory for devices; GCM is for peers without it. OpenSSL rates an 8-byte
/// tag below its level 1, so that level is lifted in these contexts and the list is explicit instead.
const CIPHERS: &str = "ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0";

/// The one curve and the signature that go with the suites above.
const CURVES: &str = "P-256";
const SIGNATURES: &str = "ECDSA+SHA256";

/// Largest datagram of a handshake in bytes: fits the smallest MTU of IPv6 with room for a tunnel.
const MTU: u32 = 1200;

/// The name a client demands in the certificate of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// A DNS name.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
}

impl From<IpAddr> for ServerName {
    fn from(ip: IpAddr) -> Self {
        ServerName::Ip(ip)
    }
}

/// The client's end: whom it trusts, whom it wants, who it is.
pub struct ClientConfig {
    context: SslContext,
    name: ServerName,
}

/// The server's end: who it is, and whose clients' certificates it believes.
pub struct ServerConfig {
    identity: Identity,
    clients: Option<TrustAnchor>,
}

/// The server's context with its cookies, ready to make sessions.
pub(super) struct ServerContext {
    context: SslContext,
    arrival: Index<Ssl, Arrival>,
}

impl ClientConfig {
    /// Trusts the servers of one authority, and of these only the named one; shows `identity` if there is one.
    ///
    /// # Errors
    /// [`NetError::OpenSsl`] for a key that does not fit its certificate.
    pub fn new(
        anchor: &TrustAnchor,
        name: ServerName,
        identity: Option<&Identity>,
    ) -> Result<Self, NetError> {
        let mut builder = profile()?;
        trust(&mut builder, anchor)?;
        builder.set_verify(SslVerifyMode::PEER);
        if let Some(identity) = identity {
            present(&mut builder, identity)?;
        }
        Ok(ClientConfig {
            context: builder.build(),
            name,
        })
    }

    /// A session whose ClientHello waits in [`Session::outgoing`].
    ///
    /// # Errors
    /// [`NetError::OpenSsl`] when out of memory.
    pub fn connect(&self, now: Instant) -> Result<Box<dyn Session>, NetError> {
        Ok(Box::new(self.open(now)?))
    }

    pub(super) fn open(&self, now: Instant) -> Result<OpenSslSession, NetError> {
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_connect_state();
        match &self.name {
            ServerName::Dns(name) => {
                ssl.set_hostname(name)?;
                ssl.param_mut().set_host(name)?;
            }
            ServerName::Ip(ip) => ssl.param_mut().set_ip(*ip)?,
        }
        ssl.set_mtu(MTU)?;
        Ok(OpenSslSession::begin(ssl, now)?)
    }
}

impl ServerConfig {
    /// A server with a certificate. With `clients`, a certificate that a client shows must come from that
    /// authority; a client may still show none. Without, certificates are not asked for.
    pub fn new(identity: Identity, clients: Option<TrustAnchor>) -> Self {
        ServerConfig { identity, clients }
    }

    /// Binds the configuration to a cookie key of 32 random bytes.
    pub(super) fn context(&self, cookie_key: &[u8; 32]) -> Result<ServerContext, NetError> {
        let mut builder = profile()?;
        present(&mut builder, &self.identity)?;
        builder.set_verify(SslVerifyMode::NONE);
        if let Some(anchor) = &self.clients {
            trust(&mut builder, anchor)?;
            builder.set_verify(SslVerifyMode::PEER);
        }
        builder.set_options(SslOptions::COOKIE_EXCHANGE);
        let arrival = Ssl::new_ex_index()?;
        let jar = CookieJar::new(cookie_key)?;
        builder.set_cookie_generate_cb(move |ssl, out| {
            let cookie = jar.bake(ssl.ex_data(arrival).ok_or_else(ErrorStack::get)?)?;
            out.get_mut(..COOKIE_LEN)
                .ok_or_else(ErrorStack::get)?
                .copy_from_slice(&cookie);
            Ok(COOKIE_LEN)
        });
        let jar = CookieJar::new(cookie_key)?;
        builder.set_cookie_verify_cb(move |ssl, cookie| {
            ssl.ex_data(arrival).is_some_and(|a| jar.accepts(a, cookie))
        });
        Ok(ServerContext {
            context: builder.build(),
            arrival,
        })
    }
}

impl ServerContext {
    /// An object that waits for a ClientHello.
    pub(super) fn accept(&self) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_accept_state();
        ssl.set_mtu(MTU)?;
        Ok(ssl)
    }

    /// Tells the cookie callbacks whose ClientHello comes next.
    pub(super) fn announce(&self, ssl: &mut SslRef, arrival: Arrival) {
        match ssl.ex_data_mut(self.arrival) {
            Some(slot) => *slot = arrival,
            None => ssl.set_ex_data(self.arrival, arrival),
        }
    }
}

/// What both ends have in common: DTLS 1.2 alone, no resumption (a proof belongs to one handshake, spec 4.1 A9),
/// no renegotiation, a fixed MTU (without `NO_QUERY_MTU` the library ignores it and sends 256-byte datagrams).
fn profile() -> Result<SslContextBuilder, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::dtls())?;
    builder.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
    builder.set_max_proto_version(Some(SslVersion::DTLS1_2))?;
    builder.set_security_level(0);
    builder.set_cipher_list(CIPHERS)?;
    builder.set_groups_list(CURVES)?;
    builder.set_sigalgs_list(SIGNATURES)?;
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_options(
        SslOptions::NO_TICKET | SslOptions::NO_QUERY_MTU | SslOptions::NO_RENEGOTIATION,
    );
    builder.set_mode(SslMode::NO_AUTO_CHAIN | SslMode::RELEASE_BUFFERS);
    Ok(builder)
}

fn present(builder: &mut SslContextBuilder, identity: &Identity) -> Result<(), ErrorStack> {
    builder.set_certificate(&identity.certificate)?;
    builder.set_private_key(&identity.key)?;
    builder.check_private_key()
}

fn trust(builder: &mut SslContextBuilder, anchor: &TrustAnchor) -> Result<(), ErrorStack> {
    builder.set_verify_cert_store(anchor.store()?)?;
    builder.add_client_ca(&anchor.certificate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtls::{
        Bounds, Event, Listener, SessionError,
        pki::{Authority, Name},
    };
    use std::net::{Ipv4Addr, SocketAddr};

    const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

    /// A handshake with a client that departs from the profile in one point, and what the client said last.
    fn handshake(
        depart: impl FnOnce(&mut SslContextBuilder),
    ) -> (Listener, Box<dyn Session>, Result<(), SessionError>) {
        let authority = Authority::create("test", 2).unwrap();
        let identity = authority
            .issue("server", &[Name::Dns("test".into())], 2)
            .unwrap();
        let now = Instant::now();
        let config = ServerConfig::new(identity, None);
        let mut listener = Listener::new(&config, Bounds::default(), &[0; 32], now).unwrap();
        let mut builder = profile().unwrap();
        trust(&mut builder, &authority.anchor()).unwrap();
        builder.set_verify(SslVerifyMode::PEER);
        depart(&mut builder);
        let config = ClientConfig {
            context: builder.build(),
            name: ServerName::Dns("test".into()),
        };
        let mut client = config.connect(now).unwrap();
        let mut outcome = Ok(());
        while let Some(datagram) = client.outgoing() {
            listener.receive(now, PEER, &datagram);
            for (_, datagram) in listener.outgoing() {
                outcome = client.receive(now, &datagram);
            }
        }
        (listener, client, outcome)
    }

    /// Without it the exporter would not bind the channel (RFC 9266, 3.1).
    #[test]
    fn a_peer_without_extended_master_secret_is_refused() {
        // SSL_OP_NO_EXTENDED_MASTER_SECRET (openssl/ssl.h).
        let (listener, client, outcome) = handshake(|b| {
            b.set_options(SslOptions::from_bits_retain(1));
        });
        assert!(
            outcome
                .unwrap_err()
                .to_string()
                .contains("extended master secret")
        );
        assert!(client.association().is_none());
        assert_eq!(listener.load().0, 0);
    }

    /// The shortest GCM record is longer than that of CCM_8, and OpenSSL minds.
    #[test]
    fn a_session_on_gcm_survives_records_of_any_length() {
        let gcm = "ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0";
        let (mut listener, mut client, _) = handshake(|b| b.set_cipher_list(gcm).unwrap());
        let now = Instant::now();
        assert!(client.association().is_some());
        for length in 0..60u8 {
            let header = [23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, length, 0, length];
            let junk = [&header[..], &vec![length; length.into()]].concat();
            listener.receive(now, PEER, &junk);
            client.receive(now, &junk).unwrap();
        }
        client.send(b"alive").unwrap();
        listener.receive(now, PEER, &client.outgoing().unwrap());
        let [Event::Message(_, _, message)] = &listener.events()[..] else {
            panic!("no message")
        };
        assert_eq!(message, b"alive");
    }
}
