//! What a finished handshake proves.

use super::{SessionError, ffi};
use openssl::{nid::Nid, ssl::SslRef, x509::X509Ref};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Label of the channel binding (RFC 9266, 4.2).
const EXPORTER_LABEL: &str = "EXPORTER-Channel-Binding";

/// URI scheme under which a certificate names the resource server it is authorised for.
const RESOURCE_SERVER_URI: &str = "iotchain:rs:0x";

/// An established DTLS association.
pub struct Association {
    /// Unique in this process, never reused.
    pub id: u64,
    /// The channel binding `tls-exporter`: 32 bytes, the same at both ends of this association and nowhere else
    /// (spec 5.6). Exported with an *empty* context, as RFC 9266 wants, which under DTLS 1.2 differs from none.
    pub exporter: [u8; 32],
    /// The verified certificate of the other end, if it showed one.
    pub peer: Option<PeerCertificate>,
}

impl core::fmt::Debug for Association {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Association")
            .field("id", &self.id)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// A certificate whose chain was verified, and the names in it.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// DNS names.
    pub dns: Vec<String>,
    /// IP addresses.
    pub ips: Vec<IpAddr>,
    /// URIs.
    pub uris: Vec<String>,
}

impl core::fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = [&self.dns[..], &self.uris[..]].concat();
        f.debug_struct("PeerCertificate")
            .field("names", &names)
            .field("ips", &self.ips)
            .finish_non_exhaustive()
    }
}

impl PeerCertificate {
    /// Whether the certificate authorises its holder for the resource server with this address (spec 4.1).
    pub fn authorises(&self, rs: &[u8; 20]) -> bool {
        let wanted = resource_server_uri(rs);
        self.uris.contains(&wanted)
    }

    fn of(certificate: &X509Ref) -> Option<Self> {
        let mut peer = PeerCertificate {
            der: certificate.to_der().ok()?,
            dns: vec![],
            ips: vec![],
            uris: vec![],
        };
        for name in certificate.subject_alt_names().into_iter().flatten() {
            if let Some(dns) = name.dnsname() {
                peer.dns.push(dns.to_owned());
            } else if let Some(uri) = name.uri() {
                peer.uris.push(uri.to_owned());
            } else if let Some(ip) = name.ipaddress() {
                peer.ips.extend(ip_address(ip));
            }
        }
        Some(peer)
    }
}

/// The URI that authorises a certificate for a resource server: `iotchain:rs:0x` and 40 lower-case hex digits.
pub(super) fn resource_server_uri(rs: &[u8; 20]) -> String {
    format!("{RESOURCE_SERVER_URI}{}", hex::encode(rs))
}

impl Association {
    /// Reads a finished handshake.
    ///
    /// # Errors
    /// [`SessionError::Failed`] without extended master secret: the exporter would not bind the channel (RFC 9266, 3.1).
    pub(super) fn of(ssl: &SslRef) -> Result<Arc<Self>, SessionError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        if !ffi::extended_master_secret(ssl) {
            return Err(SessionError::Failed(
                "the peer does not use the extended master secret".into(),
            ));
        }
        let mut exporter = [0; 32];
        ssl.export_keying_material(&mut exporter, EXPORTER_LABEL, Some(&[]))
            .map_err(|e| SessionError::Failed(e.to_string()))?;
        Ok(Arc::new(Association {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            exporter,
            peer: ssl.peer_certificate().and_then(|c| PeerCertificate::of(&c)),
        }))
    }
}

fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

/// The common name of a certificate, for messages to people.
pub(super) fn common_name(certificate: &X509Ref) -> String {
    let entry = certificate
        .subject_name()
        .entries_by_nid(Nid::COMMONNAME)
        .next();
    entry
        .and_then(|e| e.data().to_string().ok())
        .unwrap_or_default()
}
