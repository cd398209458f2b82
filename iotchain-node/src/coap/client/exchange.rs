//! One message out, one response in (RFC 7252, 4.2, 5.2, 5.3.2).

use super::Client;
use crate::{
    coap::message::{Message, Type},
    runtime::NetError,
};
use std::time::Instant;

/// Acknowledged Message IDs that are remembered.
const ACKNOWLEDGED_MAX: usize = 32;

/// Notifications that may wait; older ones are superseded anyway.
const NOTIFICATIONS_MAX: usize = 32;

impl Client {
    /// Sends a request, repeats it as needed, and waits for its response, piggybacked or separate.
    pub(super) fn exchange(&mut self, request: &Message) -> Result<Message, NetError> {
        let started = Instant::now();
        let datagram = request.encode();
        let mut timeout = match request.kind {
            Type::Con => self
                .settings
                .transmission
                .first_timeout(self.dice.roll_u16()),
            _ => self.settings.response_timeout,
        };
        let mut repetitions = match request.kind {
            Type::Con => self.settings.transmission.max_retransmit,
            _ => 0,
        };
        self.channel.send(&datagram)?;
        let mut until = started + timeout;
        loop {
            match self.next_message(until)? {
                Some(m) if m.kind == Type::Rst && m.id == request.id => {
                    return Err(NetError::Reset {
                        peer: self.channel.name(),
                    });
                }
                Some(m) if m.kind == Type::Ack && m.id == request.id && !m.code.is_response() => {
                    repetitions = 0;
                    until = Instant::now() + self.settings.response_timeout;
                }
                Some(m) if m.code.is_response() && m.token == request.token => {
                    if m.kind != Type::Ack || m.id == request.id {
                        self.acknowledge(&m)?;
                        return Ok(m);
                    }
                }
                Some(m) => self.sort(m)?,
                None if repetitions > 0 => {
                    repetitions -= 1;
                    timeout *= 2;
                    self.channel.send(&datagram)?;
                    until = Instant::now() + timeout;
                }
                None => {
                    return Err(NetError::Timeout {
                        peer: self.channel.name(),
                        waited: started.elapsed(),
                    });
                }
            }
        }
    }

    /// The next message that parses; repeated acknowledgements are handled on the way.
    pub(super) fn next_message(&mut self, until: Instant) -> Result<Option<Message>, NetError> {
        while let Some(datagram) = self.channel.receive(until)? {
            let Ok(message) = Message::parse(&datagram) else {
                continue;
            };
            if message.kind == Type::Con && self.acknowledged.contains(&message.id) {
                self.channel
                    .send(&Message::empty(Type::Ack, message.id).encode())?;
                continue;
            }
            return Ok(Some(message));
        }
        Ok(None)
    }

    /// A message that is not the response we wait for: a notification, or nothing we want.
    pub(super) fn sort(&mut self, message: Message) -> Result<(), NetError> {
        if message.code.is_response()
            && message.kind != Type::Ack
            && self.observed == Some(message.token)
        {
            self.acknowledge(&message)?;
            if self.notifications.len() >= NOTIFICATIONS_MAX {
                self.notifications.pop_front();
            }
            self.notifications.push_back(message);
        } else if message.kind == Type::Con {
            self.channel
                .send(&Message::empty(Type::Rst, message.id).encode())?;
        }
        Ok(())
    }

    fn acknowledge(&mut self, message: &Message) -> Result<(), NetError> {
        if message.kind == Type::Con {
            if self.acknowledged.len() >= ACKNOWLEDGED_MAX {
                self.acknowledged.pop_front();
            }
            self.acknowledged.push_back(message.id);
            self.channel
                .send(&Message::empty(Type::Ack, message.id).encode())?;
        }
        Ok(())
    }
}
