//! A group from end to end without a network: key server, resource server, members, losses, a revocation.
#![cfg(feature = "manager")]
#![allow(missing_docs)]

use getrandom::SysRng;
use iotchain::join::{Ccs, JoinResponse, KeyMap, List, kdc_proof};
use iotchain::selfheal::rsd::{GroupManager, Parameters, Plan};
use iotchain::token::AccountId;
use iotchain::{
    Address, Boot, Claims, Error, Exchange, Freshness, Gid, Membership, ResourceId, Roles, Sender,
    Session, Sid, SignAlg, Signer, SigningKey, StoredState, Suite, UnixTime, Zeroizing,
};

type Host = Membership<Zeroizing<Vec<u8>>>;

const START: u64 = 1_800_000_000;
const DURATION: u32 = 100;
const CNONCE: [u8; 8] = *b"cnonce 1";
const KDC_NONCE: [u8; 8] = *b"kdcnonce";

struct KeyServer {
    key: SigningKey,
    manager: GroupManager,
    rs: SigningKey,
    rs_sid: Sid,
    next: u8,
}

impl KeyServer {
    fn new() -> Self {
        let key = SigningKey::generate(SignAlg::Es256k, &mut SysRng).unwrap();
        let mut parameters = Parameters::new(
            Gid::new([7; 4]),
            1,
            10,
            Session::new(1)..=Session::new(1000),
        );
        parameters.starts = UnixTime::new(START);
        parameters.duration = DURATION;
        let manager = GroupManager::generate(parameters, &mut SysRng).unwrap();
        let rs = SigningKey::generate(SignAlg::Es256k, &mut SysRng).unwrap();
        Self {
            key,
            manager,
            rs,
            rs_sid: Sid::from_slice(&[0x80, 0]).unwrap(),
            next: 1,
        }
    }

    fn rs_address(&self) -> Address {
        self.rs.public().address().unwrap()
    }

    /// Begins the next session; what goes on the air.
    fn advance(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let announcement = self
            .manager
            .advance(Plan::default(), &mut SysRng, &self.key)
            .unwrap();
        (announcement.beacon, announcement.event)
    }

    fn join(&mut self, sid: Sid) -> (Host, u32) {
        let slot = self.manager.join().unwrap();
        let (event, beacon) = (
            self.manager.event().to_vec(),
            self.manager.beacon().unwrap(),
        );
        (self.admit(sid, slot, &[&event[..], &beacon[..]]), slot)
    }

    /// The membership of `slot` by a join response that carries `broadcasts`.
    fn admit(&self, sid: Sid, slot: u32, broadcasts: &[&[u8]]) -> Host {
        self.tell(sid, slot, broadcasts, |joined| {
            let personal_key = Zeroizing::new(joined.personal_key.to_vec());
            let mut membership = Host::new(joined, personal_key).unwrap();
            for broadcast in joined.broadcasts.iter() {
                membership
                    .receive(broadcast, Some(at(joined.session)))
                    .unwrap();
            }
            membership
        })
    }

    /// What the key server answers to `slot`.
    fn tell<T>(
        &self,
        sid: Sid,
        slot: u32,
        broadcasts: &[&[u8]],
        told: impl FnOnce(&JoinResponse<'_>) -> T,
    ) -> T {
        let personal_key = self.manager.personal_key(slot).unwrap();
        let creds = [Ccs {
            subject: Some(AccountId {
                chain: 1337,
                address: self.rs_address(),
            }),
            key: self.rs.public(),
        }];
        let session = self.manager.session().unwrap();
        let sids = [self.rs_sid];
        let response = JoinResponse {
            key_map: KeyMap {
                gid: Gid::new([7; 4]),
                sid,
                suite: Suite::DEFAULT,
                grace: 30,
                access_keys: None,
                server_secret: None,
                boot_salt: None,
            },
            session,
            expires_at: UnixTime::new(START + 1_000_000),
            expires_in: 1_000_000,
            creds: List::new(&creds),
            peer_roles: List::new(&[Roles::PRODUCER]),
            peer_identifiers: List::new(&sids),
            policies: None,
            key_server: self.key.public(),
            kdc_nonce: &KDC_NONCE,
            kdc_proof: kdc_proof(&self.key, &CNONCE, &KDC_NONCE).unwrap(),
            personal_key: &personal_key,
            control_uri: None,
            broadcasts: List::new(broadcasts),
            next_personal_key: None,
        };
        let mut wire = vec![0; JoinResponse::MAX_LEN];
        let len = response.encode(&mut wire).unwrap();

        let joined = JoinResponse::parse(&wire[..len]).unwrap();
        let thumbprint = self.key.public().thumbprint();
        told(&joined.verify(&CNONCE, &thumbprint).unwrap())
    }

    fn join_client(&mut self) -> (Host, u32) {
        self.next += 1;
        self.join(Sid::from_slice(&[1, self.next]).unwrap())
    }
}

fn at(session: Session) -> UnixTime {
    UnixTime::new(START + u64::from(DURATION) * u64::from(session.get() - 1) + 1)
}

#[test]
fn a_membership_is_made_where_it_lies() {
    let mut ks = KeyServer::new();
    ks.advance();
    let slot = ks.manager.join().unwrap();
    let now = at(Session::new(1));
    let sid = Sid::from_slice(&[1, 9]).unwrap();
    let key = Zeroizing::new(ks.manager.personal_key(slot).unwrap().to_vec());

    // before it joined it believes nobody and holds nothing
    let mut member = Host::VACANT;
    assert!(member.is_vacant());
    assert_eq!(
        member.receive(ks.manager.event(), Some(now)),
        Err(Error::Size)
    );
    let beacon = ks.manager.beacon().unwrap();
    assert!(member.receive(&beacon, Some(now)).is_err());
    assert_eq!(member.prepare(key.clone()), Err(Error::Group));
    let mut sender = Sender::new(
        *ks.join(ks.rs_sid).0.group(),
        sid,
        Boot::random(&mut SysRng).unwrap(),
        now,
    )
    .unwrap();
    assert_eq!(member.enter(&mut sender, now), Err(Error::Group));
    assert_eq!(member.may_seal(now), None);

    // a join that fails leaves it as it is, before the first join and after it
    let other = {
        let mut other = key.clone();
        other[3] ^= 1;
        other
    };
    ks.tell(sid, slot, &[], |response| {
        assert_eq!(
            member.join(response, other.clone(), 4096),
            Err(Error::Group)
        );
        assert!(member.is_vacant());
        member.join(response, key.clone(), 4096).unwrap();
        member.receive(ks.manager.event(), Some(now)).unwrap();
        assert_eq!(member.enter(&mut sender, now), Ok(Session::new(1)));
        assert_eq!(member.join(response, other, 4096), Err(Error::Group));
        assert_eq!(member.enter(&mut sender, now), Ok(Session::new(1)));

        // another join forgets what was held
        member.join(response, key, 4096).unwrap();
        assert_eq!(member.sid(), sid);
        assert_eq!(member.enter(&mut sender, now), Err(Error::SessionExpired));
    });
}

#[test]
fn join_lose_broadcasts_heal_open_and_be_revoked() {
    let mut ks = KeyServer::new();
    ks.advance();
    let (mut server, _) = ks.join(ks.rs_sid);
    let (mut alice, _) = ks.join_client();
    let (mut bob, bob_slot) = ks.join_client();
    let rs = ks.rs_address();
    let temperature = ResourceId::new(rs, &["temp"], &[]).unwrap();
    let mut sender = server
        .sender(Boot::random(&mut SysRng).unwrap(), UnixTime::new(0))
        .unwrap();

    // one signed object a session; alice's radio is dead from session 2 on, bob is revoked in session 3
    let mut objects = Vec::new();
    let mut newest_event = None;
    for j in 1..=5 {
        if j > 1 {
            if j == 3 || j == 5 {
                // a revocation in 3, a refresh in 5: two events alice does not hear
                if j == 3 {
                    ks.manager.revoke(bob_slot).unwrap();
                }
                let plan = Plan {
                    refresh: true,
                    ..Plan::default()
                };
                let announcement = ks.manager.advance(plan, &mut SysRng, &ks.key).unwrap();
                let event = announcement.event.unwrap();
                let heard = bob.receive(&event, Some(at(announcement.session)));
                assert_eq!(heard.unwrap_err(), Error::RevokedMember);
                server
                    .receive(&event, Some(at(announcement.session)))
                    .unwrap();
                newest_event = Some(event);
            } else {
                let (beacon, event) = ks.advance();
                assert!(event.is_none());
                server.receive(&beacon, Some(at(Session::new(j)))).unwrap();
                let _ = bob.receive(&beacon, Some(at(Session::new(j))));
            }
        }
        let now = at(Session::new(j));
        assert_eq!(server.enter(&mut sender, now).unwrap(), Session::new(j));
        let claims = Claims {
            iat: now,
            exp: Some(now.saturating_add(10_000)),
        };
        let mut object = vec![0; 256];
        let text = format!("session {j}");
        let len = sender
            .seal_signed(&temperature, claims, text.as_bytes(), &ks.rs, &mut object)
            .unwrap();
        object.truncate(len);
        objects.push(object);
    }

    let now = at(Session::new(5));
    let mut out = [0; 64];
    let mut stored = StoredState::new();
    // nothing heard: only session 1 opens
    assert!(
        alice
            .open_stored(&objects[0], &temperature, &mut stored, now, &mut out)
            .is_ok()
    );
    assert_eq!(
        alice.open_stored(&objects[1], &temperature, &mut stored, now, &mut out),
        Err(Error::Session)
    );
    // one event heals all of them
    alice.receive(&newest_event.unwrap(), Some(now)).unwrap();
    for (j, object) in (2..=5).zip(&objects[1..]) {
        let opened = alice
            .open_stored(object, &temperature, &mut stored, now, &mut out)
            .unwrap();
        assert_eq!(out[..opened.len], *format!("session {j}").as_bytes());
    }
    // a proxy that goes back is caught
    assert_eq!(
        alice.open_stored(&objects[3], &temperature, &mut stored, now, &mut out),
        Err(Error::Rollback)
    );
    // bob read until he was revoked, and nothing after
    let mut stored = StoredState::new();
    assert!(
        bob.open_stored(&objects[1], &temperature, &mut stored, now, &mut out)
            .is_ok()
    );
    for object in &objects[2..] {
        assert_eq!(
            bob.open_stored(object, &temperature, &mut stored, now, &mut out),
            Err(Error::Session)
        );
    }
    // a client that joins now cannot read the past
    let (mut carol, _) = ks.join_client();
    let mut stored = StoredState::new();
    assert!(
        carol
            .open_stored(&objects[4], &temperature, &mut stored, now, &mut out)
            .is_ok()
    );
    let mut stored = StoredState::new();
    assert_eq!(
        carol.open_stored(&objects[3], &temperature, &mut stored, now, &mut out),
        Err(Error::Session)
    );
}

#[test]
fn direct_responses_and_the_fail_closed_rule() {
    let mut ks = KeyServer::new();
    ks.advance();
    let (server, _) = ks.join(ks.rs_sid);
    let (mut alice, _) = ks.join_client();
    let temperature = ResourceId::new(ks.rs_address(), &["temp"], &[]).unwrap();
    let mut sender = server
        .sender(Boot::random(&mut SysRng).unwrap(), UnixTime::new(0))
        .unwrap();
    let now = at(Session::new(1));
    server.enter(&mut sender, now).unwrap();

    let mut exchange = Exchange::random(&mut SysRng).unwrap();
    let mut object = [0; 128];
    let len = sender
        .seal_response(&temperature, 69, exchange.token(), b"21.5", &mut object)
        .unwrap();
    let mut out = [0; 64];
    let mut other = Exchange::random(&mut SysRng).unwrap();
    let demanded = || Freshness::Demanded;
    assert_eq!(
        alice.open_response(
            &object[..len],
            &temperature,
            69,
            &mut other,
            demanded(),
            now,
            &mut out
        ),
        Err(Error::Aead)
    );
    let opened = alice.open_response(
        &object[..len],
        &temperature,
        69,
        &mut exchange,
        demanded(),
        now,
        &mut out,
    );
    assert_eq!(out[..opened.unwrap().len], *b"21.5");

    // no broadcast comes any more: from nbf + dur + grace on nothing is sealed or opened
    let late = UnixTime::new(START + u64::from(DURATION) + 30);
    let mut exchange = Exchange::random(&mut SysRng).unwrap();
    let len = sender
        .seal_response(&temperature, 69, exchange.token(), b"21.5", &mut object)
        .unwrap();
    assert_eq!(server.enter(&mut sender, late), Err(Error::SessionExpired));
    assert_eq!(
        alice.open_response(
            &object[..len],
            &temperature,
            69,
            &mut exchange,
            demanded(),
            late,
            &mut out
        ),
        Err(Error::SessionExpired)
    );
    assert!(server.enter(&mut sender, late.saturating_sub(1)).is_ok());
}

/// A rebooted member gets the personal key of its first join again (A6). Broadcasts of then must not bring back a
/// session that a revocation ended early, although by the plan it would still last.
#[test]
fn a_second_join_with_an_old_key_ignores_sessions_before_the_current_one() {
    let mut ks = KeyServer::new();
    let (first_beacon, first_event) = ks.advance();
    let first_event = first_event.unwrap();
    let (_, slot) = ks.join(ks.rs_sid);
    let (_, revoked) = ks.join_client();
    ks.manager.revoke(revoked).unwrap();
    let soon = UnixTime::new(START + 10);
    let early = ks
        .manager
        .advance(Plan::at(soon), &mut SysRng, &ks.key)
        .unwrap();
    assert_eq!(early.session, Session::new(2));

    let mut server = ks.admit(ks.rs_sid, slot, &[]);
    let mut sender = server
        .sender(Boot::random(&mut SysRng).unwrap(), UnixTime::new(0))
        .unwrap();
    // right after the early start, when the old plan has session 2 begun too, and when it lasts by that plan
    let now = soon.saturating_add(1);
    let moments = [1, 50, 99, 100, 150].map(|seconds| soon.saturating_add(seconds));
    for old in [&first_event, &first_beacon] {
        let _ = server.receive(old, Some(now));
        for now in moments {
            assert_eq!(server.enter(&mut sender, now), Err(Error::SessionExpired));
        }
        // nor does the old chain, which the revoked client holds, give a key of the current session
        assert!(server.member().key(Session::new(2)).is_err());
    }
    server.receive(&early.event.unwrap(), Some(now)).unwrap();
    server.receive(&early.beacon, Some(now)).unwrap();
    assert_eq!(server.enter(&mut sender, now), Ok(Session::new(2)));
    let expected = ks.manager.group_key(Session::new(2)).unwrap();
    assert!(
        server
            .member()
            .key(Session::new(2))
            .unwrap()
            .ct_eq(&expected)
    );
}

#[test]
fn a02_a_retired_sender_is_forgotten_and_makes_room() {
    let mut ks = KeyServer::new();
    ks.advance();
    let (mut alice, _) = ks.join_client();
    let (rs, key) = (ks.rs_address(), ks.rs.public());
    let sid = |index| Sid::from_slice(&[0x80, index]).unwrap();
    for index in 1..4 {
        alice.learn(sid(index), rs, key).unwrap();
    }
    assert_eq!(alice.learn(sid(4), rs, key), Err(Error::Capacity));

    let (server, _) = ks.join(ks.rs_sid);
    let mut sender = server
        .sender(Boot::random(&mut SysRng).unwrap(), UnixTime::new(0))
        .unwrap();
    let now = at(Session::new(1));
    server.enter(&mut sender, now).unwrap();
    let temperature = ResourceId::new(rs, &["temp"], &[]).unwrap();
    let claims = Claims {
        iat: now,
        exp: None,
    };
    let (mut object, mut out) = ([0; 256], [0; 64]);
    let len = sender
        .seal_signed(&temperature, claims, b"21.5", &ks.rs, &mut object)
        .unwrap();
    let mut open = |alice: &mut Host| {
        let mut stored = StoredState::new();
        alice.open_stored(&object[..len], &temperature, &mut stored, now, &mut out)
    };
    assert!(open(&mut alice).is_ok());
    alice.forget(&ks.rs_sid);
    assert_eq!(open(&mut alice), Err(Error::Signer));
    assert!(alice.learn(sid(4), rs, key).is_ok());
}
