//! Certificates for the two ends of DTLS that have one.

use std::fs;
use std::path::Path;

use super::Certify;
use super::deployment::{Deployment, address_of, public_key};
use crate::catalogue::KeyServer;
use crate::data_dir::DataDir;
use crate::dtls::pki::{Authority, Identity, Name};
use crate::{NodeError, output};

pub(super) fn certify(directory: &DataDir, request: &Certify) -> Result<(), NodeError> {
    let authority = Authority::read(&directory.file("ca.pem"), &directory.file("ca.key"))?;
    let mut deployment = Deployment::load(directory)?;
    match request {
        Certify::KeyServer {
            out,
            name,
            ips,
            coap,
            coaps,
            days,
        } => {
            let mut names = vec![match name.parse() {
                Ok(ip) => Name::Ip(ip),
                Err(_) => Name::Dns(name.clone()),
            }];
            names.extend(ips.iter().copied().map(Name::Ip));
            write(&authority.issue(name, &names, *days)?, out, "key-server")?;
            deployment.key_server = Some(KeyServer {
                coap: *coap,
                coaps: *coaps,
                name: name.clone(),
                ca: "ca.pem".into(),
            });
            deployment.save(directory)
        }
        Certify::ResourceServer {
            key_file,
            out,
            days,
        } => {
            let rs = address_of(&public_key(key_file)?, key_file)?;
            let name = format!("0x{rs}");
            write(
                &authority.issue(&name, &[Name::ResourceServer(*rs.as_bytes())], *days)?,
                out,
                "resource-server",
            )
        }
    }
}

fn write(identity: &Identity, out: &Path, name: &str) -> Result<(), NodeError> {
    fs::create_dir_all(out).map_err(|source| NodeError::io(out.display(), source))?;
    let (certificate, key) = (
        out.join(format!("{name}.pem")),
        out.join(format!("{name}.key")),
    );
    identity.write(&certificate, &key)?;
    output::line(format_args!(
        "certificate={} key={}",
        certificate.display(),
        key.display()
    ))
}
