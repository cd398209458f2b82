//! The members of an rsd case: what they heal from lost broadcasts, what they do step by step.

use crate::groups::Published;
use crate::json::Item;
use crate::report::{Checked, During, Fault, Section, same, same_bytes, same_number};
use crate::steps::{self, Participant, UNLIMITED};
use iotchain::selfheal::{Authority, Policy, rsd};
use iotchain::{PersonalKey, Received, Result, Session, UnixTime};

/// A member that owns its personal key, with room for `W` events.
type Member<const W: usize> = rsd::Member<Vec<u8>, W>;

pub(crate) fn check(published: &Published<'_>, section: &mut Section<'_>) {
    let case = published.case;
    let name = case.name();
    for row in section
        .read(&name, || case.get("heal")?.list())
        .unwrap_or_default()
    {
        section.check(format!("{name} {}", row.name()), || {
            check_row(published, &row)
        });
    }
    for trace in section
        .read(&name, || case.get("traces")?.list())
        .unwrap_or_default()
    {
        let Some(mut member) = section.read(&name, || fresh(published, trace.get("slot")?.int()?))
        else {
            continue;
        };
        for step in section
            .read(&name, || trace.get("steps")?.list())
            .unwrap_or_default()
        {
            section.check(format!("{name} {}", step.name()), || {
                check_step(published, &mut member, &step)
            });
        }
    }
}

impl<const W: usize> Participant for Member<W> {
    fn open(key: Vec<u8>, authority: Authority, policy: Policy) -> Result<Self> {
        Ok(Self::new(PersonalKey::parse(key)?, authority)?.with_policy(policy))
    }

    fn take(&mut self, step: &Item<'_>) -> Checked<Result<Option<String>>> {
        take(self, step)
    }
}

fn fresh(published: &Published<'_>, slot: u32) -> Checked<Box<Member<UNLIMITED>>> {
    let member = steps::member(&published.case.get("env")?, published.personal_key(slot)?)?;
    member.during("personal key")
}

/// `[slot, l, r, [[message_l, beacon_l], [message_r, beacon_r]], sessions]`: a fresh member takes the event in force and
/// the beacon of session l, then of session r, without a clock; it can then release the keys of `sessions`.
fn check_row(published: &Published<'_>, row: &Item<'_>) -> Checked {
    let mut member = fresh(published, row.at(0)?.int()?)?;
    for (place, name) in [(0, "l"), (1, "r")] {
        let j = row.at(place + 1)?.int()?;
        let expected = row.at(3)?.at(place)?;
        let message = member.receive(&published.message(j)?, None);
        same_number(&format!("message {name}"), &message, expected.at(0)?.int()?)?;
        let beacon = member.receive(&published.session(j)?.get("beacon")?.bytes()?, None);
        same_number(&format!("beacon {name}"), &beacon, expected.at(1)?.int()?)?;
    }
    check_keys(published, &member, &row.at(4)?)
}

/// Exactly the keys of the sessions in `expected` are released, each with its published value.
fn check_keys<const W: usize>(
    published: &Published<'_>,
    member: &Member<W>,
    expected: &Item<'_>,
) -> Checked {
    let mut released = Vec::new();
    for (j, row) in &published.sessions {
        if let Ok(key) = member.key(Session::new(*j)) {
            same_bytes(
                &format!("key of session {j}"),
                key.expose(),
                row.get("key")?.bytes()?,
            )?;
            released.push(*j);
        }
    }
    same("released sessions", released, expected.ints()?)
}

/// One input of a member: a message, a beacon, or the question for a key or for the session to seal in. Gives the `value`
/// of a trace: "ok", "duplicate" or a key.
fn take<const W: usize>(
    member: &mut Member<W>,
    step: &Item<'_>,
) -> Checked<Result<Option<String>>> {
    let max_skip = step
        .optional("max_skip", Item::int)?
        .unwrap_or(Policy::DEFAULT.max_skip);
    member.set_policy(Policy {
        max_skip,
        ..member.policy()
    });
    let now = step.optional("now", Item::time)?;
    let said = |received| match received {
        Received::Duplicate => Some("duplicate".to_owned()),
        Received::Event { .. } | Received::Beacon { .. } => Some("ok".to_owned()),
    };
    if let Some(message) = step.find("message") {
        return Ok(member.event(&message.bytes()?, now).map(said));
    }
    if let Some(beacon) = step.find("beacon") {
        return Ok(member.beacon(&beacon.bytes()?, now).map(said));
    }
    if let Some(session) = step.find("key") {
        return Ok(member
            .key(session.session()?)
            .map(|key| Some(hex::encode(key.expose()))));
    }
    if let Some(now) = step.find("may_seal") {
        let session = member.may_seal(now.time()?);
        return Ok(Ok(session.map(|session| session.to_string())));
    }
    Err(Fault::new(
        "a step without message, beacon, key or may_seal",
    ))
}

fn check_step(
    published: &Published<'_>,
    member: &mut Member<UNLIMITED>,
    step: &Item<'_>,
) -> Checked {
    let outcome = take(member, step)?;
    same_number("result", &outcome, step.get("expect")?.int()?)?;
    let value = outcome.unwrap_or_default();
    same(
        "value",
        value.as_deref(),
        step.optional("value", Item::text)?,
    )?;
    let mark = member.high_water();
    same(
        "high_water",
        vec![mark.event, mark.session.get()],
        step.get("high_water")?.ints()?,
    )?;
    let now = step.get("now")?.time()?;
    same(
        "may_seal",
        member.may_seal(now),
        may_seal(published, step, now)?,
    )?;
    check_keys(published, member, &step.get("keys")?)
}

/// The `may_seal` of a trace step with the lower bound of C6, nbf_j - skew <= now. The bound is younger than the traces,
/// whose clock jumps back: where it decides, the member must not seal whatever the trace says.
fn may_seal(published: &Published<'_>, step: &Item<'_>, now: UnixTime) -> Checked<Option<Session>> {
    let Some(session) = step.optional("may_seal", Item::session)? else {
        return Ok(None);
    };
    let starts = published.session(session.get())?.get("nbf")?.time()?;
    let begun = starts.saturating_sub(Policy::DEFAULT.skew) <= now;
    Ok(begun.then_some(session))
}
