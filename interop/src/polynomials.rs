//! `broadcast-polynomial.json`: each case is one group of the scheme polynomial, seen from its manager and its members.

use crate::field::{check_roots, coefficients, element};
use crate::groups::{authority, check_identity};
use crate::json::Item;
use crate::manager::{check_salt, signer};
use crate::ops::Verdict;
use crate::report::{Checked, During, Fault, Section, same, same_bytes, same_number};
use crate::set::VectorSet;
use crate::steps::{self, Participant, UNLIMITED};
use iotchain::core::cbor::Reader;
use iotchain::selfheal::polynomial::{
    Element, GroupManager, Member, Parameters, PersonalKey, Plan, Received, revocation_polynomial,
};
use iotchain::selfheal::{Authority, Envelope, Policy};
use iotchain::{Error, Gid, Result, Secret, Session, SignAlg, SigningKey, UnixTime};
use std::collections::BTreeMap;

impl<const W: usize> Participant for Member<Vec<u8>, W> {
    fn open(key: Vec<u8>, authority: Authority, policy: Policy) -> Result<Self> {
        Ok(Self::new(PersonalKey::parse(key)?, authority)?.with_policy(policy))
    }

    fn take(&mut self, step: &Item<'_>) -> Checked<Result<Option<String>>> {
        let now = step.optional("now", Item::time)?;
        let said = |received| match received {
            Received::Duplicate => Some("duplicate".to_owned()),
            Received::Message { .. } => Some("ok".to_owned()),
        };
        if let Some(message) = step.find("message") {
            return Ok(self.message(&message.bytes()?, now).map(said));
        }
        if let Some(session) = step.find("key") {
            return Ok(self
                .key(session.session()?)
                .map(|key| Some(hex::encode(key.expose()))));
        }
        if let Some(now) = step.find("may_seal") {
            let session = self.may_seal(now.time()?);
            return Ok(Ok(session.map(|session| session.to_string())));
        }
        Err(Fault::new("a step without message, key or may_seal"))
    }
}

/// What one case publishes.
struct Published<'a> {
    case: &'a Item<'a>,
    authority: Authority,
    sessions: BTreeMap<u32, Item<'a>>,
    members: BTreeMap<u32, Item<'a>>,
}

impl<'a> Published<'a> {
    fn read(case: &'a Item<'a>) -> Checked<Self> {
        let table = |name: &str, key: &str| -> Checked<BTreeMap<u32, Item<'a>>> {
            case.get(name)?
                .some()?
                .into_iter()
                .map(|row| Ok((row.get(key)?.int()?, row)))
                .collect()
        };
        Ok(Self {
            case,
            authority: authority(&case.get("env")?)?,
            sessions: table("sessions", "session")?,
            members: table("members", "id")?,
        })
    }

    fn session(&self, j: u32) -> Checked<&Item<'a>> {
        self.sessions
            .get(&j)
            .ok_or_else(|| Fault::new(format!("no session {j}")))
    }

    fn member(&self, id: u32) -> Checked<&Item<'a>> {
        self.members
            .get(&id)
            .ok_or_else(|| Fault::new(format!("no member {id}")))
    }
}

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let cases = section
        .read("cases", || set.cases("broadcast-polynomial"))
        .unwrap_or_default();
    for case in &cases {
        let name = case.name();
        let Some(published) = section.read(&name, || Published::read(case)) else {
            continue;
        };
        section.check(format!("{name} identity"), || {
            check_identity(case, &published.authority)?;
            check_salt(case, b"IoTChain-SH1\x04")
        });
        for (j, row) in &published.sessions {
            section.check(format!("{name} session {j}"), || {
                check_session(&published, row)
            });
        }
        check_manager(set, &published, section);
        let rows = section
            .read(&name, || case.get("expect")?.some())
            .unwrap_or_default();
        for (index, row) in rows.iter().enumerate() {
            section.check(format!("{name} expect {index}"), || {
                check_row(&published, row)
            });
        }
        if let Some(worked) = case.find("worked") {
            section.check(format!("{name} worked"), || {
                check_worked(&published, &worked)
            });
        }
    }
}

/// The message opens to the payload `[1, epoch, t, first, nbf, dur, rev, kcvs, polys]`, which ends with the kcv and the P of
/// the session; P is the key under the mask.
fn check_session(published: &Published<'_>, row: &Item<'_>) -> Checked {
    let message = row.get("message")?.bytes()?;
    same("message_len", message.len(), row.get("message_len")?.int()?)?;
    let envelope = Envelope::open(&published.authority, &message)?;
    same(
        "session",
        envelope.session(),
        row.get("session")?.session()?,
    )?;
    let payload = row.get("payload")?.bytes()?;
    same_bytes("payload", envelope.payload(), &payload)?;

    let mut reader = Reader::new(&payload);
    same("elements", reader.array()?, 9)?;
    for _ in 0..4 {
        reader.uint()?;
    }
    same(
        "nbf",
        UnixTime::new(reader.uint()?),
        row.get("nbf")?.time()?,
    )?;
    reader.uint()?;
    reader.bytes()?;
    let (kcvs, polys) = (reader.bytes()?, reader.bytes()?);
    let masked = coefficients(&row.get("P")?)?;
    same(
        "kcv",
        kcvs.last_chunk(),
        Some(&row.get("kcv")?.array::<16>()?),
    )?;
    let newest = polys.len().checked_sub(16 * masked.len());
    let newest = newest.and_then(|at| polys.get(at..)).unwrap_or_default();
    same_bytes("P", masked.concat(), newest)?;

    let degree: u32 = published.case.get("t")?.int()?;
    let g = revocation_polynomial(&row.get("revoked")?.ints::<u32>()?, degree)?;
    let key = element(&row.get("key")?)?;
    let mask = coefficients(&row.get("mask")?)?;
    same("terms of the mask", mask.len(), g.len())?;
    let expected: Vec<[u8; 16]> = g
        .iter()
        .zip(&mask)
        .map(|(g, h)| g.times(&key).plus(&Element::new(*h)).to_bytes())
        .collect();
    same("g K + h", expected, masked)
}

fn check_manager(set: &VectorSet, published: &Published<'_>, section: &mut Section<'_>) {
    let case = published.case;
    let name = case.name();
    let Some((mut manager, signer)) = section.read(format!("{name} manager"), || {
        let manager = GroupManager::new(parameters(case)?, Secret::new(case.get("mk")?.array()?));
        Ok((
            manager.during("parameters")?,
            signer(set, &published.authority)?,
        ))
    }) else {
        return;
    };
    let operations = section
        .read(&name, || case.get("operations")?.some())
        .unwrap_or_default();
    for (index, operation) in operations.iter().enumerate() {
        // whatever follows an operation that failed would fail with it
        let operated = section.check(format!("{name} operation {index}"), || {
            operate(published, &mut manager, &signer, operation)
        });
        if operated.is_none() {
            return;
        }
    }
    for (id, member) in &published.members {
        section.check(format!("{name} id {id}"), || {
            check_member(published, &manager, *id, member)
        });
    }
}

fn parameters(case: &Item<'_>) -> Checked<Parameters> {
    Ok(Parameters {
        gid: Gid::new(case.get("gid")?.array()?),
        epoch: case.get("epoch")?.int()?,
        degree: case.get("t")?.int()?,
        window: case.get("window")?.int()?,
        first: case.get("first")?.session()?,
        starts: case.get("sessions")?.at(0)?.get("nbf")?.time()?,
        duration: case.get("dur")?.int()?,
    })
}

fn operate(
    published: &Published<'_>,
    manager: &mut GroupManager,
    signer: &SigningKey,
    operation: &Item<'_>,
) -> Checked {
    let before = manager.parameters().first.previous();
    let at = manager.session().or(before).map_or(0, Session::get);
    same("at", at, operation.get("at")?.int()?)?;
    match operation.get("op")?.text()? {
        "join" => {
            let id = operation.get("id")?.int()?;
            let sessions = operation.get("start")?.session()?..=operation.get("end")?.session()?;
            manager.join(id, sessions).during("join")?;
            same_bytes(
                "personal_key",
                manager.personal_key(id)?.as_slice(),
                published.member(id)?.get("personal_key")?.bytes()?,
            )
        }
        "revoke" => manager.revoke(operation.get("id")?.int()?).during("revoke"),
        "advance" => {
            let plan = Plan {
                starts: operation.optional("nbf", Item::time)?,
                duration: operation.optional("dur", Item::int)?,
            };
            let announced = manager.advance(plan, signer).during("advance")?;
            let row = published.session(announced.session.get())?;
            same_bytes("message", &announced.message, row.get("message")?.bytes()?)?;
            same("nbf", announced.starts, row.get("nbf")?.time()?)?;
            let key = manager.group_key(announced.session)?;
            same_bytes("key", key.expose(), row.get("key")?.bytes()?)?;
            // as after a restart: not a byte changes
            let state = manager.export()?;
            *manager = GroupManager::import(&state, announced.session).during("restart")?;
            Ok(())
        }
        other => Err(Fault::new(format!("unknown operation {other}"))),
    }
}

/// A member takes part in the sessions of its row, but for those that it is revoked in; `members` of a session lacks those
/// that joined once it had begun. S_i is the same whenever it is asked for, and gone with the id.
fn check_member(
    published: &Published<'_>,
    manager: &GroupManager,
    id: u32,
    member: &Item<'_>,
) -> Checked {
    let life = member.get("start")?.int::<u32>()?..=member.get("end")?.int()?;
    for (j, row) in &published.sessions {
        let revoked = row.get("revoked")?.ints::<u32>()?.contains(&id);
        let takes_part = life.contains(j) && !revoked;
        let session = Session::new(*j);
        same(
            &format!("member of session {j}"),
            manager.is_member(id, session),
            takes_part,
        )?;
        let listed = row.get("members")?.ints::<u32>()?.contains(&id);
        if listed && !takes_part {
            return Err(Fault::new(format!("listed in session {j}")));
        }
    }
    match manager.personal_key(id) {
        Ok(key) => same_bytes(
            "personal_key asked for again",
            key.as_slice(),
            member.get("personal_key")?.bytes()?,
        ),
        Err(error) => same(
            "live",
            (error, manager.is_live(id)),
            (Error::NotMember, false),
        ),
    }
}

fn fresh(published: &Published<'_>, id: u32) -> Checked<Box<Member<Vec<u8>, UNLIMITED>>> {
    let key = published.member(id)?.get("personal_key")?.bytes()?;
    steps::member(&published.case.get("env")?, key)?.during("personal key")
}

/// `[id, session of the message, result number, {session: key}]`: a fresh member takes one message without a clock.
fn check_row(published: &Published<'_>, row: &Item<'_>) -> Checked {
    let mut member = fresh(published, row.at(0)?.int()?)?;
    let message = published.session(row.at(1)?.int()?)?.get("message")?;
    let received = member.receive(&message.bytes()?, None);
    same_number("message", &received, row.at(2)?.int()?)?;
    let mut released = BTreeMap::new();
    for j in published.sessions.keys() {
        if let Ok(key) = member.key(Session::new(*j)) {
            released.insert(j.to_string(), hex::encode(key.expose()));
        }
    }
    let mut expected = BTreeMap::new();
    for (j, key) in row.at(3)?.fields()? {
        expected.insert(j.to_owned(), key.text()?.to_owned());
    }
    same("released keys", released, expected)
}

/// Every intermediate value of one key.
fn check_worked(published: &Published<'_>, worked: &Item<'_>) -> Checked {
    let row = published.session(worked.get("session")?.int()?)?;
    let revoked: Vec<u32> = worked.get("revoked")?.ints()?;
    same("revoked", &revoked, &row.get("revoked")?.ints()?)?;
    check_roots(worked, published.case.get("t")?.int()?, &revoked)?;
    let x = Element::from(worked.get("member")?.int::<u32>()?);
    let value = |polynomial: &Item<'_>| -> Checked<Element> {
        Ok(x.evaluate(coefficients(polynomial)?.iter()))
    };
    let masked = value(&row.get("P")?)?;
    let share = value(&row.get("mask")?)?;
    let g = value(&worked.get("g")?)?;
    let key = masked.plus(&share).times(&g.invert());
    for (name, ours) in [
        ("P_at", &masked),
        ("share", &share),
        ("g_at", &g),
        ("g_at_inv", &g.invert()),
        ("key", &key),
    ] {
        same_bytes(name, ours.to_bytes(), worked.get(name)?.bytes()?)?;
    }
    same_bytes(
        "key of the session",
        key.to_bytes(),
        row.get("key")?.bytes()?,
    )
}

/// op `gm.revoke`: after the first session, the members in `revoke` one after the other.
pub(crate) fn revoke(case: &Item<'_>) -> Checked<Verdict> {
    let parameters = Parameters {
        degree: case.get("t")?.int()?,
        window: case.get("window")?.int()?,
        ..Parameters::new(
            Gid::new(case.get("gid")?.array()?),
            case.get("epoch")?.int()?,
            Session::new(1),
        )
    };
    let mut manager = GroupManager::new(parameters, Secret::new(case.get("mk")?.array()?))
        .during("parameters")?;
    for user in case.get("users")?.list()? {
        let sessions = user.at(1)?.session()?..=user.at(2)?.session()?;
        manager.join(user.at(0)?.int()?, sessions).during("join")?;
    }
    // whoever signs, the message is not looked at
    let signer = SigningKey::from_bytes(SignAlg::Es256k, &[1; 32])?;
    manager.advance(Plan::KEEP, &signer).during("advance")?;
    let ids: Vec<u32> = case.get("revoke")?.ints()?;
    let result: Result<()> = ids.into_iter().try_for_each(|id| manager.revoke(id));
    Ok(Verdict::Done(result))
}
