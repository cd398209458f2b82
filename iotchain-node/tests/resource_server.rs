//! The resource server over real sockets: what it serves, what it refuses, and what it never does.

mod stage;

use std::collections::HashSet;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use iotchain::selfheal::rsd::Plan;
use iotchain::{Error, Exchange, StoredState};
use iotchain_node::clock::Stop;
use iotchain_node::coap::{Call, Code, Outcome, Request, content_format, option::number};
use iotchain_node::proxy::{ProxyService, Store};
use iotchain_node::resource_server::{Args, BootSalt, Running, start};
use iotchain_node::runtime::{Handle, Server};

use stage::{ANYWHERE, DURATION, Stage, client, exchange, get, until};

fn classes() -> serde_json::Value {
    serde_json::json!({"0007": ["load", "state", "slow", "doc", "log/*"], "0008": ["secret"]})
}

fn serve(args: Args) -> Running {
    start(args, &Stop::new()).unwrap().unwrap()
}

fn proxy(stage: &Stage) -> (Handle, std::sync::Arc<Store>) {
    let store = std::sync::Arc::new(Store::open(&stage.file("objects.redb")).unwrap());
    let service = ProxyService::new(stage.catalogue(), std::sync::Arc::clone(&store));
    (
        Server::builder(service).coap(ANYWHERE).spawn().unwrap(),
        store,
    )
}

#[test]
fn members_and_nobody_else_read_what_this_host_says() {
    let stage = Stage::new(classes(), 0);
    std::fs::write(stage.file("state.json"), r#"{"valve":"open"}"#).unwrap();
    let state = format!("state=file:{}", stage.file("state.json").display());
    let server = serve(stage.args(&["load=proc:loadavg", &state, "secret=cmd:printf 42"]));
    let (mut reader, mut other) = (
        stage.member(&stage.group("0007")),
        stage.member(&stage.group("0008")),
    );

    let reply = get(server.address(), "load");
    let (load, opened) = reader.open(&["load"], &reply).unwrap();
    assert_eq!(opened.content_format, Some(content_format::TEXT_PLAIN));
    assert_eq!(
        load.split(|byte| *byte == b' ').count(),
        5,
        "a line of /proc/loadavg"
    );
    assert!(reply.etag().is_none(), "mode G has no 2.03");
    // bound to resource, Token and group
    assert_eq!(reader.open(&["state"], &reply), Err(Error::Aead));
    let mut exchange = Exchange::new(&[1; 8]).unwrap();
    assert_eq!(
        reader.open_in(&["load"], &reply, &mut exchange),
        Err(Error::Aead)
    );
    assert_eq!(other.open(&["load"], &reply), Err(Error::Group));
    let (secret, _) = other
        .open(&["secret"], &get(server.address(), "secret"))
        .unwrap();
    assert_eq!(secret, b"42");

    // read anew for every answer
    let (first, opened) = reader
        .open(&["state"], &get(server.address(), "state"))
        .unwrap();
    assert_eq!(opened.content_format, Some(content_format::JSON));
    std::fs::write(stage.file("state.json"), r#"{"valve":"shut"}"#).unwrap();
    let (second, _) = reader
        .open(&["state"], &get(server.address(), "state"))
        .unwrap();
    assert_eq!(
        (&first[..], &second[..]),
        (&br#"{"valve":"open"}"#[..], &br#"{"valve":"shut"}"#[..])
    );

    let links = String::from_utf8(get(server.address(), ".well-known/core").payload).unwrap();
    assert_eq!(
        links,
        "</load>;ct=16;obs,</secret>;ct=16;obs,</state>;ct=16;obs"
    );
}

#[test]
fn refusals_are_bare_codes() {
    let stage = Stage::new(classes(), 0);
    std::fs::write(stage.file("huge"), vec![0; 70_000]).unwrap();
    let (doc, state) = (
        format!("doc=file:{}", stage.file("huge").display()),
        format!("state=file:{}", stage.file("gone").display()),
    );
    let log = format!("log/*=dir:{}", stage.directory.path().display());
    let server = serve(stage.args(&["load=proc:loadavg", &doc, &state, &log, "slow=cmd:exit 3"]));
    let cases = [
        (
            Code::GET,
            &["load"][..],
            &b""[..],
            &b""[..],
            Code::BAD_REQUEST,
        ),
        (
            Code::GET,
            &["load"][..],
            &b"abc"[..],
            &b""[..],
            Code::BAD_REQUEST,
        ),
        (
            Code::GET,
            &["load"][..],
            &b"abcd"[..],
            &b"payload"[..],
            Code::BAD_REQUEST,
        ),
        (
            Code::GET,
            &["none"][..],
            &b"abcd"[..],
            &b""[..],
            Code::NOT_FOUND,
        ),
        (Code::GET, &[][..], &b"abcd"[..], &b""[..], Code::NOT_FOUND),
        (
            Code::GET,
            &["secret"][..],
            &b"abcd"[..],
            &b""[..],
            Code::NOT_FOUND,
        ),
        (
            Code::GET,
            &["load", "x"][..],
            &b"abcd"[..],
            &b""[..],
            Code::NOT_FOUND,
        ),
        (
            Code::GET,
            &["log", "..", "huge"],
            b"abcd",
            b"",
            Code::NOT_FOUND,
        ),
        (
            Code::GET,
            &["log", "../huge"],
            b"abcd",
            b"",
            Code::NOT_FOUND,
        ),
        (
            Code::GET,
            &["state"][..],
            &b"abcd"[..],
            &b""[..],
            Code::NOT_FOUND,
        ),
        (
            Code::GET,
            &["log", "data"],
            b"abcd",
            b"",
            Code::INTERNAL_SERVER_ERROR,
        ),
        (
            Code::GET,
            &["doc"],
            b"abcd",
            b"",
            Code::INTERNAL_SERVER_ERROR,
        ),
        (
            Code::POST,
            &["load"],
            b"abcd",
            b"1",
            Code::METHOD_NOT_ALLOWED,
        ),
        (
            Code::PUT,
            &["load"],
            b"abcd",
            b"1",
            Code::METHOD_NOT_ALLOWED,
        ),
        (
            Code::FETCH,
            &["load"],
            b"abcd",
            b"1",
            Code::UNSUPPORTED_CONTENT_FORMAT,
        ),
        (
            Code::DELETE,
            &["load"],
            b"abcd",
            b"",
            Code::METHOD_NOT_ALLOWED,
        ),
    ];
    for (code, path, token, payload, expected) in cases {
        let answer = exchange(server.address(), code, path, token, payload);
        assert_eq!(answer.code, expected, "{code} {path:?}");
        assert!(answer.payload.is_empty(), "{code} {path:?}");
    }
    assert_eq!(
        get(server.address(), "slow").code,
        Code::INTERNAL_SERVER_ERROR
    );
    let answer = get(server.address(), "load?x=1");
    assert_eq!(answer.code, Code::NOT_FOUND);
    assert_eq!(
        exchange(server.address(), Code::GET, &["load"], b"abcd", b"").code,
        Code::CONTENT
    );
}

#[test]
fn garbage_changes_nothing() {
    let stage = Stage::new(classes(), 0);
    let server = serve(stage.args(&["load=proc:loadavg"]));
    let socket = UdpSocket::bind(ANYWHERE).unwrap();
    let mut noise = [0; 64];
    for length in (0..64).cycle().take(2000) {
        getrandom::fill(&mut noise).unwrap();
        // half of it looks like CoAP
        if length % 2 == 0 {
            noise[0] = 0x40 | noise[0] & 0x38;
            noise[1] &= 7;
        }
        socket.send_to(&noise[..length], server.address()).unwrap();
    }
    let mut reader = stage.member(&stage.group("0007"));
    reader
        .open(&["load"], &get(server.address(), "load"))
        .unwrap();
}

#[test]
fn large_answers_go_to_proven_addresses_only() {
    let stage = Stage::new(classes(), 0);
    let text: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8).collect();
    std::fs::write(stage.file("doc"), &text).unwrap();
    let doc = format!("doc=file:{}", stage.file("doc").display());
    let server = serve(stage.args(&[&doc, "slow=cmd:seq 100"]));
    let answer = exchange(server.address(), Code::GET, &["doc"], b"abcd", b"");
    assert_eq!(answer.code, Code::UNAUTHORIZED);
    assert!(answer.options.get(number::ECHO).is_some() && answer.payload.is_empty());
    let mut reader = stage.member(&stage.group("0007"));
    let (data, opened) = reader
        .open(&["doc"], &get(server.address(), "doc"))
        .unwrap();
    assert_eq!(data, text);
    // the challenge did not cost a number
    assert_eq!(opened.piv.get(), 0);
    let (data, _) = reader
        .open(&["slow"], &get(server.address(), "slow"))
        .unwrap();
    assert!(data.ends_with(b"99\n100\n"));
}

#[test]
fn a_slow_command_keeps_nobody_waiting() {
    let stage = Stage::new(classes(), 0);
    let server = serve(stage.args(&["load=proc:loadavg", "slow=cmd:sleep 3; echo done"]));
    let address = server.address();
    let slow = std::thread::spawn(move || get(address, "slow"));
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    assert_eq!(get(address, "load").code, Code::CONTENT);
    assert!(began.elapsed() < Duration::from_secs(2));
    let mut reader = stage.member(&stage.group("0007"));
    assert_eq!(
        reader.open(&["slow"], &slow.join().unwrap()).unwrap().0,
        b"done\n"
    );
}

#[test]
fn signed_copies_lie_at_the_proxy() {
    let stage = Stage::new(classes(), 0);
    let (proxy, store) = proxy(&stage);
    let proxy_address = proxy.coap_addr().unwrap();
    let stage = stage.with_proxy(proxy_address);
    std::fs::create_dir(stage.file("log")).unwrap();
    let text = "x".repeat(5000);
    std::fs::write(stage.file("log/today.txt"), &text).unwrap();
    let log = format!("log/*=dir:{}", stage.file("log").display());
    let _server = serve(stage.args(&["load=proc:loadavg", &log, "secret=cmd:echo 42"]));
    let group = stage.group("0007");
    let mut reader = stage.member(&group);

    until("three objects", || {
        (store.count().unwrap() == 3).then_some(())
    });
    let fetch = |path: &str| get(proxy_address, path).payload;
    let mut state = StoredState::new();
    let object = fetch("meter/log/today.txt");
    let (data, first) = reader
        .open_stored(&["log", "today.txt"], &object, &mut state)
        .unwrap();
    assert_eq!(
        (data, first.content_format),
        (text.into_bytes(), Some(content_format::TEXT_PLAIN))
    );
    let claims = first.claims.unwrap();
    assert!(claims.exp.unwrap().since(claims.iat) >= 60);
    assert_eq!(
        reader.open_stored(&["load"], &object, &mut StoredState::new()),
        Err(Error::Aead)
    );

    // a changed file
    std::fs::write(stage.file("log/today.txt"), "y").unwrap();
    let second = until("the changed file", || {
        let opened = reader.open_stored(
            &["log", "today.txt"],
            &fetch("meter/log/today.txt"),
            &mut state,
        );
        opened.ok().filter(|(data, _)| data == b"y")
    });
    assert!(second.1.claims.unwrap().iat > claims.iat && second.1.piv > first.piv);

    // a new session
    let session = stage.advance(&group, Plan::KEEP);
    let third = until("the new session", || {
        let opened = reader.open_stored(
            &["log", "today.txt"],
            &fetch("meter/log/today.txt"),
            &mut state,
        );
        opened.ok().filter(|(_, opened)| opened.session == session)
    });
    assert_eq!(third.1.kid, first.kid);
}

#[test]
fn a_proxy_that_is_down_gets_its_objects_later_and_delays_nobody() {
    let stage = Stage::new(classes(), 0);
    let place = UdpSocket::bind(ANYWHERE).unwrap();
    let address = place.local_addr().unwrap();
    let stage = stage.with_proxy(address);
    let server = serve(stage.args(&["load=proc:loadavg", "state=proc:version"]));
    let mut reader = stage.member(&stage.group("0007"));
    let began = Instant::now();
    for _ in 0..20 {
        reader
            .open(&["load"], &get(server.address(), "load"))
            .unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(5));

    // the bytes that were sent in vain are those that arrive in the end
    let mut buffer = [0; 2048];
    place
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let len = place.recv(&mut buffer).unwrap();
    let sent = iotchain_node::coap::Message::parse(&buffer[..len])
        .unwrap()
        .payload;
    std::thread::sleep(Duration::from_secs(1));
    drop(place);
    let store = std::sync::Arc::new(Store::open(&stage.file("objects.redb")).unwrap());
    let service = ProxyService::new(stage.catalogue(), std::sync::Arc::clone(&store));
    let _proxy = Server::builder(service).coap(address).spawn().unwrap();
    until("both objects", || {
        (store.count().unwrap() == 2).then_some(())
    });
    let now = iotchain_node::clock::now();
    let held = |path| {
        store
            .get(path)
            .unwrap()
            .filter(|stored| stored.is_held(now))
            .unwrap()
            .object
    };
    assert!([held("meter/load"), held("meter/state")].contains(&sent));
}

#[test]
fn a_proxy_out_of_order_gets_the_same_bytes_again() {
    let bodies = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&bodies);
    let service = move |request: &Request<'_>| -> Outcome {
        let mut bodies = seen.lock().unwrap();
        bodies.push(request.payload.to_vec());
        match bodies.len() {
            1 => Code::SERVICE_UNAVAILABLE.into(),
            2 => Code::TOO_MANY_REQUESTS.into(),
            _ => Code::CREATED.into(),
        }
    };
    let proxy = Server::builder(service).coap(ANYWHERE).spawn().unwrap();
    let stage = Stage::new(classes(), 0).with_proxy(proxy.coap_addr().unwrap());
    let _server = serve(stage.args(&["load=proc:loadavg"]));
    until("three attempts", || {
        (bodies.lock().unwrap().len() == 3).then_some(())
    });
    // and no more once it was taken
    std::thread::sleep(Duration::from_secs(2));
    let bodies = bodies.lock().unwrap();
    assert!(bodies.len() == 3 && bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn observers_hear_of_changes_and_sessions_under_one_kid() {
    let stage = Stage::new(classes(), 0);
    std::fs::write(stage.file("state.txt"), "0").unwrap();
    let state = format!("state=file:{}", stage.file("state.txt").display());
    let server = serve(stage.args(&[&state]));
    let group = stage.group("0007");
    let mut reader = stage.member(&group);
    let mut client = client(server.address());
    let mut observation = client.observe(&Call::get("state")).unwrap();
    let mut exchange = Exchange::new(observation.token().as_bytes()).unwrap();
    let (mut last, mut sessions) = (None, HashSet::new());
    let mut next = |reader: &mut stage::Reader, wanted: &dyn Fn(&[u8], u32) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            assert!(Instant::now() < deadline);
            let Some(reply) = observation.next(Duration::from_secs(1)).unwrap() else {
                continue;
            };
            // kid and order are checked by the exchange
            let (data, opened) = reader.open_in(&["state"], &reply, &mut exchange).unwrap();
            assert!(last.is_none_or(|last| last < (opened.session, opened.piv)));
            last = Some((opened.session, opened.piv));
            sessions.insert(opened.session);
            if wanted(&data, opened.session.get()) {
                return;
            }
        }
    };
    next(&mut reader, &|data, _| data == b"0");
    std::fs::write(stage.file("state.txt"), "11").unwrap();
    next(&mut reader, &|data, _| data == b"11");
    let session = stage.advance(&group, Plan::REFRESH).get();
    next(&mut reader, &|data, j| data == b"11" && j == session);
    assert_eq!(sessions.len(), 2);
}

#[test]
fn nothing_is_sealed_after_the_end_of_a_session_until_the_next_is_known() {
    // session 1 was over long ago
    let stage = Stage::new(classes(), u64::from(DURATION) * 5);
    let server = serve(stage.args(&["load=proc:loadavg"]));
    let reply = get(server.address(), "load");
    assert_eq!(
        (reply.code, reply.payload.len()),
        (Code::SERVICE_UNAVAILABLE, 0)
    );
    let group = stage.group("0007");
    for _ in 0..5 {
        stage.advance(&group, Plan::KEEP);
    }
    let mut reader = stage.member(&group);
    let served = || Some(get(server.address(), "load")).filter(|reply| reply.code == Code::CONTENT);
    let (_, opened) = reader.open(&["load"], &until("session 6", served)).unwrap();
    assert_eq!(opened.session.get(), 6);
}

#[test]
fn without_broadcasts_the_key_server_is_asked_and_the_sender_goes_on() {
    let stage = Stage::new(classes(), u64::from(DURATION) * 5);
    stage.office().mute = true;
    let server = serve(stage.args(&["load=proc:loadavg"]));
    assert_eq!(
        get(server.address(), "load").code,
        Code::SERVICE_UNAVAILABLE
    );
    let group = stage.group("0007");
    let mut seen = HashSet::new();
    let mut kids = HashSet::new();
    for _ in 0..5 {
        stage.advance(&group, Plan::KEEP);
    }
    let mut reader = stage.member(&group);
    let served = || Some(get(server.address(), "load")).filter(|reply| reply.code == Code::CONTENT);
    let first = until("the answer of the key server", served);
    let mut open = |reply| {
        let (_, opened) = reader.open(&["load"], &reply).unwrap();
        kids.insert(opened.kid);
        assert!(seen.insert((opened.kid, opened.session, opened.piv)));
    };
    open(first);
    // a broadcast that does not verify is a reason to ask, too
    let joins = stage.office().joins;
    assert!(joins > 2);
    {
        let mut office = stage.office();
        (office.mute, office.garbled) = (false, true);
    }
    until("one more join", || {
        (stage.office().joins > joins).then_some(())
    });
    for _ in 0..5 {
        open(until("an answer", served));
    }
    // it had to join several times, but it is one sender context
    assert_eq!(kids.len(), 1);
}

#[test]
fn an_old_broadcast_brings_no_old_key_back() {
    let stage = Stage::new(serde_json::json!({"0007": ["load"]}), 0);
    let group = stage.group("0007");
    // known to the key server since session 1
    drop(serve(stage.args(&["load=proc:loadavg"])));
    let old = stage.office().broadcasts(&group);
    stage.advance(&group, Plan::REFRESH);
    {
        let mut office = stage.office();
        (office.stale, office.mute) = (Some(old), true);
    }
    let args = Args {
        data: stage.file("other"),
        ..stage.args(&["load=proc:loadavg"])
    };
    let server = serve(args);
    // session 1 is in force by its times, but the key server said 2
    assert_eq!(
        get(server.address(), "load").code,
        Code::SERVICE_UNAVAILABLE
    );
    {
        let mut office = stage.office();
        (office.stale, office.mute) = (None, false);
    }
    let mut reader = stage.member(&group);
    let served = || Some(get(server.address(), "load")).filter(|reply| reply.code == Code::CONTENT);
    let (_, opened) = reader.open(&["load"], &until("session 2", served)).unwrap();
    assert_eq!(opened.session.get(), 2);
}

#[test]
fn a_group_that_began_anew_is_joined_again_under_a_new_kid() {
    let stage = Stage::new(classes(), 0);
    let server = serve(stage.args(&["load=proc:loadavg"]));
    let group = stage.group("0007");
    let mut reader = stage.member(&group);
    let (_, before) = reader
        .open(&["load"], &get(server.address(), "load"))
        .unwrap();
    stage.begin(&group, 0);
    let mut reader = stage.member(&group);
    let after = until("the new group", || {
        reader.open(&["load"], &get(server.address(), "load")).ok()
    });
    assert_ne!(before.kid, after.1.kid);
}

#[test]
fn no_nonce_repeats_however_often_it_is_killed() {
    let stage = Stage::new(classes(), 0);
    let (proxy, _store) = proxy(&stage);
    let proxy_address = proxy.coap_addr().unwrap();
    let stage = stage.with_proxy(proxy_address);
    let mut reader = stage.member(&stage.group("0007"));
    let (mut seen, mut stored, mut kids) = (HashSet::new(), StoredState::new(), HashSet::new());
    for round in 0..4 {
        let mut process = Process::start(
            &stage,
            &["--boot-salt", if round == 3 { "random" } else { "counter" }],
        );
        for _ in 0..3 {
            let reply = get(process.address, "load");
            let (_, opened) = reader.open(&["load"], &reply).unwrap();
            assert_eq!(opened.session.get(), 1, "the test must stay in one session");
            kids.insert(opened.kid);
            assert!(
                seen.insert((opened.kid, opened.piv)),
                "{opened:?} came twice"
            );
        }
        let opened = until("a newer object at the proxy", || {
            let object = get(proxy_address, "meter/load");
            let opened = reader
                .open_stored(&["load"], &object.payload, &mut stored)
                .ok()?
                .1;
            kids.contains(&opened.kid)
                .then_some(opened)
                .filter(|opened| !seen.contains(&(opened.kid, opened.piv)))
        });
        seen.insert((opened.kid, opened.piv));
        process.kill();
    }
    assert_eq!(kids.len(), 4);
}

#[test]
fn what_does_not_fit_together_is_said_at_once() {
    let stage = Stage::new(classes(), 0);
    // each attempt has a directory of its own: its threads may hold the lock for another moment
    let attempt = std::cell::Cell::new(0);
    let args = || {
        attempt.set(attempt.get() + 1);
        let data = stage.file(&format!("data{}", attempt.get()));
        Args {
            data,
            ..stage.args(&["load=proc:loadavg"])
        }
    };
    let fails = |args: Args, code: u8, expected: &str| match start(args, &Stop::new()) {
        Err(error) => {
            assert_eq!(error.exit_code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
        Ok(_) => panic!("started although {expected}"),
    };
    fails(
        Args {
            name: "x".into(),
            ..args()
        },
        3,
        "it has: meter",
    );
    fails(
        Args {
            key_file: None,
            ..args()
        },
        3,
        "another key for `meter`",
    );
    fails(
        Args {
            cert_key: stage.file("rs.key"),
            ..args()
        },
        3,
        "no private key",
    );
    fails(stage.args(&["temp=proc:loadavg"]), 3, "no class of `meter`");
    let taken = UdpSocket::bind(ANYWHERE).unwrap();
    let coap = Some(taken.local_addr().unwrap());
    fails(Args { coap, ..args() }, 3, "cannot use the address");
    stage.office().refuse = Some(Error::Subject);
    fails(args(), 1, "E_SUBJECT (77)");
    stage.office().refuse = None;

    let foreign = stage.directory.path().to_owned();
    fails(
        Args {
            data: foreign,
            ..args()
        },
        6,
        "is not empty",
    );
    let _server = serve(stage.args(&["load=proc:loadavg"]));
    fails(stage.args(&["load=proc:loadavg"]), 6, "in use");
    let broken = stage.file("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("iotchain"), "iotchain resource-server 1\n").unwrap();
    std::fs::write(broken.join("sender.json"), "{").unwrap();
    fails(
        Args {
            data: broken,
            boot_salt: BootSalt::Counter,
            ..args()
        },
        6,
        "sender.json",
    );
}

#[test]
fn a_key_server_that_is_away_is_waited_for() {
    let stage = Stage::new(classes(), 0);
    stage.office().refuse = Some(Error::LedgerUnavailable);
    let (args, stop) = (stage.args(&["load=proc:loadavg"]), Stop::new());
    let waiting = std::thread::spawn(move || start(args, &stop));
    until("the first join", || {
        (stage.office().joins > 0).then_some(())
    });
    assert!(!waiting.is_finished());
    stage.office().refuse = None;
    let server = waiting.join().unwrap().unwrap().unwrap();
    assert_eq!(get(server.address(), "load").code, Code::CONTENT);
}

/// The binary in a process of its own.
struct Process {
    child: std::process::Child,
    address: std::net::SocketAddr,
}

impl Process {
    fn start(stage: &Stage, more: &[&str]) -> Self {
        use std::io::BufRead;
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_iotchain"))
            .args([
                "resource-server",
                "--name",
                "meter",
                "--coap",
                "127.0.0.1:0",
            ])
            .args(["--resource", "load=proc:loadavg", "--publish", "1"])
            .args(more)
            .args(["--data".into(), stage.file("data")])
            .args(["--catalogue".into(), stage.file("catalogue.json")])
            .args(["--key-file".into(), stage.file("rs.key")])
            .args(["--cert".into(), stage.file("rs.pem")])
            .args(["--cert-key".into(), stage.file("rs-tls.key")])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("ready resource-server coap=")
            .unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
        }
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
