//! The resources of a key server (spec 4.1, 4.4), and the order of work for a join: format, challenge, proof, and only then
//! the ledger (spec 4.5).

use std::sync::Arc;

use getrandom::SysRng;
use iotchain::core::cbor::Writer;
use iotchain::join::{JoinRequest, TransferRequest, TransferResponse};
use iotchain::token::{Challenger, ChannelBinding};
use iotchain::{Error, GroupName, Result, Session, Signer};

use super::admission::Entitled;
use super::answer::{self, Desk};
use super::group::{Bound, Group};
use super::member::Member;
use super::office::Office;
use super::queue::{Queue, Work, welcome};
use crate::NodeError;
use crate::clock;
use crate::coap::{Code, Link, Outcome, Request, Response, Service, content_format};
use crate::dtls::Association;

/// Most events in one answer (spec 4.4).
const MAX_EVENTS: usize = 8;
/// Challenges are bound to connections here, so none has to be remembered.
const USED_CHALLENGES: usize = 0;

/// The key server as its endpoint sees it.
pub(super) struct KeyService {
    office: Arc<Office>,
    queue: Queue,
    challenger: Challenger<USED_CHALLENGES>,
}

impl KeyService {
    /// # Errors
    /// [`Error::Random`].
    pub(super) fn new(office: Arc<Office>, queue: Queue) -> Result<Self> {
        let challenger = Challenger::new(&mut SysRng, clock::now())?;
        Ok(Self {
            office,
            queue,
            challenger,
        })
    }
}

impl Service for KeyService {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        let Some(association) = request.peer.association.clone() else {
            return self.public(request);
        };
        match (request.code, request.path) {
            (Code::POST, ["authz-info"]) => self.transfer(request, &association),
            (Code::POST, ["ace-group", name]) => self.join(request, &association, name),
            (_, ["authz-info"]) => Code::METHOD_NOT_ALLOWED.into(),
            (_, ["ace-group", _, "bc" | "bn"]) => self.public(request),
            (_, ["ace-group", name, rest @ ..]) => self.member(request, &association, name, rest),
            _ => Code::NOT_FOUND.into(),
        }
    }

    fn links(&self) -> Vec<Link> {
        let mut links = vec![Link {
            path: "authz-info".into(),
            attributes: "ct=19".into(),
        }];
        for group in self.office.groups().values() {
            let name = &group.name;
            let link = |path: &str, attributes: &str| Link {
                path: format!("ace-group/{name}{path}"),
                attributes: attributes.to_owned(),
            };
            links.extend([
                link("", "rt=\"core.a.gp\";ct=261"),
                link("/bc", "ct=18;obs"),
                link("/bn", "ct=60;obs"),
            ]);
        }
        links.sort_by(|a, b| a.path.cmp(&b.path));
        links
    }
}

/// Anybody's.
impl KeyService {
    /// Broadcasts are public and vouch for themselves.
    fn public(&self, request: &Request<'_>) -> Outcome {
        let ["ace-group", name, kind @ ("bc" | "bn")] = request.path else {
            let exists = matches!(request.path, ["authz-info"] | ["ace-group", ..]);
            return if exists {
                Code::UNAUTHORIZED
            } else {
                Code::NOT_FOUND
            }
            .into();
        };
        if request.code != Code::GET {
            return Code::METHOD_NOT_ALLOWED.into();
        }
        let broadcast = group_name(name).and_then(|name| {
            self.office.look(&name, |group| match *kind {
                "bn" => Ok(Some(content(
                    group,
                    content_format::CBOR,
                    group.beacon.clone(),
                ))),
                _ => events(group, request),
            })
        });
        match broadcast {
            Ok(Some(response)) => response.into(),
            Ok(None) => Code::NOT_FOUND.into(),
            Err(error) => answer::problem(error).into(),
        }
    }

    /// `/authz-info`: a challenge for whoever names a token.
    fn transfer(&mut self, request: &Request<'_>, association: &Association) -> Outcome {
        if request.content_format() != Some(content_format::ACE_CBOR) {
            return Code::UNSUPPORTED_CONTENT_FORMAT.into();
        }
        let mut out = [0; TransferResponse::MAX_LEN];
        let challenge =
            TransferRequest::parse(request.payload).and_then(|TransferRequest { token }| {
                let binding = ChannelBinding::Exporter(association.exporter);
                let challenge =
                    self.challenger
                        .issue(&mut SysRng, clock::now(), &token, &binding)?;
                TransferResponse {
                    key_server: self.office.key.public(),
                    challenge,
                }
                .encode(&mut out)
            });
        match challenge {
            Ok(len) => Response::new(Code::CREATED)
                .body(content_format::ACE_CBOR, out.get(..len).unwrap_or_default())
                .into(),
            Err(error) => answer::problem(error).into(),
        }
    }

    /// Steps 1 to 3 of 4.5 here; what needs the ledger is left to the queue.
    fn join(&mut self, request: &Request<'_>, association: &Association, name: &str) -> Outcome {
        if request.content_format() != Some(content_format::ACE_GROUPCOMM) {
            return Code::UNSUPPORTED_CONTENT_FORMAT.into();
        }
        match self.prove(request, association, name) {
            Ok(Step::Wait(work)) => {
                let (ticket, outcome) = request.defer();
                self.queue.submit(association.id, work, ticket);
                outcome
            }
            Ok(Step::Done(response)) => response.into(),
            Err(error) => {
                tracing::debug!(%error, peer = %request.peer.addr, "a join is refused");
                answer::refusal(&error).into()
            }
        }
    }

    fn prove(
        &mut self,
        request: &Request<'_>,
        association: &Association,
        name: &str,
    ) -> std::result::Result<Step, NodeError> {
        let join = JoinRequest::parse(request.payload)?;
        if join.scope.group.as_str() != name {
            return Err(Error::Scope.into());
        }
        let binding = ChannelBinding::Exporter(association.exporter);
        let input = join.pop_input(&binding, &self.office.ks);
        let (cnonce, now) = (join.cnonce.to_vec(), clock::now());
        let Some(credential) = join.credential else {
            let proven = self.challenger.prove_client(&input, join.proof, now)?;
            return Ok(Step::Wait(Work::Join { proven, cnonce }));
        };
        let proven = self
            .challenger
            .prove_server(&input, &credential.key, join.proof, now)?;
        let group = self
            .office
            .catalogue
            .group(&join.scope.group)
            .ok_or(Error::GroupGone)?;
        let entitled = Entitled::server(&proven, association.peer.as_ref(), group.server)?;
        let bound = Bound { number: 0, cnonce };
        welcome(
            &self.office,
            &join.scope.group,
            entitled,
            bound,
            association.id,
        )
        .map(Step::Done)
    }
}

/// How far a join came.
enum Step {
    /// A resource server: no ledger needed.
    Done(Response),
    /// A client.
    Wait(Work),
}

/// Members' own, on the association of their proof and no other (spec 8, A9).
impl KeyService {
    fn member(
        &self,
        request: &Request<'_>,
        association: &Association,
        name: &str,
        rest: &[&str],
    ) -> Outcome {
        let read = request.code == Code::GET;
        match (request.code, rest) {
            (Code::GET | Code::FETCH, ["creds"]) | (Code::GET | Code::DELETE, ["nodes", _]) => {}
            (_, [] | ["num" | "ak" | "creds"] | ["nodes", _]) if !read => {
                return Code::METHOD_NOT_ALLOWED.into();
            }
            (_, [] | ["num" | "ak"]) => {}
            _ => return Code::NOT_FOUND.into(),
        }
        let name = match group_name(name) {
            Ok(name) => name,
            Err(error) => return answer::problem(error).into(),
        };
        if let Err(response) = self.check_bound(&name, association.id, rest) {
            return response.into();
        }
        if let ["ak"] = rest {
            return self.access_key(request, association, name);
        }
        let answer = match (request.code, rest) {
            (Code::DELETE, _) => self.leave(&name, association.id),
            _ => self.tell(&name, association.id, rest, request.payload),
        };
        answer
            .unwrap_or_else(|error| answer::refusal(&error))
            .into()
    }

    /// Whether the association speaks for a live member, and for the node it names.
    fn check_bound(
        &self,
        name: &GroupName,
        association: u64,
        rest: &[&str],
    ) -> std::result::Result<(), Response> {
        let groups = self.office.groups();
        let group = groups
            .get(name)
            .ok_or_else(|| answer::problem(Error::GroupGone))?;
        let own = |member: &Member| !matches!(rest, ["nodes", node] if *node != member.name());
        match group.bound_member(association) {
            Some((member, _)) if !own(member) => Err(Code::UNAUTHORIZED.into()),
            Some((member, _)) if member.live => Ok(()),
            Some(_) => Err(answer::problem(Error::RevokedMember)),
            None => Err(Code::UNAUTHORIZED.into()),
        }
    }

    fn tell(
        &self,
        name: &GroupName,
        association: u64,
        rest: &[&str],
        filter: &[u8],
    ) -> std::result::Result<Response, NodeError> {
        let response = self.office.look(name, |group| {
            let (_, bound) = group.bound_member(association).ok_or(Error::NotMember)?;
            let desk = Desk::of(&self.office);
            match rest {
                ["num"] => Ok(answer::number(group.session().get())),
                ["creds"] => Ok(Response::content(
                    content_format::ACE_GROUPCOMM,
                    desk.credentials(group, filter)?,
                )),
                _ => Ok(Response::content(
                    content_format::ACE_GROUPCOMM,
                    &desk.material(group, bound)?[..],
                )),
            }
        })?;
        // What is said to one member over DTLS is nobody else's, and soon outdated.
        Ok(response.max_age(0))
    }

    fn leave(
        &self,
        name: &GroupName,
        association: u64,
    ) -> std::result::Result<Response, NodeError> {
        self.office.change(name, |group| {
            let (member, _) = group.bound_member(association).ok_or(Error::NotMember)?;
            let (number, sid) = (member.number, member.sid);
            group.retire(number)?;
            tracing::info!(%name, %sid, "a member leaves");
            Ok(Response::new(Code::DELETED))
        })
    }

    fn access_key(
        &self,
        request: &Request<'_>,
        association: &Association,
        name: GroupName,
    ) -> Outcome {
        let rs = request
            .query_value("rs")
            .map(|digits| crate::address::parse(&format!("0x{digits}")));
        let Some(Ok(rs)) = rs else {
            return answer::problem(Error::Path).into();
        };
        let (ticket, outcome) = request.defer();
        self.queue
            .submit(association.id, Work::AccessKey { name, rs }, ticket);
        outcome
    }
}

/// A name that is none names no group.
fn group_name(text: &str) -> Result<GroupName> {
    GroupName::new(text).map_err(|_| Error::GroupGone)
}

/// `/bc`, with or without `j` and `n`; `None` outside retention.
fn events(group: &Group, request: &Request<'_>) -> Result<Option<Response>> {
    let number = |name| {
        request
            .query_value(name)
            .map(|text| text.parse::<u32>().map_err(|_| Error::Path))
            .transpose()
    };
    let (Some(session), count) = (number("j")?, number("n")?) else {
        return Ok(Some(content(
            group,
            content_format::COSE_SIGN1,
            group.newest_event(),
        )));
    };
    let mut events = group.events_from(Session::new(session));
    let Some(count) = count else {
        let event = events
            .next()
            .map(|event| Response::content(content_format::COSE_SIGN1, event));
        return Ok(event);
    };
    let count = usize::try_from(count)
        .ok()
        .filter(|count| (1..=MAX_EVENTS).contains(count))
        .ok_or(Error::Path)?;
    let chosen: Vec<&[u8]> = events.take(count).collect();
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut out = vec![0; chosen.iter().map(|event| event.len() + 9).sum::<usize>() + 9];
    let mut writer = Writer::new(&mut out);
    writer.array(chosen.len() as u64);
    for event in chosen {
        writer.bytes(event);
    }
    let len = writer.finish()?;
    out.truncate(len);
    Ok(Some(Response::content(content_format::CBOR, out)))
}

/// The newest of its kind: observable, and cacheable until its successor.
fn content(group: &Group, format: u16, body: impl Into<Vec<u8>>) -> Response {
    let seconds = group.manager.current().next_starts().since(clock::now());
    Response::content(format, body)
        .max_age(u32::try_from(seconds).unwrap_or(u32::MAX))
        .observable()
}
