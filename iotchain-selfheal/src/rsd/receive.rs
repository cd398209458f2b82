//! Taking a broadcast in: check everything, then commit (spec 3.3, 3.4.6).

use super::beacon::Beacon;
use super::event::{Event, Named};
use super::known::{Chain, Fingerprint, Known, fingerprint};
use super::member::Member;
use super::payload::Payload;
use super::recover::{Recovered, recover};
use crate::broadcast::{self, Envelope, Form};
use iotchain_core::hash::sha256;
use iotchain_core::{Error, Result, Secret, Session, UnixTime};

/// Beacon chain steps per second that a member spends on beacons whose time it cannot check (spec A19).
const UNTIMED_STEPS: u32 = 64;

/// What a broadcast was, once verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// An event; its session starts at `starts`.
    Event {
        /// The session of the message.
        session: Session,
        /// Start of that session.
        starts: UnixTime,
    },
    /// A beacon.
    Beacon {
        /// The session that it announces.
        session: Session,
        /// Start of that session, unless the times of its event are unknown.
        starts: Option<UnixTime>,
    },
    /// An event that is held already, byte for byte. Nothing changed.
    Duplicate,
}

impl<S: AsRef<[u8]>, const W: usize> Member<S, W> {
    /// Takes a broadcast of either kind. `now` is the time of the key server if it is known.
    ///
    /// # Errors
    /// As [`Member::event`] and [`Member::beacon`].
    pub fn receive(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<Received> {
        self.authority.check_size(message.len())?;
        match broadcast::form(message) {
            Form::Signed => self.event(message, now),
            Form::Beacon => self.beacon(message, now),
        }
    }

    /// Takes a signed event; the first failing step of 3.3 decides.
    ///
    /// # Errors
    /// Those of [`Envelope::open`]; [`Error::Version`], [`Error::Scheme`], [`Error::Type`], [`Error::Epoch`],
    /// [`Error::SessionRange`], [`Error::Capacity`], [`Error::Equivocation`], [`Error::NotYet`],
    /// [`Error::RevokedMember`], [`Error::Kcv`].
    // apart, so that a beacon does not need the stack of an event
    #[inline(never)]
    pub fn event(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<Received> {
        self.authority.check_size(message.len())?;
        let fingerprint = fingerprint(&sha256(&[message]));
        if self.holds(&fingerprint) {
            return Ok(Received::Duplicate);
        }
        let envelope = Envelope::open(&self.authority, message)?;
        self.open_event(&envelope, fingerprint, now)
    }

    /// Takes a verified envelope. Apart, so that the signature is verified before this stack is needed.
    #[inline(never)]
    fn open_event(
        &mut self,
        envelope: &Envelope<'_>,
        fingerprint: Fingerprint,
        now: Option<UnixTime>,
    ) -> Result<Received> {
        let mut payload = self.payload();
        payload.set_session(envelope.session());
        payload.push(envelope.payload())?;
        self.take(payload.finish()?, fingerprint, now)
    }

    /// A reader of one event for this member.
    // apart, so that the stack of making it is free again when it reads
    #[inline(never)]
    pub(super) fn payload(&self) -> Payload<W> {
        let held = self.held.events.iter().map(|known| known.event);
        Payload::new(self.held.owner(), held)
    }

    /// Whether the message with this fingerprint is held: the same bytes passed every step before, so their signature need
    /// not be verified again.
    pub(super) fn holds(&self, fingerprint: &Fingerprint) -> bool {
        self.held
            .events
            .iter()
            .any(|known| known.message().is_some_and(|(_, held)| held == fingerprint))
    }

    /// Takes an event whose signature is verified (spec 3.3, from step 4 on).
    #[inline(never)]
    pub(super) fn take(
        &mut self,
        event: &Event<W>,
        fingerprint: Fingerprint,
        now: Option<UnixTime>,
    ) -> Result<Received> {
        self.check_range(event)?;
        self.check_history(event)?;
        if now.is_some_and(|now| event.timing.starts > now.saturating_add(self.policy.skew)) {
            return Err(Error::NotYet);
        }
        let mut recovered = [const { Recovered::NONE }; W];
        recover(&self.held.key, &self.held.prf, event, &mut recovered)?;
        self.check_states(event, &recovered)?;
        self.commit(event, &recovered, fingerprint);
        Ok(Received::Event {
            session: Session::new(event.session),
            starts: event.timing.starts,
        })
    }

    /// Takes a beacon. A member without a time base passes `None` and limits beacons itself, e.g. to one per second
    /// with a [`Policy::max_skip`](crate::Policy::max_skip) of 64 (spec A19).
    ///
    /// # Errors
    /// A format error, [`Error::Type`], [`Error::Version`], [`Error::Epoch`], [`Error::SessionRange`],
    /// [`Error::NeedEvent`] (fetch the event first), [`Error::BroadcastOld`] (ignore), [`Error::NotYet`],
    /// [`Error::Skip`], [`Error::Beacon`], in this order (spec C8).
    pub fn beacon(&mut self, message: &[u8], now: Option<UnixTime>) -> Result<Received> {
        let beacon = Beacon::parse(message)?;
        if beacon.epoch != self.held.key.epoch() {
            return Err(Error::Epoch);
        }
        if beacon.session > self.held.key.last().get() {
            return Err(Error::SessionRange);
        }
        let known = self.held.events.get(beacon.event).ok_or(Error::NeedEvent)?;
        let (position, value) = known.beacon().ok_or(Error::NeedEvent)?;
        let steps = beacon
            .session
            .checked_sub(position)
            .ok_or(Error::BroadcastOld)?;
        let starts = known
            .timing()
            .zip(known.session())
            .map(|(timing, session)| timing.start_after(beacon.session.saturating_sub(session)));
        if starts.is_some_and(|starts| !starts.is_encodable()) {
            return Err(Error::Type);
        }
        match (starts, now) {
            (Some(starts), Some(now)) if starts > now.saturating_add(self.policy.skew) => {
                return Err(Error::NotYet);
            }
            _ if steps > self.policy.max_skip => return Err(Error::Skip),
            (None, Some(now)) => self.held.pace.spend(now, steps)?,
            _ => {}
        }
        // a session that belongs to a later event, or to the next epoch (spec C8, A16)
        let begins_later = |later: &Known| {
            later.event > beacon.event
                && later
                    .session()
                    .is_some_and(|session| beacon.session >= session)
        };
        let over = known.end().is_some_and(|end| beacon.session >= end)
            || self.held.events.iter().any(begins_later)
            || self.announced.is_over(beacon.session);
        if over
            || self
                .held
                .prf
                .beacon_back(&beacon.value, beacon.event, beacon.session, position)
                != *value
        {
            return Err(Error::Beacon);
        }
        if let Some(known) = self.held.events.get_mut(beacon.event) {
            known.reach(beacon.session, beacon.value);
            known.announce(beacon.session);
        }
        if beacon.event == self.held.newest_event {
            self.follow(beacon.event, beacon.session);
        }
        Ok(Received::Beacon {
            session: Session::new(beacon.session),
            starts,
        })
    }

    /// Step 4 of 3.3: the message fits the personal key and the device.
    fn check_range(&self, event: &Event<W>) -> Result<()> {
        let (epoch, depth, last) = (
            self.held.key.epoch(),
            u32::from(self.held.key.depth()),
            self.held.key.last().get(),
        );
        if (event.epoch, event.depth, event.last) != (epoch, depth, last) {
            return Err(Error::Epoch);
        }
        if event.session > last {
            return Err(Error::SessionRange);
        }
        if usize::try_from(event.window_len()).map_or(true, |window| window > W) {
            return Err(Error::Capacity);
        }
        Ok(())
    }

    /// Step 5 of 3.3 and the first rule of A12: one message per session, and no two histories.
    fn check_history(&self, event: &Event<W>) -> Result<()> {
        let seen = self
            .held
            .events
            .get(event.number)
            .is_some_and(|known| known.message().is_some());
        let of_other_epoch =
            self.announced.is_over(event.session) || event.first <= self.held.floor;
        if seen || of_other_epoch || !event.fits_join(self.held.key.event()) {
            return Err(Error::Equivocation);
        }
        for known in self.held.events.iter() {
            let [own, next] = known.beginnings();
            event.check_beginning(own)?;
            event.check_beginning(next)?;
        }
        Ok(())
    }

    /// Step 7 of 3.3 with A12: key check value, and agreement with every chain state that is held.
    fn check_states(&self, event: &Event<W>, recovered: &[Recovered; W]) -> Result<()> {
        let held = |number| self.held.events.get(number).and_then(Known::chain);
        // who joined at exactly this session has the state from the key server, and checks it at once
        let own = recovered
            .iter()
            .find(|it| it.event == event.number)
            .map(|it| &it.chain)
            .or_else(|| held(event.number))
            .filter(|chain| chain.position == event.session);
        let is_committed = |chain: &Chain| {
            self.held
                .prf
                .key_check(&chain.state, event.number, event.session)
                .ct_eq(&Secret::new(event.key_check))
        };
        if !own.is_none_or(is_committed) {
            return Err(Error::Kcv);
        }
        let agrees = |it: &Recovered| {
            held(it.event).is_none_or(|held| held.agrees(&self.held.prf, &it.chain))
        };
        if recovered.iter().all(agrees) {
            Ok(())
        } else {
            Err(Error::Equivocation)
        }
    }

    fn commit(&mut self, event: &Event<W>, recovered: &[Recovered; W], fingerprint: Fingerprint) {
        for it in recovered {
            if let Some(known) = self.held.events.place(it.event) {
                known.keep(&it.chain);
            }
        }
        // a session that was told without its event may belong to a later one, whose secret this chain does not lead to
        let announced = match self.held.told {
            (told, session) if told == event.number => session,
            _ => 0,
        };
        if let Some(known) = self.held.events.place(event.number) {
            known.begin(event.session);
            known.receive(event.timing, fingerprint);
            if known.beacon().is_none() {
                known.reach(event.session, event.anchor);
            }
            known.announce(event.session.max(announced));
        }
        for known in self.held.events.iter_mut() {
            if let Named::At(session) = event.named(known.event) {
                known.begin(session);
            }
            if let Named::At(session) = event.named(known.event.saturating_add(1)) {
                known.finish(session);
            }
        }
        if self.held.first == 0 || event.first < self.held.first {
            self.held.first = event.first;
        }
        self.follow(event.number, event.session);
    }
}

/// How many chain steps this second has left for beacons whose time cannot be checked. The only thing that a refused
/// broadcast changes: it bounds the work that an attacker can cause.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) second: UnixTime,
    pub(super) spent: u32,
}

impl Pace {
    /// Nothing spent.
    pub(super) const NONE: Self = Self {
        second: UnixTime::new(0),
        spent: 0,
    };

    fn spend(&mut self, now: UnixTime, steps: u32) -> Result<()> {
        let before = if now == self.second { self.spent } else { 0 };
        let spent = before
            .checked_add(steps)
            .filter(|spent| *spent <= UNTIMED_STEPS)
            .ok_or(Error::Skip)?;
        *self = Self { second: now, spent };
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::broadcast::Authority;
    use crate::rsd::known::Known;
    use crate::rsd::{Member, PersonalKey};
    use iotchain_core::{Gid, PublicKey, UnixTime};
    use serde_json::Value;
    use std::vec::Vec;
    use std::{format, fs};

    type Owned = Member<Vec<u8>, 8>;

    /// Every byte of the state: what Debug shows, and the secrets that it does not.
    pub(crate) fn assert_same<const W: usize>(a: &Member<Vec<u8>, W>, b: &Member<Vec<u8>, W>) {
        assert_eq!(
            (a.held.newest_event, a.held.told, a.announced),
            (b.held.newest_event, b.held.told, b.announced)
        );
        assert_eq!((a.held.first, a.held.floor), (b.held.first, b.held.floor));
        let newest = |member: &Member<Vec<u8>, W>| {
            let newest = &member.held.newest;
            let (key, next) = (*newest.key.expose(), &newest.next);
            (newest.event, key, next.position, *next.state.expose())
        };
        assert_eq!(newest(a), newest(b));
        assert_eq!(
            (a.held.pace.second, a.held.pace.spent),
            (b.held.pace.second, b.held.pace.spent)
        );
        assert_eq!(
            format!("{:?}", a.held.events),
            format!("{:?}", b.held.events)
        );
        let state = |known: &Known| known.chain().map(|chain| *chain.state.expose());
        assert!(
            a.held
                .events
                .iter()
                .map(state)
                .eq(b.held.events.iter().map(state))
        );
    }

    #[test]
    fn a_refused_broadcast_leaves_every_byte_as_it_was() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/negative.json");
        let vectors: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let mut refused = 0;
        for case in vectors["cases"].as_array().unwrap() {
            let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
            let time = |step: &Value| step["now"].as_u64().map(UnixTime::new);
            let Some(key) = case
                .get("personal_key")
                .filter(|_| case["op"] == "group.step")
            else {
                continue;
            };
            let Ok(key) = PersonalKey::parse(bytes(key)) else {
                continue;
            };
            let server = PublicKey::parse(&bytes(&case["env"]["ks_key"])).unwrap();
            let mut member = Owned::new(
                key,
                Authority::new(
                    Gid::from_slice(&bytes(&case["env"]["gid"])).unwrap(),
                    server,
                ),
            )
            .unwrap();
            for step in case["pre"].as_array().unwrap() {
                let message = step.get("message").unwrap_or(&step["beacon"]);
                let _ = member.receive(&bytes(message), time(step));
            }
            let before = member.clone();
            let step = &case["step"];
            for message in ["message", "beacon"]
                .iter()
                .filter_map(|kind| step.get(*kind))
            {
                if member.receive(&bytes(message), time(step)).is_err() {
                    assert_same(&member, &before);
                    refused += 1;
                }
            }
        }
        assert!(refused > 40, "{refused}");
    }
}
