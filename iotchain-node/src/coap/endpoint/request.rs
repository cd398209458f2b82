//! From a message to a whole request: options, Echo, blocks, and the service's answer.

use super::{Asked, Assembly, Endpoint, Pending, Verdict, bare};
use crate::coap::{
    block::Block,
    code::Code,
    deferred::Deferral,
    message::{Message, Type},
    option::{Options, content_format, is_critical, number, request_format},
    service::{Answer, Peer, Request, Response, Service},
    shelf::TransferKey,
};
use std::{fmt::Write, sync::Arc, time::Instant};

impl<S: Service> Endpoint<S> {
    /// Answers one message; `changed` takes the paths whose observers are to be notified.
    pub(super) fn request(
        &mut self,
        now: Instant,
        peer: &Peer,
        mut message: Message,
        length: usize,
        changed: &mut Vec<String>,
    ) -> Verdict {
        if let Err(code) = check_options(&mut message.options) {
            // A non-confirmable message that cannot be processed is rejected in silence (RFC 7252, 5.4.1).
            let silent = code == Code::BAD_OPTION && message.kind == Type::Non;
            return if silent {
                Verdict::Silence
            } else {
                Verdict::Answer(bare(code))
            };
        }
        let blocks = (
            Block::find(&message.options, number::BLOCK1),
            Block::find(&message.options, number::BLOCK2),
            strings(&message.options, number::URI_PATH),
            strings(&message.options, number::URI_QUERY),
        );
        let (Ok(block1), Ok(block2), Some(path), Some(query)) = blocks else {
            return Verdict::Answer(bare(Code::BAD_REQUEST));
        };
        if let Some(block) = block1 {
            match self.assemble(now, peer, &message, block) {
                Ok(body) => message.payload = body,
                Err(answer) => return Verdict::Answer(answer),
            }
        }
        if let Some(block) = block2.filter(|b| b.number > 0) {
            match self.resume(now, peer, &message, block) {
                Some(answer) => return Verdict::Answer(answer),
                // Asking a second time for the answer to anything but a GET would run it twice.
                None if message.code != Code::GET => {
                    return Verdict::Answer(bare(Code::REQUEST_ENTITY_INCOMPLETE));
                }
                None => {}
            }
        }
        let fresh_until = message
            .options
            .get(number::ECHO)
            .and_then(|value| self.echo.fresh_until(now, peer, value));
        if fresh_until.is_some() {
            self.echo.reached(now, peer);
        }
        let asked = Asked {
            peer: peer.clone(),
            message,
            path,
            query,
            block1,
            block2,
            fresh_until,
            length,
        };
        self.ask(now, Arc::new(asked), changed)
    }

    /// Calls the service, or answers what the endpoint knows by itself.
    fn ask(&mut self, now: Instant, asked: Arc<Asked>, changed: &mut Vec<String>) -> Verdict {
        let answer = if asked.path.iter().eq([".well-known", "core"]) {
            Answer::Reply(self.links(asked.message.code))
        } else {
            self.call(now, &asked, None)
        };
        match answer {
            Answer::Reply(response) => {
                let (answer, paths) = self.finish(now, &asked, response);
                *changed = paths;
                Verdict::Answer(answer)
            }
            Answer::Later => Verdict::Later,
        }
    }

    /// Hands a request to the service and files it if the answer was put off.
    pub(super) fn call(
        &mut self,
        now: Instant,
        asked: &Arc<Asked>,
        observer: Option<u64>,
    ) -> Answer {
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        let query: Vec<&str> = asked.query.iter().map(String::as_str).collect();
        let exchange = self.next_exchange;
        self.next_exchange += 1;
        let deferral = Deferral {
            exchange,
            completions: self.completions.clone(),
        };
        let outcome = self.service.call(&Request {
            peer: &asked.peer,
            code: asked.message.code,
            path: &path,
            query: &query,
            token: asked.message.token,
            payload: &asked.message.payload,
            options: &asked.message.options,
            fresh_until: asked.fresh_until,
            reachable: self.echo.is_reachable(now, &asked.peer),
            deferral: &deferral,
        });
        match outcome.0 {
            Answer::Later if self.pending.len() >= self.limits.pending => {
                Answer::Reply(Response::new(Code::SERVICE_UNAVAILABLE).max_age(5))
            }
            Answer::Later => {
                self.pending.insert(
                    exchange,
                    Pending {
                        asked: asked.clone(),
                        observer,
                    },
                );
                Answer::Later
            }
            reply => reply,
        }
    }

    /// Adds a block to its body; the whole body with the last one, otherwise what to tell the client.
    fn assemble(
        &mut self,
        now: Instant,
        peer: &Peer,
        message: &Message,
        block: Block,
    ) -> Result<Vec<u8>, Message> {
        if block.more && message.payload.len() != block.size()
            || message.payload.len() > block.size()
        {
            return Err(bare(Code::BAD_REQUEST));
        }
        let key = TransferKey::of_request(peer, message);
        let earlier = self.assemblies.take(now, &key);
        let mut body = match (block.number, earlier) {
            (0, _) => Vec::new(),
            (_, Some(Assembly(body))) if body.len() == block.offset() => body,
            _ => return Err(bare(Code::REQUEST_ENTITY_INCOMPLETE)),
        };
        let announced = message
            .options
            .uint(number::SIZE1)
            .map_or(0, |s| s as usize);
        if announced.max(body.len() + message.payload.len()) > self.limits.body {
            let mut answer = bare(Code::REQUEST_ENTITY_TOO_LARGE);
            answer.options.set_uint(
                number::SIZE1,
                u32::try_from(self.limits.body).unwrap_or(u32::MAX),
            );
            return Err(answer);
        }
        body.extend_from_slice(&message.payload);
        if !block.more {
            return Ok(body);
        }
        self.assemblies.put(now, key, Assembly(body));
        let mut answer = bare(Code::CONTINUE);
        answer.options.set_uint(number::BLOCK1, block.value());
        Err(answer)
    }

    /// `/.well-known/core` (RFC 6690).
    fn links(&self, code: Code) -> Response {
        if code != Code::GET {
            return Response::new(Code::METHOD_NOT_ALLOWED);
        }
        let mut text = String::new();
        for link in self.service.links() {
            let comma = if text.is_empty() { "" } else { "," };
            let semicolon = if link.attributes.is_empty() { "" } else { ";" };
            // Writing into a string cannot fail.
            let _ = write!(
                text,
                "{comma}</{}>{semicolon}{}",
                link.path, link.attributes
            );
        }
        Response::content(content_format::LINK_FORMAT, text)
    }
}

/// Refuses what this endpoint must not ignore, and removes what it must (RFC 7252, 5.4).
fn check_options(options: &mut Options) -> Result<(), Code> {
    if options.get(number::PROXY_URI).is_some() || options.get(number::PROXY_SCHEME).is_some() {
        return Err(Code::PROXYING_NOT_SUPPORTED);
    }
    let mut ignored = Vec::new();
    let mut previous = None;
    for (option, value) in options.iter() {
        let repeated = previous.replace(option) == Some(option);
        let acceptable = match request_format(option) {
            Some(format) => {
                (format.min..=format.max).contains(&value.len()) && (format.repeatable || !repeated)
            }
            None => !is_critical(option),
        };
        match acceptable {
            true => {}
            false if is_critical(option) => return Err(Code::BAD_OPTION),
            // A surplus instance goes with the first: what the sender meant cannot be known.
            false => ignored.push(option),
        }
    }
    for option in ignored {
        options.remove(option);
    }
    Ok(())
}

fn strings(options: &Options, option: u16) -> Option<Vec<String>> {
    options
        .all(option)
        .map(|v| String::from_utf8(v.to_vec()).ok())
        .collect()
}
