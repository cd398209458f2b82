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
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;

    use iotchain::token::{Class, Policy, TokenRef};
    use iotchain::{Address, Gid, Roles, SignAlg, Signer, SigningKey};
    use iotchain_ledger::EmbeddedLedger;
    use iotchain_ledger::embedded::{Config, Sealing};
    use tempfile::TempDir;

    use super::super::group::Terms;
    use super::super::office::Equipment;
    use super::super::store::Store;
    use super::*;
    use crate::catalogue::{Catalogue, ClassKey, KeyServer, ResourceServer};
    use crate::data_dir::DataDir;

    const NOTHING: Verdicts = Verdicts {
        standings: Vec::new(),
        answered: true,
    };

    fn key() -> SigningKey {
        SigningKey::from_bytes(SignAlg::Es256k, &[1; 32]).unwrap()
    }

    /// A key server with one group, stored in `directory`.
    fn office(directory: &TempDir) -> Office {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let chain = Config {
            sealing: Sealing::Manual,
            ..Config::default()
        };
        let catalogue = Catalogue {
            chain_id: chain.chain_id,
            ledger: String::new(),
            contract: Address::new([3; 20]),
            owner: Address::new([5; 20]),
            confirmations: 2,
            key_server: KeyServer {
                coap: anywhere,
                coaps: anywhere,
                name: String::new(),
                ca: directory.path().into(),
            },
            resource_servers: vec![ResourceServer {
                name: "meter".into(),
                rs: Address::new([2; 20]),
                key: key().public(),
                coap: anywhere,
                proxy: None,
                classes: [(ClassKey(Class::new(7)), Vec::new())].into(),
            }],
        };
        let equipment = Equipment {
            catalogue,
            terms: Terms {
                session: 60,
                grace: 5,
                epoch: 100,
                depth: 4,
                max_event: 4096,
                admissions: 4,
            },
            policy: Policy::default(),
            ledger: Arc::new(EmbeddedLedger::in_memory(&chain).unwrap()),
            key: key(),
        };
        let data = DataDir::open(directory.path(), "key-server").unwrap();
        let store = Store::open(&data, &key().public().thumbprint()).unwrap();
        Office::open(equipment, store, clock::now()).unwrap()
    }

    fn name(office: &Office) -> GroupName {
        *office.groups().keys().next().unwrap()
    }

    fn look<T>(office: &Office, look: impl FnOnce(&Group) -> T) -> T {
        let seen = office.look(&name(office), |group| Ok(look(group)));
        seen.unwrap()
    }

    fn join(group: &mut Group, client: u8) -> Result<(), NodeError> {
        let token = TokenRef {
            chain: 1,
            contract: Address::new([3; 20]),
            client: Address::new([client; 20]),
        };
        let seat = group.manager.join()?;
        let (number, sid) = group.fresh_sid(Roles::GET)?;
        group.members.insert(Member {
            number,
            seat,
            sid,
            subject: Subject::Client {
                token,
                expires_at: UnixTime::MAX,
            },
            issued: Vec::new(),
            live: true,
        });
        Ok(())
    }

    /// What tells the group from all others, and where it stands.
    fn place(office: &Office) -> (Gid, u32, u32) {
        look(office, |group| {
            (group.gid(), group.epoch(), group.session().get())
        })
    }

    #[test]
    fn events_too_long_begin_an_epoch_and_then_another_group() {
        let directory = tempfile::tempdir().unwrap();
        let mut office = office(&directory);
        let name = name(&office);
        let founded = look(&office, |group| group.newest_event().len());
        let joined = office.change(&name, |group| (1..9).try_for_each(|n| join(group, n)));
        joined.unwrap();
        let (gid, _, _) = place(&office);
        let rsk = look(&office, |group| group.server_secret.clone());

        // every second one leaves: one subset for each who stays, but neighbours in the next epoch
        let leave = |group: &mut Group| (0..4).try_for_each(|n| Ok(group.retire(2 * n)?));
        office.change(&name, leave).unwrap();
        office.terms.max_event = founded + 30;
        let begun = begin(&office, &name, &NOTHING).unwrap();
        assert!(begun.event && begun.session == Session::new(2));
        assert_eq!(place(&office), (gid, 2, 2));
        look(&office, |group| {
            assert!(group.newest_event().len() <= founded + 30);
            let has_key = |number: u16| {
                let seat = group.members.get(number).unwrap().seat;
                group.manager.personal_key(seat).is_ok()
            };
            assert!((0..8).all(|number| has_key(number) == (number % 2 == 1)));
            assert!(
                group.server_secret.ct_eq(&rsk),
                "nobody could do more than read"
            );
        });

        // not even that epoch is short enough: nobody is left, and all have to join again
        office.terms.max_event = founded + 10;
        office.change(&name, |group| Ok(group.retire(1)?)).unwrap();
        begin(&office, &name, &NOTHING).unwrap();
        let (other, epoch, session) = place(&office);
        assert!(other != gid && (epoch, session) == (1, 1));
        assert_eq!(look(&office, |group| group.members.len()), 0);

        // and no group at all: the one there is stays as it is stored
        office.terms.max_event = founded - 10;
        office.change(&name, |group| join(group, 1)).unwrap();
        office.change(&name, |group| Ok(group.retire(0)?)).unwrap();
        let outcome = begin(&office, &name, &NOTHING);
        assert!(matches!(outcome, Err(NodeError::Protocol(Error::Size))));
        assert_eq!(place(&office), (other, 1, 1));
        drop(office);
        let office = self::office(&directory);
        assert_eq!(place(&office), (other, 1, 1));
        assert_eq!(look(&office, |group| group.members.live().count()), 0);
    }

    #[test]
    fn a_group_founded_again_in_its_first_interval_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let office = office(&directory);
        let (name, (gid, ..)) = (name(&office), place(&office));
        let use_up = |group: &mut Group| {
            group.next_index = 1 << 16;
            Ok(())
        };
        office.change(&name, use_up).unwrap();
        let begun = begin(&office, &name, &NOTHING).unwrap();
        assert_ne!(place(&office).0, gid);
        assert!(begun.event, "the first event of the new gid is news");
    }

    #[test]
    fn an_epoch_that_begins_early_is_not_longer() {
        let directory = tempfile::tempdir().unwrap();
        let office = office(&directory);
        let name = name(&office);
        let longest = office.terms.epoch + office.terms.pre_issue();
        for turn in 0..10 {
            let early = |group: &mut Group| roll_over(&office, group, clock::now());
            office.change(&name, early).unwrap();
            let left = look(&office, |group| group.manager.current().sessions_left());
            assert!(left <= longest, "turn {turn}: {left} sessions");
        }
    }
}
