//! Objects of mode G: sealed by a resource server, opened by a member.

use super::scene::{
    CONTENT, GROUP, KID, PATH, RS, SESSION, TOKEN, directory, group_key, plaintext, sid,
};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use iotchain_core::{Error, GroupKey, Result, Session, UnixTime};
use iotchain_oscar::{
    Boot, Exchange, Failures, Freshness, Keys, MAX_OBJECT_LIMIT, Policy, Receiver, ResourceId,
    Sender, Sessions,
};

/// A member that holds the one session.
struct Held(GroupKey);

impl Sessions for Held {
    fn key(&self, session: Session) -> Result<GroupKey> {
        if session == SESSION {
            Ok(self.0.clone())
        } else {
            Err(Error::Session)
        }
    }

    fn may_open(&self, _: Session) -> Result<()> {
        Ok(())
    }
}

fn sender() -> Outcome<Sender> {
    let boot = Boot::assigned(&KID[2..])?;
    let mut sender = Sender::new(GROUP, sid()?, boot, UnixTime::new(0))?;
    sender.set_max_object(MAX_OBJECT_LIMIT);
    sender.enter(SESSION, &group_key())?;
    Ok(sender)
}

/// Sealing and opening `size` bytes.
pub(crate) fn cases(peer: &'static str, size: usize) -> Outcome<Vec<Case>> {
    let resource = ResourceId::new(RS, &PATH, &[])?;
    let mut sealer = sender()?;
    let plain = plaintext(size);
    let mut object = vec![0; size + 128];
    let len = sealer.seal_response(&resource, CONTENT, &TOKEN, plain.as_slice(), &mut object)?;
    let sealed = object[..len].to_vec();
    let row = |op| Row::new(peer, op).size(size).bytes(len);
    let seal = Case::same(row("seal"), move || {
        let sealed =
            sealer.seal_response(&resource, CONTENT, &TOKEN, plain.as_slice(), &mut object);
        sealed.is_ok()
    });

    let directory = directory()?;
    let held = Held(group_key());
    let policy = Policy {
        max_object: MAX_OBJECT_LIMIT,
        ..Policy::default()
    };
    let mut failures = Failures::<8>::new();
    let mut keys = Keys::<4>::new();
    let mut out = vec![0; size];
    let open = move |exchange: &mut Result<Exchange>| {
        let mut receiver = Receiver {
            group: &GROUP,
            sessions: &held,
            directory: &directory[..],
            policy,
            failures: &mut failures,
            keys: &mut keys,
        };
        let exchange = exchange.as_mut().map_err(|error| *error)?;
        let opened = receiver.open_response(
            &sealed,
            &resource,
            CONTENT,
            exchange,
            Freshness::Demanded,
            &mut out,
        );
        opened.map(|opened| opened.len)
    };
    let open = Case::new(row("open"), || Exchange::new(&TOKEN), open);
    Ok(vec![seal, open])
}
