//! Mode P over whole stories: challenges, replays, lost contexts, full tables, and whatever else arrives.

mod world;

use iotchain_core::{AccessKey, AeadAlg, Error, GroupKey, Result, Secret, Session, Sid, UnixTime};
use iotchain_oscar::{
    Boot, Clients, Echo, EchoKey, EchoRule, Method, Mode, PairContexts, PairRequest, Plaintext,
    Reply, ResourceId, Sender, Uptime,
};
use proptest::prelude::*;
use world::{SEVEN, Seeded, World, sid};

const CHANGED: u8 = 68;
const ENDPOINT: &[u8] = b"[2001:db8::1]:5683";

/// A client with its access key.
struct Client {
    sender: Sender,
    access: AccessKey,
}

impl Client {
    fn new(world: &World, id: &[u8], salt: &[u8]) -> Self {
        let (sid, boot) = (sid(id), Boot::assigned(salt).unwrap());
        let mut sender = Sender::new(world.group, sid, boot, UnixTime::new(0)).unwrap();
        sender.enter(SEVEN, &GroupKey::new([7; 16])).unwrap();
        Self {
            sender,
            access: world.access(&sid),
        }
    }

    fn put(&mut self, world: &World, echo: &[u8]) -> (Vec<u8>, PairRequest) {
        let (resource, mut out) = (world.temperature(), [0; 128]);
        let sealed = self.sender.seal_request(
            &resource,
            Method::Put,
            echo,
            &self.access,
            b"open",
            &mut out,
        );
        let (len, request) = sealed.unwrap();
        (out[..len].to_vec(), request)
    }
}

/// A resource server over one boot.
struct Server {
    world: World,
    echo: EchoKey,
    rsk: Secret<32>,
    contexts: PairContexts<4>,
    now: u32,
    rule: EchoRule,
    retired: Vec<Sid>,
}

impl Server {
    fn boot(seed: u64) -> Self {
        let world = World::new();
        Self {
            echo: EchoKey::random(&mut Seeded::new(seed)).unwrap(),
            rsk: world.rsk.clone(),
            contexts: PairContexts::new(),
            now: 100,
            rule: EchoRule::First,
            retired: vec![],
            world,
        }
    }

    fn challenge(&self) -> [u8; EchoKey::LEN] {
        self.echo.issue(ENDPOINT, Uptime::new(self.now))
    }

    /// A PUT arrives; every refusal leaves no plaintext, and, but for a missing right, the contexts as they were.
    fn take(&mut self, object: &[u8], option: Option<&[u8]>) -> Result<Reply> {
        let resource = self.world.temperature();
        self.take_at(object, option, &resource, Method::Put)
    }

    fn take_at(
        &mut self,
        object: &[u8],
        option: Option<&[u8]>,
        resource: &ResourceId<'_>,
        method: Method,
    ) -> Result<Reply> {
        let now = Uptime::new(self.now);
        let echo = self.echo.judge(option, ENDPOINT, now);
        let before = self.contexts.clone();
        let mut clients = Clients {
            secret: &self.rsk,
            retired: &self.retired,
            contexts: &mut self.contexts,
            rule: self.rule,
            now,
        };
        let mut out = [0xee; 2048];
        let result = self.world.receiver().open_request(
            object,
            resource,
            method,
            echo,
            &mut clients,
            &mut out,
        );
        if let Err(error) = result {
            assert!(out.iter().all(|byte| matches!(byte, 0 | 0xee)));
            assert!(error == Error::Forbidden || self.contexts == before);
        }
        let (opened, reply) = result?;
        assert_eq!(
            (&out[..opened.len], opened.mode),
            (&b"open"[..], Mode::Pairwise)
        );
        Ok(reply)
    }
}

fn seal(reply: Reply, world: &World, text: &[u8]) -> Vec<u8> {
    let len = reply.len_of(text).unwrap();
    let mut out = vec![0; len];
    let sealed = reply.seal(&world.temperature(), CHANGED, text, &mut out);
    assert_eq!(sealed, Ok(len));
    out
}

fn open_reply(
    world: &mut World,
    object: &[u8],
    request: &PairRequest,
    access: &AccessKey,
) -> Result<Vec<u8>> {
    let (resource, mut out) = (world.temperature(), [0xee; 2048]);
    let opened = world
        .receiver()
        .open_reply(object, &resource, CHANGED, request, access, &mut out);
    if opened.is_err() {
        assert!(out.iter().all(|byte| matches!(byte, 0 | 0xee)));
    }
    opened.map(|opened| out[..opened.len].to_vec())
}

#[test]
fn a_request_is_challenged_once_and_answered() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let (first, _) = client.put(&server.world, b"");
    assert_eq!(server.take(&first, None).unwrap_err(), Error::Echo);
    let echo = server.challenge();
    let (second, request) = client.put(&server.world, &echo);
    let reply = server.take(&second, Some(&echo)).unwrap();
    let answer = seal(reply, &server.world, b"done");
    let opened = open_reply(&mut server.world, &answer, &request, &client.access);
    assert_eq!(opened.as_deref(), Ok(&b"done"[..]));
    // the context exists: no further challenge
    let (third, request) = client.put(&server.world, b"");
    let reply = server.take(&third, None).unwrap();
    let answer = seal(reply, &server.world, b"");
    let kept = PairRequest::parse(&third, &server.world.group).unwrap();
    assert_eq!(
        (kept.kid(), kept.piv(), kept.session()),
        (request.kid(), request.piv(), SEVEN)
    );
    assert_eq!(
        open_reply(&mut server.world, &answer, &kept, &client.access),
        Ok(vec![])
    );
}

#[test]
fn a1_a_request_without_echo_from_before_the_challenge_is_never_accepted() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    // this server accepted requests of the client, then lost its contexts
    let old: Vec<_> = (0..5).map(|_| client.put(&server.world, b"").0).collect();
    let echo = server.challenge();
    let (fresh, _) = client.put(&server.world, &echo);
    assert!(server.take(&fresh, Some(&echo)).is_ok());
    for object in &old {
        assert_eq!(server.take(object, None).unwrap_err(), Error::Replay);
    }
    assert_eq!(server.take(&fresh, Some(&echo)).unwrap_err(), Error::Replay);
    // what comes later may come in any order, once
    let later: Vec<_> = (0..33).map(|_| client.put(&server.world, b"").0).collect();
    assert!(server.take(&later[32], None).is_ok());
    assert_eq!(
        server.take(&later[0], None).unwrap_err(),
        Error::Replay,
        "below the window"
    );
    for object in later[1..32].iter().rev() {
        assert!(server.take(object, None).is_ok());
        assert_eq!(server.take(object, None).unwrap_err(), Error::Replay);
    }
}

#[test]
fn a1_an_echo_of_an_earlier_boot_or_too_old_is_refused() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let echo = server.challenge();
    let (object, _) = client.put(&server.world, &echo);
    server.now += EchoKey::LIFETIME;
    assert_eq!(server.take(&object, Some(&echo)).unwrap_err(), Error::Echo);
    server.now -= EchoKey::LIFETIME;
    assert!(server.take(&object, Some(&echo)).is_ok());
    let mut rebooted = Server::boot(2);
    assert_eq!(
        rebooted.take(&object, Some(&echo)).unwrap_err(),
        Error::Echo
    );
    assert_eq!(rebooted.take(&object, None).unwrap_err(), Error::Echo);
}

#[test]
fn a1_a_full_table_evicts_no_context_whose_echo_is_valid() {
    let mut server = Server::boot(1);
    let mut sealed = vec![];
    for index in 0..4 {
        let mut client = Client::new(&server.world, &[0x07, index], &[1]);
        let echo = server.challenge();
        let (object, _) = client.put(&server.world, &echo);
        assert!(server.take(&object, Some(&echo)).is_ok());
        sealed.push((object, echo));
    }
    // the fifth has to wait, and nobody's request is accepted again
    let mut fifth = Client::new(&server.world, &[0x07, 99], &[1]);
    let echo = server.challenge();
    let (object, _) = fifth.put(&server.world, &echo);
    assert_eq!(
        server.take(&object, Some(&echo)).unwrap_err(),
        Error::Capacity
    );
    for (object, echo) in &sealed {
        assert_eq!(server.take(object, Some(echo)).unwrap_err(), Error::Replay);
    }
    // when the first Echo values are over, the context used least recently makes place
    server.now += EchoKey::LIFETIME;
    let echo = server.challenge();
    let (object, _) = fifth.put(&server.world, &echo);
    assert!(server.take(&object, Some(&echo)).is_ok());
    assert_eq!(
        server.take(&sealed[0].0, Some(&sealed[0].1)).unwrap_err(),
        Error::Echo
    );
    assert_eq!(server.take(&sealed[0].0, None).unwrap_err(), Error::Echo);
    let mut second = Client::new(&server.world, &[0x07, 1], &[1]);
    second.put(&server.world, b"");
    let (object, _) = second.put(&server.world, b"");
    assert!(
        server.take(&object, None).is_ok(),
        "the others are still known"
    );
}

#[test]
fn a1_a_context_outlives_every_echo_issued_before_its_last_request() {
    let mut server = Server::boot(1);
    let mut clients = vec![];
    for index in 0..4 {
        let mut client = Client::new(&server.world, &[0x07, index], &[1]);
        let echo = server.challenge();
        let (object, _) = client.put(&server.world, &echo);
        assert!(server.take(&object, Some(&echo)).is_ok());
        clients.push(client);
    }
    // challenged once more, the first client repeats a request, which is held back, and sends another
    server.now += EchoKey::LIFETIME / 2;
    let echo = server.challenge();
    let (held_back, _) = clients[0].put(&server.world, &echo);
    let (other, _) = clients[0].put(&server.world, b"");
    assert!(server.take(&other, None).is_ok());
    for client in &mut clients[1..] {
        let (object, _) = client.put(&server.world, b"");
        assert!(server.take(&object, None).is_ok());
    }
    // when the Echo that began its context is over, its place is wanted, while the later Echo is still valid
    server.now += EchoKey::LIFETIME / 2;
    let mut fifth = Client::new(&server.world, &[0x07, 99], &[1]);
    let fresh = server.challenge();
    let (object, _) = fifth.put(&server.world, &fresh);
    assert_eq!(
        server.take(&object, Some(&fresh)).unwrap_err(),
        Error::Capacity
    );
    assert!(server.take(&held_back, Some(&echo)).is_ok());
    assert_eq!(server.take(&other, None).unwrap_err(), Error::Replay);
}

#[test]
fn a10_a_context_belongs_to_one_session_and_one_boot() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let echo = server.challenge();
    let (object, _) = client.put(&server.world, &echo);
    assert!(server.take(&object, Some(&echo)).is_ok());
    // the same kid in another session, and another kid in the same session, are other contexts
    let eight = Session::new(8);
    server.world.held.keys.insert(8, [8; 16]);
    client.sender.enter(eight, &GroupKey::new([8; 16])).unwrap();
    client.put(&server.world, b"");
    let (object, _) = client.put(&server.world, b"");
    assert_eq!(server.take(&object, None).unwrap_err(), Error::Echo);
    let mut rebooted = Client::new(&server.world, &[0x07, 0x2a], &[2]);
    rebooted.put(&server.world, b"");
    let (object, _) = rebooted.put(&server.world, b"");
    assert_eq!(server.take(&object, None).unwrap_err(), Error::Echo);
}

#[test]
fn a10_one_sid_holds_two_contexts_and_takes_no_place_from_others() {
    let mut server = Server::boot(1);
    let mut other = Client::new(&server.world, &[0x07, 1], &[1]);
    let echo = server.challenge();
    let (object, _) = other.put(&server.world, &echo);
    assert!(server.take(&object, Some(&echo)).is_ok());
    for salt in 1..=2 {
        let mut greedy = Client::new(&server.world, &[0x07, 0x2a], &[salt]);
        let (object, _) = greedy.put(&server.world, &echo);
        assert!(server.take(&object, Some(&echo)).is_ok());
    }
    let mut third = Client::new(&server.world, &[0x07, 0x2a], &[3]);
    let (object, _) = third.put(&server.world, &echo);
    assert_eq!(
        server.take(&object, Some(&echo)).unwrap_err(),
        Error::Capacity
    );
    server.now += EchoKey::LIFETIME;
    for salt in 3..=9 {
        let echo = server.challenge();
        let mut greedy = Client::new(&server.world, &[0x07, 0x2a], &[salt]);
        let (object, _) = greedy.put(&server.world, &echo);
        assert!(server.take(&object, Some(&echo)).is_ok());
        server.now += EchoKey::LIFETIME;
    }
    let (object, _) = other.put(&server.world, b"");
    assert!(server.take(&object, None).is_ok());
}

#[test]
fn a10_contexts_of_a_session_that_is_over_make_place_at_once() {
    let mut server = Server::boot(1);
    for index in 0..4 {
        let mut client = Client::new(&server.world, &[0x07, index], &[1]);
        let echo = server.challenge();
        let (object, _) = client.put(&server.world, &echo);
        assert!(server.take(&object, Some(&echo)).is_ok());
    }
    server.world.held.keys.insert(8, [8; 16]);
    server.world.held.expired.push(7);
    let mut client = Client::new(&server.world, &[0x07, 9], &[1]);
    client
        .sender
        .enter(Session::new(8), &GroupKey::new([8; 16]))
        .unwrap();
    let echo = server.challenge();
    let (object, _) = client.put(&server.world, &echo);
    assert!(server.take(&object, Some(&echo)).is_ok());
}

/// That a `Reply` is used up and cannot be copied is shown where it is defined: other uses do not compile.
#[test]
fn a17_a_request_gives_the_right_to_answer_once() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let echo = server.challenge();
    let (object, _) = client.put(&server.world, &echo);
    let mut replies = 0;
    for _ in 0..3 {
        replies += usize::from(server.take(&object, Some(&echo)).is_ok());
    }
    assert_eq!(replies, 1);
}

#[test]
fn a2_a_retired_sid_asks_in_vain() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let echo = server.challenge();
    let (object, _) = client.put(&server.world, &echo);
    server.retired.push(sid(&[0x07, 0x2a]));
    assert_eq!(
        server.take(&object, Some(&echo)).unwrap_err(),
        Error::Signer
    );
    // or RSK was changed instead
    server.retired.clear();
    let old = std::mem::replace(&mut server.rsk, Secret::new([0x56; 32]));
    assert_eq!(server.take(&object, Some(&echo)).unwrap_err(), Error::Aead);
    server.rsk = old;
    assert!(server.take(&object, Some(&echo)).is_ok());
}

#[test]
fn a_client_uses_only_its_own_rights() {
    let mut server = Server::boot(1);
    let reader = sid(&[0x01, 0x2b]);
    // a reader that breaks the rules seals under its own key with the sid of a writer's shape: forged, not forbidden
    let mut client = Client::new(&server.world, &[0x03, 0x2b], &[1]);
    client.access = server.world.access(&reader);
    let echo = server.challenge();
    let (resource, mut out) = (server.world.temperature(), [0; 128]);
    let post = |client: &mut Client, out: &mut [u8]| {
        client
            .sender
            .seal_request(&resource, Method::Post, &echo, &client.access, b"open", out)
    };
    let (len, _) = post(&mut client, &mut out).unwrap();
    let taken = server.take_at(&out[..len], Some(&echo), &resource, Method::Post);
    assert_eq!(taken.unwrap_err(), Error::Aead);
    // and a client refuses by itself
    let mut client = Client::new(&server.world, &[0x01, 0x2b], &[1]);
    assert_eq!(post(&mut client, &mut out).unwrap_err(), Error::Forbidden);
    let mut producer = Client::new(&server.world, &[0x87, 0], &[1]);
    assert_eq!(post(&mut producer, &mut out).unwrap_err(), Error::Signer);
    let mut writer = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let refused =
        writer
            .sender
            .seal_request(&resource, Method::Fetch, b"", &writer.access, b"", &mut out);
    assert_eq!(refused.unwrap_err(), Error::Forbidden);
    let refused = writer.sender.seal_request(
        &resource,
        Method::Put,
        &[0; 41],
        &writer.access,
        b"",
        &mut out,
    );
    assert_eq!(refused.unwrap_err(), Error::Echo);
}

#[test]
fn members_can_neither_read_nor_forge_the_requests_of_others() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let echo = server.challenge();
    // another member holds the same group key and knows the sid, not the access key
    client.access = server.world.access(&sid(&[0x07, 0x2b]));
    let (object, _) = client.put(&server.world, &echo);
    assert_eq!(server.take(&object, Some(&echo)).unwrap_err(), Error::Aead);
    client.access = server.world.access(&sid(&[0x07, 0x2a]));
    let (object, request) = client.put(&server.world, &echo);
    let reply = server.take(&object, Some(&echo)).unwrap();
    let answer = seal(reply, &server.world, b"done");
    let foreign = server.world.access(&sid(&[0x07, 0x2b]));
    assert_eq!(
        open_reply(&mut server.world, &answer, &request, &foreign),
        Err(Error::Aead)
    );
    assert!(open_reply(&mut server.world, &answer, &request, &client.access).is_ok());
}

#[test]
fn failures_in_mode_p_count_towards_the_forgery_limit() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let echo = server.challenge();
    let (object, _) = client.put(&server.world, &echo);
    let mut forged = object.clone();
    *forged.last_mut().unwrap() ^= 1;
    for _ in 0..1 << 16 {
        assert_eq!(server.take(&forged, Some(&echo)).unwrap_err(), Error::Aead);
    }
    assert_eq!(
        server.take(&object, Some(&echo)).unwrap_err(),
        Error::ForgeryLimit
    );
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused_without_a_trace() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let echo = server.challenge();
    let (object, request) = client.put(&server.world, &echo);
    for cut in 0..object.len() {
        assert_eq!(
            server.take(&object[..cut], Some(&echo)).unwrap_err(),
            Error::Truncated
        );
    }
    for bit in 0..object.len() * 8 {
        let mut flipped = object.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(server.take(&flipped, Some(&echo)).is_err(), "bit {bit}");
    }
    let reply = server.take(&object, Some(&echo)).unwrap();
    let answer = seal(reply, &server.world, b"done");
    let mut open = |bytes: &[u8]| open_reply(&mut server.world, bytes, &request, &client.access);
    for cut in 0..answer.len() {
        assert_eq!(open(&answer[..cut]), Err(Error::Truncated));
    }
    for bit in 0..answer.len() * 8 {
        let mut flipped = answer.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&flipped).is_err(), "bit {bit}");
    }
    assert_eq!(open(&answer).as_deref(), Ok(&b"done"[..]));
}

#[test]
fn c10_a_response_has_no_label_but_the_content_format() {
    let mut server = Server::boot(1);
    let mut client = Client::new(&server.world, &[0x07, 0x2a], &[1]);
    let (_, request) = client.put(&server.world, b"");
    let mut open = |bytes: &[u8]| open_reply(&mut server.world, bytes, &request, &client.access);
    let signature = [
        &[0x83, 0x40, 0xa1, 12, 0x58, 64][..],
        &[1; 64],
        &[0x48],
        &[0; 8],
    ]
    .concat();
    assert_eq!(open(&signature), Err(Error::Header));
    let claims = [&[0x83, 0x45, 0xa1, 15, 0xa1, 6, 0, 0xa0, 0x48][..], &[0; 8]].concat();
    assert_eq!(open(&claims), Err(Error::Header));
    let alg = [&[0x83, 0x43, 0xa1, 1, 10, 0xa0, 0x48][..], &[0; 8]].concat();
    assert_eq!(open(&alg), Err(Error::Header));
    let empty_map = [&[0x83, 0x41, 0xa0, 0xa0, 0x48][..], &[0; 8]].concat();
    assert_eq!(open(&empty_map), Err(Error::Header));
    let crit = [&[0x83, 0x43, 0xa1, 2, 0, 0xa0, 0x48][..], &[0; 8]].concat();
    assert_eq!(open(&crit), Err(Error::Crit));
}

#[test]
fn a_request_that_is_not_ours_cannot_be_recalled() {
    let world = World::new();
    let mut client = Client::new(&world, &[0x07, 0x2a], &[1]);
    let (object, _) = client.put(&world, b"");
    let mut group = world.group;
    group.gid = iotchain_core::Gid::new([9; 4]);
    assert_eq!(
        PairRequest::parse(&object, &group).unwrap_err(),
        Error::Group
    );
    assert_eq!(
        PairRequest::parse(&object[1..], &world.group).unwrap_err(),
        Error::Trailing
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_asked_is_heard_and_what_is_answered_is_read(
        text in prop::collection::vec(any::<u8>(), 0..300),
        content_format: Option<u16>,
        code: u8,
        method in prop::sample::select(vec![Method::Post, Method::Put, Method::Fetch, Method::Patch, Method::IPatch]),
        long_tag: bool,
        value in prop::collection::vec(any::<u8>(), 1..=40),
    ) {
        let mut world = World::new();
        if long_tag {
            world.group.suite.aead = AeadAlg::AesCcm16_128_128;
        }
        let (resource, rsk) = (world.temperature(), world.rsk.clone());
        let mut client = Client::new(&world, &[0x77, 1], &[1]);
        let content = Plaintext { content_format, bytes: (&text).into() };
        let (mut object, mut out) = ([0; 512], [0; 512]);
        let (len, request) = client.sender
            .seal_request(&resource, method, &value, &client.access, content, &mut object).unwrap();
        let mut contexts = PairContexts::<4>::new();
        let mut clients = world.clients(&rsk, &mut contexts, Uptime::new(0));
        let echo = Echo::Valid { value: &value, until: Uptime::new(10) };
        let (opened, reply) = world.receiver()
            .open_request(&object[..len], &resource, method, echo, &mut clients, &mut out).unwrap();
        prop_assert_eq!((&out[..opened.len], opened.content_format), (&text[..], content_format));
        prop_assert_eq!((opened.kid, opened.piv), (request.kid(), request.piv()));
        let len = reply.seal(&resource, code, content, &mut object).unwrap();
        let opened = world.receiver()
            .open_reply(&object[..len], &resource, code, &request, &client.access, &mut out).unwrap();
        prop_assert_eq!((&out[..opened.len], opened.content_format), (&text[..], content_format));
        prop_assert_eq!((opened.kid, opened.piv), (request.kid(), request.piv()));
    }
}
