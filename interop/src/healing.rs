//! The members of a case: what they heal from lost broadcasts, what they do step by step; attacks on them.

use crate::groups::{Published, authority};
use crate::json::Item;
use crate::ops::Verdict;
use crate::report::{Checked, During, Fault, Section, same, same_bytes, same_number};
use iotchain::selfheal::{Policy, rsd};
use iotchain::{PersonalKey, Received, Result, Session, UnixTime};

/// A member that owns its personal key, with room for `W` events.
type Member<const W: usize> = rsd::Member<Vec<u8>, W>;

/// Room for every event that a message can name: "without a capacity, unlimited" (spec C2).
const UNLIMITED: usize = 255;

/// First element of a personal key of scheme rsd.
const RSD: u64 = 2;

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

fn member<const W: usize>(env: &Item<'_>, personal_key: Vec<u8>) -> Checked<Result<Member<W>>> {
    let authority = authority(env)?;
    let policy = Policy {
        skew: env
            .optional("skew", Item::int)?
            .unwrap_or(Policy::DEFAULT.skew),
        grace: env
            .optional("grace", Item::int)?
            .unwrap_or(Policy::DEFAULT.grace),
        ..Policy::DEFAULT
    };
    let key = PersonalKey::parse(personal_key);
    Ok(key.and_then(|key| Ok(Member::new(key, authority)?.with_policy(policy))))
}

fn fresh(published: &Published<'_>, slot: u32) -> Checked<Box<Member<UNLIMITED>>> {
    let member = member(&published.case.get("env")?, published.personal_key(slot)?)?;
    Ok(Box::new(member.during("personal key")?))
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

/// The first element of a personal key, `None` if there is none to be read.
fn scheme(personal_key: &[u8]) -> Option<u64> {
    let mut reader = iotchain::core::cbor::Reader::new(personal_key);
    reader.array().ok()?;
    reader.uint().ok()
}

/// op `group.step`: a member with the capacity `cap` takes the steps of `pre`, then `step`.
pub(crate) fn group_step(case: &Item<'_>) -> Checked<Verdict> {
    if scheme(&case.get("personal_key")?.bytes()?) == Some(1) {
        return Ok(Verdict::Skipped("scheme polynomial"));
    }
    let capacity = case
        .get("env")?
        .optional("cap", Item::int::<usize>)?
        .unwrap_or(UNLIMITED);
    macro_rules! with_capacity {
        ($($n:literal)*) => {
            match capacity {
                $($n => steps::<$n>(case),)*
                _ => Ok(Verdict::Skipped("member of an unusual capacity")),
            }
        };
    }
    with_capacity!(1 2 3 4 5 6 7 8 12 16 24 32 48 64 96 128 192 255)
}

fn steps<const W: usize>(case: &Item<'_>) -> Checked<Verdict> {
    let env = case.get("env")?;
    let mut member = match member::<W>(&env, case.get("personal_key")?.bytes()?)? {
        Ok(member) => Box::new(member),
        Err(error) => return Ok(Verdict::Done(Err(error))),
    };
    for step in case.optional("pre", Item::list)?.unwrap_or_default() {
        let expected = step.optional("expect", Item::int)?.unwrap_or(0);
        same_number("pre", &take(&mut member, &step)?, expected)?;
    }
    Ok(Verdict::Done(
        take(&mut member, &case.get("step")?)?.map(|_| ()),
    ))
}

/// op `personal_key.decode`.
pub(crate) fn decode(case: &Item<'_>) -> Checked<Verdict> {
    match case.get("scheme")?.int()? {
        RSD => Ok(Verdict::Done(
            PersonalKey::parse(case.get("personal_key")?.bytes()?).map(|_| ()),
        )),
        1 => Ok(Verdict::Skipped("scheme polynomial")),
        other => Err(Fault::new(format!("unknown scheme {other}"))),
    }
}
