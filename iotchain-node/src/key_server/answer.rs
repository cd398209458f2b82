//! The representations a key server answers with (spec 4.3, 4.6).

use iotchain::core::AccessKey;
use iotchain::core::cbor::{self, Major, Reader, Writer};
use iotchain::join::{
    AccessResponse, Ccs, Element, GroupPolicies, JoinResponse, KeyMap, List, ProblemDetails,
    ServerAccess, kdc_proof,
};
use iotchain::token::AccountId;
use iotchain::{Error, Result, Roles, Sid, Signer, SigningKey, Suite, UnixTime, Zeroizing};

use super::group::{Bound, Group, Terms};
use super::member::{Member, Subject};
use super::office::Office;
use crate::NodeError;
use crate::clock;
use crate::coap::{Code, Response, content_format};
use crate::runtime::random;

const KDC_NONCE_LEN: usize = 16;
/// Parameters of RFC 9594, 8.
const GET_CREDS: i64 = 4;
const NUM: i64 = 9;
const CREDS: i64 = 13;
const PEER_ROLES: i64 = 14;
const PEER_IDENTIFIERS: i64 = 15;
/// Room for problem details: a title of up to a hundred characters and three entries.
const MAX_PROBLEM: usize = 256;

/// Everything about one group that answers depend on beside the group itself.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    key: &'a SigningKey,
    terms: &'a Terms,
    chain: u64,
    now: UnixTime,
}

impl<'a> Desk<'a> {
    /// The present at an office.
    pub(super) fn of(office: &'a Office) -> Self {
        Self {
            key: &office.key,
            terms: &office.terms,
            chain: office.catalogue.chain_id,
            now: clock::now(),
        }
    }

    /// The join response of a member, also given when it asks for its material again.
    ///
    /// # Errors
    /// [`Error::RevokedMember`], [`Error::Random`], or what keeps it from being encoded.
    pub(super) fn material(&self, group: &Group, bound: &Bound) -> Result<Zeroizing<Vec<u8>>> {
        let member = group
            .members
            .get(bound.number)
            .filter(|member| member.live)
            .ok_or(Error::RevokedMember)?;
        let personal_key = group.manager.personal_key(member.seat)?;
        let prepared = group.manager.next().is_some();
        let next_personal_key = prepared
            .then(|| group.manager.next_personal_key(member.seat))
            .transpose()?;
        let (creds, sids): (Vec<Ccs>, Vec<Sid>) = self.senders(group).into_iter().unzip();
        let roles: Vec<Roles> = sids.iter().map(Sid::roles).collect();
        let access = match member.subject {
            Subject::Client { .. } => vec![access_key(group, &member.sid)?],
            Subject::Server { .. } => Vec::new(),
        };
        let kdc_nonce = random::<KDC_NONCE_LEN>().map_err(|_| Error::Random)?;
        let expires_at = match member.subject {
            Subject::Client { expires_at, .. } => expires_at.min(group.ends_at()),
            Subject::Server { .. } => group.ends_at(),
        };
        let broadcasts = [group.newest_event(), &group.beacon];
        let response = JoinResponse {
            key_map: KeyMap {
                gid: group.gid(),
                sid: member.sid,
                suite: Suite::DEFAULT,
                grace: self.terms.grace.into(),
                access_keys: (!member.subject.is_server()).then_some(List::new(&access)),
                server_secret: member
                    .subject
                    .is_server()
                    .then(|| group.server_secret.clone()),
                boot_salt: None,
            },
            session: group.session(),
            expires_at,
            expires_in: expires_at.since(self.now),
            creds: List::new(&creds),
            peer_roles: List::new(&roles),
            peer_identifiers: List::new(&sids),
            policies: Some(GroupPolicies {
                check_interval: self.terms.session.into(),
                expiration_delta: self.terms.grace.into(),
                pre_issue: self.terms.pre_issue(),
            }),
            key_server: self.key.public(),
            kdc_nonce: &kdc_nonce,
            kdc_proof: kdc_proof(self.key, &bound.cnonce, &kdc_nonce)?,
            personal_key: &personal_key,
            control_uri: None,
            broadcasts: List::new(&broadcasts),
            next_personal_key: next_personal_key.as_ref().map(|key| key.as_slice()),
        };
        let mut out = Zeroizing::new(vec![0; JoinResponse::MAX_LEN]);
        let len = match response.encode(&mut out) {
            // The broadcasts are a courtesy: whoever misses them fetches them.
            Err(Error::Size | Error::Buffer { .. }) => JoinResponse {
                broadcasts: List::EMPTY,
                ..response
            }
            .encode(&mut out),
            len => len,
        }?;
        out.truncate(len);
        Ok(out)
    }

    /// The credentials of senders, all of them or those a FETCH asks for.
    ///
    /// # Errors
    /// A format error or [`Error::Type`] for a filter that is none.
    pub(super) fn credentials(&self, group: &Group, filter: &[u8]) -> Result<Vec<u8>> {
        let filter = Filter::parse(filter)?;
        let chosen: Vec<Sender> = self
            .senders(group)
            .into_iter()
            .filter(|sender| filter.lets(&sender.1))
            .collect();
        let (creds, sids): (Vec<Ccs>, Vec<Sid>) = chosen.into_iter().unzip();
        let roles: Vec<Roles> = sids.iter().map(Sid::roles).collect();
        let mut out = vec![0; JoinResponse::MAX_LEN];
        let mut writer = Writer::new(&mut out);
        writer
            .map(4)
            .int(NUM)
            .uint(group.session().get().into())
            .int(CREDS);
        List::new(&creds).write(&mut writer)?;
        writer.int(PEER_ROLES);
        List::new(&roles).write(&mut writer)?;
        writer.int(PEER_IDENTIFIERS);
        List::new(&sids).write(&mut writer)?;
        let len = writer.finish()?;
        out.truncate(len);
        Ok(out)
    }

    /// The members that sign what others read.
    fn senders(&self, group: &Group) -> Vec<Sender> {
        let sender = |member: &Member| match &member.subject {
            Subject::Server { rs, key } => {
                let subject = Some(AccountId {
                    chain: self.chain,
                    address: *rs,
                });
                Some((Ccs { subject, key: *key }, member.sid))
            }
            _ => None,
        };
        group.members.live().filter_map(sender).collect()
    }
}

/// A producer: its credential and its sid.
type Sender = (Ccs, Sid);

/// AK of a sid with the resource server of the group.
///
/// # Errors
/// None in practice.
pub(super) fn access_key(group: &Group, sid: &Sid) -> Result<ServerAccess> {
    Ok(ServerAccess {
        rs: group.rs,
        key: AccessKey::derive(&group.server_secret, group.gid(), sid)?,
    })
}

/// The answer to GET /ace-group/GNAME/ak.
///
/// # Errors
/// None in practice.
pub(super) fn access_response(access: ServerAccess) -> Result<Vec<u8>> {
    let mut out = vec![0; JoinResponse::MAX_LEN];
    let len = AccessResponse {
        access_keys: List::new(&[access]),
    }
    .encode(&mut out)?;
    out.truncate(len);
    Ok(out)
}

/// One unsigned integer, the answer to GET /ace-group/GNAME/num (RFC 9594, 4.5).
pub(super) fn number(value: u32) -> Response {
    let mut out = [0; 5];
    let mut writer = Writer::new(&mut out);
    writer.uint(value.into());
    // Five bytes hold every such number.
    let len = writer.finish().unwrap_or(0);
    Response::content(content_format::CBOR, out.get(..len).unwrap_or_default())
}

/// Why something was refused (RFC 9290; spec 4.6).
pub(super) fn problem(error: Error) -> Response {
    let title = error.to_string();
    let details = ProblemDetails::new(error, &title);
    let mut out = [0; MAX_PROBLEM];
    let len = details.encode(&mut out).unwrap_or(0);
    let response = Response::new(Code(details.code()));
    match out.get(..len) {
        Some(body @ [_, ..]) => response.body(content_format::PROBLEM_DETAILS, body),
        _ => response,
    }
}

/// As [`problem`]; what is wrong with this machine is for its log, not for its peers.
pub(super) fn refusal(error: &NodeError) -> Response {
    match error.number() {
        Some(number) if number.coap().is_some() => problem(number),
        _ => {
            tracing::error!(%error, "a request could not be served");
            Code::SERVICE_UNAVAILABLE.into()
        }
    }
}

/// `get_creds` of a FETCH: `[whether the sids are wanted or unwanted, roles, sids]` (RFC 9594, 4.4.1). An empty list lets
/// everybody through.
struct Filter {
    wanted: bool,
    roles: Vec<Roles>,
    sids: Vec<Sid>,
}

impl Filter {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut filter = Self {
            wanted: false,
            roles: Vec::new(),
            sids: Vec::new(),
        };
        if bytes.is_empty() {
            return Ok(filter);
        }
        cbor::check(bytes)?;
        let mut reader = Reader::new(bytes);
        for _ in 0..reader.map()? {
            let named = Reader::new(reader.skip()?).int() == Ok(GET_CREDS);
            // null stands for no filter
            if !named || reader.peek() == Some(Major::Simple) {
                reader.skip()?;
                continue;
            }
            if reader.array()? != 3 {
                return Err(Error::Type);
            }
            filter.wanted = reader.bool()?;
            filter.roles = read_list(&mut reader)?;
            filter.sids = read_list(&mut reader)?;
        }
        Ok(filter)
    }

    fn lets(&self, sid: &Sid) -> bool {
        (self.roles.is_empty() || self.roles.contains(&sid.roles()))
            && (self.sids.is_empty() || self.sids.contains(sid) == self.wanted)
    }
}

fn read_list<'a, T: Element<'a>>(reader: &mut Reader<'a>) -> Result<Vec<T>> {
    (0..reader.array()?).map(|_| T::read(reader)).collect()
}
