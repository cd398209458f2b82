//! From the service's response to the message that goes out: 2.03, 4.06, blocks, Observe, Echo.

use super::{Asked, Endpoint, Snapshot, bare};
use crate::coap::{
    block::Block,
    code::Code,
    message::Message,
    option::number,
    service::{Peer, Response, Service},
    shelf::TransferKey,
};
use std::{sync::Arc, time::Instant};

/// An answer may be this many times as long as the request of a peer that nobody has verified (RFC 9175, 2.4).
const AMPLIFICATION_MAX: usize = 3;

/// Answers of up to this many bytes are never held back.
const AMPLIFICATION_FLOOR: usize = 136;

impl<S: Service> Endpoint<S> {
    /// The answer to a request, and the paths it changed. Registers the observer, if it is one.
    pub(super) fn finish(
        &mut self,
        now: Instant,
        asked: &Arc<Asked>,
        response: Response,
    ) -> (Message, Vec<String>) {
        let (code, observable) = (response.code, response.observable);
        let changed = response.changed.clone();
        let mut answer = match self.render(now, asked, response) {
            Ok((answer, snapshot)) => {
                if self.amplifies(now, asked, &answer) {
                    let challenge = self.challenge(now, &asked.peer, Code::UNAUTHORIZED);
                    return (challenge, changed);
                }
                if let Some(snapshot) = snapshot {
                    self.snapshots.put(
                        now,
                        TransferKey::of_response(&asked.peer, &asked.message),
                        snapshot,
                    );
                }
                answer
            }
            Err(refusal) => refusal,
        };
        if asked.message.code == Code::GET {
            let first = asked.block2.is_none_or(|b| b.number == 0);
            match asked.message.options.uint(number::OBSERVE) {
                Some(0) if code == Code::CONTENT && observable && first => {
                    if let Some(sequence) = self.register(asked) {
                        answer.options.set_uint(number::OBSERVE, sequence);
                    }
                }
                Some(1) => self.deregister(&asked.peer, asked.message.token),
                _ => {}
            }
        }
        if let Some(block) = asked.block1 {
            answer.options.set_uint(
                number::BLOCK1,
                Block {
                    more: false,
                    ..block
                }
                .value(),
            );
        }
        (answer, changed)
    }

    /// The message for a response, cut to its first block; and the whole, if it was cut.
    ///
    /// # Errors
    /// The refusal to send instead.
    pub(super) fn render(
        &mut self,
        now: Instant,
        asked: &Asked,
        response: Response,
    ) -> Result<(Message, Option<Snapshot>), Message> {
        if response.challenge {
            return Err(self.challenge(now, &asked.peer, response.code));
        }
        let mut head = bare(response.code);
        head.options = response.options;
        let body = response.payload;
        if head.code == Code::CONTENT {
            let accept = asked.message.options.uint16(number::ACCEPT);
            let format = head.options.uint16(number::CONTENT_FORMAT);
            if accept.is_some() && format.is_some() && accept != format {
                return Err(bare(Code::NOT_ACCEPTABLE));
            }
            let held = head
                .options
                .get(number::ETAG)
                .is_some_and(|e| asked.message.options.all(number::ETAG).any(|h| h == e));
            if held && matches!(asked.message.code, Code::GET | Code::FETCH) {
                head.code = Code::VALID;
                head.options.remove(number::CONTENT_FORMAT);
                return Ok((head, None));
            }
        }
        let wanted = asked.block2.unwrap_or(Block {
            number: 0,
            more: false,
            szx: self.limits.szx,
        });
        let szx = if wanted.number == 0 {
            wanted.szx.min(self.limits.szx)
        } else {
            wanted.szx
        };
        let wanted = Block { szx, ..wanted };
        if body.len() <= wanted.size() && wanted.number == 0 {
            head.payload = body;
            return Ok((head, None));
        }
        if head.options.get(number::ETAG).is_none() {
            // Names this snapshot for the blocks alone; without a tag of the service there is no 2.03.
            self.next_etag = self.next_etag.wrapping_add(1);
            head.options.set(number::ETAG, self.next_etag.to_be_bytes());
        }
        let snapshot = Snapshot { head, body };
        let first = slice(&snapshot, wanted).ok_or_else(|| bare(Code::BAD_REQUEST))?;
        Ok((first, Some(snapshot)))
    }

    /// A later block of a representation that was sent in part.
    pub(super) fn resume(
        &mut self,
        now: Instant,
        peer: &Peer,
        message: &Message,
        block: Block,
    ) -> Option<Message> {
        let snapshot = self
            .snapshots
            .get(now, &TransferKey::of_response(peer, message))?;
        Some(slice(snapshot, block).unwrap_or_else(|| bare(Code::BAD_REQUEST)))
    }

    fn challenge(&self, now: Instant, peer: &Peer, code: Code) -> Message {
        let mut answer = bare(code);
        answer.options.set(number::ECHO, self.echo.issue(now, peer));
        answer
    }

    /// Whether the answer would turn a forged request into a larger datagram for its victim.
    fn amplifies(&self, now: Instant, asked: &Asked, answer: &Message) -> bool {
        let length = answer.encode().len() + asked.message.token.as_bytes().len();
        self.limits.amplification_guard
            && asked.message.code == Code::GET
            && length > AMPLIFICATION_FLOOR
            && length > asked.length.saturating_mul(AMPLIFICATION_MAX)
            && !self.echo.is_reachable(now, &asked.peer)
    }
}

/// One block of a representation; `None` past its end.
fn slice(snapshot: &Snapshot, wanted: Block) -> Option<Message> {
    let (block, payload) = wanted.of(&snapshot.body)?;
    let mut message = snapshot.head.clone();
    message.options.set_uint(number::BLOCK2, block.value());
    if block.number == 0 {
        message.options.set_uint(
            number::SIZE2,
            u32::try_from(snapshot.body.len()).unwrap_or(u32::MAX),
        );
    }
    message.payload = payload.to_vec();
    Some(message)
}
