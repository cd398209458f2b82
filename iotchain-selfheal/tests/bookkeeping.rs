//! The books of an epoch manager against sets that are recomputed from everything that ever happened, with restarts from
//! snapshot and journal in between.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Session, SignAlg, SigningKey, UnixTime};
use iotchain_selfheal::Journaled;
use iotchain_selfheal::rsd::{EpochManager, Parameters, PersonalKey, Plan};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::Told;
use support::group::{DURATION, GID, START};

const SLOTS: usize = 7;
const SESSIONS: u32 = 12;

#[derive(Clone, Copy, Debug)]
enum Op {
    Join,
    JoinWithHistory(u32),
    Revoke(u32),
    RevokeAt(u32, u32),
    Postpone(u32, u32),
    Advance,
    Refresh,
    Delay(u64),
    Prepare,
    RollOver,
    Restart,
    Snapshot,
}

fn op() -> impl Strategy<Value = Op> {
    let (seat, session) = (0..14u32, 1..40u32);
    prop_oneof![
        4 => Just(Op::Join),
        1 => session.clone().prop_map(Op::JoinWithHistory),
        2 => seat.clone().prop_map(Op::Revoke),
        2 => (seat.clone(), session.clone()).prop_map(|(seat, j)| Op::RevokeAt(seat, j)),
        1 => (seat, session).prop_map(|(seat, j)| Op::Postpone(seat, j)),
        6 => Just(Op::Advance),
        1 => Just(Op::Refresh),
        1 => (0..50u64).prop_map(Op::Delay),
        2 => Just(Op::Prepare),
        1 => Just(Op::RollOver),
        2 => Just(Op::Restart),
        1 => Just(Op::Snapshot),
    ]
}

/// One who ever joined.
#[derive(Clone, Debug)]
struct Person {
    /// First session with a key, by a grant or by joining.
    from: u32,
    /// First session without one.
    until: Option<u32>,
    /// Whether it was told to go: no personal key from there on.
    told: bool,
    /// Whether the current epoch, and the next one, gave it a slot.
    slots: [bool; 2],
}

/// The books, kept as plainly as possible.
#[derive(Default)]
struct Books {
    people: Vec<Person>,
    session: u32,
    starts: u64,
    opened: u32,
    last: u32,
    epoch: u32,
    prepared: bool,
}

impl Books {
    fn live(&self, seat: u32) -> Option<&Person> {
        let person = self.people.get(seat as usize)?;
        let over = person.until.is_some_and(|until| until <= self.session);
        (!person.told && !over && person.slots[0]).then_some(person)
    }

    fn taken(&self, epoch: usize) -> usize {
        self.people
            .iter()
            .filter(|person| person.slots[epoch])
            .count()
    }

    fn join(&mut self, from: u32) -> Result<u32, Error> {
        if self.taken(0) == SLOTS || self.prepared && self.taken(1) == SLOTS {
            return Err(Error::GroupFull);
        }
        let open = self.session >= self.opened;
        self.people.push(Person {
            from: if open {
                from.max(self.opened).min(self.session)
            } else {
                self.opened
            },
            until: None,
            told: false,
            slots: [true, self.prepared],
        });
        Ok(self.people.len() as u32 - 1)
    }

    fn leave(&mut self, seat: u32, session: Option<u32>, later: bool) -> Result<(), Error> {
        let known = self
            .people
            .get(seat as usize)
            .is_some_and(|person| person.slots[0]);
        let live = self.live(seat).is_some();
        if !known || later && !live {
            return Err(Error::NotMember);
        }
        if !live {
            return Ok(());
        }
        let next = self.session + 1;
        let person = &mut self.people[seat as usize];
        match session {
            None => (person.until, person.told) = (Some(next), true),
            Some(session) if later => {
                person.until = person.until.map(|until| until.max(session));
            }
            Some(session) => {
                let session = session.max(next);
                person.until = Some(person.until.map_or(session, |until| until.min(session)));
            }
        }
        Ok(())
    }

    fn prepare(&mut self, last: u32) -> Result<(), Error> {
        if self.prepared {
            return Err(Error::Epoch);
        }
        if self.session < self.opened {
            return Err(Error::SessionRange);
        }
        for seat in 0..self.people.len() {
            self.people[seat].slots[1] = self.live(seat as u32).is_some();
        }
        (self.prepared, self.last) = (true, last);
        Ok(())
    }

    /// Whether the next session begins with an event, if it may begin.
    fn event(&self, plan: Plan) -> bool {
        let next = self.session + 1;
        let leaves = |person: &Person| person.slots[0] && person.until == Some(next);
        next == self.opened || self.people.iter().any(leaves) || plan != Plan::KEEP
    }

    fn begin(&mut self, plan: Plan, rolls: bool) {
        if self.session >= self.opened {
            self.starts += u64::from(DURATION);
        }
        self.session += 1;
        self.starts = plan.starts.map_or(self.starts, UnixTime::get);
        if rolls {
            (self.prepared, self.opened) = (false, self.session);
            self.epoch += 1;
            for person in &mut self.people {
                person.slots = [person.slots[1], false];
                person.from = person.from.max(self.opened);
            }
        }
    }
}

struct Server {
    manager: EpochManager,
    snapshot: Vec<u8>,
    journal: Vec<u8>,
    rng: Told,
    key: SigningKey,
    /// S_i as first told, by epoch and seat.
    told: BTreeMap<(u32, u32), Vec<u8>>,
}

impl Server {
    fn store(&mut self) {
        self.journal.extend_from_slice(self.manager.unsaved());
        self.manager.saved();
    }

    fn restart(&mut self) {
        let mut manager = EpochManager::import(&self.snapshot).unwrap();
        let replayed = manager.replay(&self.journal).unwrap();
        assert_eq!(replayed.torn, 0);
        assert_eq!(manager.export().unwrap(), self.manager.export().unwrap());
        self.manager = manager;
    }

    fn agrees(&mut self, books: &Books) {
        let current = self.manager.current();
        let open = books.session >= books.opened;
        assert_eq!(
            current.session(),
            open.then_some(Session::new(books.session))
        );
        assert_eq!(current.starts(), UnixTime::new(books.starts));
        assert_eq!(current.parameters().epoch, books.epoch);
        assert_eq!(current.free_slots() as usize, SLOTS - books.taken(0));
        assert_eq!(self.manager.next().is_some(), books.prepared);
        let mut slot = [0, 0];
        for seat in 0..books.people.len() as u32 + 2 {
            let person = books.people.get(seat as usize);
            let slots = person.map_or([false; 2], |person| person.slots);
            assert_eq!(self.manager.slot(seat), slots[0].then_some(slot[0]));
            slot[0] += u32::from(slots[0]);
            slot[1] += u32::from(slots[1]);
            let live = books.live(seat).is_some();
            assert_eq!(self.manager.is_live(seat), live, "{seat} {person:?}");
            for session in books.opened..books.session + 5 {
                let member = person.is_some_and(|person| {
                    person.slots[0]
                        && person.from <= session
                        && person.until.is_none_or(|until| session < until)
                });
                assert_eq!(
                    self.manager.is_member(seat, Session::new(session)),
                    member,
                    "{seat} in {session}: {person:?}"
                );
            }
            let keys = [
                (books.epoch, live, self.manager.personal_key(seat)),
                (
                    books.epoch + 1,
                    live && books.prepared,
                    self.manager.next_personal_key(seat),
                ),
            ];
            for (epoch, entitled, key) in keys {
                match key {
                    Ok(key) => {
                        assert!(entitled && PersonalKey::parse(&key[..]).is_ok());
                        let first = self.told.entry((epoch, seat)).or_insert(key.to_vec());
                        assert_eq!(first, &*key);
                    }
                    Err(error) => {
                        assert!(!entitled && matches!(error, Error::NotMember | Error::Epoch));
                    }
                }
            }
        }
    }
}

fn play(ops: &[Op]) {
    let parameters = Parameters {
        starts: UnixTime::new(START),
        duration: DURATION,
        depth: 3,
        window: 3,
        ..Parameters::new(GID, 1, 1, Session::new(1)..=Session::new(SESSIONS))
    };
    let mut rng = Told::seed(ops.len() as u64);
    let manager = EpochManager::generate(parameters, &mut rng).unwrap();
    let mut server = Server {
        snapshot: manager.export().unwrap().to_vec(),
        journal: Vec::new(),
        key: SigningKey::from_bytes(SignAlg::Ed25519, &[7; 32]).unwrap(),
        told: BTreeMap::new(),
        manager,
        rng,
    };
    let mut books = Books {
        starts: START,
        opened: 1,
        last: SESSIONS,
        epoch: 1,
        ..Books::default()
    };
    for op in ops {
        let manager = &mut server.manager;
        let session = Session::new;
        match *op {
            Op::Join => assert_eq!(manager.join(), books.join(u32::MAX)),
            Op::JoinWithHistory(from) => {
                assert_eq!(manager.join_with_history(session(from)), books.join(from));
            }
            Op::Revoke(seat) => assert_eq!(manager.revoke(seat), books.leave(seat, None, false)),
            Op::RevokeAt(seat, j) => {
                let expected = books.leave(seat, Some(j), false);
                assert_eq!(manager.revoke_at(seat, session(j)), expected);
            }
            Op::Postpone(seat, j) => {
                let expected = books.leave(seat, Some(j), true);
                assert_eq!(manager.postpone(seat, session(j)), expected);
            }
            Op::Prepare => {
                let last = manager.current().parameters().last.get() + SESSIONS;
                let prepared = manager.prepare(3, session(last), &mut server.rng);
                assert_eq!(prepared, books.prepare(last));
            }
            Op::Advance | Op::Refresh | Op::Delay(_) | Op::RollOver => {
                let plan = match *op {
                    Op::Refresh => Plan::REFRESH,
                    Op::Delay(by) => {
                        let planned = manager.current().next_starts();
                        Plan::at(planned.saturating_add(1 + by))
                    }
                    _ => Plan::KEEP,
                };
                let at_end = books.session == manager.current().parameters().last.get();
                let rolls = matches!(op, Op::RollOver) || at_end && books.prepared;
                let told = if matches!(op, Op::RollOver) {
                    manager.roll_over(plan, &mut server.rng, &server.key)
                } else {
                    manager.advance(plan, &mut server.rng, &server.key)
                };
                match told {
                    Err(error) if rolls => assert!(error == Error::Epoch && !books.prepared),
                    Err(error) => assert!(error == Error::SessionRange && at_end),
                    Ok(told) => {
                        let event = rolls || books.event(plan);
                        assert_eq!(told.event.is_some(), event);
                        books.begin(plan, rolls);
                        assert_eq!(told.session, session(books.session));
                    }
                }
            }
            Op::Restart => server.restart(),
            Op::Snapshot => {
                server.snapshot = manager.export().unwrap().to_vec();
                server.journal.clear();
                manager.saved();
            }
        }
        server.store();
        server.agrees(&books);
    }
    server.restart();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_are_those_of_a_naive_bookkeeper(ops in prop::collection::vec(op(), 1..80)) {
        play(&ops);
    }
}
