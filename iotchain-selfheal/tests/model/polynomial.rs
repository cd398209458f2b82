//! Scheme polynomial in plain sets (spec 3.3, 3.5.3, 3.5.4).

use crate::support::Told;
use crate::{Life, Observed, Step, Times, compare};
use iotchain_core::{Error, Gid, GroupKey, Result, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::Authority;
use iotchain_selfheal::polynomial::{GroupManager, Member, Parameters, PersonalKey, Plan};
use proptest::prelude::TestCaseError;
use std::collections::BTreeMap;

const GID: Gid = Gid::new(*b"poly");
const T: usize = 3;
const USERS: usize = 7;
const SESSIONS: usize = 24;

type Owned<const W: usize> = Member<Vec<u8>, W>;

impl<const W: usize> Observed for Owned<W> {
    fn release(&self, session: Session) -> Result<GroupKey> {
        self.key(session)
    }

    fn seals(&self, now: UnixTime) -> Option<Session> {
        self.may_seal(now)
    }
}

/// What was broadcast; session j is at index j - 1.
#[derive(Default)]
struct Facts {
    messages: Vec<Vec<u8>>,
    times: Vec<Times>,
    keys: Vec<GroupKey>,
}

/// What a member holds of one session.
#[derive(Clone, Debug, Default)]
struct Held {
    message: bool,
    key: bool,
}

/// The newest `capacity` sessions that a member heard of.
#[derive(Clone, Debug)]
struct Model {
    capacity: usize,
    held: BTreeMap<u32, Held>,
    newest: u32,
}

impl Model {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            held: BTreeMap::new(),
            newest: 0,
        }
    }

    fn room(&mut self, session: u32) -> Option<&mut Held> {
        self.held.entry(session).or_default();
        if self.held.len() > self.capacity {
            self.held.pop_first();
        }
        self.held.get_mut(&session)
    }

    /// Takes the message of `session`, which repeats the `window` sessions before it. `given` are the sessions of the
    /// personal key, `life` those before the revocation.
    fn message(
        &mut self,
        session: u32,
        window: u8,
        (given, life): (Life, Life),
        now: Option<u64>,
        facts: &Facts,
    ) -> Result<()> {
        if self.held.get(&session).is_some_and(|held| held.message) {
            return Ok(());
        }
        let first = session.saturating_sub(window.into()).max(1);
        if session < given.from || first >= given.until {
            return Err(Error::SessionRange);
        }
        if (first..=session).count() > self.capacity {
            return Err(Error::Capacity);
        }
        let times = facts.times[session as usize - 1];
        if now.is_some_and(|now| !times.has_begun(now)) {
            return Err(Error::NotYet);
        }
        let mut mine = (first..=session).filter(|a| life.contains(*a)).peekable();
        if mine.peek().is_none() {
            return Err(Error::RevokedMember);
        }
        for a in mine {
            if let Some(held) = self.room(a) {
                held.key = true;
            }
        }
        if let Some(held) = self.room(session) {
            held.message = true;
        }
        self.newest = self.newest.max(session);
        Ok(())
    }

    fn releases(&self, session: u32) -> bool {
        self.held.get(&session).is_some_and(|held| held.key)
    }

    fn seals(&self, now: u64, facts: &Facts) -> Option<u32> {
        let held = self.held.get(&self.newest)?;
        let usable = held.message && held.key;
        let times = facts.times[self.newest as usize - 1];
        (usable && times.is_in_use(now)).then_some(self.newest)
    }
}

struct User<const W: usize> {
    personal_key: Vec<u8>,
    /// The sessions of the personal key.
    given: Life,
    /// Those of them that it was not revoked from.
    life: Life,
    member: Owned<W>,
    model: Model,
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[5; 32]).unwrap()
}

fn member<const W: usize>(personal_key: &[u8]) -> Owned<W> {
    let personal_key = PersonalKey::parse(personal_key.to_vec()).unwrap();
    Member::new(personal_key, Authority::new(GID, signer().public())).unwrap()
}

pub(crate) fn play<const W: usize>(
    window: u8,
    steps: &[Step],
) -> std::result::Result<(), TestCaseError> {
    let parameters = Parameters {
        degree: T as u32,
        window,
        starts: UnixTime::new(10_000),
        duration: 100,
        ..Parameters::new(GID, 1, Session::new(1))
    };
    let mut manager = GroupManager::generate(parameters, &mut Told::seed(3)).unwrap();
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
                let from = session.max(1) + rest as u32 % 2;
                users.push(join(
                    &mut manager,
                    users.len() as u32 + 1,
                    from,
                    rest as u32,
                ));
            }
            2 if chosen < users.len() => revoke(&mut manager, &mut users, chosen, session),
            3 => plan.starts = Some(UnixTime::new(manager.starts().get() + rest as u64)),
            4 => plan.duration = Some(100 + rest as u32),
            5 => {
                let state = manager.export().unwrap();
                manager = GroupManager::import(&state, Session::new(session)).unwrap();
            }
            6 if chosen < users.len() => {
                let user = &mut users[chosen];
                let mark = user.member.high_water();
                assert_eq!(mark.session.get(), user.model.newest);
                user.member = member(&user.personal_key);
                user.model = Model::new(W);
                if !rest.is_multiple_of(3) {
                    user.member.announce(mark).unwrap();
                    user.model.newest = mark.session.get();
                }
            }
            7..=9 if facts.keys.len() < SESSIONS => {
                let plan = std::mem::take(&mut plan);
                let announced = manager.advance(plan, &signer()).unwrap();
                facts.messages.push(announced.message);
                facts.times.push(Times {
                    starts: announced.starts.get(),
                    duration: manager.duration().into(),
                });
                facts
                    .keys
                    .push(manager.group_key(announced.session).unwrap());
            }
            _ if chosen < users.len() && session > 0 => {
                let clock = facts.times.iter().rev().nth(rest % 4);
                let now = clock
                    .map(|times| times.starts)
                    .filter(|_| !rest.is_multiple_of(5));
                let age = if step & 0x80 == 0 { 0 } else { rest as u32 };
                let j = session - age % session;
                let user = &mut users[chosen];
                let lives = (user.given, user.life);
                let expected = user.model.message(j, window, lives, now, &facts);
                let message = &facts.messages[j as usize - 1];
                let received = user.member.receive(message, now.map(UnixTime::new));
                assert_eq!(received.map(drop), expected, "message {j}");
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
                |session| user.model.releases(session),
                |now| user.model.seals(now, &facts),
                times,
            )?;
        }
    }
    Ok(())
}

fn join<const W: usize>(manager: &mut GroupManager, id: u32, from: u32, len: u32) -> User<W> {
    let given = Life {
        from,
        until: from + 1 + len,
    };
    let sessions = Session::new(given.from)..=Session::new(given.until - 1);
    manager.join(id, sessions).unwrap();
    let personal_key = manager.personal_key(id).unwrap().to_vec();
    User {
        member: member(&personal_key),
        personal_key,
        given,
        life: given,
        model: Model::new(W),
    }
}

/// Refused exactly if more than t users would be out of one session of theirs.
fn revoke<const W: usize>(
    manager: &mut GroupManager,
    users: &mut [User<W>],
    chosen: usize,
    session: u32,
) {
    let user = &users[chosen];
    let from = user.given.from.max(session + 1).min(user.life.until);
    let is_out = |user: &User<W>, j: u32| user.given.contains(j) && !user.life.contains(j);
    let full = |j: u32| users.iter().filter(|other| is_out(other, j)).count() >= T;
    let too_many = (from..user.life.until).any(full);
    let outcome = manager.revoke(chosen as u32 + 1);
    if too_many {
        assert_eq!(outcome, Err(Error::TooManyRevoked));
    } else {
        assert_eq!(outcome, Ok(()));
        users[chosen].life.until = from;
    }
}
