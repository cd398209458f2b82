//! Client and server over DTLS on the loopback, with and without losses.

mod bench;

use bench::{ANYWHERE, BRISK, Pki, Store, settings};
use iotchain_node::{
    coap::{Call, Client, Code, Settings, content_format},
    dtls::Bounds,
    runtime::{Handle, Loss, NetError, Server},
};
use std::{net::UdpSocket, time::Duration};

fn server(pki: &Pki, loss: Option<Loss>) -> Handle {
    let builder = Server::builder(Store::default())
        .coap(ANYWHERE)
        .coaps(ANYWHERE, pki.server());
    builder.transmission(BRISK).loss(loss).spawn().unwrap()
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 13 + i / 256) as u8).collect()
}

#[test]
fn ten_kilobytes_go_both_ways_and_plain_coap_is_served_beside() {
    let pki = Pki::new();
    let server = server(&pki, None);
    let mut client = Client::dtls(server.coaps_addr().unwrap(), &pki.client(), settings()).unwrap();
    client
        .request(&Call::put("a", content_format::OCTET_STREAM, body(10_000)))
        .unwrap();
    assert_eq!(client.get("a").unwrap().payload, body(10_000));
    let mut plain = Client::udp(server.coap_addr().unwrap(), settings()).unwrap();
    assert_eq!(plain.get("a").unwrap().payload, body(10_000));
    assert!(matches!(
        plain.get("exporter"),
        Err(NetError::Refused {
            code: Code::UNAUTHORIZED,
            ..
        })
    ));
}

#[test]
fn the_service_sees_the_association_and_the_certificate() {
    let pki = Pki::new();
    let server = server(&pki, None);
    let addr = server.coaps_addr().unwrap();
    let mut anonymous = Client::dtls(addr, &pki.client(), settings()).unwrap();
    let mut rs = Client::dtls(addr, &pki.rs_client(), settings()).unwrap();
    assert_eq!(anonymous.get("who").unwrap().payload, b"nobody");
    assert_eq!(rs.get("who").unwrap().payload, b"the resource server");
    for client in [&mut anonymous, &mut rs] {
        let theirs = client.get("exporter").unwrap().payload;
        assert_eq!(theirs, client.association().unwrap().exporter);
    }
    assert!(anonymous.association().unwrap().peer.is_some());
}

#[test]
fn a_fifth_lost_in_each_direction_changes_nothing_but_the_time() {
    let pki = Pki::new();
    let server = server(&pki, Some(Loss::new(20, 4)));
    for config in [pki.client(), pki.rs_client()] {
        let mut client = Client::dtls(server.coaps_addr().unwrap(), &config, settings()).unwrap();
        client
            .request(&Call::put("a", content_format::OCTET_STREAM, body(10_000)))
            .unwrap();
        assert_eq!(client.get("a").unwrap().payload, body(10_000));
        assert_eq!(client.get("slow").unwrap().payload, b"at last");
    }
}

#[test]
fn observation_and_separate_answers_work_inside() {
    let pki = Pki::new();
    let server = server(&pki, None);
    let addr = server.coaps_addr().unwrap();
    let mut writer = Client::dtls(addr, &pki.client(), settings()).unwrap();
    writer.request(&Call::put("a", 42, body(3000))).unwrap();
    let mut reader = Client::dtls(addr, &pki.client(), settings()).unwrap();
    assert_eq!(reader.get("slow").unwrap().payload, b"at last");
    let mut observation = reader.observe(&Call::get("a")).unwrap();
    assert_eq!(
        observation
            .next(Duration::from_secs(5))
            .unwrap()
            .unwrap()
            .payload,
        body(3000)
    );
    for n in 1..4 {
        writer.request(&Call::put("a", 42, body(3000 + n))).unwrap();
        assert_eq!(
            observation
                .next(Duration::from_secs(5))
                .unwrap()
                .unwrap()
                .payload,
            body(3000 + n)
        );
    }
}

#[test]
fn the_wrong_server_is_named_as_such_and_an_absent_one_times_out() {
    let (pki, other) = (Pki::new(), Pki::new());
    let server = server(&pki, None);
    let addr = server.coaps_addr().unwrap();
    let Err(error) = Client::dtls(addr, &other.client(), settings()) else {
        panic!("trusted a stranger")
    };
    assert!(error.to_string().contains("certificate refused"), "{error}");
    server.shutdown();
    let hasty = Settings {
        handshake_timeout: Duration::from_millis(300),
        ..settings()
    };
    assert!(matches!(
        Client::dtls(addr, &pki.client(), hasty),
        Err(NetError::Handshake { .. })
    ));
}

#[test]
fn a_server_that_goes_says_goodbye() {
    let pki = Pki::new();
    let server = server(&pki, None);
    let mut client = Client::dtls(server.coaps_addr().unwrap(), &pki.client(), settings()).unwrap();
    client.get("token").unwrap();
    server.shutdown();
    assert!(matches!(client.get("token"), Err(NetError::Closed { .. })));
}

#[test]
fn many_clients_shake_hands_at_once() {
    let pki = Pki::new();
    let server = server(&pki, None);
    let addr = server.coaps_addr().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = Client::dtls(addr, &pki.client(), settings()).unwrap();
                assert_eq!(client.get("token").unwrap().code, Code::CONTENT);
            });
        }
    });
}

#[test]
fn garbage_and_abandoned_handshakes_stop_nothing() {
    let pki = Pki::new();
    let bounds = Bounds {
        handshakes: 8,
        handshake: Duration::from_millis(300),
        ..Bounds::default()
    };
    let builder = Server::builder(Store::default())
        .coaps(ANYWHERE, pki.server())
        .bounds(bounds);
    let server = builder.spawn().unwrap();
    let addr = server.coaps_addr().unwrap();
    let mut early = Client::dtls(addr, &pki.client(), settings()).unwrap();
    let hello = pki
        .client()
        .connect(std::time::Instant::now())
        .unwrap()
        .outgoing()
        .unwrap();
    for n in 0..10_000usize {
        let socket = UdpSocket::bind(ANYWHERE).unwrap();
        let mut bytes = hello.clone();
        bytes.truncate(n % (hello.len() + 1));
        if let Some(byte) = bytes.get_mut(n / 7 % hello.len()) {
            *byte ^= n as u8;
        }
        socket.send_to(&bytes, addr).unwrap();
    }
    let mut late = Client::dtls(addr, &pki.client(), settings()).unwrap();
    assert_eq!(late.get("token").unwrap().code, Code::CONTENT);
    assert_eq!(early.get("token").unwrap().code, Code::CONTENT);
    assert!(server.is_serving());
}
