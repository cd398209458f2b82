//! Following a resource (RFC 7641).

use super::{Call, Client, Reply};
use crate::{
    coap::{
        code::Code,
        message::{Message, Token, Type},
        option::number,
    },
    runtime::NetError,
};
use std::time::{Duration, Instant};

/// After this time any notification is newer than the last (RFC 7641, 3.4).
const REORDERING_MAX: Duration = Duration::from_secs(128);

/// A registration. Dropped, it is forgotten here; the server hears of it by a reset at its next notification.
pub struct Observation<'c> {
    client: &'c mut Client,
    call: Call,
    token: Token,
    first: Option<Reply>,
    newest: (u32, Instant),
}

impl Client {
    /// Registers for the changes of a resource.
    ///
    /// # Errors
    /// As [`Client::request`]; [`NetError::Refused`] if there is no such resource, [`NetError::Protocol`] if it cannot
    /// be observed.
    pub fn observe(&mut self, call: &Call) -> Result<Observation<'_>, NetError> {
        let mut registration = call.clone();
        registration.options.set_uint(number::OBSERVE, 0);
        self.notifications.clear();
        let registered = self
            .request(&registration)
            .and_then(|reply| self.success(reply));
        let first = registered.and_then(|reply| match reply.observe() {
            Some(sequence) => Ok((reply, sequence)),
            None => Err(self.broken("it does not let this resource be observed")),
        });
        let (first, sequence) = first.inspect_err(|_| self.observed = None)?;
        let (token, newest) = (first.token, (sequence, Instant::now()));
        Ok(Observation {
            client: self,
            call: call.clone(),
            token,
            first: Some(first),
            newest,
        })
    }
}

impl Observation<'_> {
    /// The Token of every notification.
    pub fn token(&self) -> Token {
        self.token
    }

    /// The next state, the first being the one at registration; `None` if nothing newer comes within `timeout`.
    ///
    /// # Errors
    /// [`NetError::Refused`] when the server ends the observation; otherwise as [`Client::request`].
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Reply>, NetError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let until = Instant::now() + timeout;
        loop {
            while let Some(message) = self.client.notifications.pop_front() {
                if self.supersedes(&message) {
                    return self.complete(message).map(Some);
                }
            }
            match self.client.next_message(until)? {
                Some(message) => self.client.sort(message)?,
                None => return Ok(None),
            }
        }
    }

    /// Makes another request meanwhile; notifications wait.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn request(&mut self, call: &Call) -> Result<Reply, NetError> {
        self.client.request(call)
    }

    /// Ends the observation at the server.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn cancel(self) -> Result<(), NetError> {
        let mut message = Message::new(Type::Con, Code::GET, self.client.fresh_id(), self.token);
        message.options = self.call.options.clone();
        message.options.set_uint(number::OBSERVE, 1);
        self.client.exchange(&message).map(drop)
    }

    /// Whether a notification is newer than the last one, which reordering does not guarantee.
    fn supersedes(&mut self, message: &Message) -> bool {
        let Some(sequence) = message.options.uint(number::OBSERVE) else {
            // Only the end of an observation carries no number.
            return !message.code.is_success();
        };
        let (last, at) = self.newest;
        let ahead = sequence.wrapping_sub(last) & 0x00ff_ffff;
        let newer = (ahead != 0 && ahead < 1 << 23) || at.elapsed() > REORDERING_MAX;
        if newer {
            self.newest = (sequence, Instant::now());
        }
        newer
    }

    fn complete(&mut self, message: Message) -> Result<Reply, NetError> {
        let reply = self.client.download(&self.call, message)?;
        self.client.success(reply)
    }
}

impl Drop for Observation<'_> {
    fn drop(&mut self) {
        self.client.observed = None;
        self.client.notifications.clear();
    }
}
