//! Floods and garbage.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use iotchain::{Error, Roles};
use iotchain_node::coap::{Call, Code, Settings, content_format};
use iotchain_node::runtime::NetError;

use crate::world::{ANYWHERE, World, plain, refusal, settings};

#[test]
fn a_flood_of_joins_is_bounded_and_honest_members_are_served() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET);
    let (mut member, _) = world.join(&server, 1, Roles::GET);
    let until = Instant::now() + Duration::from_secs(5);
    std::thread::scope(|scope| {
        for attacker in 100..108u8 {
            let mut link = world.connect(&server);
            let token = world.token(attacker);
            scope.spawn(move || {
                let spoilt = link.request(token, attacker - 50, Roles::GET, |_| {});
                let honest = link.request(token, attacker, Roles::GET, |_| {});
                while Instant::now() < until {
                    assert_eq!(refusal(&link.send(&spoilt)).1, Some(Error::Pop));
                    let refused = refusal(&link.send(&honest)).1;
                    assert!(
                        matches!(refused, Some(Error::TokenAbsent | Error::Rate)),
                        "{refused:?}"
                    );
                }
            });
        }
        while Instant::now() < until {
            let asked = Instant::now();
            assert!(member.num().is_some());
            assert!(asked.elapsed() < Duration::from_secs(3));
        }
    });
    assert!(server.is_serving());
}

#[test]
fn a_slow_ledger_delays_those_who_need_it_and_nobody_else() {
    let world = World::new();
    let server = world.start();
    let (mut rs, _) = world.join_meter(&server);
    world.ledger.slow_down(Duration::from_secs(2));
    let mut links: Vec<_> = (50..58)
        .map(|client| {
            let hasty = Settings {
                response_timeout: Duration::from_millis(500),
                ..settings()
            };
            let mut link = world.connect_with(&server, None, hasty);
            let body = link.request(world.token(client), client, Roles::GET, |_| {});
            (link, body)
        })
        .collect();
    let target = format!("ace-group/{}", world.group());
    for (link, body) in &mut links {
        let call =
            Call::post(&target, content_format::ACE_GROUPCOMM, body.clone()).non_confirmable();
        assert!(matches!(
            link.client.request(&call),
            Err(NetError::Timeout { .. })
        ));
        // An association has one request at the ledger at a time.
        assert_eq!(
            refusal(&link.client.request(&call).unwrap()).1,
            Some(Error::Rate)
        );
        let asked = Instant::now();
        assert!(rs.num().is_some());
        assert!(asked.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn garbage_stops_nothing() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET);
    let socket = UdpSocket::bind(ANYWHERE).unwrap();
    let mut seed = 1u32;
    let mut noise = |len: usize| -> Vec<u8> {
        let byte = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        (0..len).map(byte).collect()
    };
    for n in 0..3000 {
        let datagram = noise(n % 200);
        socket
            .send_to(
                &datagram,
                if n % 2 == 0 {
                    server.coap()
                } else {
                    server.coaps()
                },
            )
            .unwrap();
    }
    let mut link = world.connect(&server);
    let whole = link.request(world.token(1), 1, Roles::GET, |_| {});
    for n in 0..whole.len() {
        let mut changed = whole.clone();
        changed[n] ^= 1 << (n % 8);
        for body in [&changed[..], &whole[..n], &noise(n)] {
            let reply = link.send(body);
            assert!(!reply.code.is_success(), "byte {n}");
            assert!(refusal(&reply).1.is_some(), "byte {n}");
        }
    }
    for target in [
        "",
        "ace-group",
        "ace-group/x",
        "ace-group/x/y/z/w",
        "authz-info",
        ".well-known/none",
    ] {
        for code in [Code::GET, Code::POST, Code::PUT, Code::DELETE, Code::FETCH] {
            let call = Call::new(code, target);
            assert!(
                !link.client.request(&call).unwrap().code.is_success(),
                "{code} {target}"
            );
            assert!(
                !plain(&server).request(&call).unwrap().code.is_success(),
                "{code} {target}"
            );
        }
    }
    assert!(
        link.send(&whole).code.is_success(),
        "the whole request still joins"
    );
    assert!(server.is_serving());
}
