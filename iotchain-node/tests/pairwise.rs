//! PUT, POST and FETCH over real sockets: who may, how often it is done, and what nobody can pretend.

mod stage;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use iotchain::core::AdditionalData;
use iotchain::core::cbor::{Reader as Cbor, Writer};
use iotchain::core::kdf::{Direction, SessionSecret};
use iotchain::oscar::Plaintext;
use iotchain::{Boot, Error, Method, PairRequest, ResourceId, Roles, Sender, UnixTime};
use iotchain_node::NodeError;
use iotchain_node::client::{Client, ClientAccount, Target};
use iotchain_node::clock::Stop;
use iotchain_node::coap::{
    Code, Message, Outcome, Request, Response, Token, Type, content_format, option::number,
};
use iotchain_node::data_dir::DataDir;
use iotchain_node::proxy::{ProxyService, Store};
use iotchain_node::resource_server::{Args, Running, start};
use iotchain_node::runtime::Server;

use stage::{ANYWHERE, Reader, Rng, Stage, get, until};

const WRITER: Roles = Roles::new(Roles::GET.bits() | Roles::PUT.bits() | Roles::POST.bits());

fn stage() -> Stage {
    let classes = serde_json::json!({"0007": ["light", "count", "load", "broken", "note.json"]});
    Stage::new(classes, 0)
}

/// A light to switch, and a counter that shows how often it was told to count.
fn args(stage: &Stage) -> Args {
    let file = |name: &str| stage.file(name).display().to_string();
    let sources = [
        format!("light=file:{}", file("light")),
        format!("note.json=file:{}", file("note.json")),
        "load=proc:loadavg".into(),
    ];
    Args {
        writable: vec!["light".into(), "note.json".into()],
        actions: vec![
            format!(
                "count=cat >> {0}; printf . >> {0}; wc -c < {0}",
                file("count")
            ),
            "broken=exit 3".into(),
        ],
        ..stage.args(&sources.each_ref().map(String::as_str))
    }
}

fn serve(stage: &Stage) -> Running {
    start(args(stage), &Stop::new()).unwrap().unwrap()
}

fn light(stage: &Stage) -> Option<String> {
    std::fs::read_to_string(stage.file("light")).ok()
}

/// How often the counter was told to count.
fn count(stage: &Stage) -> usize {
    std::fs::read(stage.file("count")).map_or(0, |bytes| bytes.len())
}

/// One endpoint of a client, or of somebody on the path, that decides about every byte.
struct Endpoint {
    socket: UdpSocket,
    server: SocketAddr,
    id: u16,
}

impl Endpoint {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind(ANYWHERE).unwrap();
        let limit = Some(Duration::from_secs(10));
        socket.set_read_timeout(limit).unwrap();
        let id = 0;
        Self { socket, server, id }
    }

    /// A request as a datagram, with a Message ID of its own.
    fn datagram(&mut self, code: Code, path: &[&str], echo: &[u8], object: &[u8]) -> Vec<u8> {
        self.id += 1;
        let token = Token::new(b"abcdefgh").unwrap();
        let mut message = Message::new(Type::Con, code, self.id, token);
        for segment in path {
            message.options.add(number::URI_PATH, segment.as_bytes());
        }
        let format = content_format::COSE_ENCRYPT0;
        message
            .options
            .set_uint(number::CONTENT_FORMAT, format.into());
        if !echo.is_empty() {
            message.options.set(number::ECHO, echo);
        }
        message.payload = object.to_vec();
        message.encode()
    }

    fn send(&self, datagram: &[u8]) -> Vec<u8> {
        self.socket.send_to(datagram, self.server).unwrap();
        let mut buffer = vec![0; 65_535];
        loop {
            let len = self.socket.recv(&mut buffer).unwrap();
            let message = Message::parse(&buffer[..len]).unwrap();
            if message.code == Code::EMPTY {
                continue;
            }
            if message.kind == Type::Con {
                let ack = Message::empty(Type::Ack, message.id).encode();
                self.socket.send_to(&ack, self.server).unwrap();
            }
            return buffer[..len].to_vec();
        }
    }

    fn request(&mut self, code: Code, path: &[&str], echo: &[u8], object: &[u8]) -> Message {
        let datagram = self.datagram(code, path, echo, object);
        Message::parse(&self.send(&datagram)).unwrap()
    }

    /// An Echo value for this endpoint, as anybody can have one.
    fn echo(&mut self, reader: &mut Reader, path: &[&str], method: Method) -> Vec<u8> {
        let (object, _) = reader.seal(path, method, &[], b"").unwrap();
        let answer = self.request(Code(method.code()), path, &[], &object);
        assert_eq!(answer.code, Code::UNAUTHORIZED);
        assert!(answer.payload.is_empty());
        answer.options.get(number::ECHO).unwrap().to_vec()
    }

    /// The whole exchange: the datagram that counted, what it asked, and its answer.
    fn exchange(
        &mut self,
        reader: &mut Reader,
        path: &[&str],
        method: Method,
        data: &[u8],
    ) -> (Vec<u8>, PairRequest, Message) {
        let echo = self.echo(reader, path, method);
        let (object, request) = reader.seal(path, method, &echo, data).unwrap();
        let datagram = self.datagram(Code(method.code()), path, &echo, &object);
        let answer = Message::parse(&self.send(&datagram)).unwrap();
        (datagram, request, answer)
    }
}

/// A bare code, and no Echo with it.
fn assert_refused(answer: &Message, code: Code) {
    assert_eq!(answer.code, code);
    assert!(answer.payload.is_empty());
    assert!(answer.options.get(number::ECHO).is_none());
}

fn client(stage: &Stage) -> Client {
    let data = DataDir::open(&stage.file("client"), "client").unwrap();
    let account = ClientAccount::open(&data).unwrap();
    Client::new(data, stage.catalogue(), account, &Stop::new()).unwrap()
}

fn target(stage: &Stage, path: &str) -> Target {
    Target::parse(&format!("meter/{path}"), &stage.catalogue()).unwrap()
}

#[test]
fn a_client_with_the_right_reads_switches_and_makes_things_happen() {
    let stage = stage();
    let server = serve(&stage);
    let stage = stage.with_server(server.address());
    let (light_at, count_at) = (target(&stage, "light"), target(&stage, "count"));
    let mut client = client(&stage);
    let patience = Duration::ZERO;
    client
        .join_for(&light_at, WRITER | Roles::FETCH, patience)
        .unwrap();

    let on = client.ask(&light_at, Method::Put, b"on".into()).unwrap();
    assert_eq!((on.code, &on.plaintext[..]), (Code::CREATED, &b""[..]));
    assert_eq!(on.challenges, 1);
    assert_eq!(light(&stage).unwrap(), "on");
    let off = client.ask(&light_at, Method::Put, b"off".into()).unwrap();
    assert_eq!(off.code, Code::CHANGED);
    assert_eq!(light(&stage).unwrap(), "off");
    assert!(off.opened.piv > on.opened.piv);

    let counted = client
        .ask(&count_at, Method::Post, b"12345".into())
        .unwrap();
    assert_eq!((counted.code, count(&stage)), (Code::CHANGED, 6));
    assert_eq!(counted.plaintext.trim_ascii(), b"6");
    let nothing: Plaintext<'_> = b"".into();
    let read = client.ask(&light_at, Method::Fetch, nothing).unwrap();
    assert_eq!(
        (read.code, &read.plaintext[..]),
        (Code::CONTENT, &b"off"[..])
    );
    // the server knows this client by that time, and a read changes nothing
    assert_eq!(read.challenges, 0);

    // what cannot be done is told under seal as well
    let mut ask = |path: &str, method, content_format, bytes: &[u8]| {
        let data = Plaintext {
            content_format,
            bytes: bytes.into(),
        };
        let answered = client.ask(&target(&stage, path), method, data).unwrap();
        answered.code
    };
    let json = Some(content_format::JSON);
    let cbor = Some(content_format::CBOR);
    let large = vec![b'x'; 65_300];
    for (path, method, format, bytes, expected) in [
        (
            "broken",
            Method::Post,
            None,
            &b""[..],
            Code::INTERNAL_SERVER_ERROR,
        ),
        (
            "load",
            Method::Fetch,
            None,
            b"x",
            Code::UNSUPPORTED_CONTENT_FORMAT,
        ),
        ("note.json", Method::Fetch, None, b"", Code::NOT_FOUND),
        (
            "note.json",
            Method::Put,
            cbor,
            b"x",
            Code::UNSUPPORTED_CONTENT_FORMAT,
        ),
        ("note.json", Method::Put, json, b"{}", Code::CREATED),
        (
            "note.json",
            Method::Put,
            None,
            &large,
            Code::REQUEST_ENTITY_TOO_LARGE,
        ),
        (
            "note.json",
            Method::Put,
            None,
            &large[..20_000],
            Code::CHANGED,
        ),
    ] {
        assert_eq!(
            ask(path, method, format, bytes),
            expected,
            "{path} {method:?}"
        );
    }
    let written = std::fs::read(stage.file("note.json")).unwrap();
    assert_eq!(written.len(), 20_000);
    // a large answer comes in blocks
    let note = target(&stage, "note.json");
    let read = client.ask(&note, Method::Fetch, b"".into()).unwrap();
    assert_eq!(read.plaintext.len(), 20_000);
    assert_eq!(read.opened.content_format, json);
}

#[test]
fn a_client_joins_with_all_its_rights_and_no_more_than_its_token_has() {
    let stage = stage().with_server(ANYWHERE);
    let mut client = client(&stage);
    let at = target(&stage, "light");
    let patience = Duration::ZERO;
    let rights = |client: &Client| client.group(&at.group()).unwrap().rights();
    let joins = || stage.office().joins;
    // a token from the owner: nothing is known of it, so that all is tried first
    stage.office().granted = WRITER;
    client.join_for(&at, Roles::PUT, patience).unwrap();
    assert_eq!((rights(&client), joins()), (Roles::PUT, 2));
    // every member may read, and what it has it need not ask for
    client.join_for(&at, Roles::default(), patience).unwrap();
    client.join_for(&at, Roles::PUT, patience).unwrap();
    assert_eq!(joins(), 2);
    let refused = client.join_for(&at, Roles::FETCH, patience).unwrap_err();
    assert_eq!(refused.number(), Some(Error::Scope));
    assert_eq!(rights(&client), Roles::PUT);
    // another process goes on with the same rights
    drop(client);
    let mut client = self::client(&stage);
    client.join_for(&at, Roles::default(), patience).unwrap();
    assert_eq!(rights(&client), Roles::PUT);
}

#[test]
fn whoever_reads_sees_what_was_put_there_at_once() {
    let stage = stage();
    let server = serve(&stage);
    let mut writer = stage.member_with(&stage.group("0007"), WRITER);
    let mut reader = stage.member(&stage.group("0007"));
    let mut client = stage::client(server.address());
    std::fs::write(stage.file("light"), "off").unwrap();
    let call = iotchain_node::coap::Call::get("light");
    let mut observation = client.observe(&call).unwrap();
    let mut exchange = None;
    let mut next = |reader: &mut Reader| {
        let wait = Duration::from_secs(10);
        let reply = observation.next(wait).unwrap().unwrap();
        let exchange = exchange
            .get_or_insert_with(|| iotchain::Exchange::new(reply.token.as_bytes()).unwrap());
        reader.open_in(&["light"], &reply, exchange).unwrap().0
    };
    assert_eq!(next(&mut reader), b"off");
    let mut endpoint = Endpoint::new(server.address());
    let (_, request, answer) = endpoint.exchange(&mut writer, &["light"], Method::Put, b"on");
    assert_eq!(answer.code, Code::CHANGED);
    assert_eq!(writer.open_reply(&["light"], &request, &answer), Ok(vec![]));
    until("the light that was switched on", || {
        (next(&mut reader) == b"on").then_some(())
    });
    // the answer of a P request is nobody else's
    let mut other = stage.member_with(&stage.group("0007"), WRITER);
    let opened = other.open_reply(&["light"], &request, &answer);
    assert_eq!(opened, Err(Error::Aead));
}

#[test]
fn nothing_is_changed_without_a_recent_echo_of_this_endpoint() {
    let stage = stage();
    let server = serve(&stage);
    let mut writer = stage.member_with(&stage.group("0007"), WRITER | Roles::FETCH);
    let mut endpoint = Endpoint::new(server.address());
    let mut elsewhere = Endpoint::new(server.address());
    let path = ["count"];
    let foreign = elsewhere.echo(&mut writer, &path, Method::Post);
    let mut forged = endpoint.echo(&mut writer, &path, Method::Post);
    forged[11] ^= 1;
    for known in [false, true] {
        let before = count(&stage);
        for echo in [&b""[..], &foreign, &forged, b"x"] {
            let (object, _) = writer.seal(&path, Method::Post, echo, b"").unwrap();
            let answer = endpoint.request(Code::POST, &path, echo, &object);
            assert_eq!(answer.code, Code::UNAUTHORIZED, "{echo:?} {known}");
            assert!(answer.options.get(number::ECHO).is_some());
        }
        // good for this endpoint, but the object is bound to another
        let echo = endpoint.echo(&mut writer, &path, Method::Post);
        for bound in [&b""[..], &foreign] {
            let (object, _) = writer.seal(&path, Method::Post, bound, b"").unwrap();
            let answer = endpoint.request(Code::POST, &path, &echo, &object);
            assert_refused(&answer, Code::BAD_REQUEST);
        }
        assert_eq!(count(&stage), before);
        let (_, _, answer) = endpoint.exchange(&mut writer, &path, Method::Post, b"");
        assert_eq!((answer.code, count(&stage)), (Code::CHANGED, before + 1));
    }
    // a read by a client that is known needs none
    let (object, request) = writer.seal(&["load"], Method::Fetch, b"", b"").unwrap();
    let answer = endpoint.request(Code::FETCH, &["load"], b"", &object);
    assert_eq!(answer.code, Code::CONTENT);
    let load = writer.open_reply(&["load"], &request, &answer).unwrap();
    assert_eq!(load.split(|byte| *byte == b' ').count(), 5);
    // once
    let again = endpoint.request(Code::FETCH, &["load"], b"", &object);
    assert_refused(&again, Code::UNAUTHORIZED);
}

#[test]
fn what_is_sent_twice_is_done_once() {
    let stage = stage();
    let server = serve(&stage);
    let mut writer = stage.member_with(&stage.group("0007"), WRITER);
    let mut endpoint = Endpoint::new(server.address());
    let path = ["count"];
    let (datagram, request, answer) = endpoint.exchange(&mut writer, &path, Method::Post, b"");
    assert_eq!(count(&stage), 1);
    assert_eq!(
        writer
            .open_reply(&path, &request, &answer)
            .unwrap()
            .trim_ascii(),
        b"1"
    );

    // a copy from somebody on the path: the Echo is not his
    let spy = Endpoint::new(server.address());
    let copied = Message::parse(&spy.send(&datagram)).unwrap();
    assert_eq!(copied.code, Code::UNAUTHORIZED);
    // a copy under the client's own address, in a message of its own
    let mut message = Message::parse(&datagram).unwrap();
    message.id += 100;
    let replayed = Message::parse(&endpoint.send(&message.encode())).unwrap();
    assert_refused(&replayed, Code::UNAUTHORIZED);
    assert_eq!(count(&stage), 1);

    // an older request that somebody held back comes too late for its Echo or its place in the window, or is done once
    let echo = endpoint.echo(&mut writer, &path, Method::Post);
    let (held, _) = writer.seal(&path, Method::Post, &echo, b"").unwrap();
    let (_, _, overtaking) = endpoint.exchange(&mut writer, &path, Method::Post, b"");
    assert_eq!((overtaking.code, count(&stage)), (Code::CHANGED, 2));
    let late = endpoint.request(Code::POST, &path, &echo, &held);
    assert_eq!((late.code, count(&stage)), (Code::CHANGED, 3));
    let again = endpoint.request(Code::POST, &path, &echo, &held);
    assert_refused(&again, Code::UNAUTHORIZED);
    assert_eq!(count(&stage), 3);
}

#[test]
fn a_lost_answer_is_sent_again_and_nothing_done_again() {
    let stage = stage();
    let server = serve(&stage);
    let mut writer = stage.member_with(&stage.group("0007"), WRITER);
    let mut endpoint = Endpoint::new(server.address());
    let path = ["light"];
    // the challenge got lost: the repetition brings the same one
    let (object, _) = writer.seal(&path, Method::Put, &[], b"on").unwrap();
    let datagram = endpoint.datagram(Code::PUT, &path, &[], &object);
    let challenge = endpoint.send(&datagram);
    assert_eq!(endpoint.send(&datagram), challenge);
    let challenge = Message::parse(&challenge).unwrap();
    let echo = challenge.options.get(number::ECHO).unwrap();
    let (object, request) = writer.seal(&path, Method::Put, echo, b"on").unwrap();
    let datagram = endpoint.datagram(Code::PUT, &path, echo, &object);
    let answer = Message::parse(&endpoint.send(&datagram)).unwrap();
    assert_eq!(answer.code, Code::CREATED);
    // the answer got lost: a repetition is acknowledged, and the disk is not touched again
    std::fs::remove_file(stage.file("light")).unwrap();
    endpoint
        .socket
        .send_to(&datagram, server.address())
        .unwrap();
    let mut buffer = [0; 2048];
    let len = endpoint.socket.recv(&mut buffer).unwrap();
    let repeated = Message::parse(&buffer[..len]).unwrap();
    assert_eq!((repeated.kind, repeated.id), (Type::Ack, endpoint.id));
    assert_eq!(light(&stage), None);
    assert_eq!(writer.open_reply(&path, &request, &answer), Ok(vec![]));
}

#[test]
fn requests_that_are_not_what_they_say_are_refused_with_a_bare_code() {
    let stage = stage();
    let server = serve(&stage);
    let mut writer = stage.member_with(&stage.group("0007"), WRITER);
    let mut endpoint = Endpoint::new(server.address());
    let echo = endpoint.echo(&mut writer, &["light"], Method::Put);
    let (object, _) = writer.seal(&["light"], Method::Put, &echo, b"on").unwrap();
    let mut flipped = object.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut other = stage.member_with(&stage.group("0007"), WRITER);
    other.access = iotchain::core::AccessKey::new([1; 32]);
    let (forged, _) = other.seal(&["light"], Method::Put, &echo, b"on").unwrap();
    let bad = Code::BAD_REQUEST;
    let cases: [(Code, &[&str], &[u8], Code); 11] = [
        (Code::PUT, &["note.json"], &object, bad),
        (Code::POST, &["count"], &object, bad),
        (Code::PUT, &["light"], &flipped, bad),
        (Code::PUT, &["light"], &forged, bad),
        (Code::PUT, &["light"], &object[..20], bad),
        (Code::PUT, &["light"], b"on", bad),
        (Code::PUT, &["light"], b"", bad),
        (Code::PUT, &["load"], &object, Code::METHOD_NOT_ALLOWED),
        (Code::GET, &["count"], b"", Code::METHOD_NOT_ALLOWED),
        (Code::DELETE, &["light"], &object, Code::METHOD_NOT_ALLOWED),
        (Code::PUT, &["none"], &object, Code::NOT_FOUND),
    ];
    for (code, path, object, expected) in cases {
        let answer = endpoint.request(code, path, &echo, object);
        assert_refused(&answer, expected);
    }
    // an object of another mode, as one finds it at the server
    let reply = get(server.address(), "load");
    let answer = endpoint.request(Code::PUT, &["light"], &echo, &reply.payload);
    assert_refused(&answer, bad);
    let plain = stage::exchange(server.address(), Code::PUT, &["light"], b"abcd", b"on");
    assert_refused(&plain, Code::UNSUPPORTED_CONTENT_FORMAT);
    assert_eq!((light(&stage), count(&stage)), (None, 0));
    // none of that has used up the request
    let answer = endpoint.request(Code::PUT, &["light"], &echo, &object);
    assert_eq!(
        (answer.code, light(&stage).unwrap()),
        (Code::CREATED, "on".into())
    );
}

/// What `seal` would have made of a method that the sender has no right to: the same object under another code.
fn under_another_code(
    reader: &Reader,
    (object, request): (&[u8], &PairRequest),
    (path, echo, code): (&str, &[u8], Code),
    data: &[u8],
) -> Vec<u8> {
    let mut parts = Cbor::new(object);
    assert_eq!(parts.array(), Ok(3));
    let protected = parts.bytes().unwrap();
    let mut external = [0; 256];
    let mut writer = Writer::new(&mut external);
    writer.array(8).uint(1).uint(1).uint(code.0.into());
    writer.bytes(reader.rs.as_bytes());
    writer.array(1).text(path).array(0).bytes(echo).bytes(b"");
    let len = writer.finish().unwrap();
    let mut aad = [0; 512];
    let mut writer = Writer::new(&mut aad);
    writer.array(3).text("Encrypt0");
    writer.bytes(protected).bytes(&external[..len]);
    let len = writer.finish().unwrap();
    let aad = AdditionalData::<32>::of(&[&aad[..len]]).unwrap();

    let (group, session) = (reader.membership.group(), request.session());
    let key = reader.membership.member().key(session).unwrap();
    let secret = SessionSecret::derive(&key, group.gid, session, &group.ks);
    let pair = secret
        .resource(reader.rs, &[path])
        .unwrap()
        .pair(&reader.access);
    let alg = group.suite.aead;
    let key = pair
        .direction(Direction::Request, alg, &request.kid())
        .unwrap();
    let mut sealed = [data, &vec![0; alg.tag_len()]].concat();
    let nonce = key.nonce(request.piv());
    key.key()
        .seal_in_place(&nonce, aad.blocks(), &mut sealed)
        .unwrap();
    let mut out = vec![0; object.len() + 64];
    let mut writer = Writer::new(&mut out);
    writer.array(3).bytes(protected).map(0).bytes(&sealed);
    let len = writer.finish().unwrap();
    out.truncate(len);
    out
}

#[test]
fn a_client_without_the_right_is_refused_whatever_it_sends() {
    let stage = stage();
    let server = serve(&stage);
    let mut reader = stage.member_with(&stage.group("0007"), Roles::GET | Roles::FETCH);
    let mut endpoint = Endpoint::new(server.address());
    let path = "light";
    assert!(matches!(
        reader.seal(&[path], Method::Put, &[], b"on"),
        Err(Error::Forbidden)
    ));
    let echo = endpoint.echo(&mut reader, &["load"], Method::Fetch);
    let (object, request) = reader.seal(&[path], Method::Fetch, &echo, b"on").unwrap();
    // the way to forge is right: under the code it was sealed with, the very same object comes out
    let fetch = (path, &echo[..], Code::FETCH);
    let again = under_another_code(&reader, (&object, &request), fetch, b"on");
    assert_eq!(again, object);
    let put = (path, &echo[..], Code::PUT);
    let forged = under_another_code(&reader, (&object, &request), put, b"on");
    let answer = endpoint.request(Code::PUT, &[path], &echo, &forged);
    assert_refused(&answer, Code::FORBIDDEN);
    assert_eq!(light(&stage), None);
    // it counts as seen
    let answer = endpoint.request(Code::PUT, &[path], &echo, &forged);
    assert_refused(&answer, Code::UNAUTHORIZED);
    // and what the client may do, it still may
    let (object, _) = reader.seal(&["load"], Method::Fetch, b"", b"").unwrap();
    let answer = endpoint.request(Code::FETCH, &["load"], b"", &object);
    assert_eq!(answer.code, Code::CONTENT);
}

#[test]
fn a2_a_retired_right_is_no_right_in_the_hands_of_a_reader() {
    let stage = stage();
    let server = serve(&stage);
    let group = stage.group("0007");
    let mut writer = stage.member_with(&group, WRITER);
    let mut friend = stage.member(&group);
    let mut endpoint = Endpoint::new(server.address());
    let (_, _, answer) = endpoint.exchange(&mut writer, &["count"], Method::Post, b"");
    assert_eq!(answer.code, Code::CHANGED);
    let second = stage.member_with(&group, WRITER);

    let session = stage.revoke(&writer);
    // alone it has no key
    writer.catch_up();
    assert!(writer.membership.member().key(session).is_err());
    // with the key of a friend that may only read, its old sid and access key are worth nothing
    friend.catch_up();
    let key = friend.membership.member().key(session).unwrap();
    let membership = &writer.membership;
    let boot = Boot::random(&mut Rng).unwrap();
    let mut sender = Sender::new(
        *membership.group(),
        membership.sid(),
        boot,
        UnixTime::new(0),
    )
    .unwrap();
    sender.enter(session, &key).unwrap();
    let mut seal = |echo: &[u8]| {
        let (path, mut out) = (["count"], [0; 256]);
        let resource = ResourceId::new(writer.rs, &path, &[]).unwrap();
        let (len, _) = sender
            .seal_request(&resource, Method::Post, echo, &writer.access, b"", &mut out)
            .unwrap();
        out[..len].to_vec()
    };
    let echo = until("the server's keys of the session", || {
        let answer = endpoint.request(Code::POST, &["count"], &[], &seal(&[]));
        let echo = answer.options.get(number::ECHO)?;
        Some(echo.to_vec())
    });
    let answer = endpoint.request(Code::POST, &["count"], &echo, &seal(&echo));
    assert_refused(&answer, Code::BAD_REQUEST);
    assert_eq!(count(&stage), 1);

    // who keeps its rights gets another access key, and goes on
    let stage = stage.with_server(server.address());
    let mut client = client(&stage);
    let at = target(&stage, "count");
    client.join_for(&at, WRITER, Duration::ZERO).unwrap();
    // A server that a new session overtakes after its challenge answers 5.03 or challenges anew, and has done nothing.
    let mut ask = |done_before| {
        until("the server's keys of the session", || {
            match client.ask(&at, Method::Post, b"".into()) {
                Err(NodeError::Refused {
                    code: Code::SERVICE_UNAVAILABLE | Code::UNAUTHORIZED,
                    ..
                }) => {
                    assert_eq!(count(&stage), done_before);
                    None
                }
                asked => Some(asked.unwrap().code),
            }
        })
    };
    assert_eq!((ask(1), count(&stage)), (Code::CHANGED, 2));
    stage.revoke(&second);
    assert_eq!((ask(2), count(&stage)), (Code::CHANGED, 3));
}

#[test]
fn no_request_is_opened_while_the_access_keys_may_be_old() {
    let stage = stage();
    let server = serve(&stage);
    let group = stage.group("0007");
    let mut writer = stage.member_with(&group, WRITER);
    let mut endpoint = Endpoint::new(server.address());
    let echo = endpoint.echo(&mut writer, &["count"], Method::Post);
    stage.office().silent = true;
    stage.office().refuse = Some(Error::Rate);
    stage.advance(&group, iotchain::selfheal::rsd::Plan::KEEP);
    let (object, _) = writer.seal(&["count"], Method::Post, &echo, b"").unwrap();
    until("the session that the server knows of", || {
        let answer = endpoint.request(Code::POST, &["count"], &echo, &object);
        (answer.code == Code::SERVICE_UNAVAILABLE).then_some(())
    });
    std::thread::sleep(Duration::from_secs(1));
    let answer = endpoint.request(Code::POST, &["count"], &echo, &object);
    assert_refused(&answer, Code::SERVICE_UNAVAILABLE);
    // a read for the group goes on
    let reply = get(server.address(), "load");
    assert_eq!(reply.code, Code::CONTENT);
    // the key server answers again: to a join, if the association is gone
    stage.office().refuse = None;
    until("the keys of the session", || {
        let (object, _) = writer.seal(&["count"], Method::Post, &[], b"").unwrap();
        let answer = endpoint.request(Code::POST, &["count"], &[], &object);
        answer.options.get(number::ECHO).map(drop)
    });
    assert_eq!(count(&stage), 0);
}

#[test]
fn a_server_that_only_challenges_is_not_asked_for_ever() {
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    let challenging = move |_: &Request<'_>| -> Outcome {
        seen.fetch_add(1, Ordering::Relaxed);
        Response::challenge().into()
    };
    let server = Server::builder(challenging).coap(ANYWHERE).spawn().unwrap();
    let stage = stage().with_server(server.coap_addr().unwrap());
    let mut client = client(&stage);
    let at = target(&stage, "light");
    client
        .join_for(&at, WRITER | Roles::FETCH, Duration::ZERO)
        .unwrap();
    // once challenged, a POST may have been done: it is not repeated
    for (method, expected) in [(Method::Put, 3), (Method::Fetch, 3), (Method::Post, 2)] {
        requests.store(0, Ordering::Relaxed);
        let refused = client.ask(&at, method, b"".into()).unwrap_err();
        assert!(
            matches!(
                refused,
                NodeError::Refused {
                    code: Code::UNAUTHORIZED,
                    ..
                }
            ),
            "{refused}"
        );
        assert_eq!(requests.load(Ordering::Relaxed), expected, "{method:?}");
    }
}

#[test]
fn an_answer_without_a_seal_is_none() {
    let lying = |_: &Request<'_>| -> Outcome { Code::CHANGED.into() };
    let server = Server::builder(lying).coap(ANYWHERE).spawn().unwrap();
    let stage = stage().with_server(server.coap_addr().unwrap());
    let mut client = client(&stage);
    let at = target(&stage, "light");
    stage.office().granted = WRITER;
    client.join_for(&at, WRITER, Duration::ZERO).unwrap();
    let refused = client.ask(&at, Method::Put, b"on".into()).unwrap_err();
    assert!(matches!(refused, NodeError::Refused { .. }), "{refused}");
    // and who may not ask, is told so by its own library
    let refused = client.ask(&at, Method::Fetch, b"".into()).unwrap_err();
    assert_eq!(refused.number(), Some(Error::Forbidden));
}

#[test]
fn a_proxy_neither_answers_nor_keeps_requests_between_two() {
    let stage = stage();
    let store = Arc::new(Store::open(&stage.file("objects.redb")).unwrap());
    let service = ProxyService::new(stage.catalogue(), Arc::clone(&store));
    let proxy = Server::builder(service).coap(ANYWHERE).spawn().unwrap();
    let mut writer = stage.member_with(&stage.group("0007"), WRITER | Roles::FETCH);
    let mut endpoint = Endpoint::new(proxy.coap_addr().unwrap());
    for (method, expected) in [
        (Method::Put, Code::BAD_REQUEST),
        (Method::Post, Code::METHOD_NOT_ALLOWED),
        (Method::Fetch, Code::METHOD_NOT_ALLOWED),
    ] {
        let (object, _) = writer.seal(&["light"], method, &[], b"on").unwrap();
        let code = Code(method.code());
        let answer = endpoint.request(code, &["meter", "light"], &[], &object);
        assert_refused(&answer, expected);
    }
    assert_eq!(store.count().unwrap(), 0);
}

#[test]
fn a_restart_forgets_the_clients_and_accepts_nothing_old() {
    let stage = stage();
    let server = serve(&stage);
    let address = server.address();
    let mut writer = stage.member_with(&stage.group("0007"), WRITER | Roles::FETCH);
    let mut endpoint = Endpoint::new(address);
    let (datagram, ..) = endpoint.exchange(&mut writer, &["count"], Method::Post, b"");
    let (read, _) = writer.seal(&["load"], Method::Fetch, b"", b"").unwrap();
    drop(server);
    let _server = until("the port of the server before", || {
        let args = Args {
            coap: Some(address),
            ..args(&stage)
        };
        start(args, &Stop::new()).ok().flatten()
    });
    let old = Message::parse(&endpoint.send(&datagram)).unwrap();
    assert_eq!(old.code, Code::UNAUTHORIZED);
    let answer = endpoint.request(Code::FETCH, &["load"], b"", &read);
    assert_eq!(answer.code, Code::UNAUTHORIZED);
    assert_eq!(count(&stage), 1);
    let (_, _, answer) = endpoint.exchange(&mut writer, &["count"], Method::Post, b"");
    assert_eq!((answer.code, count(&stage)), (Code::CHANGED, 2));
}
