//! What a client did, as JSON.

use std::time::Duration;

use iotchain::{Error, Received, Session, UnixTime};
use serde_json::{Map, Value, json};

use super::{Answered, Fetched, Group, Source};
use crate::follow::{Entry, Journal};
use crate::{NodeError, roles};

/// The answer to one command: `ok`, the command, how long it took, and `fields` or what went wrong.
pub(super) fn answer(command: &str, outcome: Result<Value, NodeError>, elapsed: Duration) -> Value {
    let mut answer = Map::new();
    answer.insert("ok".into(), outcome.is_ok().into());
    answer.insert("command".into(), command.into());
    answer.insert(
        "ms".into(),
        u64::try_from(elapsed.as_millis())
            .unwrap_or(u64::MAX)
            .into(),
    );
    match outcome {
        Ok(Value::Object(fields)) => answer.extend(fields),
        Ok(_) => {}
        Err(error) => answer.extend(failure(&error)),
    }
    Value::Object(answer)
}

fn failure(error: &NodeError) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("error".into(), error.to_string().into());
    if let Some(number) = error.number() {
        fields.insert("number".into(), number.number().into());
        fields.insert("name".into(), number.name().into());
    }
    if let NodeError::Refused { code, .. } = error {
        fields.insert("code".into(), code.to_string().into());
    }
    fields
}

pub(super) fn joined(group: &Group) -> Value {
    let membership = group.membership();
    json!({
        "group": group.joined.group().as_str(),
        "gid": membership.group().gid.to_string(),
        "sid": membership.sid().to_string(),
        "roles": roles::text(membership.sid().roles()),
        "session": group.joined.session.get(),
        "expires_at": group.joined.expires_at.get(),
        "check_interval": group.joined.policies.check_interval,
        "request_bytes": group.joined.request_len,
        "bytes": group.joined.response_len,
        "personal_key_bytes": membership.member().current().personal_key().as_bytes().len(),
    })
}

pub(super) fn fetched(fetched: &Fetched) -> Value {
    let opened = &fetched.opened;
    json!({
        "from": match fetched.from { Source::Proxy => "proxy", Source::Any | Source::Server => "server" },
        "mode": format!("{:?}", opened.mode),
        "bytes": fetched.object_len,
        "session": opened.session.get(),
        "kid": opened.kid.to_string(),
        "piv": opened.piv.get(),
        "content_format": opened.content_format,
        "iat": opened.claims.map(|claims| claims.iat.get()),
        "exp": opened.claims.and_then(|claims| claims.exp).map(UnixTime::get),
        "plaintext": hex::encode(&*fetched.plaintext),
        "text": std::str::from_utf8(&fetched.plaintext).ok(),
    })
}

pub(super) fn answered(answered: &Answered) -> Value {
    let opened = &answered.opened;
    json!({
        "code": answered.code.to_string(),
        "mode": format!("{:?}", opened.mode),
        "request_bytes": answered.request_len,
        "bytes": answered.object_len,
        "challenges": answered.challenges,
        "session": opened.session.get(),
        "kid": opened.kid.to_string(),
        "piv": opened.piv.get(),
        "content_format": opened.content_format,
        "plaintext": hex::encode(&*answered.plaintext),
        "text": std::str::from_utf8(&answered.plaintext).ok(),
    })
}

/// Where a membership stands. `healed` counts sessions whose key is held although no broadcast of them came in.
pub(super) fn status(group: &Group) -> Value {
    let journal = group.follower.journal();
    let membership = group.membership();
    let member = membership.member();
    let mark = member.high_water();
    let since = group.joined.session;
    let held = |session: &Session| member.key(*session).is_ok();
    let sessions = || (since.get()..=mark.session.get()).map(Session::new);
    let heard =
        |session: &Session| *session == since || journal.sessions().any(|known| known == *session);
    json!({
        "group": group.joined.group().as_str(),
        "resources": format!("{}/{:04x}", group.server, group.class.get()),
        "joined": since.get(),
        "session": mark.session.get(),
        "event": mark.event,
        "epoch": mark.epoch,
        "current": member.may_seal(crate::clock::now()).is_some(),
        "held": sessions().filter(held).count(),
        "healed": sessions().filter(held).filter(|session| !heard(session)).count(),
        "received": journal.received,
        "repeated": journal.repeated,
        "failed": journal.failed,
        "fetched": journal.fetched,
        "astray": journal.astray,
        "prepared": journal.prepared,
        "unreachable": journal.unreachable,
        "last_error": journal.last_error.map(Error::name),
        "expires_at": group.follower.expires_at().get(),
    })
}

pub(super) fn events(journal: &Journal) -> Value {
    json!({ "events": journal.entries().map(event).collect::<Vec<_>>() })
}

fn event(entry: &Entry) -> Value {
    let (kind, session, error) = match entry.outcome {
        Ok(Received::Event { session, .. }) => ("event", Some(session), None),
        Ok(Received::Beacon { session, .. }) => ("beacon", Some(session), None),
        Ok(Received::Duplicate) => ("repetition", None, None),
        Err(error) => ("refused", None, Some(error)),
    };
    json!({
        "at": entry.at.get(),
        "bytes": entry.len,
        "kind": kind,
        "session": session.map(Session::get),
        "number": error.map(Error::number),
        "name": error.map(Error::name),
    })
}
