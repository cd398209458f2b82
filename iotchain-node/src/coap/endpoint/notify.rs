//! Observe: registrations and the notifications that follow (RFC 7641).
//!
//! Each observer has at most one notification under way. A change meanwhile marks it stale; its acknowledgement, or
//! its next repetition, then carries the latest state (RFC 7641, 4.5.2).

use super::{Asked, Endpoint, Outgoing};
use crate::coap::{
    code::Code,
    message::{Message, Token, Type},
    option::number,
    outbox::Purpose,
    service::{Answer, Peer, Response, Service},
    shelf::TransferKey,
};
use std::{sync::Arc, time::Instant};

impl<S: Service> Endpoint<S> {
    /// Tells the observers of a path (`a/b/c`) that the resource changed.
    pub fn notify(&mut self, now: Instant, path: &str, out: &mut Outgoing) {
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        for id in self.observers.of_path(&segments) {
            let Some(observer) = self.observers.get_mut(id) else {
                continue;
            };
            observer.stale = true;
            if observer.waiting.is_none() {
                self.refresh(now, id, 0, out);
            }
        }
    }

    pub(super) fn notify_all(&mut self, now: Instant, paths: Vec<String>, out: &mut Outgoing) {
        for path in paths {
            self.notify(now, &path, out);
        }
    }

    /// Enters a registration; the sequence number for its answer.
    pub(super) fn register(&mut self, asked: &Arc<Asked>) -> Option<u32> {
        let mut message = asked.message.clone();
        // The stored request stands for "what is it now": neither a registration nor a validation.
        message.options.remove(number::OBSERVE);
        message.options.remove(number::ETAG);
        message.options.remove(number::ECHO);
        let stored = Asked {
            peer: asked.peer.clone(),
            message,
            path: asked.path.clone(),
            query: asked.query.clone(),
            block1: None,
            block2: asked.block2,
            fresh_until: None,
            length: asked.length,
        };
        self.observers.register(Arc::new(stored))
    }

    pub(super) fn deregister(&mut self, peer: &Peer, token: Token) {
        if let Some(id) = self
            .observers
            .deregister(peer, token)
            .and_then(|o| o.waiting)
        {
            self.outbox.settle(peer, id);
        }
    }

    /// Asks the service for the latest state on behalf of an observer, and sends it.
    fn refresh(&mut self, now: Instant, id: u64, attempt: u32, out: &mut Outgoing) {
        let Some(observer) = self.observers.get_mut(id) else {
            return;
        };
        observer.stale = false;
        let asked = observer.asked.clone();
        if let Answer::Reply(response) = self.call(now, &asked, Some(id)) {
            self.send_notification(now, id, response, attempt, out);
        }
    }

    /// Sends a state to an observer; an error is its last message (RFC 7641, 4.2).
    pub(super) fn send_notification(
        &mut self,
        now: Instant,
        id: u64,
        response: Response,
        attempt: u32,
        out: &mut Outgoing,
    ) {
        let Some(asked) = self.observers.get_mut(id).map(|o| o.asked.clone()) else {
            return;
        };
        let (mut answer, snapshot) = match self.render(now, &asked, response) {
            Ok((answer, snapshot)) => (answer, snapshot),
            Err(refusal) => (refusal, None),
        };
        if let Some(snapshot) = snapshot {
            self.snapshots.put(
                now,
                TransferKey::of_response(&asked.peer, &asked.message),
                snapshot,
            );
        }
        let message_id = self.fresh_id();
        let Some(observer) = self.observers.get_mut(id) else {
            return;
        };
        // A ticket may complete while an older notification still waits: the newer one takes its place.
        let replaced = observer.waiting.replace(message_id);
        if answer.code == Code::CONTENT {
            answer
                .options
                .set_uint(number::OBSERVE, observer.next_sequence());
        } else {
            self.observers.remove(id);
        }
        if let Some(old) = replaced {
            self.outbox.settle(&asked.peer, old);
        }
        let token = asked.message.token;
        let datagram = Message {
            kind: Type::Con,
            id: message_id,
            token,
            ..answer
        }
        .encode();
        let (to, dice) = ((asked.peer.clone(), message_id), self.dice.roll_u16());
        self.outbox.watch(
            now,
            to,
            datagram.clone(),
            Purpose::Notification(id),
            attempt,
            dice,
        );
        out.push((asked.peer.clone(), datagram));
    }

    /// A notification is due again: repeated as it is, or with the latest state if that changed.
    pub(super) fn repeat_notification(
        &mut self,
        now: Instant,
        observer: u64,
        (peer, id): (Peer, u16),
        datagram: Vec<u8>,
        out: &mut Outgoing,
    ) {
        let stale = self.observers.get_mut(observer).is_some_and(|o| o.stale);
        if !stale {
            out.push((peer, datagram));
            return;
        }
        let attempt = self.outbox.settle(&peer, id).map_or(0, |w| w.attempt);
        self.refresh(now, observer, attempt, out);
    }

    /// An acknowledgement of something we sent.
    pub(super) fn acknowledged(&mut self, now: Instant, peer: &Peer, id: u16, out: &mut Outgoing) {
        let Some(Purpose::Notification(observer)) = self.outbox.settle(peer, id).map(|w| w.purpose)
        else {
            return;
        };
        self.echo.still_there(now, peer);
        let Some(state) = self.observers.get_mut(observer) else {
            return;
        };
        state.waiting = None;
        if state.stale {
            self.refresh(now, observer, 0, out);
        }
    }

    /// A reset: the peer no longer wants what we sent.
    pub(super) fn refused(&mut self, peer: &Peer, id: u16) {
        if let Some(Purpose::Notification(observer)) =
            self.outbox.settle(peer, id).map(|w| w.purpose)
        {
            self.observers.remove(observer);
        }
    }
}
