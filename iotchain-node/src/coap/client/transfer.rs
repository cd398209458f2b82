//! Whole bodies in both directions (RFC 7959).

use super::{Call, Client, Reply};
use crate::{
    coap::{
        block::{Block, MAX_SZX},
        code::Code,
        message::{Message, Type},
        option::number,
    },
    runtime::{NetError, random},
};

impl Client {
    /// Sends the body, block by block if need be, and fetches the whole answer.
    pub(super) fn transfer(&mut self, call: &Call) -> Result<Reply, NetError> {
        let first = self.upload(call)?;
        self.download(call, first)
    }

    /// The response to the last block.
    fn upload(&mut self, call: &Call) -> Result<Message, NetError> {
        let tag: [u8; 4] = random()?;
        let (mut offset, mut szx) = (0, self.settings.szx);
        loop {
            let block = Block {
                number: (offset >> (szx + 4)) as u32,
                more: false,
                szx,
            };
            let (block, slice) = block
                .of(&call.payload)
                .ok_or(NetError::Request("the body has no such block"))?;
            let mut request = self.message(call)?;
            if block.more || offset > 0 {
                request.options.set_uint(number::BLOCK1, block.value());
                // Keeps the blocks of two bodies apart (RFC 9175, 3.4).
                request.options.set(number::REQUEST_TAG, tag);
                if offset == 0 {
                    let length = u32::try_from(call.payload.len())
                        .map_err(|_| NetError::Request("the body is too long"))?;
                    request.options.set_uint(number::SIZE1, length);
                }
            }
            if szx < MAX_SZX {
                let wish = Block {
                    number: 0,
                    more: false,
                    szx,
                };
                request.options.set_uint(number::BLOCK2, wish.value());
            }
            if request.options.uint(number::OBSERVE) == Some(0) {
                // Before it is sent: a notification may overtake the answer.
                self.observed = Some(request.token);
            }
            request.payload = slice.to_vec();
            let response = self.exchange(&request)?;
            let theirs = Block::find(&response.options, number::BLOCK1)
                .map_err(|_| self.broken("Block1 of size 7"))?;
            let smaller = theirs.map(|b| b.szx).filter(|s| *s < szx);
            match (response.code, smaller) {
                (Code::CONTINUE, _) if block.more => {
                    offset += slice.len();
                    szx = smaller.unwrap_or(szx);
                }
                (Code::CONTINUE, _) => {
                    return Err(self.broken("it waits for more than the whole body"));
                }
                // Too large, but smaller blocks would do (RFC 7959, 2.9.3).
                (Code::REQUEST_ENTITY_TOO_LARGE, Some(smaller)) if offset == 0 => szx = smaller,
                (code, _) if code.is_success() && block.more => {
                    return Err(self.broken("it answered before it had the whole body"));
                }
                _ => return Ok(response),
            }
        }
    }

    /// Completes an answer of which the first block has arrived.
    pub(super) fn download(&mut self, call: &Call, first: Message) -> Result<Reply, NetError> {
        let mut reply = Reply::of(first);
        let mut block = self.block2(&reply, 0)?;
        while let Some(Block {
            more: true, szx, ..
        }) = block
        {
            if reply.payload.len() > self.settings.max_body {
                return Err(NetError::TooLarge {
                    limit: self.settings.max_body,
                });
            }
            let next = Block {
                number: (reply.payload.len() >> (szx + 4)) as u32,
                more: false,
                szx,
            };
            let mut request = self.message(call)?;
            // Only the first request registers, validates or carries the body.
            for option in [number::OBSERVE, number::ETAG, number::CONTENT_FORMAT] {
                request.options.remove(option);
            }
            request.options.set_uint(number::BLOCK2, next.value());
            let part = Reply::of(self.exchange(&request)?);
            if part.code != reply.code || part.etag() != reply.etag() {
                return Err(NetError::Changed);
            }
            block = self.block2(&part, reply.payload.len())?;
            if block.is_none() {
                return Err(self.broken("a block without its number"));
            }
            reply.payload.extend_from_slice(&part.payload);
        }
        if reply.payload.len() > self.settings.max_body {
            return Err(NetError::TooLarge {
                limit: self.settings.max_body,
            });
        }
        reply.options.remove(number::BLOCK2);
        Ok(reply)
    }

    /// The Block2 option of a part that should begin at `offset`.
    fn block2(&self, part: &Reply, offset: usize) -> Result<Option<Block>, NetError> {
        let block = Block::find(&part.options, number::BLOCK2)
            .map_err(|_| self.broken("Block2 of size 7"))?;
        if block.is_some_and(|b| b.offset() != offset || (b.more && part.payload.len() != b.size()))
        {
            return Err(self.broken("a block that is out of place"));
        }
        Ok(block)
    }

    /// A request without body, with a Token and ID of its own.
    fn message(&mut self, call: &Call) -> Result<Message, NetError> {
        let kind = if call.confirmable {
            Type::Con
        } else {
            Type::Non
        };
        let mut message = Message::new(kind, call.code, self.fresh_id(), self.fresh_token()?);
        message.options = call.options.clone();
        Ok(message)
    }
}
