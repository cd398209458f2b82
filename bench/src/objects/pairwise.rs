//! Objects of mode P: a client asks, the resource server opens and answers, the client opens the answer. The server knows
//! the client from an earlier request, as libOSCORE knows its peer.

use super::ours::Member;
use super::scene::{GROUP, PATH, RS, SESSION, group_key, plaintext};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use iotchain_core::{AccessKey, Error, Result, Secret, Sid, UnixTime};
use iotchain_oscar::{
    Boot, Clients, Echo, EchoRule, MAX_OBJECT_LIMIT, Method, Opened, PairContexts, PairRequest,
    Reply, ResourceId, Sender, Uptime,
};
use std::cell::RefCell;
use std::rc::Rc;

pub(crate) const SEAL_REQUEST: &str = "seal-request";
pub(crate) const OPEN_REQUEST: &str = "open-request";
pub(crate) const SEAL_REPLY: &str = "seal-reply";
pub(crate) const OPEN_REPLY: &str = "open-reply";

/// sid of a client that may POST.
const CLIENT: [u8; 2] = [2, 1];
const RSK: [u8; 32] = [8; 32];
/// 2.04 Changed.
const CHANGED: u8 = 68;
const ECHO: [u8; 8] = [1; 8];
const NOW: Uptime = Uptime::new(10);

/// A request as it arrives, and what the client keeps of it.
type Asked = (Vec<u8>, PairRequest);

struct Client {
    sender: Sender,
    access: AccessKey,
}

impl Client {
    fn new() -> Outcome<Self> {
        let sid = Sid::from_slice(&CLIENT)?;
        let mut sender = Sender::new(GROUP, sid, Boot::assigned(&[1])?, UnixTime::new(0))?;
        sender.set_max_object(MAX_OBJECT_LIMIT);
        sender.enter(SESSION, &group_key())?;
        let access = AccessKey::derive(&Secret::new(RSK), GROUP.gid, &sid)?;
        Ok(Self { sender, access })
    }

    fn ask(&mut self, echo: &[u8], text: &[u8], out: &mut [u8]) -> Result<(usize, PairRequest)> {
        let resource = ResourceId::new(RS, &PATH, &[])?;
        let (sender, access) = (&mut self.sender, &self.access);
        sender.seal_request(&resource, Method::Post, echo, access, text, out)
    }

    fn asked(&mut self, echo: &[u8], text: &[u8]) -> Result<Asked> {
        let mut out = vec![0; text.len() + 128];
        let (len, request) = self.ask(echo, text, &mut out)?;
        out.truncate(len);
        Ok((out, request))
    }
}

/// A resource server that met the client.
struct Server {
    member: Member,
    secret: Secret<32>,
    contexts: PairContexts<4>,
}

impl Server {
    fn new(client: &mut Client) -> Outcome<Self> {
        let mut server = Self {
            member: Member::new()?,
            secret: Secret::new(RSK),
            contexts: PairContexts::new(),
        };
        let (first, _) = client.asked(&ECHO, b"")?;
        let until = Uptime::new(1000);
        let echo = Echo::Valid {
            value: &ECHO,
            until,
        };
        server.open(&first, echo, &mut [])?;
        Ok(server)
    }

    fn open(&mut self, object: &[u8], echo: Echo<'_>, out: &mut [u8]) -> Result<(Opened, Reply)> {
        let resource = ResourceId::new(RS, &PATH, &[])?;
        let mut clients = Clients {
            secret: &self.secret,
            retired: &[],
            contexts: &mut self.contexts,
            rule: EchoRule::First,
            now: NOW,
        };
        let mut receiver = self.member.receiver();
        receiver.open_request(object, &resource, Method::Post, echo, &mut clients, out)
    }
}

/// A client, and a server that knows it.
fn pair() -> Outcome<(Client, Server)> {
    let mut client = Client::new()?;
    let server = Server::new(&mut client)?;
    Ok((client, server))
}

/// A request and its reply, `size` bytes in each.
pub(crate) fn cases(peer: &'static str, size: usize) -> Outcome<Vec<Case>> {
    let resource = ResourceId::new(RS, &PATH, &[])?;
    let row = |op, len| Row::new(peer, op).size(size).bytes(len);
    let plain = Rc::new(plaintext(size));
    let (mut out, mut object) = (vec![0; size], vec![0; size + 128]);

    let (mut client, mut server) = pair()?;
    let (asked, request) = client.asked(b"", &plain)?;
    let (opened, reply) = server.open(&asked, Echo::Absent, &mut out)?;
    let reply = reply.with_max_object(MAX_OBJECT_LIMIT);
    let len = reply.seal(&resource, CHANGED, plain.as_slice(), &mut object)?;
    if out.get(..opened.len) != Some(&plain[..]) {
        return Err("a request of our own opens to something else".into());
    }
    let answer = object[..len].to_vec();

    let (mut sealer, text, mut sealed) = (Client::new()?, plain.clone(), vec![0; size + 128]);
    let seal_request = Case::same(row(SEAL_REQUEST, asked.len()), move || {
        sealer.ask(b"", &text, &mut sealed).is_ok()
    });

    // a request is taken once, so every run of the server has one of its own, in order
    let (mut source, mut receiver) = pair()?;
    let (text, mut opened) = (plain.clone(), vec![0; size]);
    let open_request = Case::new(
        row(OPEN_REQUEST, asked.len()),
        move || source.asked(b"", &text),
        move |asked| match asked {
            Ok((object, _)) => receiver.open(object, Echo::Absent, &mut opened).is_ok(),
            Err(_) => false,
        },
    );

    let party = RefCell::new(pair()?);
    let (text, mut discarded) = (plain.clone(), vec![0; size]);
    let replies = move || -> Result<Option<Reply>> {
        let (client, server) = &mut *party.borrow_mut();
        let (object, _) = client.asked(b"", &text)?;
        let (_, reply) = server.open(&object, Echo::Absent, &mut discarded)?;
        Ok(Some(reply.with_max_object(MAX_OBJECT_LIMIT)))
    };
    let seal_reply = Case::new(row(SEAL_REPLY, len), replies, move |reply| {
        let reply = reply.as_mut().map_err(|error| *error)?.take();
        let reply = reply.ok_or(Error::Truncated)?;
        reply.seal(&resource, CHANGED, plain.as_slice(), &mut object)
    });

    let (mut member, mut text) = (Member::new()?, vec![0; size]);
    let open_reply = Case::same(row(OPEN_REPLY, len), move || {
        let access = &client.access;
        let mut receiver = member.receiver();
        let opened = receiver.open_reply(&answer, &resource, CHANGED, &request, access, &mut text);
        opened.is_ok()
    });
    Ok(vec![seal_request, open_request, seal_reply, open_reply])
}
