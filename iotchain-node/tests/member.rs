//! Joining, following and reading over real sockets, with a key server that may lie and a proxy that may cheat.

mod liar;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use iotchain::selfheal::Authority;
use iotchain::selfheal::broadcast::DEFAULT_MAX_LEN;
use iotchain::token::{Class, ClientKey, TokenRef};
use iotchain::{
    Address, Boot, Claims, Error, GroupName, Member, PersonalKey, ResourceId, Roles, Sender,
    Session, Sid, SignAlg, Signer, SigningKey, Suite,
};
use iotchain_node::NodeError;
use iotchain_node::catalogue::{Catalogue, ProxyUri, ResourceServer};
use iotchain_node::client::{Client, ClientAccount, Source, Target};
use iotchain_node::clock::{self, Stop};
use iotchain_node::coap::{Code, Outcome, Request, Response, content_format};
use iotchain_node::data_dir::DataDir;
use iotchain_node::dtls::pki::Name;
use iotchain_node::follow::Follower;
use iotchain_node::join::{Identity, Joined, join, join_when_confirmed};
use iotchain_node::runtime::{Handle, Server};

use liar::{GNAME, Liar, Lie};

const PATIENCE: Duration = Duration::from_secs(60);

fn rs_key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[0x61; 32]).unwrap()
}

/// An address whose group is [`GNAME`]: the double does not check that it is that of the key.
fn rs() -> Address {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&[0xfa, 0x87, 0x01, 0x81]);
    Address::new(bytes)
}

fn liar() -> Liar {
    Liar::start(rs(), rs_key().public())
}

fn group() -> GroupName {
    GroupName::new(GNAME).unwrap()
}

fn client_key() -> ClientKey {
    ClientKey::from_bytes(&[0x71; 32]).unwrap()
}

fn token(key: &ClientKey) -> TokenRef {
    TokenRef {
        chain: 1337,
        contract: Address::new([2; 20]),
        client: key.address(),
    }
}

fn join_as_client(liar: &Liar) -> Result<Joined, NodeError> {
    let key = client_key();
    join(
        &liar.address,
        Identity::Client {
            key: &key,
            token: token(&key),
        },
        &group(),
        Roles::GET,
    )
}

fn newest(joined: &Joined) -> Option<Session> {
    joined.membership.lock().unwrap().member().newest()
}

#[test]
fn a_client_joins_with_its_proof_bound_to_the_association() {
    let liar = liar();
    let mut joined = join_as_client(&liar).unwrap();
    assert_eq!(joined.session, Session::new(1));
    assert_eq!(newest(&joined), Some(Session::new(1)));
    let key = joined
        .membership
        .lock()
        .unwrap()
        .member()
        .key(Session::new(1))
        .unwrap();
    assert!(key.ct_eq(&liar.group_key(Session::new(1))));
    liar.advance(false);
    assert_eq!(joined.current_session().unwrap(), Session::new(2));
    assert!(matches!(
        joined.get("nothing"),
        Err(NodeError::Refused {
            code: Code::NOT_FOUND,
            ..
        })
    ));
    joined.leave().unwrap();
}

#[test]
fn a_resource_server_joins_with_certificate_and_key() {
    let liar = liar();
    let authority = liar.authority();
    let certificate = authority
        .issue("rs", &[Name::ResourceServer(*rs().as_bytes())], 10)
        .unwrap();
    let key = rs_key();
    let identity = Identity::ResourceServer {
        key: &key,
        rs: rs(),
        certificate: &certificate,
    };
    let joined = join(&liar.address, identity, &group(), Roles::PRODUCER).unwrap();
    assert!(joined.pair_keys.lock().unwrap().server_secret.is_some());
    assert!(
        joined
            .membership
            .lock()
            .unwrap()
            .sid()
            .roles()
            .is_producer()
    );
}

#[test]
fn every_lie_of_a_key_server_has_its_number() {
    let liar = liar();
    let cases = [
        (Lie::OtherNonce, Error::Sig),
        (Lie::OtherKey, Error::Kid),
        (Lie::OtherGroup, Error::Group),
    ];
    for (lie, expected) in cases {
        liar.state().lie = lie;
        match join_as_client(&liar) {
            Err(NodeError::Protocol(error)) => assert_eq!(error, expected, "{lie:?}"),
            other => panic!("{lie:?}: {other:?}"),
        }
    }
    for error in [
        Error::TokenAbsent,
        Error::Unconfirmed,
        Error::Scope,
        Error::GroupFull,
    ] {
        liar.state().lie = Lie::Refuse(error, 1);
        let refused = join_as_client(&liar).unwrap_err();
        assert_eq!(refused.number(), Some(error), "{refused}");
        assert_eq!(refused.exit_code(), 1);
    }
}

#[test]
fn somebody_else_with_another_certificate_gets_no_proof() {
    let (liar, other) = (liar(), liar());
    let mut address = other.address.clone();
    address.ca = liar.address.ca.clone();
    let key = client_key();
    let identity = Identity::Client {
        key: &key,
        token: token(&key),
    };
    let error = join(&address, identity, &group(), Roles::GET).unwrap_err();
    assert_eq!(error.exit_code(), 4, "{error}");
    address = liar.address.clone();
    address.name = "somebody".into();
    assert_eq!(
        join(&address, identity, &group(), Roles::GET)
            .unwrap_err()
            .exit_code(),
        4
    );
    assert_eq!((liar.state().joins, other.state().joins), (0, 0));
}

#[test]
fn an_unconfirmed_token_is_asked_for_again_until_the_deadline() {
    let liar = liar();
    let key = client_key();
    let identity = Identity::Client {
        key: &key,
        token: token(&key),
    };
    let ask = |patience: Duration, stop: &Stop| {
        join_when_confirmed(
            &liar.address,
            identity,
            &group(),
            Roles::GET,
            Instant::now() + patience,
            stop,
        )
    };
    liar.state().lie = Lie::Refuse(Error::Unconfirmed, 2);
    ask(PATIENCE, &Stop::new()).unwrap();
    assert_eq!(liar.state().joins, 3);
    liar.state().lie = Lie::Refuse(Error::Unconfirmed, 1000);
    assert_eq!(
        ask(Duration::from_millis(1500), &Stop::new())
            .unwrap_err()
            .number(),
        Some(Error::Unconfirmed)
    );
    let stopped = Stop::new();
    stopped.stop();
    assert!(ask(PATIENCE, &stopped).is_err());
    // What will not change is not asked for again.
    liar.state().lie = Lie::Refuse(Error::TokenRevoked, 1000);
    let before = liar.state().joins;
    assert!(ask(PATIENCE, &Stop::new()).is_err());
    assert_eq!(liar.state().joins, before + 1);
}

#[test]
fn a_follower_survives_the_loss_of_everything_and_heals() {
    let mut liar = liar();
    let joined = join_as_client(&liar).unwrap();
    let follower = Follower::spawn(&joined, liar.address.coap, &Stop::new()).unwrap();
    let heard = liar.advance(true);
    assert!(
        follower.wait_session(heard, PATIENCE),
        "{:?}",
        follower.journal()
    );
    liar.vanish();
    // Sessions with and without an event, none of which is heard of.
    for refresh in [true, false, true, true, false] {
        liar.advance(refresh);
    }
    assert!(!follower.wait_session(Session::new(3), Duration::from_secs(1)));
    liar.resume();
    let last = liar.advance(true);
    assert!(
        follower.wait_session(last, PATIENCE),
        "{:?}",
        follower.journal()
    );
    let membership = joined.membership.lock().unwrap();
    for session in (1..=last.get()).map(Session::new) {
        let key = membership.member().key(session).unwrap();
        assert!(key.ct_eq(&liar.group_key(session)), "session {session}");
    }
    drop(membership);
    assert_eq!(follower.journal().failed, 0, "{:?}", follower.journal());
}

#[test]
fn a_follower_fetches_the_event_that_a_beacon_needs() {
    let liar = liar();
    liar.state().lie = Lie::NoBroadcasts;
    let joined = join_as_client(&liar).unwrap();
    liar.advance(true);
    let last = liar.advance(false);
    let follower = Follower::spawn(&joined, liar.address.coap, &Stop::new()).unwrap();
    assert!(
        follower.wait_session(last, PATIENCE),
        "{:?}",
        follower.journal()
    );
    assert!(joined.membership.lock().unwrap().member().key(last).is_ok());
}

#[test]
fn an_event_of_more_than_4_kb_reaches_members_that_allow_it() {
    let liar = liar();
    let joined = join_as_client(&liar).unwrap();
    let follower = Follower::spawn(&joined, liar.address.coap, &Stop::new()).unwrap();
    // Every second of many members goes: an entry of the cover for each who stays.
    for _ in 0..250 {
        let mut state = liar.state();
        let gone = state.manager.join().unwrap();
        state.manager.join().unwrap();
        state.manager.revoke(gone).unwrap();
    }
    let next = liar.advance(false);
    let event = liar.state().manager.event().to_vec();
    assert!(event.len() > DEFAULT_MAX_LEN, "{} bytes", event.len());
    assert!(
        follower.wait_session(next, PATIENCE),
        "{:?}",
        follower.journal()
    );
    let membership = joined.membership.lock().unwrap();
    let key = membership.member().key(next).unwrap();
    assert!(key.ct_eq(&liar.group_key(next)));
    drop(membership);

    // A device that did not allow it refuses it unread.
    let personal_key = liar.state().manager.personal_key(0).unwrap();
    let personal_key = PersonalKey::parse(personal_key).unwrap();
    let authority = Authority::new(personal_key.gid(), liar::key().public());
    let mut device: Member<_> = Member::new(personal_key, authority).unwrap();
    assert_eq!(device.event(&event, Some(clock::now())), Err(Error::Size));
}

#[test]
fn a_revoked_member_is_told_and_gets_no_further_key() {
    let liar = liar();
    let joined = join_as_client(&liar).unwrap();
    let follower = Follower::spawn(&joined, liar.address.coap, &Stop::new()).unwrap();
    liar.state().manager.revoke(0).unwrap();
    let next = liar.advance(true);
    let deadline = Instant::now() + PATIENCE;
    while follower.journal().last_error != Some(Error::RevokedMember) {
        assert!(follower.wait_change(deadline), "{:?}", follower.journal());
    }
    assert!(
        joined
            .membership
            .lock()
            .unwrap()
            .member()
            .key(next)
            .is_err()
    );
}

/// A resource server and its proxy in one: seals what it serves, and cheats on request.
struct Bench {
    liar: Liar,
    sender: Arc<Mutex<Sender>>,
    stored: Arc<Mutex<Vec<u8>>>,
    direct: Arc<Mutex<Direct>>,
    server: Handle,
    directory: tempfile::TempDir,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direct {
    Sealed,
    OtherPath,
    OtherToken,
    OtherCode,
    Signed,
    Bare,
    Unavailable,
}

impl Bench {
    fn new() -> Self {
        let liar = liar();
        let group = iotchain::oscar::Group {
            gid: iotchain::Gid::new([7; 4]),
            ks: liar::key().public().thumbprint(),
            suite: Suite::DEFAULT,
            sid_len: 3,
        };
        let sid = Sid::from_slice(&[0x80, 0, 0]).unwrap();
        let mut sender = Sender::new(
            group,
            sid,
            Boot::assigned(&[1]).unwrap(),
            iotchain::UnixTime::new(0),
        )
        .unwrap();
        sender
            .enter(Session::new(1), &liar.group_key(Session::new(1)))
            .unwrap();
        let sender = Arc::new(Mutex::new(sender));
        let stored = Arc::new(Mutex::new(Vec::new()));
        let direct = Arc::new(Mutex::new(Direct::Sealed));
        let service = {
            let (sender, stored, direct) = (sender.clone(), stored.clone(), direct.clone());
            move |request: &Request<'_>| -> Outcome {
                let object = match request.path {
                    ["meter", ..] => stored.lock().unwrap().clone(),
                    path => match respond(&sender, &stored, *direct.lock().unwrap(), path, request)
                    {
                        Ok(object) => object,
                        Err(code) => return code.into(),
                    },
                };
                Response::content(content_format::COSE_ENCRYPT0, object).into()
            }
        };
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let server = Server::builder(service).coap(any).spawn().unwrap();
        Self {
            liar,
            sender,
            stored,
            direct,
            server,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn catalogue(&self) -> Catalogue {
        let address = self.server.coap_addr().unwrap();
        Catalogue {
            chain_id: 1337,
            ledger: "http://127.0.0.1:1".into(),
            contract: Address::new([2; 20]),
            owner: Address::new([3; 20]),
            confirmations: 2,
            key_server: self.liar.address.clone(),
            resource_servers: vec![ResourceServer {
                name: "meter".into(),
                rs: rs(),
                key: rs_key().public(),
                coap: address,
                proxy: Some(ProxyUri(address)),
                classes: [(
                    "0007".parse().unwrap(),
                    vec!["load".parse().unwrap(), "log/*".parse().unwrap()],
                )]
                .into(),
            }],
        }
    }

    fn client(&self) -> Client {
        let data = DataDir::open(&self.directory.path().join("c"), "client").unwrap();
        let account = ClientAccount::open(&data).unwrap();
        let mut client = Client::new(data, self.catalogue(), account, &Stop::new()).unwrap();
        client
            .join("meter", Class::new(7), Roles::GET, Duration::ZERO)
            .unwrap();
        client
    }

    fn target(&self) -> Target {
        Target::parse("meter/load", &self.catalogue()).unwrap()
    }

    /// Signs a representation of `path` as of `age` seconds ago.
    fn sign(&self, path: &str, age: u64, text: &[u8]) -> Vec<u8> {
        let claims = Claims {
            iat: clock::now().saturating_sub(age),
            exp: Some(clock::now().saturating_add(600)),
        };
        let path = [path];
        let resource = ResourceId::new(rs(), &path, &[]).unwrap();
        let mut out = vec![0; text.len() + 256];
        let len = self
            .sender
            .lock()
            .unwrap()
            .seal_signed(&resource, claims, text, &rs_key(), &mut out)
            .unwrap();
        out.truncate(len);
        out
    }

    fn store(&self, object: &[u8]) {
        *self.stored.lock().unwrap() = object.to_vec();
    }
}

fn respond(
    sender: &Mutex<Sender>,
    stored: &Mutex<Vec<u8>>,
    direct: Direct,
    path: &[&str],
    request: &Request<'_>,
) -> Result<Vec<u8>, Code> {
    let mut out = vec![0; 1024];
    let other = ["other"];
    let path = if direct == Direct::OtherPath {
        &other
    } else {
        path
    };
    let resource = ResourceId::new(rs(), path, &[]).unwrap();
    let token = if direct == Direct::OtherToken {
        &[1; 8]
    } else {
        request.token.as_bytes()
    };
    let code = if direct == Direct::OtherCode { 68 } else { 69 };
    match direct {
        Direct::Bare => return Ok(b"hello".to_vec()),
        Direct::Unavailable => return Err(Code::SERVICE_UNAVAILABLE),
        Direct::Signed => return Ok(stored.lock().unwrap().clone()),
        _ => {}
    }
    assert_eq!(request.token.as_bytes().len(), 8);
    let len = sender
        .lock()
        .unwrap()
        .seal_response(&resource, code, token, b"21.5 C", &mut out)
        .unwrap();
    out.truncate(len);
    Ok(out)
}

fn number(outcome: Result<iotchain_node::client::Fetched, NodeError>) -> Option<Error> {
    outcome.unwrap_err().number()
}

#[test]
fn a_direct_answer_is_opened_only_if_it_answers_this_very_request() {
    let bench = Bench::new();
    let (mut client, target) = (bench.client(), bench.target());
    let fetched = client.get(&target, Source::Server).unwrap();
    assert_eq!(&**fetched.plaintext, b"21.5 C");
    assert_eq!(fetched.opened.session, Session::new(1));
    bench.store(&bench.sign("load", 0, b"signed"));
    let cases = [
        (Direct::OtherPath, Error::Aead),
        (Direct::OtherToken, Error::Aead),
        (Direct::OtherCode, Error::Aead),
        (Direct::Signed, Error::Mode),
    ];
    for (direct, expected) in cases {
        *bench.direct.lock().unwrap() = direct;
        assert_eq!(number(client.get(&target, Source::Server)), Some(expected));
        // A wrong answer is no reason to believe somebody else.
        assert_eq!(number(client.get(&target, Source::Any)), Some(expected));
    }
    *bench.direct.lock().unwrap() = Direct::Bare;
    assert!(number(client.get(&target, Source::Server)).is_some());
    *bench.direct.lock().unwrap() = Direct::Unavailable;
    assert!(matches!(
        client.get(&target, Source::Server),
        Err(NodeError::Refused { .. })
    ));
    let fetched = client.get(&target, Source::Any).unwrap();
    assert_eq!(
        (&**fetched.plaintext, fetched.from),
        (&b"signed"[..], Source::Proxy)
    );
}

#[test]
fn a_proxy_that_cheats_is_caught_even_after_a_restart_of_the_client() {
    let bench = Bench::new();
    let (mut client, target) = (bench.client(), bench.target());
    let old = bench.sign("load", 20, b"old");
    let new = bench.sign("load", 10, b"new");
    bench.store(&old);
    assert_eq!(
        &**client.get(&target, Source::Proxy).unwrap().plaintext,
        b"old"
    );
    bench.store(&new);
    assert_eq!(
        &**client.get(&target, Source::Proxy).unwrap().plaintext,
        b"new"
    );
    bench.store(&old);
    assert_eq!(
        number(client.get(&target, Source::Proxy)),
        Some(Error::Rollback)
    );
    drop(client);
    let mut client = bench.client();
    assert_eq!(
        number(client.get(&target, Source::Proxy)),
        Some(Error::Rollback)
    );
    let mut tampered = bench.sign("load", 0, b"newest");
    *tampered.last_mut().unwrap() ^= 1;
    bench.store(&tampered);
    assert_eq!(
        number(client.get(&target, Source::Proxy)),
        Some(Error::Aead)
    );
    bench.store(&bench.sign("log", 0, b"swapped"));
    assert_eq!(
        number(client.get(&target, Source::Proxy)),
        Some(Error::Aead)
    );
    bench.store(&new);
    assert_eq!(
        &**client.get(&target, Source::Proxy).unwrap().plaintext,
        b"new"
    );
}

#[test]
fn an_object_of_a_session_just_begun_waits_for_its_broadcast() {
    let bench = Bench::new();
    let (mut client, target) = (bench.client(), bench.target());
    let session = bench.liar.advance(true);
    bench
        .sender
        .lock()
        .unwrap()
        .enter(session, &bench.liar.group_key(session))
        .unwrap();
    assert_eq!(
        client.get(&target, Source::Server).unwrap().opened.session,
        session
    );
}

#[test]
fn an_object_of_another_instance_of_the_group_makes_the_client_join_again() {
    let bench = Bench::new();
    let (mut client, target) = (bench.client(), bench.target());
    let mut foreign = bench.sign("load", 0, b"foreign");
    let gid = foreign
        .windows(4)
        .position(|window| window == [7; 4])
        .unwrap();
    foreign[gid] = 8;
    bench.store(&foreign);
    assert_eq!(bench.liar.state().joins, 1);
    assert_eq!(
        number(client.get(&target, Source::Proxy)),
        Some(Error::Group)
    );
    assert_eq!(bench.liar.state().joins, 2);
    bench.liar.state().lie = Lie::Refuse(Error::TokenRevoked, 1);
    assert_eq!(
        number(client.get(&target, Source::Proxy)),
        Some(Error::Group)
    );
    bench.store(&bench.sign("load", 0, b"ours"));
    assert_eq!(
        &**client.get(&target, Source::Proxy).unwrap().plaintext,
        b"ours"
    );
}

#[test]
fn targets_are_names_or_addresses_of_the_catalogue() {
    let bench = Bench::new();
    let catalogue = bench.catalogue();
    let address = bench.server.coap_addr().unwrap();
    let parse = |text: &str| Target::parse(text, &catalogue);
    assert_eq!(parse("meter/log/a/b").unwrap().path, ["log", "a", "b"]);
    assert_eq!(
        parse(&format!("coap://{address}/load")).unwrap(),
        parse("meter/load").unwrap()
    );
    assert_eq!(
        parse(&format!("{}/load", iotchain_node::address::text(&rs()))).unwrap(),
        parse("meter/load").unwrap()
    );
    for bad in [
        "meter",
        "meter/",
        "meter/secret",
        "other/load",
        "coap://127.0.0.1:9/load",
        "coap://x/load",
        "coap://",
    ] {
        assert!(matches!(parse(bad), Err(NodeError::Config(_))), "{bad}");
    }
}
