//! The change of sessions: who may stay is asked of the ledger, then B_j goes out (paper, II-E; spec 3.4.5, 5.4).
//!
//! ```text
//! nbf_j + dur -> read the ledger (no lock) -> retire, narrow -> rotate RSK -> advance -> store -> notify bc and bn
//! ```

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use iotchain::token::{Query, Scope, Standing, revalidate};
use iotchain::{Error, GroupName, Session, Sid, UnixTime};

use super::group::Group;
use super::ledger::{Published, Snapshot};
use super::member::{Member, Subject};
use super::office::Office;
use crate::NodeError;
use crate::clock::{self, Stop};
use crate::runtime::Notifier;

/// Sessions that may begin while the ledger does not answer (spec 8, A8).
const SILENT_SESSIONS: u32 = 2;
/// Longest sleep: a clock that was set is noticed after it.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// Pause before a session that could not begin is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// A client whose token is to be looked at again.
struct Question {
    number: u16,
    sid: Sid,
    query: Query,
}

/// What the ledger says about the clients of a group.
struct Verdicts {
    standings: Vec<(u16, Sid, Standing)>,
    /// Whether it said anything.
    answered: bool,
}

/// Begins sessions as the clock has it, until `stop`.
pub(super) fn run(office: &Office, notifier: &Notifier, stop: &Stop) {
    let mut complaint = Complaint::default();
    while !stop.is_stopped() {
        let pause = match turn(office, notifier, &mut complaint) {
            Ok(()) => until_next(office),
            Err(_) => RETRY,
        };
        stop.wait(pause);
    }
}

/// What was complained of since sessions last began as they should: a trouble that lasts is told once.
#[derive(Default)]
struct Complaint(HashSet<String>);

impl Complaint {
    fn about(&mut self, text: String) {
        if !self.0.contains(&text) {
            tracing::error!("{text}");
            self.0.insert(text);
        }
    }
}

/// Begins every session that is due.
fn turn(office: &Office, notifier: &Notifier, complaint: &mut Complaint) -> Result<(), NodeError> {
    let due = questions(office, clock::now());
    if due.is_empty() {
        return Ok(());
    }
    let asked = due.iter().any(|(_, questions)| !questions.is_empty());
    let snapshot =
        asked.then(|| Snapshot::take(&*office.ledger, &office.catalogue, &office.policy));
    let ledger = match &snapshot {
        Some(Err(error)) => format!(" ({error})"),
        _ => String::new(),
    };
    let mut failed = Ok(());
    for (name, questions) in due {
        let verdicts = judge(office, snapshot.as_ref().map(Result::as_ref), &questions);
        match begin(office, &name, &verdicts) {
            Ok(Begun { session, event }) => {
                tracing::debug!(%name, %session, event, "a session begins");
                if event {
                    notifier.notify(&format!("ace-group/{name}/bc"));
                }
                notifier.notify(&format!("ace-group/{name}/bn"));
            }
            Err(error) => {
                complaint.about(format!("no session of {name} can begin: {error}{ledger}"));
                failed = Err(error);
            }
        }
    }
    if failed.is_ok() {
        complaint.0.clear();
    }
    office.attest();
    failed
}

/// The groups whose session is over, with what to ask about their clients.
fn questions(office: &Office, now: UnixTime) -> Vec<(GroupName, Vec<Question>)> {
    let groups = office.groups();
    let due = groups
        .values()
        .filter(|group| group.manager.current().next_starts() <= now);
    due.map(|group| {
        (
            group.name,
            group
                .members
                .live()
                .filter_map(|member| question(group, member))
                .collect(),
        )
    })
    .collect()
}

fn question(group: &Group, member: &Member) -> Option<Question> {
    let Subject::Client { token, .. } = member.subject else {
        return None;
    };
    let scope = Scope {
        group: group.name,
        roles: member.sid.roles(),
    };
    Some(Question {
        number: member.number,
        sid: member.sid,
        query: Query {
            token,
            rs: group.rs,
            scope,
        },
    })
}

/// Steps 1 to 8 of 5.3 for every client. The first question that gets no answer is the last that is asked.
fn judge(
    office: &Office,
    snapshot: Option<Result<&Snapshot<'_>, &iotchain_ledger::LedgerError>>,
    questions: &[Question],
) -> Verdicts {
    let mut silence = match snapshot {
        Some(Err(error)) => Some(error.registry()),
        _ => None,
    };
    let mut standings = Vec::with_capacity(questions.len());
    for Question { number, sid, query } in questions {
        let words = match (silence, snapshot) {
            (None, Some(Ok(snapshot))) => snapshot
                .words(query.token.client, query.rs)
                .map_err(|error| error.registry()),
            (silence, _) => Err(silence.unwrap_or(Error::LedgerUnavailable)),
        };
        silence = words.as_ref().err().copied();
        let now = clock::now();
        let view = words
            .as_ref()
            .map(|words| words.view(now))
            .map_err(|error| *error);
        let published = Published(&office.catalogue);
        let standing = revalidate(
            query,
            &office.policy,
            &published,
            view.as_ref().map_err(|error| *error),
            now,
        );
        standings.push((*number, *sid, standing));
    }
    let unheard = |(_, _, standing): &(u16, Sid, Standing)| matches!(standing, Standing::Unknown(error) if *error != Error::Unconfirmed);
    Verdicts {
        answered: !standings.iter().any(unheard),
        standings,
    }
}

/// A session that began.
struct Begun {
    session: Session,
    event: bool,
}

fn begin(office: &Office, name: &GroupName, verdicts: &Verdicts) -> Result<Begun, NodeError> {
    let silent = office.look(name, |group| Ok(group.silent))?;
    if !verdicts.answered && silent >= SILENT_SESSIONS {
        // Members fail closed once this session and its grace are over.
        return Err(Error::LedgerUnavailable.into());
    }
    let attempt = |step: Step| {
        office.change(name, |group| {
            let now = clock::now();
            group.silent = if verdicts.answered { 0 } else { silent + 1 };
            for (number, sid, standing) in &verdicts.standings {
                apply(group, *number, sid, *standing, now)?;
            }
            let before = group.newest_event().to_vec();
            step(office, group, now)?;
            Ok(Begun {
                session: group.session(),
                event: before != group.newest_event(),
            })
        })
    };
    if office.look(name, |group| Ok(group.is_used_up()))? {
        return attempt(found_again);
    }
    let steps: [Step; 3] = [advance, roll_over, found_again];
    let mut outcome = Err(Error::Size.into());
    for step in steps {
        outcome = attempt(step);
        // Events too long for the members: each step makes shorter ones than the one before.
        if !matches!(outcome, Err(NodeError::Protocol(Error::Size))) {
            break;
        }
    }
    outcome
}

/// A way to begin the next session.
type Step = fn(&Office, &mut Group, UnixTime) -> Result<(), NodeError>;

fn advance(office: &Office, group: &mut Group, now: UnixTime) -> Result<(), NodeError> {
    let epoch = group.epoch();
    group.advance(&office.terms, &office.key, now)?;
    if group.epoch() != epoch {
        tracing::info!(name = %group.name, epoch = group.epoch(), "an epoch ends and the next one begins");
    }
    Ok(())
}

fn roll_over(office: &Office, group: &mut Group, now: UnixTime) -> Result<(), NodeError> {
    group.roll_over(&office.terms, &office.key, now)?;
    tracing::info!(name = %group.name, epoch = group.epoch(), "events grow too long: the next epoch begins early");
    Ok(())
}

fn found_again(office: &Office, group: &mut Group, now: UnixTime) -> Result<(), NodeError> {
    *group = office.refound(group, now)?;
    tracing::info!(name = %group.name, gid = %group.gid(), "the group is used up and begins anew; its members join again");
    Ok(())
}

/// Lets the ledger's word take effect, unless the member has other rights by now.
fn apply(
    group: &mut Group,
    number: u16,
    sid: &Sid,
    standing: Standing,
    now: UnixTime,
) -> Result<(), NodeError> {
    let same = group
        .members
        .get(number)
        .is_some_and(|member| member.live && member.sid == *sid);
    if !same {
        return Ok(());
    }
    match standing {
        // What is known of a token is enough to end it in time, whether or not the ledger answers (spec 5.4).
        Standing::Unknown(_) if group.is_expired(number, now) => {
            tracing::info!(name = %group.name, %sid, "a member's token has expired");
            group.retire(number)?;
        }
        Standing::Keep | Standing::Unknown(_) => {}
        Standing::Narrowed(roles) => {
            tracing::info!(name = %group.name, %sid, roles = roles.bits(), "a member keeps fewer rights");
            if group.change_roles(number, roles, now).is_err() {
                group.retire(number)?;
            }
        }
        Standing::Revoke(reason) => {
            tracing::info!(name = %group.name, %sid, reason = reason.name(), "a member is out");
            group.retire(number)?;
        }
    }
    Ok(())
}

/// Time until the next session is due.
fn until_next(office: &Office) -> Duration {
    let next = office
        .groups()
        .values()
        .map(|group| group.manager.current().next_starts())
        .min();
    let due = next.map(|next| SystemTime::UNIX_EPOCH + Duration::from_secs(next.get()));
    let pause = due.map_or(LONGEST_SLEEP, |due| {
        due.duration_since(SystemTime::now()).unwrap_or_default()
    });
    pause.clamp(Duration::from_millis(1), LONGEST_SLEEP)
}

#[cfg(test)]
mod tests;
