//! What is asked of a board, and what has to come of it.

use iotchain::core::AccessKey;
use iotchain::{
    Address, Boot, Error, Exchange, Freshness, Method, PublicKey, ResourceId, Sender, SignAlg,
    StoredState, UnixTime,
};

use getrandom::SysRng;

use super::group::{Bench, Client};
use super::line::{Answer, Kind, Line};
use crate::{NodeError, output};

/// Response codes (RFC 7252).
const CONTENT: u8 = 0x45;
const CHANGED: u8 = 0x44;
const UNAUTHORIZED: u8 = 0x81;
/// The version of the C interface that the firmware has to have.
const ABI: u32 = 1;
const MAX_PLAINTEXT: usize = 1024;

/// Both sides of the bench, and the board between them.
struct Bout<'a> {
    line: &'a mut Line,
    bench: Bench,
    client: Client,
    access: AccessKey,
    sender: Sender,
}

/// Tells the story.
///
/// # Errors
/// [`NodeError::Failed`] for the first check that does not hold, otherwise see [`Line::ask`].
pub(super) fn tell(line: &mut Line) -> Result<(), NodeError> {
    let mut bout = Bout::join(line)?;
    bout.read("a reading is sealed for this request, and opened")?;
    bout.heal()?;
    bout.publish()?;
    bout.command()?;
    bout.sleep()?;
    bout.revoke()?;
    done(bout.line.ask(Kind::End, &[])?, "the end")?;
    output::line("all checks passed")
}

impl<'a> Bout<'a> {
    fn join(line: &'a mut Line) -> Result<Self, NodeError> {
        let hello = done(line.ask(Kind::Hello, &[])?, "hello")?;
        let (abi, key) = hello
            .split_first_chunk()
            .ok_or_else(|| failed("hello: too short"))?;
        check(
            u32::from_be_bytes(*abi) == ABI,
            "the interface has the version of this tool",
        )?;
        let key: &[u8; 64] = key.try_into().map_err(|_| failed("hello: no public key"))?;
        let ([x, y], _) = key.as_chunks::<32>() else {
            return Err(failed("hello: no public key"));
        };
        let mut bench = Bench::found(PublicKey::ec2(SignAlg::Es256k, *x, *y))?;
        let (rs, name) = (bench.rs(), bench.name());
        let challenge = bench.challenge()?;
        let name = name.as_str().as_bytes();
        let name_len = u8::try_from(name.len()).map_err(|_| Error::Size)?;
        let parts: [&[u8]; 5] = [
            bench.exporter(),
            rs.as_bytes(),
            &[name_len],
            name,
            &challenge,
        ];
        let request = done(line.ask(Kind::Challenge, &parts)?, "the challenge")?;
        let response = bench.admit(&request)?;
        output::line(format!(
            "join request {} B, proof verified; response {} B",
            request.len(),
            response.len()
        ))?;
        let other = bench.answer_to_nobody()?;
        let now = bench.now().get().to_be_bytes();
        let refused = line.ask(Kind::Join, &[&now, &other])?;
        check(
            refused == Answer::Refused(-31),
            "an answer to another request is refused",
        )?;
        done(
            line.ask(Kind::Join, &[&now, &response])?,
            "the join response",
        )?;
        let (client, access) = bench.client()?;
        let sender = client.sender(Boot::random(&mut SysRng)?, UnixTime::new(0))?;
        let mut bout = Self {
            line,
            bench,
            client,
            access,
            sender,
        };
        bout.broadcast()?;
        output::line("the board is a member")?;
        Ok(bout)
    }

    fn now(&self) -> [u8; 8] {
        self.bench.now().get().to_be_bytes()
    }

    /// Sends event and beacon of the session to the board, and has the client take them.
    fn broadcast(&mut self) -> Result<(), NodeError> {
        let now = self.now();
        for message in &self.bench.broadcasts {
            let session = done(
                self.line.ask(Kind::Broadcast, &[&now, message])?,
                "a broadcast",
            )?;
            let announced = self
                .bench
                .session()
                .map(|session| session.get().to_be_bytes());
            check(
                Some(session.as_slice()) == announced.as_ref().map(<[u8; 4]>::as_slice),
                "the board is in the newest session",
            )?;
            self.client.receive(message, Some(self.bench.now()))?;
        }
        Ok(())
    }

    fn read(&mut self, what: &str) -> Result<(), NodeError> {
        let mut exchange = Exchange::random(&mut SysRng)?;
        let token = exchange.token().to_vec();
        let object = done(self.line.ask(Kind::Get, &[&self.now(), &token])?, "a GET")?;
        let (rs, now, mut out) = (self.bench.rs(), self.bench.now(), [0; MAX_PLAINTEXT]);
        let resource = sensor(rs)?;
        let mut open = |object: &[u8], exchange: &mut Exchange| {
            let demanded = Freshness::Demanded;
            self.client.open_response(
                object, &resource, CONTENT, exchange, demanded, now, &mut out,
            )
        };
        let mut other = Exchange::random(&mut SysRng)?;
        check(
            open(&object, &mut other).is_err(),
            "an answer to another request is refused",
        )?;
        let mut altered = object.clone();
        if let Some(byte) = altered.last_mut() {
            *byte ^= 1;
        }
        check(
            open(&altered, &mut exchange).is_err(),
            "an altered answer is refused",
        )?;
        let opened = open(&object, &mut exchange)?;
        check(
            Some(opened.session) == self.bench.session(),
            "it is sealed in the newest session",
        )?;
        tell_plaintext(
            what,
            object.len(),
            out.get(..opened.len).unwrap_or_default(),
        )
    }

    /// Three sessions, of which the board hears the last one only.
    fn heal(&mut self) -> Result<(), NodeError> {
        for _ in 0..2 {
            self.bench.advance()?;
        }
        self.bench.advance()?;
        self.broadcast()?;
        self.read("two lost events are healed; a reading under the newest key")
    }

    /// A signed reading that a proxy may keep, with what a proxy and a client check of it.
    fn publish(&mut self) -> Result<(), NodeError> {
        let object = done(
            self.line.ask(Kind::Publish, &[&self.now()])?,
            "a signed reading",
        )?;
        let (mut stored, mut out) = (StoredState::new(), [0; MAX_PLAINTEXT]);
        let (rs, now) = (self.bench.rs(), self.bench.now());
        let opened = self
            .client
            .open_stored(&object, &sensor(rs)?, &mut stored, now, &mut out)?;
        let plaintext = out.get(..opened.len).unwrap_or_default();
        tell_plaintext(
            "a signed reading for proxies is opened",
            object.len(),
            plaintext,
        )
    }

    /// A command of mode P: challenged with an Echo first, executed once.
    fn command(&mut self) -> Result<(), NodeError> {
        let (code, echo, _) = self.request(Method::Put, &[], b"1")?;
        check(
            code == UNAUTHORIZED && !echo.is_empty(),
            "the first command is challenged",
        )?;
        let (code, _, sent) = self.request(Method::Put, &echo, b"1")?;
        check(code == CHANGED, "the command with its Echo is executed")?;
        let again = self.line.ask(Kind::Request, &[&self.now(), &sent])?;
        check(
            matches!(again, Answer::Refused(-28)),
            "a copy of it is refused as a replay",
        )?;
        let (code, state, _) = self.request(Method::Fetch, &[], b"")?;
        check(
            code == CONTENT && state == b"1",
            "the board tells what was switched",
        )
    }

    /// One request; the plaintext of the reply or the Echo, and what was sent.
    fn request(
        &mut self,
        method: Method,
        echo: &[u8],
        plaintext: &[u8],
    ) -> Result<(u8, Vec<u8>, Vec<u8>), NodeError> {
        let (now, mut object) = (self.bench.now(), [0; MAX_PLAINTEXT]);
        let rs = self.bench.rs();
        let resource = led(rs)?;
        self.client.enter(&mut self.sender, now)?;
        let (len, request) = self.sender.seal_request(
            &resource,
            method,
            echo,
            &self.access,
            plaintext,
            &mut object,
        )?;
        let echo_len = u8::try_from(echo.len()).map_err(|_| Error::Echo)?;
        let object = object.get(..len).unwrap_or_default();
        let sent = [&[method.code(), echo_len], echo, object].concat();
        let answer = done(
            self.line.ask(Kind::Request, &[&self.now(), &sent])?,
            "a request",
        )?;
        let Some((code, body)) = answer.split_first() else {
            return Err(failed("a request: no response code"));
        };
        if *code == UNAUTHORIZED {
            return Ok((*code, body.to_vec(), sent));
        }
        let mut out = [0; MAX_PLAINTEXT];
        let opened = self.client.open_reply(
            body,
            &resource,
            *code,
            &request,
            &self.access,
            now,
            &mut out,
        )?;
        Ok((
            *code,
            out.get(..opened.len).unwrap_or_default().to_vec(),
            sent,
        ))
    }

    fn sleep(&mut self) -> Result<(), NodeError> {
        let len = done(self.line.ask(Kind::Sleep, &[])?, "sleep")?;
        let len = len.first_chunk().map_or(0, |len| u16::from_be_bytes(*len));
        output::line(format!(
            "the board slept on {len} B of sealed state and woke"
        ))?;
        self.read("a reading after deep sleep")
    }

    fn revoke(&mut self) -> Result<(), NodeError> {
        self.bench.revoke()?;
        self.bench.advance()?;
        let now = self.now();
        let event = self
            .bench
            .broadcasts
            .first()
            .ok_or_else(|| failed("no event"))?;
        let refused = self.line.ask(Kind::Broadcast, &[&now, event])?;
        check(
            refused == Answer::Refused(-54),
            "the revoked board finds no key in the event",
        )?;
        let late = self.bench.after_all().get().to_be_bytes();
        let token = Exchange::random(&mut SysRng)?.token().to_vec();
        let refused = self.line.ask(Kind::Get, &[&late, &token])?;
        check(
            refused == Answer::Refused(-26),
            "it seals nothing once its last session is over",
        )
    }
}

fn sensor(rs: Address) -> iotchain::Result<ResourceId<'static>> {
    ResourceId::new(rs, &["sensor"], &[])
}

fn led(rs: Address) -> iotchain::Result<ResourceId<'static>> {
    ResourceId::new(rs, &["led"], &[])
}

fn failed(what: &str) -> NodeError {
    NodeError::Failed(what.to_owned())
}

fn done(answer: Answer, what: &str) -> Result<Vec<u8>, NodeError> {
    match answer {
        Answer::Done(body) => Ok(body),
        Answer::Refused(result) => {
            let name = u16::try_from(result.unsigned_abs())
                .ok()
                .and_then(Error::from_number);
            let name = name.map_or("of the C interface", Error::name);
            Err(NodeError::Failed(format!(
                "the board refuses {what}: {result} ({name})"
            )))
        }
    }
}

fn check(holds: bool, what: &str) -> Result<(), NodeError> {
    if holds {
        output::line(format!("  ok: {what}"))
    } else {
        Err(NodeError::Failed(format!("not so: {what}")))
    }
}

fn tell_plaintext(what: &str, len: usize, plaintext: &[u8]) -> Result<(), NodeError> {
    check(!plaintext.is_empty(), "it is not empty")?;
    let text = String::from_utf8_lossy(plaintext);
    output::line(format!("{what}: {text:?} in {len} B"))
}
