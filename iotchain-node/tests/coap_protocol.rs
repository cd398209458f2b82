//! The endpoint against the rules of RFC 7252, 7641, 7959 and 9175, datagram by datagram.

use iotchain_node::coap::{
    Block, Code, Endpoint, Limits, Link, Message, Outcome, Outgoing, Peer, Request, Response,
    Service, Ticket, Token, Transmission, Type, content_format, option::number,
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Stores what is PUT, counts calls, defers `/slow`, challenges `/fresh`.
#[derive(Default)]
struct Store {
    calls: usize,
    bodies: HashMap<String, Vec<u8>>,
    tickets: Vec<Ticket>,
    tokens: Vec<Token>,
}

impl Service for Store {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        self.calls += 1;
        self.tokens.push(request.token);
        let path = request.path.join("/");
        match (request.code, request.path) {
            (_, ["slow"]) => {
                let (ticket, outcome) = request.defer();
                self.tickets.push(ticket);
                outcome
            }
            (_, ["fresh"]) if request.fresh_until.is_none() => Response::challenge().into(),
            (Code::GET, ["proven"]) if !request.reachable => Response::challenge().into(),
            (Code::PUT, _) => {
                self.bodies.insert(path.clone(), request.payload.to_vec());
                Response::new(Code::CHANGED).changed(path).into()
            }
            (Code::POST, _) => Response::content(
                content_format::OCTET_STREAM,
                [request.payload, request.payload].concat(),
            )
            .into(),
            (Code::GET, ["tagged"]) => Response::content(content_format::TEXT_PLAIN, "x")
                .etag(b"v1")
                .into(),
            (Code::GET, _) => match self.bodies.get(&path) {
                Some(body) => Response::content(content_format::OCTET_STREAM, body.clone())
                    .observable()
                    .into(),
                None => Code::NOT_FOUND.into(),
            },
            _ => Code::METHOD_NOT_ALLOWED.into(),
        }
    }

    fn links(&self) -> Vec<Link> {
        vec![
            Link {
                path: "a".into(),
                attributes: "ct=42;obs".into(),
            },
            Link {
                path: "tagged".into(),
                attributes: String::new(),
            },
        ]
    }
}

struct Bench {
    endpoint: Endpoint<Store>,
    now: Instant,
    next_id: u16,
    woken: Arc<AtomicUsize>,
}

fn peer(port: u16) -> Peer {
    Peer::plain(([127, 0, 0, 1], port).into())
}

impl Bench {
    fn new() -> Self {
        Bench::with(Limits {
            amplification_guard: false,
            ..Limits::default()
        })
    }

    fn with(limits: Limits) -> Self {
        let (now, woken) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let bell = woken.clone();
        let wake = Box::new(move || drop(bell.fetch_add(1, Ordering::SeqCst).to_string()));
        let endpoint = Endpoint::new(
            Store::default(),
            limits,
            Transmission::default(),
            &[1; 32],
            now,
            wake,
        )
        .unwrap();
        Bench {
            endpoint,
            now,
            next_id: 100,
            woken,
        }
    }

    fn message(&mut self, kind: Type, code: Code, path: &str) -> Message {
        self.next_id += 1;
        let token = Token::new(&self.next_id.to_be_bytes()).unwrap();
        let mut message = Message::new(kind, code, self.next_id, token);
        path.split('/')
            .for_each(|s| message.options.add(number::URI_PATH, s));
        message
    }

    fn send_raw(&mut self, from: &Peer, datagram: &[u8]) -> Vec<Message> {
        let mut out = Outgoing::new();
        self.endpoint.receive(self.now, from, datagram, &mut out);
        parsed(out)
    }

    fn send(&mut self, message: &Message) -> Vec<Message> {
        self.send_raw(&peer(1), &message.encode())
    }

    /// The only answer to a message, piggybacked.
    fn ask(&mut self, message: &Message) -> Message {
        let answers = self.send(message);
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(
            (answers[0].kind, answers[0].id, answers[0].token),
            (Type::Ack, message.id, message.token)
        );
        answers[0].clone()
    }

    fn put(&mut self, path: &str, body: &[u8]) -> Vec<Message> {
        let mut message = self.message(Type::Con, Code::PUT, path);
        message.payload = body.to_vec();
        self.send(&message)
    }

    fn later(&mut self, wait: Duration) -> Vec<Message> {
        self.now += wait;
        let mut out = Outgoing::new();
        self.endpoint.tick(self.now, &mut out);
        parsed(out)
    }

    fn complete(&mut self) -> Vec<Message> {
        let mut out = Outgoing::new();
        self.endpoint.complete(self.now, &mut out);
        parsed(out)
    }

    fn calls(&mut self) -> usize {
        self.endpoint.service().calls
    }
}

fn parsed(out: Outgoing) -> Vec<Message> {
    out.into_iter()
        .map(|(_, d)| Message::parse(&d).expect("we send valid messages"))
        .collect()
}

fn block(number: u32, more: bool, szx: u8) -> u32 {
    Block { number, more, szx }.value()
}

#[test]
fn a_duplicate_is_answered_identically_and_handled_once() {
    let mut bench = Bench::new();
    let mut put = bench.message(Type::Con, Code::PUT, "a");
    put.payload = b"1".to_vec();
    let first = bench.send(&put);
    assert_eq!(first[0].code, Code::CHANGED);
    assert_eq!(bench.send(&put), first);
    assert_eq!(bench.calls(), 1);
    // Another peer's message with the same ID is another message.
    bench.send_raw(&peer(2), &put.encode());
    assert_eq!(bench.calls(), 2);
    bench.later(Duration::from_secs(248));
    bench.send(&put);
    assert_eq!(bench.calls(), 3);
}

#[test]
fn a_non_confirmable_request_gets_a_non_confirmable_response_once() {
    let mut bench = Bench::new();
    bench.put("a", b"1");
    let get = bench.message(Type::Non, Code::GET, "a");
    let answers = bench.send(&get);
    assert_eq!(
        (answers[0].kind, answers[0].code, answers[0].token),
        (Type::Non, Code::CONTENT, get.token)
    );
    assert!(bench.send(&get).is_empty());
}

#[test]
fn a_ping_is_answered_by_a_reset() {
    let mut bench = Bench::new();
    let ping = Message::empty(Type::Con, 7);
    assert_eq!(bench.send(&ping), [Message::empty(Type::Rst, 7)]);
    assert!(bench.send(&Message::empty(Type::Non, 8)).is_empty());
}

#[test]
fn an_unknown_critical_option_is_refused_and_an_elective_one_ignored() {
    let mut bench = Bench::new();
    bench.put("a", b"1");
    for option in [9, 65001, number::IF_MATCH, number::IF_NONE_MATCH] {
        let mut get = bench.message(Type::Con, Code::GET, "a");
        get.options.add(option, *b"x");
        assert_eq!(bench.ask(&get).code, Code::BAD_OPTION, "{option}");
        let mut get = bench.message(Type::Non, Code::GET, "a");
        get.options.add(option, *b"x");
        assert!(bench.send(&get).is_empty());
    }
    let mut get = bench.message(Type::Con, Code::GET, "a");
    get.options.add(65000, *b"x");
    assert_eq!(bench.ask(&get).code, Code::CONTENT);
    let mut get = bench.message(Type::Con, Code::GET, "a");
    get.options.add_uint(number::ACCEPT, 42);
    get.options.add_uint(number::ACCEPT, 42);
    assert_eq!(
        bench.ask(&get).code,
        Code::BAD_OPTION,
        "Accept is not repeatable"
    );
}

#[test]
fn a_proxy_request_at_an_origin_is_refused() {
    let mut bench = Bench::new();
    for (option, value) in [
        (number::PROXY_URI, "coap://a/b"),
        (number::PROXY_SCHEME, "coap"),
    ] {
        let mut get = bench.message(Type::Con, Code::GET, "a");
        get.options.add(option, value);
        assert_eq!(bench.ask(&get).code, Code::PROXYING_NOT_SUPPORTED);
    }
}

#[test]
fn a_body_in_blocks_is_assembled_in_order_or_not_at_all() {
    let mut bench = Bench::new();
    let body: Vec<u8> = (0..100).collect();
    let part = |bench: &mut Bench, number: u32, size: usize| {
        let mut put = bench.message(Type::Con, Code::PUT, "a");
        let start = number as usize * 32;
        put.payload = body[start..start + size].to_vec();
        put.options
            .set_uint(number::BLOCK1, block(number, start + size < 100, 1));
        put
    };
    for n in 0..3 {
        let put = part(&mut bench, n, 32);
        let answer = bench.ask(&put);
        assert_eq!(
            (answer.code, answer.options.uint(number::BLOCK1)),
            (Code::CONTINUE, Some(block(n, true, 1)))
        );
        assert_eq!(bench.ask(&put), answer, "a duplicate block");
    }
    let last = part(&mut bench, 3, 4);
    let answer = bench.ask(&last);
    assert_eq!(
        (answer.code, answer.options.uint(number::BLOCK1)),
        (Code::CHANGED, Some(block(3, false, 1)))
    );
    assert_eq!(bench.endpoint.service().bodies["a"], body);

    let out_of_order = part(&mut bench, 3, 4);
    assert_eq!(
        bench.ask(&out_of_order).code,
        Code::REQUEST_ENTITY_INCOMPLETE
    );
    let first = part(&mut bench, 0, 32);
    assert_eq!(bench.ask(&first).code, Code::CONTINUE);
    let skipping = part(&mut bench, 2, 32);
    assert_eq!(bench.ask(&skipping).code, Code::REQUEST_ENTITY_INCOMPLETE);
    let short = {
        let mut put = part(&mut bench, 0, 32);
        put.payload.pop();
        put
    };
    assert_eq!(bench.ask(&short).code, Code::BAD_REQUEST);
    assert_eq!(bench.calls(), 1);
}

#[test]
fn parts_of_two_bodies_do_not_mix() {
    let mut bench = Bench::new();
    let part = |bench: &mut Bench, tag: u8, number: u32, more: bool| {
        let mut put = bench.message(Type::Con, Code::PUT, "a");
        put.options.add(number::REQUEST_TAG, [tag]);
        put.options.set_uint(number::BLOCK1, block(number, more, 0));
        put.payload = vec![tag; 16];
        let answer = bench.ask(&put);
        answer.code
    };
    assert_eq!(part(&mut bench, 1, 0, true), Code::CONTINUE);
    assert_eq!(part(&mut bench, 2, 0, true), Code::CONTINUE);
    assert_eq!(part(&mut bench, 1, 1, false), Code::CHANGED);
    assert_eq!(bench.endpoint.service().bodies["a"], [1; 32]);
    bench.later(Duration::from_secs(31));
    assert_eq!(
        part(&mut bench, 2, 1, false),
        Code::REQUEST_ENTITY_INCOMPLETE,
        "too late"
    );
}

#[test]
fn a_body_beyond_the_limit_is_refused_with_the_limit() {
    let mut bench = Bench::with(Limits {
        body: 40,
        ..Limits::default()
    });
    let mut put = bench.message(Type::Con, Code::PUT, "a");
    put.options.set_uint(number::SIZE1, 41);
    put.options.set_uint(number::BLOCK1, block(0, true, 0));
    put.payload = vec![0; 16];
    let answer = bench.ask(&put);
    assert_eq!(
        (answer.code, answer.options.uint(number::SIZE1)),
        (Code::REQUEST_ENTITY_TOO_LARGE, Some(40))
    );
    for n in 0..3 {
        let mut put = bench.message(Type::Con, Code::PUT, "a");
        put.options.set_uint(number::BLOCK1, block(n, true, 0));
        put.payload = vec![0; 16];
        let wanted = if n < 2 {
            Code::CONTINUE
        } else {
            Code::REQUEST_ENTITY_TOO_LARGE
        };
        assert_eq!(bench.ask(&put).code, wanted);
    }
}

#[test]
fn block_size_seven_is_refused() {
    let mut bench = Bench::new();
    for option in [number::BLOCK1, number::BLOCK2] {
        let mut get = bench.message(Type::Con, Code::GET, "a");
        get.options.set_uint(option, 7);
        assert_eq!(bench.ask(&get).code, Code::BAD_REQUEST);
    }
}

#[test]
fn all_blocks_of_an_answer_come_from_one_representation() {
    let mut bench = Bench::new();
    let body: Vec<u8> = (0..=255).cycle().take(3000).collect();
    bench.put("a", &body);
    let get = bench.message(Type::Con, Code::GET, "a");
    let first = bench.ask(&get);
    assert_eq!(first.options.uint(number::BLOCK2), Some(block(0, true, 6)));
    assert_eq!(first.options.uint(number::SIZE2), Some(3000));
    let etag = first.options.get(number::ETAG).unwrap().to_vec();
    bench.put("a", b"something else");
    let calls = bench.calls();
    let mut whole = first.payload;
    for n in 1..3 {
        let mut get = bench.message(Type::Con, Code::GET, "a");
        get.options.set_uint(number::BLOCK2, block(n, false, 6));
        let part = bench.ask(&get);
        assert_eq!(part.options.get(number::ETAG), Some(&etag[..]));
        assert_eq!(part.options.uint(number::BLOCK2), Some(block(n, n < 2, 6)));
        whole.extend(part.payload);
    }
    assert_eq!(whole, body);
    assert_eq!(bench.calls(), calls, "the service is asked once");
    let mut beyond = bench.message(Type::Con, Code::GET, "a");
    beyond.options.set_uint(number::BLOCK2, block(3, false, 6));
    assert_eq!(bench.ask(&beyond).code, Code::BAD_REQUEST);
}

#[test]
fn the_answer_to_a_post_is_never_computed_twice() {
    let mut bench = Bench::new();
    let mut post = bench.message(Type::Con, Code::POST, "a");
    post.payload = vec![5; 900];
    let first = bench.ask(&post);
    assert_eq!((first.code, first.payload.len()), (Code::CONTENT, 1024));
    let mut more = bench.message(Type::Con, Code::POST, "a");
    more.options.set_uint(number::BLOCK2, block(1, false, 6));
    assert_eq!(bench.ask(&more).payload.len(), 776);
    bench.later(Duration::from_secs(31));
    let mut late = bench.message(Type::Con, Code::POST, "a");
    late.options.set_uint(number::BLOCK2, block(1, false, 6));
    assert_eq!(bench.ask(&late).code, Code::REQUEST_ENTITY_INCOMPLETE);
    assert_eq!(bench.calls(), 1);
}

#[test]
fn small_blocks_are_cut_for_small_links() {
    let mut bench = Bench::with(Limits {
        szx: 2,
        amplification_guard: false,
        ..Limits::default()
    });
    bench.put("a", &[1; 100]);
    let get = bench.message(Type::Con, Code::GET, "a");
    let answer = bench.ask(&get);
    assert_eq!(
        (answer.payload.len(), answer.options.uint(number::BLOCK2)),
        (64, Some(block(0, true, 2)))
    );
}

#[test]
fn validation_answers_valid_only_where_the_service_named_the_representation() {
    let mut bench = Bench::new();
    let mut get = bench.message(Type::Con, Code::GET, "tagged");
    get.options.add(number::ETAG, *b"v0");
    get.options.add(number::ETAG, *b"v1");
    let answer = bench.ask(&get);
    assert_eq!((answer.code, answer.payload.len()), (Code::VALID, 0));
    assert_eq!(answer.options.get(number::ETAG), Some(&b"v1"[..]));
    bench.put("a", &[1; 3000]);
    let get = bench.message(Type::Con, Code::GET, "a");
    let etag = bench.ask(&get).options.get(number::ETAG).unwrap().to_vec();
    let mut again = bench.message(Type::Con, Code::GET, "a");
    again.options.add(number::ETAG, etag);
    assert_eq!(bench.ask(&again).code, Code::CONTENT);
}

#[test]
fn a_format_nobody_accepts_is_not_sent() {
    let mut bench = Bench::new();
    let mut get = bench.message(Type::Con, Code::GET, "tagged");
    get.options
        .set_uint(number::ACCEPT, content_format::CBOR.into());
    assert_eq!(bench.ask(&get).code, Code::NOT_ACCEPTABLE);
}

#[test]
fn replies_and_broken_messages_are_not_requests() {
    let mut bench = Bench::new();
    for kind in [Type::Ack, Type::Rst] {
        let get = bench.message(kind, Code::GET, "a");
        assert!(bench.send(&get).is_empty());
    }
    let unexpected = bench.message(Type::Con, Code::CONTENT, "a");
    assert_eq!(bench.send(&unexpected)[0].kind, Type::Rst);
    let reserved = bench.message(Type::Con, Code(0x21), "a");
    assert_eq!(bench.send(&reserved)[0].kind, Type::Rst);
    assert_eq!(
        bench.send_raw(&peer(1), &[0x40, 1, 0, 9, 0xff]),
        [Message::empty(Type::Rst, 9)]
    );
    for ignored in [
        &[][..],
        &[0x40],
        &[0x50, 1, 0, 9, 0xff],
        &[0xff; 40],
        b"hello",
    ] {
        assert!(bench.send_raw(&peer(1), ignored).is_empty());
    }
    assert_eq!(bench.calls(), 0);
}

#[test]
fn resources_are_listed() {
    let mut bench = Bench::new();
    let get = bench.message(Type::Con, Code::GET, ".well-known/core");
    let answer = bench.ask(&get);
    assert_eq!(answer.payload, b"</a>;ct=42;obs,</tagged>");
    assert_eq!(
        answer.options.uint16(number::CONTENT_FORMAT),
        Some(content_format::LINK_FORMAT)
    );
}

fn registration(bench: &mut Bench) -> Message {
    let mut get = bench.message(Type::Con, Code::GET, "a");
    get.options.set_uint(number::OBSERVE, 0);
    get
}

#[test]
fn observers_hear_of_changes_in_order_until_they_decline() {
    let mut bench = Bench::new();
    bench.put("a", b"0");
    let get = registration(&mut bench);
    let first = bench.ask(&get);
    let mut last = first.options.uint(number::OBSERVE).unwrap();
    for round in 1..4u8 {
        let out = bench.put("a", &[round]);
        assert_eq!(out.len(), 2, "the response and the notification");
        let note = &out[1];
        assert_eq!(
            (note.kind, note.token, &note.payload[..]),
            (Type::Con, get.token, &[round][..])
        );
        let sequence = note.options.uint(number::OBSERVE).unwrap();
        assert!(sequence > last);
        last = sequence;
        bench.send(&Message::empty(Type::Ack, note.id));
    }
    let served = bench.endpoint.service().tokens.clone();
    assert_eq!(
        served.iter().filter(|t| **t == get.token).count(),
        4,
        "asked under the observer's Token"
    );
    let note = bench.put("a", b"x").pop().unwrap();
    bench.send(&Message::empty(Type::Rst, note.id));
    assert_eq!(bench.endpoint.observers(), 0);
    assert_eq!(bench.put("a", b"y").len(), 1);
}

#[test]
fn an_observer_can_deregister() {
    let mut bench = Bench::new();
    bench.put("a", b"0");
    let get = registration(&mut bench);
    bench.ask(&get);
    let mut cancel = bench.message(Type::Con, Code::GET, "a");
    cancel.token = get.token;
    cancel.options.set_uint(number::OBSERVE, 1);
    assert_eq!(bench.ask(&cancel).options.uint(number::OBSERVE), None);
    assert_eq!(bench.endpoint.observers(), 0);
}

#[test]
fn a_silent_observer_is_given_up_and_the_latest_state_is_what_is_repeated() {
    let mut bench = Bench::new();
    bench.put("a", b"0");
    let get = registration(&mut bench);
    bench.ask(&get);
    assert_eq!(bench.put("a", b"1").len(), 2);
    assert_eq!(
        bench.put("a", b"2").len(),
        1,
        "one notification under way at a time"
    );
    let repeated = bench.later(Duration::from_secs(3));
    assert_eq!(repeated[0].payload, b"2");
    let mut repetitions = 1;
    for _ in 0..100 {
        repetitions += bench.later(Duration::from_secs(1)).len();
    }
    assert_eq!((repetitions, bench.endpoint.observers()), (4, 0));
}

#[test]
fn observers_are_bounded() {
    let limits = Limits {
        observers: 3,
        observers_per_peer: 2,
        amplification_guard: false,
        ..Limits::default()
    };
    let mut bench = Bench::with(limits);
    bench.put("a", b"0");
    for port in [1, 1, 1, 2, 3] {
        let get = registration(&mut bench);
        bench.send_raw(&peer(port), &get.encode());
    }
    assert_eq!(bench.endpoint.observers(), 3);
    bench.endpoint.forget(&peer(1));
    assert_eq!(bench.endpoint.observers(), 1);
}

#[test]
fn a_missing_resource_cannot_be_observed_and_a_vanished_one_ends_the_observation() {
    let mut bench = Bench::new();
    let get = registration(&mut bench);
    let answer = bench.ask(&get);
    assert_eq!(
        (answer.code, answer.options.uint(number::OBSERVE)),
        (Code::NOT_FOUND, None)
    );
    bench.put("a", b"0");
    let get = registration(&mut bench);
    bench.ask(&get);
    bench.endpoint.service().bodies.clear();
    let mut out = Outgoing::new();
    bench.endpoint.notify(bench.now, "/a", &mut out);
    let note = parsed(out).remove(0);
    assert_eq!(
        (note.code, note.options.uint(number::OBSERVE)),
        (Code::NOT_FOUND, None)
    );
    assert_eq!(bench.endpoint.observers(), 0);
}

#[test]
fn a_slow_answer_is_acknowledged_at_once_and_sent_until_it_arrives() {
    let mut bench = Bench::new();
    let get = bench.message(Type::Con, Code::GET, "slow");
    assert_eq!(bench.send(&get), [Message::empty(Type::Ack, get.id)]);
    assert_eq!(
        bench.send(&get),
        [Message::empty(Type::Ack, get.id)],
        "a duplicate"
    );
    assert_eq!(bench.calls(), 1);
    let ticket = bench.endpoint.service().tickets.pop().unwrap();
    std::thread::spawn(move || ticket.complete(Response::content(0, "done")))
        .join()
        .unwrap();
    assert_eq!(bench.woken.load(Ordering::SeqCst), 1);
    let answer = bench.complete().remove(0);
    assert_eq!(
        (answer.kind, answer.token, &answer.payload[..]),
        (Type::Con, get.token, &b"done"[..])
    );
    assert_eq!(
        bench.later(Duration::from_secs(3)),
        std::slice::from_ref(&answer)
    );
    bench.send(&Message::empty(Type::Ack, answer.id));
    assert!(bench.later(Duration::from_secs(100)).is_empty());
    // A non-confirmable request gets no acknowledgement and a non-confirmable response.
    let get = bench.message(Type::Non, Code::GET, "slow");
    assert!(bench.send(&get).is_empty());
    drop(bench.endpoint.service().tickets.pop());
    let answer = bench.complete().remove(0);
    assert_eq!(
        (answer.kind, answer.code),
        (Type::Non, Code::INTERNAL_SERVER_ERROR),
        "a ticket dropped unused"
    );
}

#[test]
fn answers_put_off_are_bounded() {
    let mut bench = Bench::with(Limits {
        pending: 2,
        ..Limits::default()
    });
    for n in 0..3 {
        let get = bench.message(Type::Con, Code::GET, "slow");
        let wanted = if n < 2 {
            Code::EMPTY
        } else {
            Code::SERVICE_UNAVAILABLE
        };
        assert_eq!(bench.send(&get)[0].code, wanted);
    }
}

#[test]
fn a_service_can_demand_freshness() {
    let mut bench = Bench::new();
    let put = bench.message(Type::Con, Code::PUT, "fresh");
    let challenge = bench.ask(&put);
    assert_eq!(
        (challenge.code, challenge.payload.len()),
        (Code::UNAUTHORIZED, 0)
    );
    let echo = challenge.options.get(number::ECHO).unwrap().to_vec();
    let again = |bench: &mut Bench| {
        let mut put = bench.message(Type::Con, Code::PUT, "fresh");
        put.options.set(number::ECHO, echo.clone());
        put
    };
    let put = again(&mut bench);
    let stolen = bench.send_raw(&peer(2), &put.encode());
    assert_eq!(stolen[0].code, Code::UNAUTHORIZED);
    assert_eq!(bench.ask(&put).code, Code::CHANGED);
    bench.now += Duration::from_secs(11);
    let put = again(&mut bench);
    assert_eq!(bench.ask(&put).code, Code::UNAUTHORIZED);
}

#[test]
fn an_unproven_address_gets_no_amplified_answer() {
    let mut bench = Bench::with(Limits::default());
    bench.put("small", &[1; 50]);
    bench.put("large", &[1; 500]);
    let get = bench.message(Type::Con, Code::GET, "small");
    assert_eq!(bench.ask(&get).code, Code::CONTENT);
    let get = bench.message(Type::Con, Code::GET, "large");
    let challenge = bench.ask(&get);
    assert_eq!(challenge.code, Code::UNAUTHORIZED);
    assert!(challenge.encode().len() <= 3 * get.encode().len());
    let mut get = bench.message(Type::Con, Code::GET, "large");
    get.options
        .set(number::ECHO, challenge.options.get(number::ECHO).unwrap());
    assert_eq!(bench.ask(&get).payload.len(), 500);
    let get = bench.message(Type::Con, Code::GET, "large");
    assert_eq!(
        bench.ask(&get).code,
        Code::CONTENT,
        "the address is known by now"
    );
    bench.now += Duration::from_secs(301);
    let get = bench.message(Type::Con, Code::GET, "large");
    assert_eq!(bench.ask(&get).code, Code::UNAUTHORIZED);
}

#[test]
fn an_observer_that_acknowledges_stays_reachable() {
    let mut bench = Bench::with(Limits::default());
    bench.put("proven", &[1; 500]);
    let get = bench.message(Type::Con, Code::GET, "proven");
    let challenge = bench.ask(&get);
    let mut get = bench.message(Type::Con, Code::GET, "proven");
    get.options.set_uint(number::OBSERVE, 0);
    get.options
        .set(number::ECHO, challenge.options.get(number::ECHO).unwrap());
    assert_eq!(bench.ask(&get).code, Code::CONTENT);
    for round in 0..4 {
        bench.now += Duration::from_secs(200);
        let told = bench.put("proven", &[round; 600]);
        let notification = told.iter().find(|message| message.kind == Type::Con);
        let notification = notification.expect("a notification");
        assert_eq!(
            (notification.code, notification.token),
            (Code::CONTENT, get.token)
        );
        bench.send(&Message::empty(Type::Ack, notification.id));
    }
    // an acknowledgement alone proves nothing: it cannot make an address reachable that was not
    bench.now += Duration::from_secs(301);
    bench.send(&Message::empty(Type::Ack, 1));
    let get = bench.message(Type::Con, Code::GET, "proven");
    assert_eq!(bench.ask(&get).code, Code::UNAUTHORIZED);
}
