//! Schedules, played by a real group manager: what it broadcasts and what each user gets, read byte by byte from the
//! encodings of documents 3.2 and 3.4.4.

use crate::engine::{Block, Term};
use crate::support::Told;
use iotchain_core::cbor::Reader;
use iotchain_core::hash::sha256;
use iotchain_core::{Gid, PublicKey, Result, Secret, Session, SignAlg, Signer, SigningKey};
use iotchain_selfheal::rsd::{GroupManager, Parameters, Plan};
use std::sync::OnceLock;

const GID: Gid = Gid::new(*b"clos");
const EPOCH: u32 = 7;
pub(crate) const MASTER: Block = [0x4d; 16];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    FromNow,
    /// With the keys of the earlier sessions from this one on.
    WithHistory(u32),
}

/// One session: slots revoked before it begins, whether it is refreshed, who joins once it has begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) revoked: Vec<u32>,
    pub(crate) refresh: bool,
    pub(crate) joins: Vec<Join>,
}

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) depth: u8,
    pub(crate) window: u8,
    /// How many users have a personal key before the first session.
    pub(crate) pre_issued: u32,
    pub(crate) steps: Vec<Step>,
}

/// A holder of one personal key.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) slot: u32,
    /// 0 if the key was issued before the first session.
    pub(crate) join: u32,
    /// First session whose key the user may have.
    pub(crate) from: u32,
    /// First session without the user.
    pub(crate) until: u32,
    /// S_i.
    pub(crate) holds: Vec<(Term, Block)>,
}

impl User {
    /// Whether the user is in G_j, history grants included.
    pub(crate) fn takes_part(&self, session: u32) -> bool {
        (self.from..self.until).contains(&session)
    }
}

/// One entry of a cover.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) subset: [u8; 4],
    pub(crate) masked: Block,
}

impl Entry {
    /// The heap indices of S_{top,hole}.
    pub(crate) fn nodes(&self) -> (u32, u32) {
        let word = u32::from_be_bytes(self.subset);
        let (top, hole) = (word >> 27, word >> 22 & 31);
        let path = (word & 0x3f_ffff) >> (22 - hole);
        ((1 << top) | path >> (hole - top), (1 << hole) | path)
    }
}

/// What an event broadcasts.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) number: u32,
    pub(crate) session: u32,
    pub(crate) nonce: [u8; 7],
    pub(crate) anchor: Block,
    pub(crate) key_check: Block,
    /// Number and first session of the events that the covers and links are about, this one last.
    pub(crate) window: Vec<(u32, u32)>,
    pub(crate) links: Vec<Block>,
    pub(crate) covers: Vec<Vec<Entry>>,
}

/// A schedule with all that came of it.
pub(crate) struct Played {
    pub(crate) depth: u8,
    pub(crate) sigma: [u8; 7],
    pub(crate) users: Vec<User>,
    pub(crate) events: Vec<Event>,
    /// v of every session that a beacon disclosed, with its event.
    pub(crate) beacons: Vec<(Term, Block)>,
    /// K of every session.
    pub(crate) keys: Vec<Block>,
}

impl Played {
    pub(crate) fn of(schedule: &Schedule) -> Self {
        let last = u32::try_from(schedule.steps.len()).unwrap();
        let parameters = Parameters {
            depth: schedule.depth,
            window: schedule.window,
            ..Parameters::new(GID, EPOCH, 1, Session::new(1)..=Session::new(last + 2))
        };
        let mut manager = GroupManager::new(parameters, Secret::new(MASTER)).unwrap();
        let sigma = sha256(&[b"IoTChain-SH2", &[4], GID.as_bytes(), &EPOCH.to_be_bytes()]);
        let mut played = Self {
            depth: schedule.depth,
            sigma: sigma[..7].try_into().unwrap(),
            users: Vec::new(),
            events: Vec::new(),
            beacons: Vec::new(),
            keys: Vec::new(),
        };
        let mut rng = Told::seed(1);
        for _ in 0..schedule.pre_issued {
            played.admit(&mut manager, 0, Join::FromNow);
        }
        for (step, session) in schedule.steps.iter().zip(1..) {
            for slot in &step.revoked {
                manager.revoke(*slot).unwrap();
                let user = &mut played.users[*slot as usize];
                user.until = user.until.min(session);
            }
            let plan = if step.refresh {
                Plan::REFRESH
            } else {
                Plan::KEEP
            };
            let announced = manager.advance(plan, &mut rng, &Unsigned).unwrap();
            assert_eq!(
                announced.event.is_some(),
                step.refresh || !step.revoked.is_empty() || session == 1
            );
            if let Some(message) = announced.event {
                played.events.push(read_event(&message));
            }
            played.beacons.push(read_beacon(&announced.beacon));
            played
                .keys
                .push(*manager.group_key(Session::new(session)).unwrap().expose());
            for join in &step.joins {
                played.admit(&mut manager, session, *join);
            }
        }
        played.check_membership(&manager);
        played
    }

    fn admit(&mut self, manager: &mut GroupManager, session: u32, join: Join) {
        let (slot, from) = match join {
            Join::FromNow => (manager.join().unwrap(), session),
            Join::WithHistory(from) => {
                let slot = manager.join_with_history(Session::new(from)).unwrap();
                (slot, from.min(session))
            }
        };
        let personal_key = manager.personal_key(slot).unwrap();
        let events: Vec<_> = self
            .events
            .iter()
            .map(|event| (event.number, event.session))
            .collect();
        self.users.push(User {
            slot,
            join: session,
            from,
            until: u32::MAX,
            holds: read_personal_key(&personal_key, &events),
        });
    }

    /// The manager says the same about who takes part, and gives nobody another personal key later.
    fn check_membership(&self, manager: &GroupManager) {
        let events: Vec<_> = self
            .events
            .iter()
            .map(|event| (event.number, event.session))
            .collect();
        for user in &self.users {
            for j in self.sessions() {
                assert_eq!(
                    manager.is_member(user.slot, Session::new(j)),
                    user.takes_part(j)
                );
            }
            if let Ok(personal_key) = manager.personal_key(user.slot) {
                assert_eq!(read_personal_key(&personal_key, &events), user.holds);
            }
        }
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = u32> + use<> {
        1..=u32::try_from(self.keys.len()).unwrap()
    }

    /// The event in force in a session.
    pub(crate) fn event_of(&self, session: u32) -> &Event {
        let begun = self.events.iter().rev();
        begun
            .into_iter()
            .find(|event| event.session <= session)
            .unwrap()
    }

    /// K_j as a term.
    pub(crate) fn key_of(&self, session: u32) -> Term {
        Term::Key {
            event: self.event_of(session).number,
            session,
        }
    }

    /// Key check values, anchors and beacons.
    pub(crate) fn public(&self) -> impl Iterator<Item = (Term, Block)> {
        let signed = self.events.iter().flat_map(|event| {
            let Event {
                number, session, ..
            } = *event;
            let anchor = Term::Value {
                event: number,
                session,
            };
            [
                (Term::KeyCheck { event: number }, event.key_check),
                (anchor, event.anchor),
            ]
        });
        signed.chain(self.beacons.iter().copied())
    }
}

/// A signature takes longer than everything else here and proves nothing about who can compute what.
struct Unsigned;

impl Signer for Unsigned {
    fn public(&self) -> PublicKey {
        static KEY: OnceLock<PublicKey> = OnceLock::new();
        let key = || SigningKey::from_bytes(SignAlg::Es256k, &[9; 32]).unwrap();
        *KEY.get_or_init(|| key().public())
    }

    fn sign(&self, _: &[&[u8]]) -> Result<[u8; 64]> {
        Ok([0; 64])
    }
}

/// `[protected, {}, << [2, epoch, k, depth, last, nbf, dur, nonce, anchor, kcv, hist, links, cover] >>, signature]`
fn read_event(message: &[u8]) -> Event {
    let mut reader = Reader::new(message);
    reader.array().unwrap();
    reader.skip().unwrap();
    reader.skip().unwrap();
    let mut reader = Reader::new(reader.bytes().unwrap());
    assert_eq!(reader.array(), Ok(13));
    let head: [u64; 7] = std::array::from_fn(|_| reader.uint().unwrap());
    let number = u32::try_from(head[2]).unwrap();
    let nonce = *reader.array_of().unwrap();
    let [anchor, key_check] = [(); 2].map(|()| *reader.array_of().unwrap());
    let history: Vec<u32> = (0..reader.array().unwrap())
        .map(|_| reader.u32().unwrap())
        .collect();
    let links = reader.bytes().unwrap().as_chunks().0.to_vec();
    let covers: Vec<Vec<Entry>> = (0..reader.array().unwrap())
        .map(|_| {
            let (entries, rest) = reader.bytes().unwrap().as_chunks::<20>();
            assert!(rest.is_empty());
            let entry = |bytes: &[u8; 20]| Entry {
                subset: bytes[..4].try_into().unwrap(),
                masked: bytes[4..].try_into().unwrap(),
            };
            entries.iter().map(entry).collect()
        })
        .collect();
    // the history ends with this event, and the window is its end
    let window = (1..=number)
        .rev()
        .zip(history.iter().rev().copied())
        .take(covers.len());
    let mut window: Vec<(u32, u32)> = window.collect();
    window.reverse();
    assert_eq!(links.len() + 1, covers.len());
    Event {
        number,
        session: *history.last().unwrap(),
        nonce,
        anchor,
        key_check,
        window,
        links,
        covers,
    }
}

/// `[3, epoch, k, j, v]`
fn read_beacon(beacon: &[u8]) -> (Term, Block) {
    let mut reader = Reader::new(beacon);
    assert_eq!(reader.array(), Ok(5));
    let [_, _, event, session] = [(); 4].map(|()| reader.u32().unwrap());
    (Term::Value { event, session }, *reader.array_of().unwrap())
}

/// `[2, gid, epoch, depth, slot, join, last, event, C, v, labels, history: [* [begin, until, C]]]`
///
/// `events` are those before the join, each with its first session.
fn read_personal_key(bytes: &[u8], events: &[(u32, u32)]) -> Vec<(Term, Block)> {
    let mut reader = Reader::new(bytes);
    assert_eq!(reader.array(), Ok(12));
    reader.skip().unwrap();
    reader.skip().unwrap();
    let [_, depth, slot, session, _, event] = [(); 6].map(|()| reader.u32().unwrap());
    let mut holds = Vec::new();
    for term in [
        Term::Chain { event, session },
        Term::Value { event, session },
    ] {
        match reader.bytes().unwrap() {
            [] => assert_eq!(event, 0),
            state => holds.push((term, state.try_into().unwrap())),
        }
    }
    let (labels, _) = reader.bytes().unwrap().as_chunks::<16>();
    let leaf = (1 << depth) | slot;
    let above = |at: u32| leaf >> (depth - at);
    let places = (0..depth).flat_map(|a| (a + 1..=depth).map(move |b| (a, b)));
    assert_eq!(places.clone().count(), labels.len());
    for ((a, b), label) in places.zip(labels) {
        let (top, node) = (above(a), above(b) ^ 1);
        holds.push((Term::Label { top, node }, *label));
    }
    for _ in 0..reader.array().unwrap() {
        assert_eq!(reader.array(), Ok(3));
        let (session, _until) = (reader.u32().unwrap(), reader.u32().unwrap());
        let begun = events.iter().rev().find(|(_, first)| *first <= session);
        let (event, _) = *begun.unwrap();
        holds.push((Term::Chain { event, session }, *reader.array_of().unwrap()));
    }
    holds
}
