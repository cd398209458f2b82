//! `broadcast-rsd.json`: each case is one group, seen from its manager and from its members.

use crate::json::Item;
use crate::params::{public_key, sign_alg};
use crate::report::{Checked, Fault, Section, same, same_bytes};
use crate::set::VectorSet;
use crate::{healing, manager};
use iotchain::Gid;
use iotchain::core::cbor::Reader;
use iotchain::selfheal::{Authority, Envelope};
use std::collections::BTreeMap;

/// What one case publishes.
pub(crate) struct Published<'a> {
    pub(crate) case: &'a Item<'a>,
    pub(crate) authority: Authority,
    pub(crate) events: BTreeMap<u32, Item<'a>>,
    pub(crate) sessions: BTreeMap<u32, Item<'a>>,
    pub(crate) members: BTreeMap<u32, Item<'a>>,
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
            events: table("events", "event")?,
            sessions: table("sessions", "session")?,
            members: table("members", "slot")?,
        })
    }

    pub(crate) fn session(&self, j: u32) -> Checked<&Item<'a>> {
        self.sessions
            .get(&j)
            .ok_or_else(|| Fault::new(format!("no session {j}")))
    }

    pub(crate) fn event(&self, k: u32) -> Checked<&Item<'a>> {
        self.events
            .get(&k)
            .ok_or_else(|| Fault::new(format!("no event {k}")))
    }

    /// The event message in force in session j.
    pub(crate) fn message(&self, j: u32) -> Checked<Vec<u8>> {
        self.event(self.session(j)?.get("event")?.int()?)?
            .get("message")?
            .bytes()
    }

    pub(crate) fn personal_key(&self, slot: u32) -> Checked<Vec<u8>> {
        let member = self
            .members
            .get(&slot)
            .ok_or_else(|| Fault::new(format!("no member {slot}")))?;
        member.get("personal_key")?.bytes()
    }
}

/// The key server that an `env` pins.
pub(crate) fn authority(env: &Item<'_>) -> Checked<Authority> {
    let key = public_key(&env.get("ks_key")?)?;
    same("sign_alg", sign_alg(&env.get("sign_alg")?)?, key.alg())?;
    let authority = Authority::new(env.get("gid")?.array().map(Gid::new)?, key);
    Ok(match env.optional("max_len", Item::int)? {
        Some(len) => authority.with_max_len(len),
        None => authority,
    })
}

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let cases = section
        .read("cases", || set.cases("broadcast-rsd"))
        .unwrap_or_default();
    for case in &cases {
        let name = case.name();
        let Some(published) = section.read(&name, || Published::read(case)) else {
            continue;
        };
        section.check(format!("{name} identity"), || {
            check_identity(published.case, &published.authority)
        });
        for (k, event) in &published.events {
            section.check(format!("{name} event {k} payload"), || {
                check_event(&published.authority, event)
            });
        }
        manager::check(set, &published, section);
        healing::check(&published, section);
    }
}

/// A case and its receiver name the same group and key server.
pub(crate) fn check_identity(case: &Item<'_>, authority: &Authority) -> Checked {
    let env = case.get("env")?;
    for field in ["gid", "ks_key"] {
        same(field, env.get(field)?.text()?, case.get(field)?.text()?)?;
    }
    same(
        "sign_alg",
        env.get("sign_alg")?.int::<i64>()?,
        case.get("sign_alg")?.int()?,
    )?;
    same_bytes(
        "ks",
        authority.key().thumbprint().as_bytes(),
        case.get("ks")?.bytes()?,
    )
}

/// The message opens to the payload, and its fields are those of the table:
/// `[2, epoch, k, depth, last, nbf, dur, nonce, v, kcv, [sessions], links, [entries]]`.
fn check_event(authority: &Authority, event: &Item<'_>) -> Checked {
    let message = event.get("message")?.bytes()?;
    same(
        "message_len",
        message.len(),
        event.get("message_len")?.int()?,
    )?;
    let envelope = Envelope::open(authority, &message)?;
    same(
        "session",
        envelope.session(),
        event.get("session")?.session()?,
    )?;
    let payload = event.get("payload")?.bytes()?;
    same_bytes("payload", envelope.payload(), &payload)?;

    let mut reader = Reader::new(&payload);
    same("elements", reader.array()?, 13)?;
    reader.uint()?;
    reader.uint()?;
    same("event", reader.u32()?, event.get("event")?.int()?)?;
    reader.uint()?;
    reader.uint()?;
    same("nbf", reader.uint()?, event.get("nbf")?.int()?)?;
    reader.uint()?;
    same_bytes("nonce", reader.bytes()?, event.get("nonce")?.bytes()?)?;
    reader.bytes()?;
    same_bytes("kcv", reader.bytes()?, event.get("kcv")?.bytes()?)?;
    let history: Vec<u32> = (0..reader.array()?)
        .map(|_| reader.u32())
        .collect::<iotchain::Result<_>>()?;
    same("history", history, event.get("history")?.ints()?)?;
    reader.bytes()?;
    let entries = (0..reader.array()?).map(|_| Ok(reader.bytes()?.len() / 20));
    let entries: Vec<usize> = entries.collect::<iotchain::Result<_>>()?;
    same(
        "cover_entries",
        entries,
        event.get("cover_entries")?.ints()?,
    )
}
