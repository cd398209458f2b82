//! `objects-of-groups.json`: objects as in `objects.json`, under keys that members of `broadcast-rsd.json` derive. A set need not
//! have them.

use crate::json::Item;
use crate::objects;
use crate::report::{Checked, Fault, Section, same};
use crate::script::Script;
use crate::set::VectorSet;
use iotchain::oscar::{EchoKey, Uptime};
use std::collections::BTreeMap;

const FILE: &str = "objects-of-groups";

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    if !set.has(FILE) {
        return;
    }
    let cases = section
        .read("cases", || set.cases(FILE))
        .unwrap_or_default();
    objects::check_cases(set, &cases, section);
    for case in &cases {
        let name = case.name();
        section.check(format!("{name} group"), || check_group(set, case));
        section.check(format!("{name} echo"), || check_echo(case));
    }
}

/// The element of `list` whose `name` is `name`.
fn named<'a>(list: &Item<'a>, name: &str) -> Checked<Item<'a>> {
    let found = list.list()?.into_iter().find(|item| item.name() == name);
    found.ok_or_else(|| Fault::new(format!("no group {name}")))
}

/// The environment is that of the group, and who takes part is a member in each of its sessions.
fn check_group(set: &VectorSet, case: &Item<'_>) -> Checked {
    let (env, name) = (case.get("env")?, case.get("group")?.text()?);
    let published = named(&set.file("broadcast-rsd").get("cases")?, name)?;
    let slots = named(&set.file(FILE).get("groups")?, name)?
        .get("slots")?
        .fields()?;
    for field in ["gid", "ks"] {
        same(
            field,
            env.get(field)?.text()?,
            published.get(field)?.text()?,
        )?;
    }
    let sign_alg = |item: &Item<'_>| item.get("sign_alg")?.int::<i64>();
    same("sign_alg", sign_alg(&env)?, sign_alg(&published)?)?;
    let rows = published.get("sessions")?.list()?;
    let rows: BTreeMap<u32, &Item<'_>> = rows
        .iter()
        .map(|row| Ok((row.get("session")?.int()?, row)))
        .collect::<Checked<_>>()?;
    for (j, key) in env.get("sessions")?.fields()? {
        let row = j.parse().ok().and_then(|j: u32| rows.get(&j));
        let row = row.ok_or_else(|| Fault::new(format!("no session {j}")))?;
        same("key", key.text()?, row.get("key")?.text()?)?;
        let members: Vec<u32> = row.get("members")?.ints()?;
        for (sid, slot) in &slots {
            let is_member = members.contains(&slot.int()?);
            same(&format!("{sid} is a member of {j}"), is_member, true)?;
        }
    }
    Ok(())
}

/// The resource server would have issued the Echo value itself.
fn check_echo(case: &Item<'_>) -> Checked {
    let echo = case.get("env")?.get("echo")?;
    let key = EchoKey::random(&mut Script::of([echo.get("key")?.bytes()?]))?;
    let uptime = Uptime::new(echo.get("uptime")?.int()?);
    let issued = key.issue(&echo.get("endpoint")?.bytes()?, uptime);
    let valid = case.get("env")?.get("valid_echo")?.at(0)?;
    same("valid_echo", hex::encode(issued).as_str(), valid.text()?)
}
