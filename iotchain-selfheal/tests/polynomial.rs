//! The scheme polynomial: the traps of 3.6 by name, the amendments, and random traces against a simple model.
#![cfg(feature = "manager")]

mod support;

use iotchain_core::cbor::{Reader, Writer, encoded_len};
use iotchain_core::{Error, Gid, Secret, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::polynomial::{
    self, Element, GroupManager, HighWater, Parameters, PersonalKey, Plan, Received,
    revocation_polynomial,
};
use iotchain_selfheal::{Authority, Envelope};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::{Broken, Told};

type Member<const W: usize = 8> = polynomial::Member<Vec<u8>, W>;

const GID: Gid = Gid::new(*b"test");
const START: u64 = 10_000;
const DURATION: u32 = 100;

fn j(n: u32) -> Session {
    Session::new(n)
}

fn at(n: u64) -> UnixTime {
    UnixTime::new(START + n)
}

fn small() -> Parameters {
    Parameters {
        degree: 3,
        window: 3,
        starts: UnixTime::new(START),
        duration: DURATION,
        ..Parameters::new(GID, 1, Session::new(1))
    }
}

/// A group at work: one manager, everything it published.
struct Group {
    manager: GroupManager,
    key: SigningKey,
    messages: BTreeMap<u32, Vec<u8>>,
}

impl Group {
    fn new() -> Self {
        Self::with(small())
    }

    fn with(parameters: Parameters) -> Self {
        Self {
            manager: GroupManager::generate(parameters, &mut Told::seed(42)).unwrap(),
            key: SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).unwrap(),
            messages: BTreeMap::new(),
        }
    }

    fn advance(&mut self, plan: Plan) {
        let announced = self.manager.advance(plan, &self.key).unwrap();
        self.messages
            .insert(announced.session.get(), announced.message);
    }

    fn run(&mut self, n: u32) {
        (0..n).for_each(|_| self.advance(Plan::KEEP));
    }

    /// Members 1..=n of sessions 1..=20.
    fn join(&mut self, n: u32) -> Vec<Member> {
        (1..=n)
            .map(|id| {
                self.manager.join(id, j(1)..=j(20)).unwrap();
                self.member(id)
            })
            .collect()
    }

    fn member<const W: usize>(&self, id: u32) -> Member<W> {
        let key = self.manager.personal_key(id).unwrap().to_vec();
        let authority = Authority::new(GID, self.key.public());
        Member::new(PersonalKey::parse(key).unwrap(), authority).unwrap()
    }

    fn payload(&self, session: u32) -> Payload {
        let authority = Authority::new(GID, self.key.public());
        let envelope = Envelope::open(&authority, &self.messages[&session]).unwrap();
        Payload::read(envelope.payload())
    }

    /// Signs a payload as a faulty key server would.
    fn seal(&self, session: u32, payload: &Payload) -> Vec<u8> {
        let encoded = payload.write();
        let mut out = vec![0; encoded.len() + 99];
        let len = Envelope::seal(&self.key, GID, j(session), &encoded, &mut out).unwrap();
        out.truncate(len);
        out
    }
}

/// The fields of a message, free to be falsified.
#[derive(Clone)]
struct Payload {
    /// Scheme, epoch, t, first, nbf, dur.
    numbers: Vec<u64>,
    rev: Vec<u8>,
    kcvs: Vec<u8>,
    polys: Vec<u8>,
}

impl Payload {
    fn read(bytes: &[u8]) -> Self {
        let mut r = Reader::new(bytes);
        assert_eq!(r.array(), Ok(9));
        Self {
            numbers: (0..6).map(|_| r.uint().unwrap()).collect(),
            rev: r.bytes().unwrap().to_vec(),
            kcvs: r.bytes().unwrap().to_vec(),
            polys: r.bytes().unwrap().to_vec(),
        }
    }

    fn write(&self) -> Vec<u8> {
        let write = |w: &mut Writer<'_>| {
            w.array(9);
            self.numbers.iter().for_each(|n| {
                w.uint(*n);
            });
            w.bytes(&self.rev).bytes(&self.kcvs).bytes(&self.polys);
        };
        let mut out = vec![0; encoded_len(write)];
        let mut writer = Writer::new(&mut out);
        write(&mut writer);
        writer.finish().unwrap();
        out
    }

    /// The ids of the revocation list.
    fn ids(&self) -> Vec<u32> {
        let id = |entry: &[u8]| u32::from_be_bytes(entry[..4].try_into().unwrap());
        self.rev.chunks(12).map(id).collect()
    }

    /// P_a of the session `back` before the message's own.
    fn polynomial(&self, back: usize) -> Vec<[u8; 16]> {
        let terms = self.numbers[2] as usize + 1;
        let all = self.polys.as_chunks().0;
        let end = all.len() - back * terms;
        all[end - terms..end].to_vec()
    }
}

#[test]
fn trap_two_masks_for_one_session_give_its_key_to_everybody() {
    // what must never happen: the same session under two revocation sets, P - P' = (g - g') K
    let mut group = Group::new();
    group.join(2);
    let state = group.manager.export().unwrap();
    group.run(1);
    let mut restored = Group::new();
    restored.manager = GroupManager::import(&state, j(0)).unwrap();
    restored.manager.revoke(1).unwrap();
    restored.run(1);
    let (p, q) = (
        group.payload(1).polynomial(0),
        restored.payload(1).polynomial(0),
    );
    let g = |revoked: &[u32]| revocation_polynomial(revoked, 3).unwrap();
    let sum = |a: &[u8; 16], b: &[u8; 16]| Element::new(*a).plus(&Element::new(*b));
    let divisor = g(&[])[0].plus(&g(&[1])[0]);
    let stolen = sum(&p[0], &q[0]).times(&divisor.invert());
    let key = group.manager.group_key(j(1)).unwrap();
    assert_eq!(stolen.to_bytes(), *key.expose(), "the attack is real");

    // so: a state from before the last message is refused, and the current one repeats P_1 whatever happens
    let old = GroupManager::import(&state, j(1));
    assert_eq!(old.err(), Some(Error::Equivocation));
    let state = group.manager.export().unwrap();
    group.manager = GroupManager::import(&state, j(1)).unwrap();
    group.manager.revoke(1).unwrap();
    group.run(3);
    for back in 1..=3 {
        assert_eq!(group.payload(1 + back).polynomial(back as usize), p);
    }
}

#[test]
fn trap_a_state_with_another_polynomial_is_refused() {
    let mut group = Group::new();
    group.join(2);
    group.manager.revoke(2).unwrap();
    group.run(2);
    let state = group.manager.export().unwrap();
    let place = |polynomial: Vec<[u8; 16]>| {
        let wanted = polynomial.concat();
        let mut windows = state.windows(wanted.len());
        windows.position(|window| window == wanted).unwrap()
    };
    for back in [0, 1] {
        let mut changed = state.to_vec();
        changed[place(group.payload(2).polynomial(back))] ^= 1;
        let refused = GroupManager::import(&changed, j(2));
        assert_eq!(refused.err(), Some(Error::Type));
    }
}

#[test]
fn trap_the_own_id_is_tested_before_inverting() {
    let mut group = Group::new();
    let mut members = group.join(2);
    group.manager.revoke(1).unwrap();
    group.run(1);
    // a message that commits to the key that dividing by zero would give: the all-zero one
    let zero = Secret::new([0; 16]);
    let mut block = [0; 16];
    let sigma = iotchain_core::hash::sha256(&[b"IoTChain-SH1\x04test\x00\x00\x00\x01"]);
    block[0] = 0x23;
    block[1..8].copy_from_slice(&sigma[..7]);
    block[8..12].copy_from_slice(&1u32.to_be_bytes());
    iotchain_core::aes::Aes128::new(zero.expose()).encrypt_block(&mut block);
    let mut payload = group.payload(1);
    payload.kcvs = block.to_vec();
    let forged = group.seal(1, &payload);
    for message in [&forged, &group.messages[&1]] {
        assert_eq!(members[0].receive(message, None), Err(Error::RevokedMember));
        assert!(members[0].key(j(1)).is_err());
        assert_eq!(members[0].newest(), None);
    }
    assert_eq!(members[1].receive(&forged, None), Err(Error::Kcv));
    members[1].receive(&group.messages[&1], None).unwrap();
}

#[test]
fn trap_revocation_t_plus_1_is_refused_before_anything_changes() {
    let mut group = Group::new();
    group.join(4);
    // 5 is gone before the others are revoked, 6 comes after them
    group.manager.join(5, j(1)..=j(2)).unwrap();
    group.manager.join(6, j(21)..=j(22)).unwrap();
    group.manager.revoke(5).unwrap();
    group.run(2);
    for id in 1..=3 {
        group.manager.revoke(id).unwrap();
    }
    let before = group.manager.export().unwrap();
    assert_eq!(group.manager.revoke(4), Err(Error::TooManyRevoked));
    assert_eq!(group.manager.export().unwrap(), before);
    assert!(group.manager.is_live(4));
    group.manager.revoke(6).unwrap();
    group.manager.revoke(3).unwrap(); // again
    group.run(19);
    assert_eq!(group.payload(4).ids(), [1, 2, 3, 5]);
    assert_eq!(group.payload(21).ids(), [1, 2, 3, 6]);
}

#[test]
fn trap_a_later_session_can_be_the_full_one() {
    let mut group = Group::new();
    group.join(1);
    for id in 2..=4 {
        group.manager.join(id, j(10)..=j(12)).unwrap();
        group.manager.revoke(id).unwrap();
    }
    // sessions 1..=9 have room, 10 has not
    assert_eq!(group.manager.revoke(1), Err(Error::TooManyRevoked));
    group.manager.join(5, j(1)..=j(9)).unwrap();
    group.manager.revoke(5).unwrap();
    group.run(12);
}

#[test]
fn trap_padding_ids_zero_and_used_ids_are_refused() {
    let mut group = Group::new();
    group.join(1);
    let before = group.manager.export().unwrap();
    for id in [0, 1, 1 << 31, (1 << 31) + 2, u32::MAX] {
        assert_eq!(
            group.manager.join(id, j(1)..=j(9)),
            Err(Error::Type),
            "{id}"
        );
    }
    assert_eq!(group.manager.export().unwrap(), before);
    group.manager.join((1 << 31) - 1, j(1)..=j(9)).unwrap();
    // gone for good, also after its sessions or its revocation
    group.manager.revoke(1).unwrap();
    group.run(10);
    for id in [1, (1 << 31) - 1] {
        assert_eq!(group.manager.join(id, j(10)..=j(12)), Err(Error::Type));
    }
}

#[test]
fn trap_an_emergency_is_a_session_number_of_its_own() {
    let mut group = Group::new();
    let mut members = group.join(2);
    group.run(1);
    members[0]
        .receive(&group.messages[&1], Some(at(0)))
        .unwrap();
    // a second message for session 1, with a changed plan only
    let mut payload = group.payload(1);
    payload.numbers[4] += 1;
    let second = group.seal(1, &payload);
    assert_eq!(members[0].receive(&second, None), Err(Error::Equivocation));
    group.manager.revoke(2).unwrap();
    group.advance(Plan::at(at(20)));
    members[0]
        .receive(&group.messages[&2], Some(at(20)))
        .unwrap();
    assert_eq!(members[0].may_seal(at(20)), Some(j(2)));
    let thief = members[1].receive(&group.messages[&2], Some(at(20)));
    assert!(thief.is_ok(), "session 1 was its own");
    assert_eq!(members[1].may_seal(at(20)), None);
    assert_eq!(members[1].key(j(2)).err(), Some(Error::NeedEvent));
}

#[test]
fn another_key_for_a_session_that_is_held() {
    let mut group = Group::new();
    let mut members = group.join(1);
    group.run(2);
    members[0].receive(&group.messages[&1], None).unwrap();
    // a key server that went back: its session 1 has another master key, hence another K_1 and mask
    let mut other = Group::with(small());
    other.manager = GroupManager::new(small(), Secret::new([9; 16])).unwrap();
    let fake = other.join(1);
    other.run(2);
    let share = |member: &Member, a: usize| {
        let bytes = member.personal_key().as_bytes();
        let shares = &bytes[bytes.len() - 20 * 16..];
        Element::new(shares[16 * a..16 * a + 16].try_into().unwrap())
    };
    let mut payload = other.payload(2);
    for a in 0..2 {
        // moves the masks over to the shares that our member has
        let shift = share(&members[0], a).plus(&share(&fake[0], a));
        let term =
            Element::new(payload.polys[64 * a..64 * a + 16].try_into().unwrap()).plus(&shift);
        payload.polys[64 * a..64 * a + 16].copy_from_slice(&term.to_bytes());
    }
    let forged = group.seal(2, &payload);
    assert_eq!(members[0].receive(&forged, None), Err(Error::Equivocation));
    assert_eq!(members[0].newest(), Some(j(1)));
    members[0].receive(&group.messages[&2], None).unwrap();
    // without the first message it has nothing to compare with
    let mut fresh: Member = group.member(1);
    assert!(fresh.receive(&forged, None).is_ok());
}

#[test]
fn a05_a_key_ends_when_its_successor_begins() {
    let mut group = Group::new();
    let mut member = group.join(1).remove(0);
    group.run(2);
    group.advance(Plan::at(at(150)));
    member.receive(&group.messages[&1], None).unwrap();
    assert_eq!(member.may_open(j(1), at(129)), Ok(()));
    assert_eq!(member.may_open(j(1), at(130)), Err(Error::SessionExpired));
    assert_eq!(member.may_open(j(2), at(0)), Err(Error::NotAnnounced));
    member.receive(&group.messages[&2], None).unwrap();
    assert_eq!(member.may_open(j(2), at(229)), Ok(()));
    member.receive(&group.messages[&3], None).unwrap();
    assert_eq!(member.may_open(j(2), at(179)), Ok(()));
    assert_eq!(member.may_open(j(2), at(180)), Err(Error::SessionExpired));
    assert_eq!(member.may_open(j(1), at(0)), Err(Error::SessionExpired));
    assert!(member.key(j(1)).is_ok());
}

#[test]
fn a06_an_id_has_one_personal_key() {
    let mut group = Group::new();
    group.join(1);
    let issued = group.manager.personal_key(1).unwrap();
    group.run(5);
    assert_eq!(group.manager.personal_key(1).unwrap(), issued);
    group.manager.revoke(1).unwrap();
    assert_eq!(group.manager.personal_key(1), Err(Error::NotMember));
    assert_eq!(group.manager.personal_key(2), Err(Error::NotMember));
    assert_eq!(group.manager.revoke(2), Err(Error::NotMember));
}

#[test]
fn a07_a_failed_advance_changes_nothing() {
    let mut group = Group::new();
    group.join(1);
    group.run(2);
    let before = group.manager.export().unwrap();
    for plan in [
        Plan::at(at(99)),
        Plan::at(UnixTime::new(1 << 40)),
        Plan {
            duration: Some(0),
            ..Plan::KEEP
        },
    ] {
        let refused = group.manager.advance(plan, &group.key);
        assert_eq!(refused, Err(Error::Type));
    }
    assert_eq!(group.manager.export().unwrap(), before);
    assert!(GroupManager::generate(small(), &mut Broken).is_err());
}

#[test]
fn a13_a_revocation_begins_with_the_sessions_of_the_member() {
    let mut group = Group::new();
    group.join(1);
    group.manager.join(2, j(5)..=j(6)).unwrap();
    group.run(1);
    let mut early: Member = group.member(2);
    group.manager.revoke(2).unwrap();
    group.run(9);
    // listed from its own first session on, not from the one after the revocation
    let listed: Vec<u32> = (1..=10)
        .filter(|session| !group.payload(*session).rev.is_empty())
        .collect();
    assert_eq!(
        listed,
        [5, 6, 7, 8, 9],
        "until it leaves the window of 3 earlier sessions"
    );
    let entry: Vec<u8> = [2u32, 5, 6].iter().flat_map(|n| n.to_be_bytes()).collect();
    assert_eq!(group.payload(5).rev, entry);
    let received = |member: &mut Member, session| member.receive(&group.messages[&session], None);
    assert_eq!(received(&mut early, 4), Err(Error::SessionRange));
    assert_eq!(received(&mut early, 5), Err(Error::RevokedMember));
    assert_eq!(received(&mut early, 9), Err(Error::RevokedMember));
    assert_eq!(received(&mut early, 10), Err(Error::SessionRange));
}

#[test]
fn a16_the_epoch_ends() {
    let mut group = Group::new();
    let mut member = group.join(1).remove(0);
    group.run(3);
    member.receive(&group.messages[&1], None).unwrap();
    assert_eq!(member.close_epoch(j(1), at(0)), Err(Error::Equivocation));
    member.close_epoch(j(2), at(100)).unwrap();
    let beyond = member.receive(&group.messages[&2], None);
    assert_eq!(beyond, Err(Error::Equivocation));
    assert_eq!(member.may_seal(at(50)), None);
    assert_eq!(member.may_open(j(1), at(129)), Ok(()));
    assert_eq!(member.key(j(2)).err(), Some(Error::SessionRange));

    assert_eq!(group.manager.close(j(3)), Err(Error::SessionRange));
    group.manager.close(j(5)).unwrap();
    let state = group.manager.export().unwrap();
    group.manager = GroupManager::import(&state, j(3)).unwrap();
    group.run(1);
    let refused = group.manager.advance(Plan::KEEP, &group.key);
    assert_eq!(refused, Err(Error::SessionRange));
}

#[test]
fn c02_an_old_message_makes_no_room_for_itself() {
    let mut group = Group::new();
    group.join(1);
    let mut member: Member<4> = group.member(1);
    group.run(8);
    member.receive(&group.messages[&8], None).unwrap();
    for _ in 0..2 {
        let old = member.receive(&group.messages[&4], None);
        assert!(matches!(old, Ok(Received::Message { .. })), "as if unknown");
    }
    let held: Vec<u32> = (1..=8).filter(|n| member.key(j(*n)).is_ok()).collect();
    assert_eq!(held, [5, 6, 7, 8]);
    let newest = member.receive(&group.messages[&8], None);
    assert_eq!(newest, Ok(Received::Duplicate));
    assert_eq!(member.key(j(4)).err(), Some(Error::NeedEvent));
}

#[test]
fn c06_sealing_waits_for_the_start_and_fails_closed() {
    let mut group = Group::new();
    let mut member = group.join(1).remove(0);
    group.run(2);
    assert_eq!(member.may_seal(at(0)), None);
    let early = member.receive(&group.messages[&2], Some(at(39)));
    assert_eq!(early, Err(Error::NotYet));
    member.receive(&group.messages[&2], Some(at(40))).unwrap();
    assert_eq!(member.may_seal(at(39)), None);
    assert_eq!(member.may_seal(at(40)), Some(j(2)));
    assert_eq!(member.may_seal(at(229)), Some(j(2)));
    assert_eq!(member.may_seal(at(230)), None);
    // a session that only the key server told of has no times yet
    let told = HighWater {
        epoch: 1,
        session: j(3),
    };
    member.announce(told).unwrap();
    assert_eq!(member.high_water(), told);
    assert_eq!(member.may_seal(at(200)), None);
    assert_eq!(member.may_open(j(3), at(200)), Err(Error::NeedEvent));
    let other = HighWater { epoch: 2, ..told };
    assert_eq!(member.announce(other), Err(Error::Epoch));
}

#[test]
fn joins_outside_the_sessions_left_are_refused() {
    let mut group = Group::new();
    group.run(3);
    for (sessions, error) in [
        (j(2)..=j(5), Error::SessionRange),
        (j(5)..=j(4), Error::SessionRange),
        (j(0)..=j(4), Error::SessionRange),
        (j(4)..=j(4 + 4096), Error::Size),
    ] {
        assert_eq!(group.manager.join(1, sessions), Err(error));
    }
    group.manager.join(1, j(3)..=j(3)).unwrap();
    let mut member: Member = group.member(1);
    member.receive(&group.messages[&3], None).unwrap();
    assert!(member.key(j(3)).is_ok());
    assert_eq!(member.key(j(4)).err(), Some(Error::SessionRange));
}

#[test]
fn parameters_outside_their_ranges_are_refused() {
    for wrong in [
        Parameters {
            degree: 0,
            ..small()
        },
        Parameters {
            degree: 1025,
            ..small()
        },
        Parameters {
            degree: 1024,
            window: 3,
            ..small()
        },
        Parameters {
            first: j(0),
            ..small()
        },
        Parameters {
            duration: 0,
            ..small()
        },
        Parameters {
            starts: UnixTime::new(1 << 40),
            ..small()
        },
    ] {
        let refused = GroupManager::new(wrong, Secret::new([0; 16]));
        assert_eq!(refused.err(), Some(Error::Type), "{wrong:?}");
    }
}

#[test]
fn a_damaged_state_is_refused_or_reads_back_as_itself() {
    let mut group = Group::new();
    group.join(3);
    group.manager.revoke(2).unwrap();
    group.run(2);
    group.manager.revoke(1).unwrap();
    let state = group.manager.export().unwrap();
    for len in 0..state.len() {
        assert!(GroupManager::import(&state[..len], j(0)).is_err());
    }
    for bit in 0..state.len() * 8 {
        let mut damaged = state.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(manager) = GroupManager::import(&damaged, j(0)) {
            assert_eq!(manager.export().unwrap(), damaged);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Random joins and revocations; members receive a random choice of messages, in any order.
    #[test]
    fn any_history_gives_what_the_model_gives(seed: u64, steps in 1usize..12) {
        let (mut group, mut dice) = (Group::new(), Told::seed(seed));
        // id -> first, last, first session it is out of
        let mut model: BTreeMap<u32, (u32, u32, u32)> = BTreeMap::new();
        let mut keys = BTreeMap::new();
        for session in 1..=10 {
            if dice.below(2) == 0 {
                let id = 1 + dice.below(1 << 31) as u32 % 9;
                let (first, last) = (session + dice.below(3) as u32, session + 3 + dice.below(4) as u32);
                let joined = group.manager.join(id, j(first)..=j(last));
                prop_assert_eq!(joined.is_ok(), !model.contains_key(&id));
                if joined.is_ok() {
                    model.insert(id, (first, last, u32::MAX));
                    keys.insert(id, group.member::<32>(id));
                }
            }
            if dice.below(3) == 0 && let Some(id) = model.keys().copied().next_back() {
                let (first, last, out) = model[&id];
                let from = first.max(session);
                let full = (from..=last).any(|a| {
                    model.values().filter(|(_, last, out)| *out <= a && a <= *last).count() >= 3
                });
                let revoked = group.manager.revoke(id);
                if out == u32::MAX && from <= last {
                    prop_assert_eq!(revoked.is_err(), full);
                    if revoked.is_ok() {
                        model.insert(id, (first, last, from));
                    }
                } else {
                    prop_assert!(revoked.is_ok());
                }
            }
            group.run(1);
        }
        for (id, mut member) in keys {
            let (first, last, out) = model[&id];
            let mine = |a: u32| first <= a && a <= last && a < out;
            let mut given = BTreeSet::new();
            for _ in 0..steps {
                let session = 1 + dice.below(10) as u32;
                let window = session.saturating_sub(3).max(1)..=session;
                let in_range = window.clone().any(|a| first <= a && a <= last);
                let gives: Vec<u32> = window.filter(|a| mine(*a)).collect();
                let expected = match (in_range, gives.is_empty()) {
                    (false, _) => Some(Error::SessionRange),
                    (true, true) => Some(Error::RevokedMember),
                    (true, false) => None,
                };
                let received = member.receive(&group.messages[&session], None);
                prop_assert_eq!(received.err(), expected);
                given.extend(gives);
            }
            for a in 1..=10 {
                let key = member.key(j(a));
                prop_assert_eq!(key.is_ok(), given.contains(&a), "id {} session {}", id, a);
                if let Ok(key) = key {
                    prop_assert!(key.ct_eq(&group.manager.group_key(j(a)).unwrap()));
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut group = Group::new();
        let mut member = group.join(1).remove(0);
        prop_assert!(member.receive(&bytes, None).is_err());
        prop_assert!(PersonalKey::parse(&bytes[..]).is_err());
        prop_assert!(GroupManager::import(&bytes, j(0)).is_err());
    }

    /// Well-signed nonsense: a key server gone bad.
    #[test]
    fn signed_patches_never_panic_and_change_nothing(at: usize, patch in proptest::collection::vec(any::<u8>(), 1..8)) {
        let mut group = Group::new();
        let mut member = group.join(2).remove(0);
        group.manager.revoke(2).unwrap();
        group.run(2);
        let mut encoded = group.payload(2).write();
        let len = encoded.len();
        for (i, byte) in patch.iter().enumerate() {
            encoded[(at % len + i) % len] = *byte;
        }
        let mut out = vec![0; len + 99];
        let sealed = Envelope::seal(&group.key, GID, j(2), &encoded, &mut out).unwrap();
        if member.receive(&out[..sealed], None).is_err() {
            prop_assert_eq!(member.newest(), None);
            prop_assert!(member.receive(&group.messages[&2], None).is_ok());
        }
    }
}
