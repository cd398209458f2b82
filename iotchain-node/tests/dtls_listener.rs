//! The listener datagram by datagram: state, replacement, junk, refusal.

mod bench;

use bench::{Pki, RS};
use iotchain_node::dtls::{
    Association, Bounds, ClientConfig, Event, Listener, ServerConfig, ServerName, Session,
    pki::Authority,
};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

struct Server {
    listener: Listener,
    now: Instant,
    messages: Vec<Vec<u8>>,
    ended: Vec<u64>,
    last: Option<Arc<Association>>,
}

fn addr(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

impl Server {
    fn new(config: &ServerConfig, bounds: Bounds) -> Self {
        let now = Instant::now();
        let listener = Listener::new(config, bounds, &[3; 32], now).unwrap();
        Server {
            listener,
            now,
            messages: vec![],
            ended: vec![],
            last: None,
        }
    }

    fn receive(&mut self, from: SocketAddr, datagram: &[u8]) -> Vec<Vec<u8>> {
        self.listener.receive(self.now, from, datagram);
        self.collect();
        let out = self.listener.outgoing();
        out.into_iter()
            .filter(|(to, _)| *to == from)
            .map(|(_, d)| d)
            .collect()
    }

    fn collect(&mut self) {
        for event in self.listener.events() {
            match event {
                Event::Message(_, association, message) => {
                    self.messages.push(message);
                    self.last = Some(association);
                }
                Event::Ended(_, association) => self.ended.push(association.id),
            }
        }
    }

    /// Carries datagrams both ways until neither end has more to say.
    fn converse(&mut self, from: SocketAddr, client: &mut dyn Session) -> Result<(), String> {
        for _ in 0..20 {
            let mut quiet = true;
            while let Some(datagram) = client.outgoing() {
                quiet = false;
                for answer in self.receive(from, &datagram) {
                    client
                        .receive(self.now, &answer)
                        .map_err(|e| e.to_string())?;
                }
            }
            if quiet {
                return Ok(());
            }
        }
        Err("they talk for ever".into())
    }

    fn connect(&mut self, from: SocketAddr, config: &ClientConfig) -> Box<dyn Session> {
        let mut client = config.connect(self.now).unwrap();
        self.converse(from, client.as_mut()).unwrap();
        assert!(client.association().is_some());
        client
    }

    fn says(&mut self, from: SocketAddr, client: &mut dyn Session, message: &[u8]) -> bool {
        self.messages.clear();
        client.send(message).is_ok()
            && self.converse(from, client).is_ok()
            && self.messages == [message]
    }
}

fn server(pki: &Pki) -> Server {
    Server::new(&pki.server(), Bounds::default())
}

#[test]
fn both_ends_agree_on_the_channel_and_on_who_is_who() {
    let pki = Pki::new();
    let mut server = server(&pki);
    let mut exporters = Vec::new();
    for (port, config, known) in [(1, pki.client(), false), (2, pki.rs_client(), true)] {
        let mut client = server.connect(addr(port), &config);
        assert!(server.says(addr(port), client.as_mut(), b"hello"));
        let ours = client.association().unwrap();
        let theirs = server.last.take().unwrap();
        assert_eq!(ours.exporter, theirs.exporter);
        assert_ne!(ours.exporter, [0; 32]);
        assert_eq!(ours.peer.as_ref().unwrap().der, pki.server.der().unwrap());
        assert_eq!(ours.peer.as_ref().unwrap().dns, ["ks.test"]);
        let rs = theirs.peer.as_ref();
        assert_eq!(rs.is_some_and(|c| c.authorises(&RS)), known);
        assert!(!rs.is_some_and(|c| c.authorises(&[0; 20])));
        exporters.push(ours.exporter);
        assert!(server.listener.send(addr(port), theirs.id, b"answer"));
        let (_, datagram) = server.listener.outgoing().remove(0);
        client.receive(server.now, &datagram).unwrap();
        assert_eq!(client.incoming().unwrap(), b"answer");
        assert!(
            !server
                .listener
                .send(addr(port), theirs.id + 1000, b"answer")
        );
    }
    assert_ne!(exporters[0], exporters[1]);
}

#[test]
fn three_thousand_hellos_leave_nothing_behind_and_amplify_nothing() {
    let pki = Pki::new();
    let mut server = server(&pki);
    let hello = pki
        .client()
        .connect(server.now)
        .unwrap()
        .outgoing()
        .unwrap();
    for port in 1..=3000 {
        let answers = server.receive(addr(port), &hello);
        assert_eq!(answers.len(), 1);
        assert!(answers[0].len() <= hello.len());
    }
    assert_eq!(server.listener.load(), (0, 0));
    server.connect(addr(4000), &pki.client());
    assert_eq!(server.listener.load(), (1, 0));
}

#[test]
fn handshakes_behind_a_cookie_are_bounded_in_number_and_time() {
    let pki = Pki::new();
    let bounds = Bounds {
        handshakes: 5,
        ..Bounds::default()
    };
    let mut server = Server::new(&pki.server(), bounds);
    for port in 1..=20 {
        let mut client = pki.client().connect(server.now).unwrap();
        let hello = client.outgoing().unwrap();
        let Some(challenge) = server.receive(addr(port), &hello).pop() else {
            continue;
        };
        client.receive(server.now, &challenge).unwrap();
        server.receive(addr(port), &client.outgoing().unwrap());
    }
    assert_eq!(server.listener.load(), (0, 5));
    server.now += bounds.handshake;
    server.listener.tick(server.now);
    assert_eq!(server.listener.load(), (0, 0));
}

#[test]
fn sessions_are_bounded_and_idle_ones_end() {
    let pki = Pki::new();
    let bounds = Bounds {
        sessions: 3,
        ..Bounds::default()
    };
    let mut server = Server::new(&pki.server(), bounds);
    for port in 1..=5 {
        server.now += Duration::from_secs(1);
        server.connect(addr(port), &pki.client());
    }
    assert_eq!((server.listener.load(), server.ended.len()), ((3, 0), 2));
    server.now += bounds.idle;
    server.listener.tick(server.now);
    server.collect();
    assert_eq!((server.listener.load(), server.ended.len()), ((0, 0), 5));
}

#[test]
fn a_stolen_cookie_is_worth_nothing_elsewhere() {
    let pki = Pki::new();
    let mut server = server(&pki);
    let mut client = pki.client().connect(server.now).unwrap();
    let challenge = server
        .receive(addr(1), &client.outgoing().unwrap())
        .remove(0);
    client.receive(server.now, &challenge).unwrap();
    let hello = client.outgoing().unwrap();
    assert!(
        server.receive(addr(2), &hello)[0].len() < 100,
        "another challenge"
    );
    assert_eq!(server.listener.load(), (0, 0));
}

#[test]
fn a_returning_peer_replaces_its_session_only_once_it_is_done() {
    let pki = Pki::new();
    let mut server = server(&pki);
    let mut old = server.connect(addr(1), &pki.client());
    // A forged ClientHello, even one that goes on to a handshake, leaves the session alone.
    let mut forged = pki.client().connect(server.now).unwrap();
    let challenge = server
        .receive(addr(1), &forged.outgoing().unwrap())
        .remove(0);
    forged.receive(server.now, &challenge).unwrap();
    server.receive(addr(1), &forged.outgoing().unwrap());
    assert_eq!(server.listener.load(), (1, 1));
    assert!(server.says(addr(1), old.as_mut(), b"still here"));
    server.now += Duration::from_secs(31);
    server.listener.tick(server.now);
    server.listener.outgoing();
    assert!(server.says(addr(1), old.as_mut(), b"and here"));
    // A real one takes over.
    let mut new = server.connect(addr(1), &pki.client());
    server.collect();
    assert_eq!((server.listener.load(), server.ended.len()), ((1, 0), 1));
    assert!(server.says(addr(1), new.as_mut(), b"back"));
    assert!(!server.says(addr(1), old.as_mut(), b"forgotten"));
}

#[test]
fn a_peer_that_starts_over_in_the_middle_is_not_left_hanging() {
    let pki = Pki::new();
    let mut server = server(&pki);
    let mut abandoned = pki.client().connect(server.now).unwrap();
    let challenge = server
        .receive(addr(1), &abandoned.outgoing().unwrap())
        .remove(0);
    abandoned.receive(server.now, &challenge).unwrap();
    let hello = abandoned.outgoing().unwrap();
    server.receive(addr(1), &hello);
    assert_eq!(server.listener.load(), (0, 1));
    server.receive(addr(1), &hello);
    assert_eq!(server.listener.load(), (0, 1), "a retransmission");
    let mut client = server.connect(addr(1), &pki.client());
    assert!(server.says(addr(1), client.as_mut(), b"through"));
    assert_eq!(server.listener.load(), (1, 0));
}

#[test]
fn a_goodbye_ends_a_session() {
    let pki = Pki::new();
    let mut server = server(&pki);
    let mut client = server.connect(addr(1), &pki.client());
    client.close();
    let _ = server.converse(addr(1), client.as_mut());
    assert_eq!((server.listener.load(), server.ended.len()), ((0, 0), 1));
}

#[test]
fn junk_in_an_established_session_is_dropped() {
    let pki = Pki::new();
    let mut server = server(&pki);
    let mut client = server.connect(addr(1), &pki.client());
    assert!(server.says(addr(1), client.as_mut(), b"before"));
    let record = |kind: u8, version: u8, epoch: u8, body: &[u8]| {
        let length = (body.len() as u16).to_be_bytes();
        [
            &[kind, 0xfe, version, 0, epoch, 0, 0, 0, 0, 0, 99],
            &length[..],
            body,
        ]
        .concat()
    };
    let mut junk = vec![
        vec![],
        vec![0; 5],
        vec![0xff; 100],
        b"GET / HTTP/1.1".to_vec(),
    ];
    for epoch in [0, 1, 2] {
        for kind in [20, 21, 22, 23, 24, 99] {
            for length in [0, 1, 2, 3, 8, 15, 16, 17, 23, 24, 25, 100] {
                junk.push(record(kind, 0xfd, epoch, &vec![kind; length]));
            }
        }
    }
    junk.push(record(21, 0xfd, 0, &[2, 40])); // a forged fatal alert
    junk.push(record(21, 0xfd, 0, &[1, 0])); // a forged goodbye
    junk.push(record(23, 0x01, 1, &[0; 40]));
    let mut lying = record(23, 0xfd, 1, &[0; 40]);
    lying[12] = 200;
    junk.push(lying);
    for datagram in &junk {
        server.receive(addr(1), datagram);
        client.receive(server.now, datagram).unwrap();
        assert!(
            server.says(addr(1), client.as_mut(), b"after"),
            "{}",
            hex::encode(datagram)
        );
    }
    for n in 0..10_000u32 {
        let bytes: Vec<u8> = (0..n % 70)
            .map(|i| (n.wrapping_mul(2_654_435_761) >> (i % 24)) as u8)
            .collect();
        server.receive(addr(1), &bytes);
        server.receive(addr(2), &bytes);
    }
    assert!(server.says(addr(1), client.as_mut(), b"at the end"));
    assert_eq!(server.listener.load(), (1, 0));
}

#[test]
fn mutilated_handshakes_fail_without_harm() {
    let pki = Pki::new();
    let mut server = server(&pki);
    for n in 0..200u16 {
        let mut client = pki.rs_client().connect(server.now).unwrap();
        let mut count = 0u16;
        for _ in 0..10 {
            while let Some(mut datagram) = client.outgoing() {
                count += 1;
                if count == n % 5 + 1 {
                    let at = usize::from(n) * 31 % datagram.len();
                    datagram[at] ^= 1 << (n % 8);
                    if n % 3 == 0 {
                        datagram.truncate(at);
                    }
                }
                for answer in server.receive(addr(n + 1), &datagram) {
                    let _ = client.receive(server.now, &answer);
                }
            }
        }
    }
    let mut client = server.connect(addr(9999), &pki.client());
    assert!(server.says(addr(9999), client.as_mut(), b"unharmed"));
}

#[test]
fn the_wrong_certificates_are_refused() {
    let (pki, other) = (Pki::new(), Pki::new());
    let attempt = |server: &ServerConfig, client: &ClientConfig| {
        let mut server = Server::new(server, Bounds::default());
        let mut session = client.connect(server.now).unwrap();
        let outcome = server.converse(addr(1), session.as_mut());
        // The failing end may be the server, which then forgets the handshake.
        (
            outcome,
            session.association().is_some() && server.listener.load() == (1, 0),
        )
    };
    let name = |n: &str| ServerName::Dns(n.into());
    let client =
        |authority: &Authority, name| ClientConfig::new(&authority.anchor(), name, None).unwrap();
    assert!(attempt(&pki.server(), &client(&pki.authority, name("ks.test"))).1);
    let (outcome, done) = attempt(&pki.server(), &client(&pki.authority, name("other.test")));
    assert!(!done && outcome.unwrap_err().contains("ostname mismatch"));
    let (outcome, done) = attempt(&pki.server(), &client(&other.authority, name("ks.test")));
    assert!(!done && outcome.unwrap_err().contains("certificate refused"));
    let ip = ServerName::Ip([127, 0, 0, 2].into());
    assert!(!attempt(&pki.server(), &client(&pki.authority, ip)).1);
    let stranger =
        ClientConfig::new(&pki.authority.anchor(), name("ks.test"), Some(&other.rs)).unwrap();
    assert!(
        !attempt(&pki.server(), &stranger).1,
        "a client certificate of another authority"
    );
    let no_certificates_wanted = ServerConfig::new(pki.server.clone(), None);
    assert!(
        attempt(
            &no_certificates_wanted,
            &client(&pki.authority, name("ks.test"))
        )
        .1
    );
}
