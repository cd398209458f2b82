//! Client and server over UDP on the loopback, with and without losses.

mod bench;

use bench::{ANYWHERE, BRISK, Store, settings};
use iotchain_node::{
    coap::{Call, Client, Code, Limits, Settings, content_format},
    runtime::{Handle, Loss, NetError, Server},
};
use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

fn server(loss: Option<Loss>) -> Handle {
    Server::builder(Store::default())
        .coap(ANYWHERE)
        .transmission(BRISK)
        .loss(loss)
        .spawn()
        .unwrap()
}

fn client(server: &Handle, settings: Settings) -> Client {
    Client::udp(server.coap_addr().unwrap(), settings).unwrap()
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + i / 256) as u8).collect()
}

#[test]
fn ten_kilobytes_go_both_ways() {
    let server = server(None);
    for szx in [2, 6] {
        let mut client = client(&server, Settings { szx, ..settings() });
        let call = Call::put("files/a", content_format::OCTET_STREAM, body(10_000));
        assert_eq!(client.request(&call).unwrap().code, Code::CHANGED);
        let reply = client.get("files/a").unwrap();
        assert_eq!(
            (reply.content_format(), reply.payload),
            (Some(content_format::OCTET_STREAM), body(10_000))
        );
    }
    server.shutdown();
}

#[test]
fn a_fifth_lost_in_each_direction_changes_nothing_but_the_time() {
    let server = server(Some(Loss::new(20, 11)));
    let mut client = client(&server, settings());
    for round in 0..3 {
        let sent = body(10_000 + round);
        client
            .request(&Call::put("a", content_format::OCTET_STREAM, sent.clone()))
            .unwrap();
        assert_eq!(client.get("a").unwrap().payload, sent);
    }
    for n in 1..=20 {
        let reply = client.request(&Call::new(Code::POST, "count")).unwrap();
        assert_eq!(
            reply.payload,
            n.to_string().as_bytes(),
            "each request is handled once"
        );
    }
}

#[test]
fn a_slow_answer_comes_separately_and_survives_losses() {
    for loss in [None, Some(Loss::new(20, 5))] {
        let server = server(loss);
        let mut client = client(&server, settings());
        for _ in 0..5 {
            assert_eq!(client.get("slow").unwrap().payload, b"at last");
        }
    }
}

#[test]
fn the_reply_names_the_token_the_server_saw() {
    let server = server(None);
    let mut client = client(&server, settings());
    let (one, two) = (client.get("token").unwrap(), client.get("token").unwrap());
    assert_eq!(
        (one.payload.as_slice(), one.payload.len()),
        (one.token.as_bytes(), 8)
    );
    assert_ne!(one.token, two.token);
}

#[test]
fn observers_follow_a_large_resource() {
    for loss in [None, Some(Loss::new(15, 3))] {
        let server = server(loss);
        let mut writer = client(&server, settings());
        let mut put = |n: usize| {
            writer
                .request(&Call::put(
                    "a",
                    content_format::OCTET_STREAM,
                    body(10_000 + n),
                ))
                .unwrap();
        };
        put(0);
        let mut reader = client(&server, settings());
        let mut observation = reader.observe(&Call::get("a")).unwrap();
        let first = observation.next(Duration::from_secs(9)).unwrap().unwrap();
        assert_eq!(
            (first.payload, first.token),
            (body(10_000), observation.token())
        );
        for n in 1..5 {
            put(n);
            let state = loop {
                match observation.next(Duration::from_secs(9)) {
                    Ok(state) => break state.expect("a notification"),
                    // The state moved on between two blocks; the next notification has the whole.
                    Err(NetError::Changed) => continue,
                    Err(e) => panic!("{e}"),
                }
            };
            assert_eq!(state.payload, body(10_000 + n));
        }
        assert_eq!(
            observation.request(&Call::get("token")).unwrap().code,
            Code::CONTENT
        );
        observation.cancel().unwrap();
        put(9);
        assert_eq!(reader.get("a").unwrap().payload, body(10_009));
    }
}

#[test]
fn what_cannot_be_observed_says_so() {
    let server = server(None);
    let mut client = client(&server, settings());
    assert!(matches!(
        client.observe(&Call::get("token")),
        Err(NetError::Protocol { .. })
    ));
    assert!(matches!(
        client.observe(&Call::get("none")),
        Err(NetError::Refused {
            code: Code::NOT_FOUND,
            ..
        })
    ));
}

#[test]
fn the_handle_notifies_from_outside() {
    let server = server(None);
    let mut client = client(&server, settings());
    client.request(&Call::put("a", 42, "1")).unwrap();
    let mut observation = client.observe(&Call::get("a")).unwrap();
    observation.next(Duration::ZERO).unwrap().unwrap();
    assert_eq!(observation.next(Duration::from_millis(100)).unwrap(), None);
    server.notify("a");
    assert_eq!(
        observation
            .next(Duration::from_secs(5))
            .unwrap()
            .unwrap()
            .payload,
        b"1"
    );
}

#[test]
fn echo_is_answered_twice_and_no_more() {
    let server = server(None);
    let mut client = client(&server, settings());
    let put = Call::put("fresh", 42, body(3000));
    assert_eq!(client.request(&put).unwrap().code, Code::CHANGED);
    let challenge = client
        .request(&put.clone().without_echo_repetition())
        .unwrap();
    assert_eq!(challenge.code, Code::UNAUTHORIZED);
    let again = put
        .without_echo_repetition()
        .echo(challenge.echo().unwrap());
    assert_eq!(client.request(&again).unwrap().code, Code::CHANGED);
}

#[test]
fn non_confirmable_requests_work_and_silence_is_a_timeout() {
    let server = server(None);
    let mut quick = client(&server, settings());
    assert_eq!(
        quick
            .request(&Call::get("token").non_confirmable())
            .unwrap()
            .code,
        Code::CONTENT
    );
    let addr = server.coap_addr().unwrap();
    server.shutdown();
    let hasty = Settings {
        response_timeout: Duration::from_millis(50),
        ..settings()
    };
    let mut client = Client::udp(
        addr,
        Settings {
            transmission: BRISK,
            ..hasty
        },
    )
    .unwrap();
    let started = Instant::now();
    let silent = client.request(&Call::get("token").non_confirmable());
    assert!(matches!(silent, Err(NetError::Timeout { .. })));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn limits_reach_the_client_as_answers() {
    let limits = Limits {
        body: 4000,
        ..Limits::default()
    };
    let server = Server::builder(Store::default())
        .coap(ANYWHERE)
        .limits(limits)
        .spawn()
        .unwrap();
    let mut client = client(
        &server,
        Settings {
            max_body: 2000,
            ..settings()
        },
    );
    let reply = client.request(&Call::put("a", 42, body(4001))).unwrap();
    assert_eq!(reply.code, Code::REQUEST_ENTITY_TOO_LARGE);
    assert_eq!(
        client
            .request(&Call::put("a", 42, body(4000)))
            .unwrap()
            .code,
        Code::CHANGED
    );
    assert!(matches!(
        client.get("a"),
        Err(NetError::TooLarge { limit: 2000 })
    ));
    let long = "x".repeat(256);
    assert!(matches!(client.get(&long), Err(NetError::Request(_))));
    assert_eq!(
        client.get(".well-known/core").unwrap().payload,
        b"</a>;ct=42;obs"
    );
}

#[test]
fn ten_thousand_garbage_datagrams_stop_nothing() {
    let server = server(None);
    let socket = UdpSocket::bind(ANYWHERE).unwrap();
    let mut state = 1u64;
    for n in 0..10_000u64 {
        let mut bytes = Vec::new();
        for _ in 0..n % 60 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            bytes.push((state >> 56) as u8);
        }
        if let Some(first) = bytes.first_mut().filter(|_| n % 2 == 0) {
            *first = 0x40 | (*first & 0x38);
        }
        socket.send_to(&bytes, server.coap_addr().unwrap()).unwrap();
    }
    assert_eq!(
        client(&server, settings()).get("token").unwrap().code,
        Code::CONTENT
    );
    assert!(server.is_serving());
}

#[test]
fn an_address_in_use_is_named() {
    let server = server(None);
    let addr = server.coap_addr().unwrap();
    let Err(error) = Server::builder(Store::default()).coap(addr).spawn() else {
        panic!("bound twice")
    };
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
}
