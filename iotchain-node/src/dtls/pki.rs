//! A small certificate authority on P-256, enough for one deployment.
//!
//! Names stand in the subject alternative name: DNS names and addresses for servers, and for a resource server the URI
//! `iotchain:rs:0x<40 hex digits>` that the key server compares with the address it claims (spec 4.1).

mod files;

use super::association::{common_name, resource_server_uri};
use crate::runtime::NetError;
use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    x509::{
        X509, X509Builder, X509Name, X509NameBuilder,
        extension::{
            AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage,
            SubjectAlternativeName, SubjectKeyIdentifier,
        },
        store::{X509Store, X509StoreBuilder},
    },
};
use std::{net::IpAddr, path::Path};

/// A certificate authority, or one's own certificate, that others' certificates must come from.
#[derive(Clone)]
pub struct TrustAnchor {
    pub(super) certificate: X509,
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
}

/// An authority that can issue.
pub struct Authority(Identity);

/// A name in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A DNS name.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
    /// The address of the resource server that the holder is authorised for.
    ResourceServer([u8; 20]),
}

impl Authority {
    /// Makes an authority with a fresh key, valid from yesterday (clocks differ) for `days`.
    ///
    /// # Errors
    /// [`NetError::OpenSsl`].
    pub fn create(name: &str, days: u32) -> Result<Self, NetError> {
        let key = fresh_key()?;
        let subject = subject(name)?;
        let mut builder = template(&subject, &subject, &key, days)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(
            KeyUsage::new()
                .critical()
                .key_cert_sign()
                .crl_sign()
                .build()?,
        )?;
        let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Authority(Identity {
            certificate: builder.build(),
            key,
        }))
    }

    /// Issues a certificate for `names` with a fresh key, for both ends of a handshake.
    ///
    /// # Errors
    /// [`NetError::OpenSsl`].
    pub fn issue(
        &self,
        common_name: &str,
        names: &[Name],
        days: u32,
    ) -> Result<Identity, NetError> {
        let key = fresh_key()?;
        let issuer = &self.0.certificate;
        let mut builder = template(&*subject(common_name)?, issuer.subject_name(), &key, days)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(
            ExtendedKeyUsage::new()
                .server_auth()
                .client_auth()
                .build()?,
        )?;
        let mut alternative = SubjectAlternativeName::new();
        for name in names {
            match name {
                Name::Dns(dns) => alternative.dns(dns),
                Name::Ip(ip) => alternative.ip(&ip.to_string()),
                Name::ResourceServer(rs) => alternative.uri(&resource_server_uri(rs)),
            };
        }
        let context = builder.x509v3_context(Some(issuer), None);
        let subject_id = SubjectKeyIdentifier::new().build(&context)?;
        let authority_id = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        let alternative = (!names.is_empty())
            .then(|| alternative.build(&context))
            .transpose()?;
        for extension in [Some(subject_id), Some(authority_id), alternative]
            .into_iter()
            .flatten()
        {
            builder.append_extension(extension)?;
        }
        builder.sign(&self.0.key, MessageDigest::sha256())?;
        Ok(Identity {
            certificate: builder.build(),
            key,
        })
    }

    /// The authority's certificate, for those who trust it.
    pub fn anchor(&self) -> TrustAnchor {
        TrustAnchor {
            certificate: self.0.certificate.clone(),
        }
    }

    /// Reads certificate and key.
    ///
    /// # Errors
    /// [`NetError::File`], or [`NetError::Certificate`] for a file that holds something else.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, NetError> {
        Identity::read(certificate, key).map(Authority)
    }

    /// Writes certificate and key, the key readable by the owner alone.
    ///
    /// # Errors
    /// [`NetError::File`].
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), NetError> {
        self.0.write(certificate, key)
    }
}

impl Identity {
    /// Reads a PEM certificate and its PEM key.
    ///
    /// # Errors
    /// [`NetError::File`], or [`NetError::Certificate`] for files that hold something else or do not belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, NetError> {
        let anchor = TrustAnchor::read(certificate)?;
        let private = PKey::private_key_from_pem(&files::read_secret(key)?).map_err(|_| {
            NetError::Certificate(format!("{} holds no private key in PEM", key.display()))
        })?;
        let public = anchor.certificate.public_key()?;
        if !public.public_eq(&private) {
            let text = format!(
                "{} and {} do not belong together",
                certificate.display(),
                key.display()
            );
            return Err(NetError::Certificate(text));
        }
        Ok(Identity {
            certificate: anchor.certificate,
            key: private,
        })
    }

    /// Writes both as PEM, the key with mode 0600.
    ///
    /// # Errors
    /// [`NetError::File`].
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), NetError> {
        let secret = zeroize::Zeroizing::new(self.key.private_key_to_pem_pkcs8()?);
        files::write(key, &secret, 0o600)?;
        files::write(certificate, &self.certificate.to_pem()?, 0o644)
    }

    /// The certificate, DER.
    ///
    /// # Errors
    /// [`NetError::OpenSsl`].
    pub fn der(&self) -> Result<Vec<u8>, NetError> {
        Ok(self.certificate.to_der()?)
    }
}

impl TrustAnchor {
    /// Reads a PEM certificate.
    ///
    /// # Errors
    /// [`NetError::File`], or [`NetError::Certificate`] for a file that holds something else.
    pub fn read(path: &Path) -> Result<Self, NetError> {
        let certificate = X509::from_pem(&files::read(path)?).map_err(|_| {
            NetError::Certificate(format!("{} holds no certificate in PEM", path.display()))
        })?;
        Ok(TrustAnchor { certificate })
    }

    /// Writes the certificate as PEM.
    ///
    /// # Errors
    /// [`NetError::File`].
    pub fn write(&self, path: &Path) -> Result<(), NetError> {
        files::write(path, &self.certificate.to_pem()?, 0o644)
    }

    pub(super) fn store(&self) -> Result<X509Store, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        store.add_cert(self.certificate.clone())?;
        Ok(store.build())
    }
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Identity({:?})", common_name(&self.certificate))
    }
}

impl core::fmt::Debug for TrustAnchor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TrustAnchor({:?})", common_name(&self.certificate))
    }
}

impl core::fmt::Debug for Authority {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Authority({:?})", common_name(&self.0.certificate))
    }
}

fn fresh_key() -> Result<PKey<Private>, ErrorStack> {
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&curve)?)
}

fn subject(common_name: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

/// Everything but the extensions.
fn template(
    subject: &openssl::x509::X509NameRef,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
    days: u32,
) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let yesterday = {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        Asn1Time::from_unix(seconds.saturating_sub(86_400))?
    };
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let serial = serial.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&yesterday)?;
    let end = Asn1Time::days_from_now(days)?;
    builder.set_not_after(&end)?;
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_identity_survives_the_disk_and_its_key_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let (pem, key) = (
            directory.path().join("rs.pem"),
            directory.path().join("rs.key"),
        );
        let authority = Authority::create("test", 10).unwrap();
        let names = [
            Name::Ip("127.0.0.1".parse().unwrap()),
            Name::ResourceServer([0xab; 20]),
        ];
        let identity = authority.issue("thermometer", &names, 10).unwrap();
        identity.write(&pem, &key).unwrap();
        assert_eq!(
            std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let read = Identity::read(&pem, &key).unwrap();
        assert_eq!(read.der().unwrap(), identity.der().unwrap());
        assert!(read.certificate.verify(&authority.0.key).unwrap());

        let other = authority.issue("other", &[], 10).unwrap();
        other
            .write(&pem, &directory.path().join("other.key"))
            .unwrap();
        assert!(matches!(
            Identity::read(&pem, &key),
            Err(NetError::Certificate(_))
        ));
        assert!(matches!(
            TrustAnchor::read(&key),
            Err(NetError::Certificate(_))
        ));
        assert!(matches!(
            TrustAnchor::read(&directory.path().join("none")),
            Err(NetError::File { .. })
        ));
    }
}
