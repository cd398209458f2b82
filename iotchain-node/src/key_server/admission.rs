//! Admission: the only place where a token, or a certificate, turns into a personal key (paper, II-C third phase).

use iotchain::token::{Authorized, ProvenServer};
use iotchain::{Error, Result, Roles, UnixTime};

use super::group::{Group, Terms};
use super::member::{Member, Subject};
use crate::dtls::PeerCertificate;

/// Somebody with every proof that membership takes.
pub(super) struct Entitled {
    subject: Subject,
    roles: Roles,
}

/// What an admission came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// A new member.
    New(u16),
    /// A live member that asked again; it keeps its slot and therefore its S_i (spec 8, A6).
    Again(u16),
}

impl Entitled {
    /// A client whose proof and token hold.
    pub(super) fn client(authorized: &Authorized) -> Self {
        let grant = authorized.grant();
        let token = grant.query().token;
        Self {
            subject: Subject::Client {
                token,
                expires_at: grant.expires_at(),
            },
            roles: grant.roles(),
        }
    }

    /// A resource server with a proof by the key that its owner published, and a certificate for its address.
    ///
    /// # Errors
    /// [`Error::Audience`] if the group is another resource server's, [`Error::Subject`] for another key or certificate.
    pub(super) fn server(
        proven: &ProvenServer,
        certificate: Option<&PeerCertificate>,
        published: &crate::catalogue::ResourceServer,
    ) -> Result<Self> {
        let rs = *proven.rs();
        if rs != published.rs {
            return Err(Error::Audience);
        }
        let certified =
            certificate.is_some_and(|certificate| certificate.authorises(rs.as_bytes()));
        if !certified || *proven.key() != published.key {
            return Err(Error::Subject);
        }
        Ok(Self {
            subject: Subject::Server {
                rs,
                key: *proven.key(),
            },
            roles: Roles::PRODUCER,
        })
    }
}

/// Makes somebody a member of the current session. Nothing of it may be told before the group is stored.
///
/// # Errors
/// [`Error::GroupFull`] without a free slot, [`Error::Rate`] if a client took too many within a day.
pub(super) fn admit(
    entitled: Entitled,
    group: &mut Group,
    terms: &Terms,
    now: UnixTime,
) -> Result<Admitted> {
    let Entitled { subject, roles } = entitled;
    let address = *subject.address();
    let known = group.live_member(&address);
    let fits = known
        .and_then(|number| group.members.get_mut(number))
        .filter(|member| member.sid.roles() == roles);
    if let Some(member) = fits {
        member.subject = subject;
        return Ok(Admitted::Again(member.number));
    }
    if !subject.is_server() && group.recent_issues(&address, now) >= terms.admissions {
        return Err(Error::Rate);
    }
    if let Some(number) = known {
        group.change_roles(number, roles, now)?;
        if let Some(member) = group.members.get_mut(number) {
            member.subject = subject;
        }
        return Ok(Admitted::Again(number));
    }
    group.check_sids()?;
    let seat = group.manager.join()?;
    let (number, sid) = group.fresh_sid(roles)?;
    group.members.insert(Member {
        number,
        seat,
        sid,
        subject,
        issued: vec![now],
        live: true,
    });
    Ok(Admitted::New(number))
}
