//! Work that waits for the ledger, done by a few threads beside the receiving one (spec 4.5).

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iotchain::token::{Proven, Query, Scope, validate_record};
use iotchain::{Address, Error, GroupName, Sid};

use super::admission::{Admitted, Entitled, admit};
use super::answer::{self, Desk};
use super::group::Bound;
use super::ledger::{Published, Snapshot};
use super::member::Subject;
use super::office::Office;
use crate::NodeError;
use crate::clock;
use crate::coap::{Code, Response, Ticket, content_format};

/// Requests that may wait; further ones are answered E_RATE.
const CAPACITY: usize = 256;
/// Seconds after which it may be worth asking again when the ledger does not answer.
const LEDGER_RETRY: u32 = 5;

/// Something that needs the ledger.
pub(super) enum Work {
    /// A client proved itself and wants to join.
    Join {
        /// Its proof.
        proven: Proven,
        /// N_C.
        cnonce: Vec<u8>,
    },
    /// A member wants the access key for a resource server.
    AccessKey {
        /// The group.
        name: GroupName,
        /// The resource server.
        rs: Address,
    },
}

/// A piece of work on behalf of an association, which has only one at a time.
pub(super) struct Job {
    work: Work,
    ticket: Ticket,
    turn: Turn,
}

/// The way to the threads.
#[derive(Clone)]
pub(super) struct Queue {
    sender: SyncSender<Job>,
    busy: Arc<Mutex<HashSet<u64>>>,
}

/// The threads' end.
pub(super) type Jobs = Arc<Mutex<Receiver<Job>>>;

/// An association's one piece of work under way.
struct Turn {
    association: u64,
    busy: Arc<Mutex<HashSet<u64>>>,
}

impl Queue {
    pub(super) fn new() -> (Self, Jobs) {
        let (sender, receiver) = sync_channel(CAPACITY);
        (
            Self {
                sender,
                busy: Arc::default(),
            },
            Arc::new(Mutex::new(receiver)),
        )
    }

    /// Hands work over; the ticket answers when it is done, or says at once that there is too much of it.
    pub(super) fn submit(&self, association: u64, work: Work, ticket: Ticket) {
        if !lock(&self.busy).insert(association) {
            return ticket.complete(answer::problem(Error::Rate));
        }
        let turn = Turn {
            association,
            busy: self.busy.clone(),
        };
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) =
            self.sender.try_send(Job { work, ticket, turn })
        {
            job.ticket.complete(answer::problem(Error::Rate));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.busy).remove(&self.association);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Works until every [`Queue`] is gone.
pub(super) fn work(office: &Office, jobs: &Jobs) {
    loop {
        let job = lock(jobs).recv();
        let Ok(Job { work, ticket, turn }) = job else {
            return;
        };
        let mut retry_after = None;
        let result = match work {
            Work::Join { proven, cnonce } => {
                join(office, turn.association, proven, cnonce, &mut retry_after)
            }
            Work::AccessKey { name, rs } => {
                access_key(office, turn.association, &name, rs, &mut retry_after)
            }
        };
        let response = result.unwrap_or_else(|error| {
            tracing::info!(%error, "refused");
            let response = answer::refusal(&error);
            match error.number() {
                Some(Error::Unconfirmed) => response.max_age(retry_after.unwrap_or(LEDGER_RETRY)),
                Some(Error::LedgerUnavailable | Error::LedgerStale) => {
                    response.max_age(LEDGER_RETRY)
                }
                _ => response,
            }
        });
        // The association may ask again as soon as it has the answer.
        drop(turn);
        ticket.complete(response);
    }
}

fn join(
    office: &Office,
    association: u64,
    proven: Proven,
    cnonce: Vec<u8>,
    retry_after: &mut Option<u32>,
) -> Result<Response, NodeError> {
    let name = proven.scope().group;
    let rs = office.look(&name, |group| Ok(group.rs))?;
    let snapshot = Snapshot::take(&*office.ledger, &office.catalogue, &office.policy)?;
    *retry_after = Some(snapshot.retry_after());
    let words = snapshot.words(*proven.client(), rs)?;
    let now = clock::now();
    let authorized = proven.authorize(
        &rs,
        &office.policy,
        &Published(&office.catalogue),
        &words.view(now),
        now,
    )?;
    welcome(
        office,
        &name,
        Entitled::client(&authorized),
        Bound { number: 0, cnonce },
        association,
    )
}

/// Admits, stores, and only then tells.
///
/// # Errors
/// Those of [`admit`] and of the store.
pub(super) fn welcome(
    office: &Office,
    name: &GroupName,
    entitled: Entitled,
    bound: Bound,
    association: u64,
) -> Result<Response, NodeError> {
    let admitted = office.change(name, |group| {
        Ok(admit(entitled, group, &office.terms, clock::now())?)
    })?;
    let (number, code) = match admitted {
        Admitted::New(number) => (number, Code::CREATED),
        Admitted::Again(number) => (number, Code::CHANGED),
    };
    let bound = Bound { number, ..bound };
    let mut groups = office.groups();
    let group = groups.get_mut(name).ok_or(Error::GroupGone)?;
    let material = Desk::of(office).material(group, &bound)?;
    let member = group.members.get(number).ok_or(Error::NotMember)?;
    tracing::info!(%name, sid = %member.sid, session = %group.session(), again = code == Code::CHANGED, "a member joins");
    let response = Response::new(code)
        .body(content_format::ACE_GROUPCOMM, &material[..])
        .location(&["ace-group", name.as_str(), "nodes", &member.name()]);
    group.bind(association, bound);
    Ok(response)
}

/// The access key for `rs`: steps 1 to 8 of 5.3 for it, with the rights that the member has (spec 8, A9).
fn access_key(
    office: &Office,
    association: u64,
    name: &GroupName,
    rs: Address,
    retry_after: &mut Option<u32>,
) -> Result<Response, NodeError> {
    let (token, sid) = office.look(name, |group| member_token(group, association))?;
    let snapshot = Snapshot::take(&*office.ledger, &office.catalogue, &office.policy)?;
    *retry_after = Some(snapshot.retry_after());
    let words = snapshot.words(token.client, rs)?;
    let now = clock::now();
    let query = Query {
        token,
        rs,
        scope: Scope {
            group: *name,
            roles: sid.roles(),
        },
    };
    validate_record(
        &query,
        &office.policy,
        &Published(&office.catalogue),
        &words.view(now),
        now,
    )?;
    let body = office.look(name, |group| {
        let (_, sid) = member_token(group, association)?;
        // The name of a group abbreviates its server's address; the key is for the full one.
        if group.rs != rs {
            return Err(Error::Scope);
        }
        answer::access_response(answer::access_key(group, &sid)?)
    })?;
    Ok(Response::content(content_format::ACE_GROUPCOMM, body))
}

fn member_token(
    group: &super::group::Group,
    association: u64,
) -> iotchain::Result<(iotchain::token::TokenRef, Sid)> {
    let (member, _) = group.bound_member(association).ok_or(Error::NotMember)?;
    match member.subject {
        _ if !member.live => Err(Error::RevokedMember),
        Subject::Client { token, .. } => Ok((token, member.sid)),
        Subject::Server { .. } => Err(Error::Forbidden),
    }
}
