//! Objects of mode G: sealed by a resource server, opened by a member.

use super::scene::{
    CONTENT, GROUP, KID, PATH, RS, SESSION, TOKEN, directory, group_key, plaintext, sid,
};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use iotchain_core::{Address, Error, GroupKey, PublicKey, Result, Session, Sid, UnixTime};
use iotchain_oscar::{
    Boot, Exchange, Failures, Freshness, Keys, MAX_OBJECT_LIMIT, Opened, Policy, Receiver,
    ResourceId, Response, Sender, Sessions,
};
use std::hint::black_box;

/// Opening many objects at once, per object.
pub(crate) const BATCH: &str = "open-batch";
/// Largest objects that are opened in batches.
const SMALL: usize = 64;

/// A member that holds the one session.
pub(super) struct Held(GroupKey);

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

/// A member of the group, and what it keeps between objects.
pub(super) struct Member {
    sessions: Held,
    directory: [(Sid, Address, PublicKey); 1],
    failures: Failures<8>,
    keys: Keys<4>,
}

impl Member {
    pub(super) fn new() -> Outcome<Self> {
        Ok(Self {
            sessions: Held(group_key()),
            directory: directory()?,
            failures: Failures::new(),
            keys: Keys::new(),
        })
    }

    pub(super) fn receiver(&mut self) -> Receiver<'_, Held, [(Sid, Address, PublicKey)]> {
        Receiver {
            group: &GROUP,
            sessions: &self.sessions,
            directory: &self.directory[..],
            policy: Policy {
                max_object: MAX_OBJECT_LIMIT,
                ..Policy::default()
            },
            failures: &mut self.failures,
            keys: &mut self.keys,
        }
    }
}

fn sender() -> Outcome<Sender> {
    let boot = Boot::assigned(&KID[2..])?;
    let mut sender = Sender::new(GROUP, sid()?, boot, UnixTime::new(0))?;
    sender.set_max_object(MAX_OBJECT_LIMIT);
    sender.enter(SESSION, &group_key())?;
    Ok(sender)
}

/// Sealing and opening `size` bytes, small ones in batches too.
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

    let open_row = row("open");
    let mut member = Member::new()?;
    let (object, mut out) = (sealed.clone(), vec![0; size]);
    let open = move |exchange: &mut Result<Exchange>| {
        let exchange = exchange.as_mut().map_err(|error| *error)?;
        let opened = member.receiver().open_response(
            &object,
            &resource,
            CONTENT,
            exchange,
            Freshness::Demanded,
            &mut out,
        );
        opened.map(|opened| opened.len)
    };
    let mut cases = vec![seal, Case::new(open_row, || Exchange::new(&TOKEN), open)];
    if size <= SMALL {
        cases.push(batch(row(BATCH), sealed, resource)?);
    }
    Ok(cases)
}

/// Opening many at once.
fn batch(row: Row, sealed: Vec<u8>, resource: ResourceId<'static>) -> Outcome<Case> {
    let mut member = Member::new()?;
    let fresh = Exchange::new(&TOKEN)?;
    let prepare = move || (fresh.clone(), [0; SMALL]);
    let run = move |states: &mut [(Exchange, [u8; SMALL])]| {
        let responses = states.iter_mut().map(|(exchange, out)| Response {
            object: &sealed,
            resource: &resource,
            code: CONTENT,
            exchange,
            freshness: Freshness::Demanded,
            out,
        });
        let each = |opened: Result<Opened>| {
            black_box(opened.map(|opened| opened.len).is_ok());
        };
        member.receiver().open_batch(responses, each);
    };
    Ok(Case::together(row, prepare, run))
}
