//! A key server that may die at every byte it writes: what the world saw stays true (spec A7).
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Session, SignAlg, SigningKey, UnixTime};
use iotchain_selfheal::rsd::{EpochManager, Parameters, Plan};
use iotchain_selfheal::{Keeper, Storage, Stored};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use support::Told;
use support::group::{DURATION, GID, START};
use zeroize::Zeroizing;

#[derive(Debug, PartialEq)]
enum Fault {
    Dead,
    Manager(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Manager(error)
    }
}

/// What survives, and how many bytes may still be written before the machine dies.
struct Files {
    snapshot: Option<Vec<u8>>,
    journal: Vec<u8>,
    left: usize,
    written: usize,
    replaced: usize,
}

impl Files {
    fn spend(&mut self, bytes: usize) -> usize {
        let spent = bytes.min(self.left);
        self.left -= spent;
        self.written += spent;
        spent
    }

    fn survives(&self) -> Result<(), Fault> {
        if self.left == 0 {
            Err(Fault::Dead)
        } else {
            Ok(())
        }
    }
}

#[derive(Clone)]
struct Disk(Rc<RefCell<Files>>);

impl Disk {
    fn new() -> Self {
        Self(Rc::new(RefCell::new(Files {
            snapshot: None,
            journal: Vec::new(),
            left: usize::MAX,
            written: 0,
            replaced: 0,
        })))
    }

    fn dies_after(&self, bytes: usize) {
        self.0.borrow_mut().left = bytes;
    }
}

impl Storage for Disk {
    type Error = Fault;

    fn load(&mut self) -> Result<Option<Stored>, Fault> {
        let files = self.0.borrow();
        Ok(files.snapshot.as_ref().map(|snapshot| Stored {
            snapshot: Zeroizing::new(snapshot.clone()),
            journal: Zeroizing::new(files.journal.clone()),
        }))
    }

    /// May die in the middle, and after the last byte.
    fn append(&mut self, records: &[u8]) -> Result<(), Fault> {
        let mut files = self.0.borrow_mut();
        let spent = files.spend(records.len());
        files.journal.extend_from_slice(&records[..spent]);
        files.survives()
    }

    /// Writes another file, which may die in the middle and after the last byte, and renames it.
    fn replace(&mut self, snapshot: &[u8]) -> Result<(), Fault> {
        let mut files = self.0.borrow_mut();
        if files.spend(snapshot.len()) < snapshot.len() || files.spend(1) < 1 {
            return Err(Fault::Dead);
        }
        files.snapshot = Some(snapshot.to_vec());
        files.journal.clear();
        files.replaced += 1;
        files.survives()
    }
}

/// Everything that ever left the key server.
#[derive(Default)]
struct World {
    keys: BTreeMap<u32, Vec<u8>>,
    beacons: BTreeMap<Session, Vec<u8>>,
    events: BTreeMap<Session, Vec<u8>>,
    revoked: BTreeSet<u32>,
}

impl World {
    /// One session has one beacon, and one event is in force in it, whoever asks and whenever.
    fn sees(&mut self, manager: &EpochManager) {
        let Some(session) = manager.current().session() else {
            return;
        };
        let beacon = manager.current().beacon().unwrap();
        let event = manager.current().event();
        assert_eq!(
            *self.beacons.entry(session).or_insert(beacon.clone()),
            beacon
        );
        assert_eq!(self.events.entry(session).or_insert(event.to_vec()), event);
        let newest = self.beacons.keys().next_back();
        assert_eq!(newest, Some(&session), "the group manager went back");
    }

    fn agrees(&self, manager: &EpochManager) {
        for (seat, key) in &self.keys {
            match manager.personal_key(*seat) {
                Ok(again) => assert!(*again == *key || manager.current().parameters().epoch > 1),
                Err(error) => assert_eq!(error, Error::NotMember),
            }
        }
        assert!(self.revoked.iter().all(|seat| !manager.is_live(*seat)));
    }
}

#[derive(Clone, Copy)]
enum Step {
    Join,
    Revoke(u32),
    RevokeAt(u32, u32),
    Advance(Plan),
    Prepare,
    RollOver,
}

fn script() -> Vec<Step> {
    let mut steps = vec![Step::Join; 5];
    steps.push(Step::Advance(Plan::KEEP));
    for round in 0..5 {
        steps.extend([
            Step::Revoke(round),
            Step::Advance(Plan::KEEP),
            Step::Join,
            Step::RevokeAt(round + 3, 5 + round),
            Step::Advance(Plan::KEEP),
        ]);
    }
    // enough events to outgrow the snapshot
    steps.extend([Step::Advance(Plan::REFRESH); 6]);
    steps.extend([Step::Prepare, Step::Join, Step::Advance(Plan::REFRESH)]);
    steps.extend([Step::Revoke(8), Step::RollOver, Step::Join]);
    steps.extend([Step::Advance(Plan::REFRESH), Step::Advance(Plan::KEEP)]);
    steps
}

/// Goes on with the script until it ends or the machine dies; how many steps returned.
fn run(
    keeper: &mut Keeper<EpochManager, Disk>,
    steps: &[Step],
    world: &mut World,
    rng: &mut Told,
) -> usize {
    let key = SigningKey::from_bytes(SignAlg::Ed25519, &[7; 32]).unwrap();
    for (done, step) in steps.iter().enumerate() {
        let told = match *step {
            Step::Join => keeper
                .change(|manager| {
                    let seat = manager.join()?;
                    Ok((seat, manager.personal_key(seat)?))
                })
                .map(|(seat, key)| {
                    let earlier = world.keys.insert(seat, key.to_vec());
                    assert_eq!(earlier, None, "a seat was given out twice");
                }),
            Step::Revoke(seat) => keeper.change(|manager| manager.revoke(seat)).map(|()| {
                world.revoked.insert(seat);
            }),
            Step::RevokeAt(seat, session) => {
                keeper.change(|manager| manager.revoke_at(seat, Session::new(session)))
            }
            Step::Advance(plan) => keeper.change(|m| m.advance(plan, rng, &key)).map(drop),
            Step::Prepare => keeper.change(|m| m.prepare(4, Session::new(99), rng)),
            Step::RollOver => keeper
                .change(|m| m.roll_over(Plan::KEEP, rng, &key))
                .map(drop),
        };
        match told {
            // what a step that was stored but never told did already
            Ok(()) | Err(Fault::Manager(Error::Epoch)) => {}
            Err(Fault::Manager(error)) => panic!("{error:?}"),
            Err(Fault::Dead) => {
                assert_eq!(keeper.manager().err(), Some(Error::Rollback));
                return done;
            }
        }
        world.sees(keeper.manager().unwrap());
    }
    world.agrees(keeper.manager().unwrap());
    steps.len()
}

fn fresh() -> EpochManager {
    let parameters = Parameters {
        starts: UnixTime::new(START),
        duration: DURATION,
        window: 3,
        ..Parameters::new(GID, 1, 20, Session::new(1)..=Session::new(40))
    };
    EpochManager::generate(parameters, &mut Told::seed(1)).unwrap()
}

#[test]
fn a07_dying_at_every_byte_takes_nothing_back() {
    let steps = script();
    let disk = Disk::new();
    let mut keeper = Keeper::create(fresh(), disk.clone()).unwrap();
    let mut world = World::default();
    let before = disk.0.borrow().written;
    let done = run(&mut keeper, &steps, &mut world, &mut Told::seed(2));
    assert_eq!(done, steps.len());
    let total = disk.0.borrow().written - before;
    assert!(
        disk.0.borrow().replaced > 1,
        "the journal was never compacted"
    );

    for bytes in 0..=total {
        let disk = Disk::new();
        let mut keeper = Keeper::create(fresh(), disk.clone()).unwrap();
        let mut world = World::default();
        disk.dies_after(bytes);
        let mut done = run(&mut keeper, &steps, &mut world, &mut Told::seed(2));
        drop(keeper);
        // and once more while it recovers, then for good
        for (incarnation, left) in [(3, bytes / 2), (4, usize::MAX)] {
            disk.dies_after(left);
            match Keeper::<EpochManager, _>::open(disk.clone()) {
                Ok(keeper) => {
                    let mut keeper = keeper.unwrap();
                    world.sees(keeper.manager().unwrap());
                    world.agrees(keeper.manager().unwrap());
                    let rest = &steps[done..];
                    done += run(&mut keeper, rest, &mut world, &mut Told::seed(incarnation));
                }
                Err(fault) => assert!(fault == Fault::Dead && left != usize::MAX),
            }
        }
        assert_eq!(done, steps.len(), "after {bytes} bytes");
    }
}

#[test]
fn a_keeper_that_failed_to_store_tells_nothing_until_it_reloads() {
    let disk = Disk::new();
    let mut keeper = Keeper::create(fresh(), disk.clone()).unwrap();
    assert_eq!(keeper.change(EpochManager::join), Ok(0));
    disk.dies_after(3);
    assert_eq!(keeper.change(EpochManager::join), Err(Fault::Dead));
    disk.dies_after(usize::MAX);
    assert_eq!(keeper.manager().err(), Some(Error::Rollback));
    let refused = keeper.change(EpochManager::join);
    assert_eq!(refused, Err(Fault::Manager(Error::Rollback)));
    keeper.reload().unwrap();
    assert_eq!(keeper.change(EpochManager::join), Ok(1));

    // a refused change is no failure to store
    let refused = keeper.change(|manager| manager.revoke(9));
    assert_eq!(refused, Err(Fault::Manager(Error::NotMember)));
    // what was changed before the refusal is stored
    let refused = keeper.change(|manager| {
        manager.join()?;
        manager.revoke(9)
    });
    assert_eq!(refused, Err(Fault::Manager(Error::NotMember)));
    assert_eq!(keeper.change(EpochManager::join), Ok(3));
    drop(keeper);
    let keeper = Keeper::<EpochManager, _>::open(disk.clone())
        .unwrap()
        .unwrap();
    assert!(keeper.manager().unwrap().is_live(3));
    assert!(!keeper.manager().unwrap().is_live(4));

    // a change that never returns leaves nobody who goes on
    let mut keeper = keeper;
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        keeper.change(|manager| -> Result<(), Error> {
            manager.join()?;
            std::panic::resume_unwind(Box::new(()))
        })
    }));
    assert!(unwound.is_err());
    assert_eq!(keeper.manager().err(), Some(Error::Rollback));
    keeper.reload().unwrap();
    assert_eq!(keeper.change(EpochManager::join), Ok(4));
}

#[test]
fn a_store_is_taken_up_whole_or_not_at_all() {
    let disk = Disk::new();
    assert!(
        Keeper::<EpochManager, _>::open(disk.clone())
            .unwrap()
            .is_none()
    );
    let mut keeper = Keeper::create(fresh(), disk.clone()).unwrap();
    for _ in 0..4 {
        keeper.change(EpochManager::join).unwrap();
    }
    drop(keeper);
    let again = Keeper::create(fresh(), disk.clone());
    assert_eq!(again.err(), Some(Fault::Manager(Error::Rollback)));
    let journal = disk.0.borrow().journal.clone();
    for bit in 0..journal.len() * 8 {
        disk.0.borrow_mut().journal[bit / 8] ^= 1 << (bit % 8);
        assert!(Keeper::<EpochManager, _>::open(disk.clone()).is_err());
        disk.0.borrow_mut().journal.clone_from(&journal);
    }
    let keeper = Keeper::<EpochManager, _>::open(disk).unwrap().unwrap();
    assert!(keeper.manager().unwrap().is_live(3));
}
