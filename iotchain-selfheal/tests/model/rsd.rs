//! Scheme rsd in plain sets (spec 3.3, 3.4.6, 3.4.7).

use crate::support::Member;
use crate::support::group::{DURATION, Group, START};
use crate::{Life, Observed, Step, Times, compare};
use iotchain_core::{Error, GroupKey, Result, Session, UnixTime};
use iotchain_selfheal::Journaled as _;
use iotchain_selfheal::rsd::{GroupManager, PersonalKey, Plan};
use proptest::prelude::TestCaseError;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const USERS: usize = 7;
const SESSIONS: usize = 30;

impl<const W: usize> Observed for Member<W> {
    fn release(&self, session: Session) -> Result<GroupKey> {
        self.key(session)
    }

    fn seals(&self, now: UnixTime) -> Option<Session> {
        self.may_seal(now)
    }
}

/// What an event lets its receivers know, besides secrets.
struct Event {
    session: u32,
    message: Vec<u8>,
    /// How many events it heals, itself included, and how many it names.
    window: usize,
    history: usize,
}

/// What was broadcast, by everybody's account.
#[derive(Default)]
struct Facts {
    /// Event k is at index k - 1.
    events: Vec<Event>,
    /// Beacon of session j at index j - 1.
    beacons: Vec<Vec<u8>>,
    times: Vec<Times>,
    keys: Vec<GroupKey>,
}

impl Facts {
    /// The number of the event in force in a session.
    fn event_of(&self, session: u32) -> u32 {
        self.events
            .iter()
            .take_while(|event| event.session <= session)
            .count() as u32
    }

    fn first_of(&self, event: u32) -> u32 {
        self.events[event as usize - 1].session
    }
}

/// What a member holds of one event.
#[derive(Clone, Debug, Default)]
struct Held {
    /// Whether the message itself arrived.
    message: bool,
    /// The session from which on its chain is known.
    chain: Option<u32>,
    /// Whether the first session of the next event is known.
    ended: bool,
    /// Newest session whose beacon was verified, once beacons can be.
    beacon: Option<u32>,
    announced: u32,
}

/// What a member holds: the newest `capacity` events of those it heard of.
#[derive(Clone, Debug)]
struct Model {
    capacity: usize,
    join: u32,
    /// First session of the history it was granted.
    granted: u32,
    held: BTreeMap<u32, Held>,
    told: (u32, u32),
    /// The newest event and session announced.
    newest: (u32, u32),
}

impl Model {
    fn new(capacity: usize, join: u32, granted: u32, facts: &Facts) -> Self {
        let mut model = Self {
            capacity,
            join,
            granted,
            held: BTreeMap::new(),
            told: (0, 0),
            newest: (0, 0),
        };
        let event = facts.event_of(join);
        if event != 0 {
            let held = model.room(event).unwrap();
            (held.chain, held.beacon, held.announced) = (Some(join), Some(join), join);
            model.newest = (event, join);
        }
        model
    }

    /// The lowest event makes room first.
    fn room(&mut self, event: u32) -> Option<&mut Held> {
        self.held.entry(event).or_default();
        if self.held.len() > self.capacity {
            self.held.pop_first();
        }
        self.held.get_mut(&event)
    }

    fn announce(&mut self, told: (u32, u32)) {
        if let Some(held) = self.held.get_mut(&told.0) {
            held.announced = held.announced.max(told.1);
        }
        self.told = told;
        self.newest = self.newest.max(told);
    }

    /// Takes event `k`; `None` for a duplicate.
    fn event(&mut self, k: u32, until: u32, now: Option<u64>, facts: &Facts) -> Result<Option<()>> {
        if self.held.get(&k).is_some_and(|held| held.message) {
            return Ok(None);
        }
        let event = &facts.events[k as usize - 1];
        let first = event.session;
        if event.window > self.capacity {
            return Err(Error::Capacity);
        }
        let times = facts.times[first as usize - 1];
        if now.is_some_and(|now| !times.has_begun(now)) {
            return Err(Error::NotYet);
        }
        // what began after the join; the interval of the join itself came with the personal key
        let healed: Vec<(u32, u32)> = (k + 1 - event.window as u32..=k)
            .map(|q| (q, facts.first_of(q)))
            .filter(|(_, first)| *first > self.join)
            .collect();
        if !healed.is_empty() && until <= first {
            return Err(Error::RevokedMember);
        }
        for (q, first) in healed {
            if let Some(held) = self.room(q) {
                held.chain = Some(held.chain.map_or(first, |chain| chain.min(first)));
            }
        }
        let told = if self.told.0 == k { self.told.1 } else { 0 };
        if let Some(held) = self.room(k) {
            held.message = true;
            held.beacon = held.beacon.or(Some(first));
            held.announced = held.announced.max(first).max(told);
        }
        for named in k + 1 - event.history as u32..=k {
            if let Some(held) = self.held.get_mut(&(named - 1)) {
                held.ended = true;
            }
        }
        self.newest = self.newest.max((k, first));
        Ok(Some(()))
    }

    /// Takes the beacon of `session`.
    fn beacon(&mut self, session: u32, now: Option<u64>, facts: &Facts) -> Result<()> {
        let event = facts.event_of(session);
        let held = self.held.get_mut(&event).ok_or(Error::NeedEvent)?;
        let position = held.beacon.ok_or(Error::NeedEvent)?;
        if session < position {
            return Err(Error::BroadcastOld);
        }
        let times = facts.times[session as usize - 1];
        if held.message && now.is_some_and(|now| !times.has_begun(now)) {
            return Err(Error::NotYet);
        }
        held.beacon = Some(session);
        held.announced = held.announced.max(session);
        self.newest = self.newest.max((event, session));
        Ok(())
    }

    /// Whether K_j is released: granted, or its chain is known and the session announced.
    fn releases(&self, session: u32, facts: &Facts) -> bool {
        if (self.granted..self.join).contains(&session) {
            return true;
        }
        let held = self.held.get(&facts.event_of(session));
        held.is_some_and(|held| {
            let chain = held.chain.is_some_and(|first| first <= session);
            chain && (held.ended || session <= held.announced)
        })
    }

    /// The newest announced session, while it lasts and its times are known.
    fn seals(&self, now: u64, facts: &Facts) -> Option<u32> {
        let (event, session) = self.newest;
        let timed = self.held.get(&event).is_some_and(|held| held.message);
        let usable = timed && self.releases(session, facts);
        (usable && facts.times[session as usize - 1].is_in_use(now)).then_some(session)
    }
}

/// A snapshot and the records of the changes since.
type Stored = (Zeroizing<Vec<u8>>, Vec<u8>);

struct User<const W: usize> {
    personal_key: Vec<u8>,
    life: Life,
    member: Member<W>,
    model: Model,
}

pub(crate) fn play<const W: usize>(
    window: u8,
    history: u8,
    steps: &[Step],
) -> std::result::Result<(), TestCaseError> {
    let mut group = Group::with(|parameters| {
        (parameters.depth, parameters.window, parameters.history) = (3, window, history);
    });
    let mut stored = (group.manager.export().unwrap(), Vec::new());
    let mut facts = Facts::default();
    let mut users: Vec<User<W>> = Vec::new();
    let mut plan = Plan::KEEP;
    for (step, choice) in steps {
        let (chosen, rest) = match users.len() {
            0 => (0, usize::from(*choice)),
            n => (usize::from(*choice) % n, usize::from(*choice) / n),
        };
        let session = facts.keys.len() as u32;
        match step % 16 {
            0 | 1 if users.len() < USERS => {
                let from = match rest % 2 {
                    1 => (rest as u32 / 2).min(session),
                    _ => session,
                };
                users.push(join(&mut group, &facts, session, from));
            }
            2 if chosen < users.len() => {
                // at once, or as far ahead as a token lasts
                let ahead = rest as u32 % 4;
                let from = Session::new(session + ahead);
                match ahead {
                    0 => group.manager.revoke(chosen as u32).unwrap(),
                    _ => group.manager.revoke_at(chosen as u32, from).unwrap(),
                }
                let life = &mut users[chosen].life;
                life.until = life.until.min(session + ahead.max(1));
            }
            3 => plan.refresh = true,
            // an emergency: the next session begins early
            4 => plan.starts = Some(UnixTime::new(group.manager.starts().get() + rest as u64)),
            5 => plan.duration = Some(DURATION + rest as u32),
            6 => restart(&mut group.manager, &mut stored, rest % 2 == 1),
            7 if chosen < users.len() => reboot(&mut users[chosen], rest, &facts),
            8..=10 if facts.keys.len() < SESSIONS => {
                advance(
                    &mut group,
                    &mut facts,
                    std::mem::take(&mut plan),
                    window,
                    history,
                );
            }
            _ if chosen < users.len() && session > 0 => {
                let clock = facts.times.iter().rev().nth(rest % 4);
                let now = clock.map(|times| times.starts);
                deliver(&mut users[chosen], *step, rest, now, &facts);
            }
            _ => {}
        }
        for user in &users {
            let times = facts.times.iter().rev().take(3);
            let times = times.flat_map(|times| [times.starts, times.starts + times.duration + 29]);
            compare(
                &user.member,
                user.life,
                &facts.keys,
                |session| user.model.releases(session, &facts),
                |now| user.model.seals(now, &facts),
                times,
            )?;
        }
    }
    Ok(())
}

/// The manager comes back from what was stored: a snapshot, renewed if so decided, and the records after it.
fn restart(manager: &mut GroupManager, stored: &mut Stored, renew: bool) {
    let (snapshot, records) = stored;
    records.extend_from_slice(manager.unsaved());
    let before = manager.export().unwrap();
    if renew {
        (*snapshot, *records) = (before.clone(), Vec::new());
    }
    *manager = GroupManager::import(snapshot).unwrap();
    manager.replay(records).unwrap();
    assert_eq!(manager.export().unwrap(), before);
}

fn join<const W: usize>(group: &mut Group, facts: &Facts, session: u32, from: u32) -> User<W> {
    let slot = group.manager.join_with_history(Session::new(from)).unwrap();
    let personal_key = group.manager.personal_key(slot).unwrap().to_vec();
    // nothing can be granted of what is before the first session
    let from = from.max(1);
    User {
        life: Life {
            from,
            until: u32::MAX,
        },
        member: member(group, &personal_key),
        model: Model::new(W, session, from, facts),
        personal_key,
    }
}

fn member<const W: usize>(group: &Group, personal_key: &[u8]) -> Member<W> {
    let personal_key = PersonalKey::parse(personal_key.to_vec()).unwrap();
    Member::new(personal_key, group.authority()).unwrap()
}

fn advance(group: &mut Group, facts: &mut Facts, plan: Plan, window: u8, history: u8) {
    let announced = group.advance(plan);
    let session = announced.session.get();
    if let Some(message) = announced.event {
        let before = facts.events.len();
        facts.events.push(Event {
            session,
            message,
            window: usize::from(window).min(before + 1),
            history: usize::from(history).min(before + 1),
        });
    }
    assert!(announced.starts.get() >= START);
    facts.beacons.push(announced.beacon);
    facts.times.push(Times {
        starts: announced.starts.get(),
        duration: group.manager.duration().into(),
    });
    facts
        .keys
        .push(group.manager.group_key(announced.session).unwrap());
}

/// Back to the personal key, with or without the mark that the device persisted.
fn reboot<const W: usize>(user: &mut User<W>, choice: usize, facts: &Facts) {
    let authority = *user.member.authority();
    let personal_key = PersonalKey::parse(user.personal_key.clone()).unwrap();
    let mark = user.member.high_water();
    let newest = user.model.newest;
    assert_eq!((mark.event, mark.session.get()), newest);
    let Model { join, granted, .. } = user.model;
    user.member = Member::new(personal_key, authority).unwrap();
    user.model = Model::new(W, join, granted, facts);
    if !choice.is_multiple_of(3) {
        user.member.announce(mark).unwrap();
        if newest != (0, 0) {
            user.model.announce(newest);
        }
    }
}

/// Any broadcast of any time, the newest ones more often.
fn deliver<const W: usize>(
    user: &mut User<W>,
    step: u8,
    choice: usize,
    now: Option<u64>,
    facts: &Facts,
) {
    let now = now.filter(|_| !choice.is_multiple_of(5));
    let clock = now.map(UnixTime::new);
    let age = if step & 0x80 == 0 { 0 } else { choice };
    if step.is_multiple_of(2) {
        let k = facts.events.len() - age % facts.events.len();
        let message = &facts.events[k - 1].message;
        let expected = user.model.event(k as u32, user.life.until, now, facts);
        let received = user.member.receive(message, clock);
        assert_eq!(received.map(drop), expected.map(drop), "event {k}");
    } else {
        let session = facts.beacons.len() - age % facts.beacons.len();
        let message = &facts.beacons[session - 1];
        let expected = user.model.beacon(session as u32, now, facts);
        let received = user.member.receive(message, clock);
        assert_eq!(received.map(drop), expected, "beacon {session}");
    }
}
