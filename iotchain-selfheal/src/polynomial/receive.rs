//! Taking a message in: check everything, then commit (spec 3.3, 3.5.3).

use super::member::Member;
use super::message::Message;
use super::recover::recover;
use crate::broadcast::Envelope;
use iotchain_core::hash::sha256;
use iotchain_core::{Error, Result, Secret, Session, UnixTime};

/// What a message was, once verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The message of a session, which starts at `starts`.
    Message {
        /// The session.
        session: Session,
        /// Its start.
        starts: UnixTime,
    },
    /// A message that is held already, byte for byte. Nothing changed.
    Duplicate,
}

impl<S: AsRef<[u8]>, const W: usize> Member<S, W> {
    /// Takes a broadcast; in this scheme each is a message. `now` is the time of the key server if it is known.
    ///
    /// # Errors
    /// As [`Member::message`].
    pub fn receive(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<Received> {
        self.message(message, now)
    }

    /// Takes the signed message of a session; the first failing step of 3.3 decides.
    ///
    /// # Errors
    /// Those of [`Envelope::open`]; [`Error::Version`], [`Error::Scheme`], [`Error::Type`], [`Error::Epoch`],
    /// [`Error::TooManyRevoked`], [`Error::SessionRange`], [`Error::Capacity`], [`Error::Equivocation`],
    /// [`Error::NotYet`], [`Error::Kcv`], [`Error::RevokedMember`].
    pub fn message(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<Received> {
        self.authority.check_size(message.len())?;
        // the same bytes passed every step before: no need to verify their signature again
        let digest = sha256(&[message]);
        if self
            .held
            .sessions
            .iter()
            .any(|known| known.digest == Some(digest))
        {
            return Ok(Received::Duplicate);
        }
        let envelope = Envelope::open(&self.authority, message)?;
        let session = envelope.session();
        let (epoch, degree) = (self.held.key.epoch(), self.held.key.degree());
        let message = Message::parse(session.get(), envelope.payload(), epoch, degree)?;
        if message.session < self.held.key.first().get()
            || message.first > self.held.key.last().get()
        {
            return Err(Error::SessionRange);
        }
        if message.window_len() > W {
            return Err(Error::Capacity);
        }
        let held = self.held.sessions.get(message.session);
        let seen = held.is_some_and(|known| known.digest.is_some());
        if seen || self.announced.is_over(message.session) {
            return Err(Error::Equivocation);
        }
        if now.is_some_and(|now| message.timing.starts > now.saturating_add(self.policy.skew)) {
            return Err(Error::NotYet);
        }
        let keys = self.open(&message)?;
        self.commit(&message, keys, digest);
        Ok(Received::Message {
            session,
            starts: message.timing.starts,
        })
    }

    /// Step 7 of 3.3: the keys of the window, oldest session first, compared with those that are held.
    fn open(&self, message: &Message<'_>) -> Result<[Option<Secret<16>>; W]> {
        let mut keys = [const { None }; W];
        let mut agree = true;
        for (place, masked) in keys.iter_mut().zip(message.window()) {
            *place = recover(&self.held.key, &self.held.prf, message, masked)?;
            let held = self
                .held
                .sessions
                .get(masked.session)
                .and_then(|known| known.key.as_ref());
            if let (Some(found), Some(held)) = (place, held) {
                agree &= found.ct_eq(held);
            }
        }
        if keys.iter().all(Option::is_none) {
            return Err(Error::RevokedMember);
        }
        if agree {
            Ok(keys)
        } else {
            Err(Error::Equivocation)
        }
    }

    fn commit(&mut self, message: &Message<'_>, keys: [Option<Secret<16>>; W], digest: [u8; 32]) {
        for (session, key) in (message.first..=message.session).zip(keys) {
            // a session without a key takes no place from an older one
            if let Some(key) = key
                && let Some(known) = self.held.sessions.place(session)
            {
                known.key = Some(key);
            }
        }
        if let Some(known) = self.held.sessions.place(message.session) {
            known.timing = Some(message.timing);
            known.digest = Some(digest);
        }
        self.announced.raise(message.session);
    }
}
