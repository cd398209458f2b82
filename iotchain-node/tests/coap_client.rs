//! The client against a server that is played by hand, message by message.

use iotchain_node::{
    coap::{Block, Call, Client, Code, Message, Settings, Transmission, Type, option::number},
    runtime::NetError,
};
use std::{
    net::{SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

/// The hand that plays the server.
struct Script {
    socket: UdpSocket,
    client: Option<SocketAddr>,
}

impl Script {
    /// The next message, or `None` after a silence.
    fn try_next(&mut self) -> Option<Message> {
        let mut buffer = [0; 2048];
        let (length, from) = self.socket.recv_from(&mut buffer).ok()?;
        self.client = Some(from);
        Some(Message::parse(&buffer[..length]).unwrap())
    }

    fn next(&mut self) -> Message {
        self.try_next().expect("a message")
    }

    fn send(&self, message: &Message) {
        self.socket
            .send_to(&message.encode(), self.client.unwrap())
            .unwrap();
    }

    /// A piggybacked answer.
    fn answer(&self, request: &Message, code: Code, options: &[(u16, u32)], payload: &[u8]) {
        let mut message = Message::new(Type::Ack, code, request.id, request.token);
        options
            .iter()
            .for_each(|(n, v)| message.options.set_uint(*n, *v));
        message.payload = payload.to_vec();
        self.send(&message);
    }
}

/// Repeats so late that a busy machine does not disturb the script.
const PATIENT: Duration = Duration::from_secs(5);

/// Repeats at once.
const HASTY: Duration = Duration::from_millis(50);

fn play<T: Send>(
    ack_timeout: Duration,
    server: impl FnOnce(Script) + Send,
    act: impl FnOnce(Client) -> T + Send,
) -> T {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let addr = socket.local_addr().unwrap();
    let transmission = Transmission {
        ack_timeout,
        max_retransmit: 2,
    };
    let settings = Settings {
        transmission,
        response_timeout: Duration::from_secs(5),
        ..Settings::default()
    };
    thread::scope(|scope| {
        let played = scope.spawn(|| {
            server(Script {
                socket,
                client: None,
            })
        });
        let outcome = act(Client::udp(addr, settings).unwrap());
        played.join().unwrap();
        outcome
    })
}

fn content(kind: Type, id: u16, request: &Message, payload: &[u8]) -> Message {
    let mut message = Message::new(kind, Code::CONTENT, id, request.token);
    message.payload = payload.to_vec();
    message
}

#[test]
fn a_request_is_repeated_until_it_is_answered() {
    let reply = play(
        HASTY,
        |mut script| {
            let first = script.next();
            assert_eq!(script.next(), first);
            assert_eq!(script.next(), first);
            script.answer(&first, Code::CONTENT, &[], b"x");
        },
        |mut client| client.get("a"),
    );
    assert_eq!(reply.unwrap().payload, b"x");
}

#[test]
fn silence_and_reset_are_told_apart() {
    let silence = play(
        HASTY,
        |mut script| {
            assert_eq!(
                (0..3)
                    .map(|_| script.next().id)
                    .collect::<std::collections::HashSet<_>>()
                    .len(),
                1
            )
        },
        |mut client| client.get("a"),
    );
    assert!(matches!(silence, Err(NetError::Timeout { .. })));
    let reset = play(
        HASTY,
        |mut script| {
            let request = script.next();
            script.send(&Message::empty(Type::Rst, request.id));
        },
        |mut client| client.get("a"),
    );
    assert!(matches!(reset, Err(NetError::Reset { .. })));
}

#[test]
fn a_separate_response_is_acknowledged_as_often_as_it_comes() {
    let replies = play(
        PATIENT,
        |mut script| {
            let request = script.next();
            script.send(&Message::empty(Type::Ack, request.id));
            let response = content(Type::Con, 77, &request, b"x");
            script.send(&response);
            assert_eq!(script.next(), Message::empty(Type::Ack, 77));
            let second = script.next();
            script.send(&response);
            assert_eq!(
                script.next(),
                Message::empty(Type::Ack, 77),
                "our acknowledgement was lost"
            );
            script.answer(&second, Code::CONTENT, &[], b"y");
        },
        |mut client| {
            [
                client.get("a").unwrap().payload,
                client.get("b").unwrap().payload,
            ]
        },
    );
    assert_eq!(replies, [b"x", b"y"]);
}

#[test]
fn a_response_may_overtake_its_acknowledgement() {
    let reply = play(
        PATIENT,
        |mut script| {
            let request = script.next();
            script.send(&content(Type::Non, 5, &request, b"x"));
            script.send(&Message::empty(Type::Ack, request.id));
        },
        |mut client| client.get("a"),
    );
    assert_eq!(reply.unwrap().payload, b"x");
}

#[test]
fn what_we_did_not_ask_for_is_reset_or_ignored() {
    let reply = play(
        PATIENT,
        |mut script| {
            let request = script.next();
            let mut stranger = content(Type::Con, 9, &request, b"forged");
            stranger.token = Default::default();
            script.send(&stranger);
            assert_eq!(script.next(), Message::empty(Type::Rst, 9));
            script.send(&Message::empty(Type::Con, 10));
            assert_eq!(script.next(), Message::empty(Type::Rst, 10));
            script.send(&content(
                Type::Ack,
                request.id.wrapping_add(1),
                &request,
                b"for another message",
            ));
            script.send(&content(
                Type::Ack,
                request.id,
                &stranger,
                b"for another token",
            ));
            script
                .socket
                .send_to(b"garbage", script.client.unwrap())
                .unwrap();
            script.answer(&request, Code::CONTENT, &[], b"x");
        },
        |mut client| client.get("a"),
    );
    assert_eq!(reply.unwrap().payload, b"x");
}

#[test]
fn blocks_of_another_representation_are_noticed() {
    let first = Block {
        number: 0,
        more: true,
        szx: 0,
    }
    .value();
    let last = Block {
        number: 1,
        more: false,
        szx: 0,
    }
    .value();
    for (etag, number, wanted) in [(2, last, "changed"), (1, first, "place"), (1, last, "")] {
        let outcome = play(
            PATIENT,
            |mut script| {
                let request = script.next();
                script.answer(
                    &request,
                    Code::CONTENT,
                    &[(number::BLOCK2, first), (number::ETAG, 1)],
                    &[0; 16],
                );
                let request = script.next();
                assert_eq!(request.options.uint(number::BLOCK2), Some(16));
                script.answer(
                    &request,
                    Code::CONTENT,
                    &[(number::BLOCK2, number), (number::ETAG, etag)],
                    &[1; 16],
                );
            },
            |mut client| client.get("a"),
        );
        match outcome {
            Ok(reply) => assert_eq!((reply.payload.len(), wanted), (32, "")),
            Err(e) => assert!(!wanted.is_empty() && e.to_string().contains(wanted), "{e}"),
        }
    }
}

#[test]
fn a_server_may_ask_for_smaller_blocks() {
    let body: Vec<u8> = (0..200).cycle().take(1500).collect();
    let expected = body.clone();
    play(
        PATIENT,
        |mut script| {
            let first = script.next();
            assert_eq!(first.payload.len(), 1024);
            let smaller = Block {
                number: 0,
                more: true,
                szx: 5,
            }
            .value();
            script.answer(&first, Code::CONTINUE, &[(number::BLOCK1, smaller)], &[]);
            let second = script.next();
            let wanted = Block {
                number: 2,
                more: false,
                szx: 5,
            }
            .value();
            assert_eq!(second.options.uint(number::BLOCK1), Some(wanted));
            assert_eq!([first.payload, second.payload.clone()].concat(), expected);
            assert_eq!(
                first.options.get(number::REQUEST_TAG),
                second.options.get(number::REQUEST_TAG)
            );
            script.answer(&second, Code::CHANGED, &[(number::BLOCK1, wanted)], &[]);
        },
        |mut client| {
            assert_eq!(
                client.request(&Call::put("a", 42, body)).unwrap().code,
                Code::CHANGED
            )
        },
    );
}

#[test]
fn echo_is_returned_twice_at_most() {
    let reply = play(
        PATIENT,
        |mut script| {
            for round in 0..3u32 {
                let request = script.next();
                let returned = request.options.uint(number::ECHO);
                assert_eq!(returned, (round > 0).then_some(round));
                script.answer(
                    &request,
                    Code::UNAUTHORIZED,
                    &[(number::ECHO, round + 1)],
                    &[],
                );
            }
            assert_eq!(script.try_next(), None);
        },
        |mut client| client.request(&Call::get("a")),
    );
    assert_eq!(reply.unwrap().code, Code::UNAUTHORIZED);
}

#[test]
fn old_notifications_do_not_replace_newer_ones() {
    let seen = play(
        PATIENT,
        |mut script| {
            let request = script.next();
            script.answer(
                &request,
                Code::CONTENT,
                &[(number::OBSERVE, 0x00ff_fffe)],
                b"0",
            );
            for (id, (sequence, payload)) in [
                (0x00ff_ffff, b"1"),
                (1, b"2"),
                (0, b"3"),
                (1, b"4"),
                (2, b"5"),
            ]
            .iter()
            .enumerate()
            {
                let mut note = content(Type::Con, id as u16, &request, *payload);
                note.options.set_uint(number::OBSERVE, *sequence);
                script.send(&note);
                assert_eq!(script.next(), Message::empty(Type::Ack, id as u16));
            }
            let mut end = Message::new(Type::Con, Code::NOT_FOUND, 99, request.token);
            end.payload = b"gone".to_vec();
            script.send(&end);
            assert_eq!(script.next(), Message::empty(Type::Ack, 99));
        },
        |mut client| {
            let mut observation = client.observe(&Call::get("a")).unwrap();
            let mut seen = Vec::new();
            loop {
                match observation.next(Duration::from_secs(2)) {
                    Ok(state) => seen.extend(state.expect("a notification").payload),
                    Err(NetError::Refused {
                        code: Code::NOT_FOUND,
                        ..
                    }) => return seen,
                    Err(e) => panic!("{e}"),
                }
            }
        },
    );
    assert_eq!(seen, b"0125");
}
