//! A membership across the end of an epoch: prepared ahead, late, or not let in (spec 4.7).
#![cfg(feature = "manager")]
#![allow(missing_docs)]

use getrandom::SysRng;
use iotchain::join::{Ccs, JoinResponse, KeyMap, List, kdc_proof};
use iotchain::selfheal::rsd::{EpochManager, HighWater, Parameters, Plan};
use iotchain::token::AccountId;
use iotchain::{
    Address, Boot, Claims, Error, Gid, Membership, ResourceId, Roles, Secret, Sender, Session, Sid,
    SignAlg, Signer, SigningKey, StoredState, Suite, UnixTime, Zeroizing,
};

type Host = Membership<Zeroizing<Vec<u8>>>;

const START: u64 = 1_800_000_000;
const DURATION: u32 = 100;
const LAST: u32 = 4;
const GID: [u8; 4] = [7; 4];
const NONCE: [u8; 8] = *b"a nonce.";

struct KeyServer {
    key: SigningKey,
    manager: EpochManager,
    /// The sid under which the resource server is known at present.
    producer: Sid,
}

const RS: Address = Address::new([9; 20]);

fn producer(index: u8) -> Sid {
    Sid::from_slice(&[0x80, index]).unwrap()
}

fn own(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

fn at(session: u32) -> UnixTime {
    UnixTime::new(START + u64::from(DURATION) * u64::from(session - 1) + 1)
}

impl KeyServer {
    fn new() -> Self {
        let sessions = Session::new(1)..=Session::new(LAST);
        let mut parameters = Parameters::new(Gid::new(GID), 1, 10, sessions);
        parameters.starts = UnixTime::new(START);
        parameters.duration = DURATION;
        let mut server = Self {
            key: SigningKey::generate(SignAlg::Es256k, &mut SysRng).unwrap(),
            manager: EpochManager::generate(parameters, &mut SysRng).unwrap(),
            producer: producer(0),
        };
        server.advance();
        server
    }

    fn advance(&mut self) -> Vec<Vec<u8>> {
        let announced = self
            .manager
            .advance(Plan::KEEP, &mut SysRng, &self.key)
            .unwrap();
        announced
            .event
            .into_iter()
            .chain([announced.beacon])
            .collect()
    }

    fn prepare(&mut self, last: u32) {
        let depth = self.manager.current().parameters().depth;
        self.manager
            .prepare(depth, Session::new(last), &mut SysRng)
            .unwrap();
    }

    /// What the key server tells the holder of a seat, in a group of the given name.
    fn tell<T>(&self, seat: u32, gid: [u8; 4], told: impl FnOnce(&JoinResponse<'_>) -> T) -> T {
        let mut personal_key = self.manager.personal_key(seat).unwrap();
        let mut next = self.manager.next_personal_key(seat).ok();
        for key in [Some(&mut personal_key), next.as_mut()]
            .into_iter()
            .flatten()
        {
            key[3..7].copy_from_slice(&gid);
        }
        let subject = AccountId {
            chain: 1337,
            address: RS,
        };
        let sids = [self.producer];
        let creds = [Ccs {
            subject: Some(subject),
            key: self.key.public(),
        }];
        let response = JoinResponse {
            key_map: KeyMap {
                gid: Gid::new(gid),
                sid: Sid::from_slice(&[1, 2]).unwrap(),
                suite: Suite::DEFAULT,
                grace: 30,
                access_keys: None,
                server_secret: None,
                boot_salt: None,
            },
            session: self.manager.current().session().unwrap(),
            expires_at: UnixTime::new(START + 1_000_000),
            expires_in: 1_000_000,
            creds: List::new(&creds),
            peer_roles: List::new(&[Roles::PRODUCER]),
            peer_identifiers: List::new(&sids),
            policies: None,
            key_server: self.key.public(),
            kdc_nonce: &NONCE,
            kdc_proof: kdc_proof(&self.key, &NONCE, &NONCE).unwrap(),
            personal_key: &personal_key,
            control_uri: None,
            broadcasts: List::EMPTY,
            next_personal_key: next.as_ref().map(|key| key.as_slice()),
        };
        let mut wire = vec![0; JoinResponse::MAX_LEN];
        let len = response.encode(&mut wire).unwrap();
        let thumbprint = self.key.public().thumbprint();
        let parsed = JoinResponse::parse(&wire[..len]).unwrap();
        told(&parsed.verify(&NONCE, &thumbprint).unwrap())
    }

    /// A member of the current session, with the event in force.
    fn join(&mut self) -> (Host, u32) {
        let seat = self.manager.join().unwrap();
        let session = self.manager.current().session().unwrap().get();
        let mut member = self.tell(seat, GID, |response| {
            Host::new(response, own(response.personal_key)).unwrap()
        });
        let event = self.manager.current().event();
        member.receive(event, Some(at(session))).unwrap();
        (member, seat)
    }

    fn renew(&self, member: &mut Host, seat: u32) -> iotchain::Result<bool> {
        self.tell(seat, GID, |response| member.renew(response, own))
    }

    /// What the resource server signed and stored in session 1, with the key that `member` holds too.
    fn stored(&self, member: &Host) -> Vec<u8> {
        let boot = Boot::random(&mut SysRng).unwrap();
        let mut sender =
            Sender::new(*member.group(), self.producer, boot, UnixTime::new(0)).unwrap();
        let session = Session::new(1);
        let key = member.member().key(session).unwrap();
        sender.enter(session, &key).unwrap();
        let claims = Claims {
            iat: at(1),
            exp: None,
        };
        let mut object = vec![0; 256];
        let len = sender
            .seal_signed(&temperature(), claims, b"21.5", &self.key, &mut object)
            .unwrap();
        object.truncate(len);
        object
    }
}

fn temperature() -> ResourceId<'static> {
    ResourceId::new(RS, &["temp"], &[]).unwrap()
}

fn open(member: &mut Host, object: &[u8], session: u32) -> iotchain::Result<usize> {
    let (mut stored, mut out) = (StoredState::new(), [0; 64]);
    let opened = member.open_stored(object, &temperature(), &mut stored, at(session), &mut out);
    opened.map(|opened| opened.len)
}

fn key_of(member: &Host, session: u32) -> iotchain::Result<[u8; 16]> {
    let key = member.member().key(Session::new(session))?;
    Ok(*key.expose())
}

#[test]
fn prepared_late_and_foreign_members_at_the_end_of_an_epoch() {
    let mut ks = KeyServer::new();
    let (mut prompt, seat) = ks.join();
    let (mut late, late_seat) = ks.join();
    let (mut lost, lost_seat) = ks.join();
    assert_eq!(
        ks.renew(&mut prompt, seat),
        Ok(false),
        "nothing is prepared yet"
    );
    ks.advance();
    ks.prepare(2 * LAST);
    assert_eq!(ks.renew(&mut prompt, seat), Ok(true));
    assert_eq!(
        ks.renew(&mut prompt, seat),
        Ok(true),
        "asking again changes nothing"
    );
    let mut sender = prompt
        .sender(Boot::random(&mut SysRng).unwrap(), UnixTime::new(0))
        .unwrap();

    for session in 3..=6 {
        for message in ks.advance() {
            prompt.receive(&message, Some(at(session))).unwrap();
            // the key server does not keep those waiting who did not ask
            let outcome = late.receive(&message, Some(at(session)));
            assert_eq!(outcome.is_err(), session > LAST, "{outcome:?}");
        }
        let expected = ks.manager.current().group_key(Session::new(session));
        assert_eq!(key_of(&prompt, session), Ok(*expected.unwrap().expose()));
        let entered = prompt.enter(&mut sender, at(session));
        assert_eq!(entered, Ok(Session::new(session)), "one sender goes on");
    }
    assert_eq!(prompt.member().high_water().epoch, 2);
    assert!(key_of(&prompt, 1).is_ok(), "what was stored stays readable");

    // late: the epoch is unknown, its S_i is taken like a next one, and the event heals
    let (event, beacon) = (
        ks.manager.current().event().to_vec(),
        ks.manager.current().beacon().unwrap(),
    );
    let now = Some(at(6));
    assert_eq!(late.receive(&event, now), Err(Error::Epoch));
    assert_eq!(late.receive(&beacon, now), Err(Error::Epoch));
    assert_eq!(ks.renew(&mut late, late_seat), Ok(true));
    for message in [event, beacon] {
        late.receive(&message, now).unwrap();
    }
    assert_eq!(key_of(&late, 6), key_of(&prompt, 6));
    assert_eq!(key_of(&late, LAST), key_of(&prompt, LAST));

    // another group, another member, and one that slept through a whole epoch
    let refused = ks.tell(late_seat, [8; 4], |response| late.renew(response, own));
    assert_eq!(refused, Err(Error::Group));
    assert_eq!(ks.renew(&mut late, seat), Err(Error::Type));
    ks.prepare(3 * LAST);
    ks.manager
        .roll_over(Plan::KEEP, &mut SysRng, &ks.key)
        .unwrap();
    assert_eq!(ks.renew(&mut lost, lost_seat), Err(Error::Epoch));
    assert_eq!(ks.renew(&mut late, late_seat), Ok(true));
}

#[test]
fn a_retired_epoch_takes_the_keys_at_hand_with_it() {
    let mut ks = KeyServer::new();
    let (mut member, seat) = ks.join();
    let object = ks.stored(&member);
    ks.prepare(2 * LAST);
    ks.renew(&mut member, seat).unwrap();
    for session in 2..=6 {
        for message in ks.advance() {
            member.receive(&message, Some(at(session))).unwrap();
        }
    }
    assert_eq!(
        open(&mut member, &object, 6),
        Ok(4),
        "what was stored stays readable"
    );
    // the epoch after this one takes the place of the one before
    ks.prepare(3 * LAST);
    ks.renew(&mut member, seat).unwrap();
    assert!(key_of(&member, 1).is_err());
    assert_eq!(open(&mut member, &object, 6), Err(Error::Session));
}

#[test]
fn a02_a_sender_that_the_key_server_no_longer_names_is_forgotten() {
    let mut ks = KeyServer::new();
    let (mut member, seat) = ks.join();
    let object = ks.stored(&member);
    assert_eq!(open(&mut member, &object, 1), Ok(4));
    // more sids, one after the other, than a member has room for at once
    for index in 1..10 {
        ks.producer = producer(index);
        ks.renew(&mut member, seat).unwrap();
    }
    assert_eq!(open(&mut member, &object, 1), Err(Error::Signer));
}

#[test]
fn a_limit_of_events_is_the_members_own() {
    let mut ks = KeyServer::new();
    let (_, seat) = ks.join();
    let event = ks.manager.current().event().to_vec();
    for (limit, expected) in [(event.len(), None), (event.len() - 1, Some(Error::Size))] {
        let mut member = ks.tell(seat, GID, |response| {
            Host::with_max_event(response, own(response.personal_key), limit).unwrap()
        });
        assert_eq!(member.receive(&event, Some(at(1))).err(), expected);
    }
}

const SLEEP_KEY: Secret<16> = Secret::new([5; 16]);

fn sealed(member: &Host) -> Vec<u8> {
    let mut out = vec![0; Host::MAX_STATE_LEN];
    let len = member
        .seal_state(&SLEEP_KEY, &mut SysRng, &mut out)
        .unwrap();
    out.truncate(len);
    out
}

/// The personal keys that a member holds.
fn held(member: &Host) -> Vec<Zeroizing<Vec<u8>>> {
    let keys = member.member();
    [keys.previous(), Some(keys.current()), keys.next()]
        .into_iter()
        .flatten()
        .map(|epoch| own(epoch.personal_key().as_bytes()))
        .collect()
}

fn woken(keys: &[Zeroizing<Vec<u8>>], state: &[u8], oldest: HighWater) -> iotchain::Result<Host> {
    let mut member = Host::VACANT;
    let other = keys.get(1).cloned();
    member.wake(
        keys[0].clone(),
        other,
        &SLEEP_KEY,
        &mut state.to_vec(),
        oldest,
    )?;
    Ok(member)
}

const NO_MARK: HighWater = HighWater {
    epoch: 0,
    event: 0,
    session: Session::new(0),
};

#[test]
fn a_member_goes_on_after_a_deep_sleep() {
    let mut ks = KeyServer::new();
    let (mut member, seat) = ks.join();
    let object = ks.stored(&member);
    // asleep after every session, in one epoch, before the next one and after the change
    for session in 2..=6 {
        if session == 4 {
            ks.prepare(2 * LAST);
            assert_eq!(ks.renew(&mut member, seat), Ok(true));
        }
        let (keys, state) = (held(&member), sealed(&member));
        let mark = member.member().high_water();
        member = woken(&keys, &state, mark).unwrap();
        assert_eq!(member.member().high_water(), mark);
        for message in ks.advance() {
            member.receive(&message, Some(at(session))).unwrap();
        }
        assert_eq!(member.may_seal(at(session)), Some(Session::new(session)));
        assert_eq!(open(&mut member, &object, session), Ok(4));
        let expected = ks
            .manager
            .current()
            .group_key(Session::new(session))
            .unwrap();
        assert_eq!(key_of(&member, session), Ok(*expected.expose()));
    }
    assert!(member.member().previous().is_some());
    // in any order
    let (mut keys, state) = (held(&member), sealed(&member));
    keys.reverse();
    let again = woken(&keys, &state, NO_MARK).unwrap();
    for session in 1..=6 {
        assert_eq!(key_of(&again, session), key_of(&member, session));
    }
}

#[test]
fn a_sleep_ends_only_with_its_own_state() {
    let mut ks = KeyServer::new();
    let (mut member, seat) = ks.join();
    let (keys, state) = (held(&member), sealed(&member));
    let (other, _) = ks.join();
    let refused = |keys: &[_], state: &[u8], oldest| woken(keys, state, oldest).err();
    assert_eq!(refused(&held(&other), &state, NO_MARK), Some(Error::Aead));
    for place in 1..state.len() {
        let mut state = state.clone();
        state[place] ^= 1;
        assert_eq!(
            refused(&keys, &state, NO_MARK),
            Some(Error::Aead),
            "{place}"
        );
        assert_eq!(refused(&keys, &state[..place], NO_MARK), Some(Error::Aead));
    }
    let foreign = [&[9], &state[1..]].concat();
    assert_eq!(refused(&keys, &foreign, NO_MARK), Some(Error::Version));
    assert_eq!(refused(&keys, &[], NO_MARK), Some(Error::Aead));

    // what was sealed before a newer session, or before the next epoch was prepared
    for message in ks.advance() {
        member.receive(&message, Some(at(2))).unwrap();
    }
    let mark = member.member().high_water();
    assert_eq!(refused(&keys, &state, mark), Some(Error::Rollback));
    ks.prepare(2 * LAST);
    ks.renew(&mut member, seat).unwrap();
    assert_eq!(refused(&held(&member), &state, NO_MARK), Some(Error::Aead));
    let twice = [keys[0].clone(), keys[0].clone()];
    assert_eq!(refused(&twice, &state, NO_MARK), Some(Error::Epoch));

    // a failure leaves nothing
    let mut vacant = Host::VACANT;
    let mut wiped = state.clone();
    wiped[5] ^= 1;
    let failed = vacant.wake(keys[0].clone(), None, &SLEEP_KEY, &mut wiped, NO_MARK);
    assert_eq!((failed, vacant.is_vacant()), (Err(Error::Aead), true));
    assert_eq!(wiped, vec![0; state.len()]);
    let mut small = vec![7; state.len() - 1];
    assert!(matches!(
        woken(&keys, &state, NO_MARK).unwrap().seal_state(&SLEEP_KEY, &mut SysRng, &mut small),
        Err(Error::Buffer { needed }) if needed == state.len()
    ));
    assert!(small.iter().all(|byte| *byte == 7));
}
