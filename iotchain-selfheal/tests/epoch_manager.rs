//! Epochs that follow one another inside one gid: prepared keys, roll-over, and what stays the same.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::{Error, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::rsd::{
    Announcement, Due, EpochManager, Member, Parameters, PersonalKey, Plan,
};
use iotchain_selfheal::{Authority, Journaled, Replayed};
use support::group::{DURATION, GID, START};
use support::{Broken, Told};

fn j(session: u32) -> Session {
    Session::new(session)
}

struct Gid {
    manager: EpochManager,
    rng: Told,
    key: SigningKey,
}

impl Gid {
    fn new(depth: u8, last: u32) -> Self {
        let parameters = Parameters {
            starts: UnixTime::new(START),
            duration: DURATION,
            depth,
            ..Parameters::new(GID, 1, 10, j(1)..=j(last))
        };
        let mut rng = Told::seed(3);
        Self {
            manager: EpochManager::generate(parameters, &mut rng).unwrap(),
            key: SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).unwrap(),
            rng,
        }
    }

    fn advance(&mut self) -> Result<Announcement, Error> {
        self.manager.advance(Plan::KEEP, &mut self.rng, &self.key)
    }

    fn roll_over(&mut self, plan: Plan) -> Result<Announcement, Error> {
        self.manager.roll_over(plan, &mut self.rng, &self.key)
    }

    fn run(&mut self, sessions: u32) {
        (0..sessions).for_each(|_| drop(self.advance().unwrap()));
    }

    fn prepare(&mut self, depth: u8, last: u32) -> Result<(), Error> {
        self.manager.prepare(depth, j(last), &mut self.rng)
    }

    fn member(&self, key: &[u8]) -> Member<Vec<u8>, 16> {
        let authority = Authority::new(GID, self.key.public());
        Member::new(PersonalKey::parse(key.to_vec()).unwrap(), authority).unwrap()
    }

    /// Whether a device with this personal key gets K_j of the current session from the newest event.
    fn reads(&self, key: &[u8]) -> bool {
        let mut member = self.member(key);
        let manager = self.manager.current();
        let (session, now) = (manager.session().unwrap(), Some(manager.starts()));
        member.receive(manager.event(), now).is_ok()
            && member.receive(&manager.beacon().unwrap(), now).is_ok()
            && member
                .key(session)
                .unwrap()
                .ct_eq(&manager.group_key(session).unwrap())
    }
}

#[test]
fn a06_both_epochs_know_the_same_members() {
    let mut gid = Gid::new(4, 50);
    for _ in 0..6 {
        gid.manager.join().unwrap();
    }
    gid.run(2);
    gid.manager.revoke(1).unwrap();
    gid.run(1);
    gid.manager.revoke(4).unwrap(); // pending
    gid.manager.revoke_at(5, j(6)).unwrap();
    gid.manager.revoke_at(0, j(20)).unwrap();
    assert_eq!(gid.manager.next_personal_key(0), Err(Error::Epoch));
    gid.prepare(4, 99).unwrap();
    let seventh = gid.manager.join_with_history(j(2)).unwrap();
    assert_eq!(seventh, 6);
    gid.manager.revoke(2).unwrap();
    gid.manager.postpone(0, j(30)).unwrap();

    for seat in [1, 2, 4, 7] {
        assert_eq!(gid.manager.next_personal_key(seat), Err(Error::NotMember));
        assert_eq!(gid.manager.personal_key(seat), Err(Error::NotMember));
    }
    let ahead: Vec<_> = [0, 3, 5, 6]
        .map(|seat| (seat, gid.manager.next_personal_key(seat).unwrap()))
        .into();
    for (seat, key) in &ahead {
        let key = PersonalKey::parse(&key[..]).unwrap();
        assert!(key.is_pre_issued(), "{seat}");
    }
    gid.run(2);
    // session 6 begins the next epoch and leaves 5 out, as scheduled
    let first = gid.roll_over(Plan::KEEP).unwrap();
    assert_eq!((first.session, first.event.is_some()), (j(6), true));
    assert_eq!(gid.manager.current().parameters().epoch, 2);
    for (seat, key) in &ahead {
        let live = *seat != 5;
        assert_eq!(gid.manager.is_live(*seat), live);
        assert_eq!(gid.manager.is_member(*seat, j(6)), live);
        assert!(!gid.manager.is_member(*seat, j(5)));
        assert_eq!(gid.reads(key), live);
        match gid.manager.personal_key(*seat) {
            Ok(again) => assert!(live && again == *key),
            Err(error) => assert!(!live && error == Error::NotMember),
        }
    }
    // 1 and 4 had left when the epoch was prepared; 2 keeps a slot that it cannot use
    let slots: Vec<_> = (0..8).map(|seat| gid.manager.slot(seat)).collect();
    let expected = [
        Some(0),
        None,
        Some(1),
        Some(2),
        None,
        Some(3),
        Some(4),
        None,
    ];
    assert_eq!(slots, expected);
    // the postponed one leaves in its session, in the other epoch
    while gid.manager.current().session() < Some(j(29)) {
        assert!(gid.manager.is_live(0));
        assert_eq!(gid.advance().unwrap().event, None);
    }
    assert!(gid.advance().unwrap().event.is_some());
    assert!(!gid.manager.is_live(0) && gid.manager.is_live(3));
    // seats go on where they were
    assert_eq!(gid.manager.join(), Ok(7));
    let key = gid.manager.personal_key(7).unwrap();
    let mut late = gid.member(&key);
    let next = gid.advance().unwrap();
    late.receive(&next.beacon, Some(next.starts)).unwrap();
    assert!(late.key(next.session).is_ok());
}

#[test]
fn an_epoch_rolls_over_at_its_end_if_the_next_is_prepared() {
    let mut gid = Gid::new(4, 3);
    gid.manager.join().unwrap();
    assert_eq!(gid.prepare(4, 9), Err(Error::SessionRange));
    assert_eq!(gid.roll_over(Plan::KEEP), Err(Error::Epoch));
    gid.run(2);
    assert_eq!(gid.manager.due(), Ok(None));
    gid.run(1);
    assert_eq!(gid.manager.due(), Ok(Some(Due::Sessions)));
    let state = gid.manager.export().unwrap();
    assert_eq!(gid.advance(), Err(Error::SessionRange));
    assert_eq!(gid.prepare(4, 3), Err(Error::SessionRange));
    assert_eq!(gid.prepare(0, 9), Err(Error::Type));
    assert_eq!(gid.prepare(23, 9), Err(Error::Type));
    assert_eq!(
        gid.manager.prepare(4, j(9), &mut Broken),
        Err(Error::Random)
    );
    assert_eq!(gid.manager.export().unwrap(), state);
    gid.prepare(4, 9).unwrap();
    assert_eq!(gid.prepare(4, 9), Err(Error::Epoch));
    let prepared = gid.manager.export().unwrap();
    let broken = gid.manager.advance(Plan::KEEP, &mut Broken, &gid.key);
    assert_eq!(broken, Err(Error::Random));
    assert_eq!(gid.manager.export().unwrap(), prepared);

    let old = gid.manager.current().event().to_vec();
    let beacon = gid.manager.current().beacon().unwrap();
    let announced = gid.advance().unwrap();
    assert_eq!(announced.session, j(4));
    assert_eq!(
        announced.starts,
        UnixTime::new(START + 3 * u64::from(DURATION))
    );
    let former = gid.manager.former().unwrap();
    assert_eq!((former.epoch, former.end), (1, j(4)));
    assert_eq!((&former.event, &former.beacon), (&old, &beacon));
    assert!(gid.manager.next().is_none());
    // the keys of the former epoch are erased
    assert!(gid.manager.current().group_key(j(3)).is_err());
    gid.run(5);
    assert_eq!(gid.advance(), Err(Error::SessionRange));
}

#[test]
fn a16_nothing_at_or_after_the_certified_end_is_disclosed() {
    let mut gid = Gid::new(4, 50);
    gid.manager.join().unwrap();
    gid.run(2);
    let key = gid.manager.personal_key(0).unwrap();
    let mut member = gid.member(&key);
    gid.prepare(4, 99).unwrap();
    let last = gid.advance().unwrap();
    member
        .receive(gid.manager.current().event(), Some(last.starts))
        .unwrap();
    member.receive(&last.beacon, Some(last.starts)).unwrap();
    let at = UnixTime::new(last.starts.get() + 10);
    let first = gid.roll_over(Plan::at(at)).unwrap();
    assert_eq!((first.session, first.starts), (j(4), at));
    assert_eq!(gid.manager.former().unwrap().beacon, last.beacon);
    // what is published from here on is of epoch 2 only
    for announced in [first, gid.advance().unwrap(), gid.advance().unwrap()] {
        assert_eq!(
            member.receive(&announced.beacon, Some(announced.starts)),
            Err(Error::Epoch)
        );
    }
}

#[test]
fn an_epoch_is_due_when_slots_or_covers_say_so() {
    let mut gid = Gid::new(2, 50);
    for _ in 0..3 {
        gid.manager.join().unwrap();
    }
    gid.run(1);
    assert_eq!(gid.manager.due(), Ok(Some(Due::Slots)));
    assert_eq!(gid.manager.join(), Err(Error::GroupFull));
    assert_eq!(gid.prepare(1, 99), Err(Error::GroupFull));
    gid.manager.revoke(1).unwrap();
    gid.manager.revoke(2).unwrap();
    gid.prepare(1, 99).unwrap();
    gid.roll_over(Plan::KEEP).unwrap();
    assert_eq!((gid.manager.slot(0), gid.manager.slot(1)), (Some(0), None));

    let mut gid = Gid::new(10, 50);
    for _ in 0..1000 {
        gid.manager.join().unwrap();
    }
    gid.run(1);
    let mut revoked = 0;
    while gid.manager.due() == Ok(None) {
        gid.manager.revoke(revoked * 7 % 1000).unwrap();
        revoked += 1;
    }
    assert_eq!(gid.manager.due(), Ok(Some(Due::Cover)));
    assert!((20..100).contains(&revoked), "{revoked}");
}

#[test]
fn too_many_revoked_for_an_event_still_roll_over() {
    let mut gid = Gid::new(14, 50);
    for _ in 0..16_000 {
        gid.manager.join().unwrap();
    }
    gid.run(1);
    for slot in (0..16_000).step_by(3) {
        gid.manager.revoke(slot).unwrap();
    }
    assert_eq!(gid.advance(), Err(Error::Size));
    gid.prepare(14, 99).unwrap();
    let first = gid.roll_over(Plan::KEEP).unwrap();
    assert!(first.event.unwrap().len() < 500);
    assert!(!gid.manager.is_live(0) && gid.manager.is_live(1));
}

#[test]
fn a07_one_journal_rebuilds_both_epochs() {
    let mut gid = Gid::new(4, 5);
    let snapshot = gid.manager.export().unwrap();
    let mut records = Vec::new();
    let mut rng = Told::seed(5);
    for step in 0..120 {
        // refused or not: the state is what counts
        let _ = match rng.below(7) {
            0 | 1 => gid.manager.join().map(drop),
            2 => gid.manager.revoke(rng.below(12) as u32),
            3 => {
                let session = gid.manager.current().session().map_or(1, Session::get) + 2;
                gid.manager.revoke_at(rng.below(12) as u32, j(session))
            }
            4 => {
                let last = gid.manager.current().parameters().last.get() + 5;
                gid.prepare(4, last)
            }
            5 => gid.roll_over(Plan::KEEP).map(drop),
            _ => gid.advance().map(drop),
        };
        if !gid.manager.unsaved().is_empty() {
            records.push(gid.manager.unsaved().to_vec());
            gid.manager.saved();
        }
        let state = gid.manager.export().unwrap();
        let mut rebuilt = EpochManager::import(&snapshot).unwrap();
        let n = records.len() as u64;
        assert_eq!(
            rebuilt.replay(&records.concat()),
            Ok(Replayed {
                records: n,
                torn: 0
            }),
            "{step}"
        );
        assert_eq!(rebuilt.export().unwrap(), state);
        assert_eq!(
            EpochManager::import(&state).unwrap().export().unwrap(),
            state
        );
    }
    assert!(gid.manager.current().parameters().epoch > 4);
}

#[test]
fn a_damaged_state_is_refused_or_reads_back_as_itself() {
    let mut gid = Gid::new(4, 5);
    for _ in 0..4 {
        gid.manager.join().unwrap();
    }
    gid.run(2);
    gid.manager.revoke(1).unwrap();
    gid.prepare(4, 9).unwrap();
    gid.roll_over(Plan::KEEP).unwrap();
    gid.manager.revoke(2).unwrap();
    gid.prepare(4, 19).unwrap();
    let state = gid.manager.export().unwrap();
    for len in 0..state.len() {
        assert!(EpochManager::import(&state[..len]).is_err());
    }
    for bit in 0..state.len() * 8 {
        let mut damaged = state.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(manager) = EpochManager::import(&damaged) {
            assert_eq!(manager.export().unwrap(), damaged);
        }
    }
}
