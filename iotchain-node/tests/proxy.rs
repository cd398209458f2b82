//! The proxy over real sockets: what it stores, what it refuses, and that nothing it acknowledged is lost.

mod stage;

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use iotchain::core::{AeadAlg, GroupKey};
use iotchain::oscar::{Group, MAX_OBJECT_LIMIT};
use iotchain::{
    Address, Boot, Claims, Gid, ResourceId, Roles, Sender, Session, Sid, SignAlg, SigningKey,
    Suite, Thumbprint, UnixTime,
};
use iotchain_node::clock;
use iotchain_node::coap::{Call, Code, content_format};
use iotchain_node::proxy::{ProxyService, Store};
use iotchain_node::runtime::{Handle, Server};

use stage::{ANYWHERE, Rng, Stage, client, get, until};

/// A sender of mode S, in a group that the proxy knows nothing of.
#[derive(Clone)]
struct Signer {
    rs: Address,
    key: SigningKey,
    sid: Sid,
    aead: AeadAlg,
}

fn scene() -> (Stage, Signer) {
    let stage = Stage::new(serde_json::json!({"0007": ["load", "temp", "log/*"]}), 0);
    let signer = Signer {
        rs: stage.address(),
        key: stage.rs.clone(),
        sid: sid(Roles::PRODUCER),
        aead: AeadAlg::AesCcm16_64_128,
    };
    (stage, signer)
}

fn sid(roles: Roles) -> Sid {
    Sid::from_slice(&[roles.bits(), 0, 9]).unwrap()
}

fn serve(stage: &Stage) -> (Handle, SocketAddr, Arc<Store>) {
    let store = Arc::new(Store::open(&stage.file("objects.redb")).unwrap());
    let service = ProxyService::new(stage.catalogue(), Arc::clone(&store));
    let server = Server::builder(service).coap(ANYWHERE).spawn().unwrap();
    let address = server.coap_addr().unwrap();
    (server, address, store)
}

impl Signer {
    fn sender(&self) -> Sender {
        let suite = Suite {
            aead: self.aead,
            ..Suite::DEFAULT
        };
        let group = Group {
            gid: Gid::new([3; 4]),
            ks: Thumbprint::new([4; 32]),
            suite,
            sid_len: self.sid.as_bytes().len(),
        };
        let mut sender = Sender::new(
            group,
            self.sid,
            Boot::random(&mut Rng).unwrap(),
            UnixTime::new(0),
        )
        .unwrap();
        sender
            .enter(Session::new(5), &GroupKey::new([6; 16]))
            .unwrap();
        sender.set_max_object(MAX_OBJECT_LIMIT);
        sender
    }

    /// A signed object for `path`, made at `iat` and good for `life` seconds, of about `len` bytes.
    fn signed(&self, path: &[&str], iat: UnixTime, life: u64, len: usize) -> Vec<u8> {
        let resource = ResourceId::new(self.rs, path, &[]).unwrap();
        let claims = Claims {
            iat,
            exp: Some(iat.saturating_add(life)),
        };
        let mut out = vec![0; len + 256];
        let written = self
            .sender()
            .seal_signed(&resource, claims, &vec![1; len][..], &self.key, &mut out)
            .unwrap();
        out.truncate(written);
        out
    }

    fn object(&self, iat: UnixTime) -> Vec<u8> {
        self.signed(&["load"], iat, 3600, 20)
    }
}

fn put(proxy: SocketAddr, path: &str, object: &[u8]) -> Code {
    let call = Call::put(path, content_format::COSE_ENCRYPT0, object);
    client(proxy).request(&call).unwrap().code
}

#[test]
fn an_object_comes_back_as_it_was_and_only_newer_ones_replace_it() {
    let (stage, signer) = scene();
    let (_server, proxy, _) = serve(&stage);
    let now = clock::now();
    assert_eq!(get(proxy, "meter/load").code, Code::NOT_FOUND);
    let first = signer.object(now);
    assert_eq!(put(proxy, "meter/load", &first), Code::CREATED);
    let reply = get(proxy, "meter/load");
    assert_eq!((reply.code, &reply.payload), (Code::CONTENT, &first));
    assert_eq!(reply.content_format(), Some(content_format::COSE_ENCRYPT0));
    assert!((3590..=3600).contains(&reply.max_age()));

    let etag = reply.etag().unwrap().to_vec();
    let held = client(proxy)
        .request(&Call::get("meter/load").etag(&etag))
        .unwrap();
    assert_eq!((held.code, held.payload.len()), (Code::VALID, 0));

    // the same again, another of the same second, an older one
    for object in [
        first.clone(),
        signer.object(now),
        signer.object(now.saturating_sub(1)),
    ] {
        assert_eq!(put(proxy, "meter/load", &object), Code::CONFLICT);
    }
    let second = signer.object(now.saturating_add(1));
    assert_eq!(put(proxy, "meter/load", &second), Code::CHANGED);
    let changed = client(proxy)
        .request(&Call::get("meter/load").etag(&etag))
        .unwrap();
    assert_eq!((changed.code, changed.payload), (Code::CONTENT, second));
    let links = String::from_utf8(get(proxy, ".well-known/core").payload).unwrap();
    assert_eq!(links, "</meter/load>;ct=16;obs,</meter/temp>;ct=16;obs");
}

#[test]
fn what_is_refused_gets_the_code_of_the_registry_and_nothing_else() {
    let (stage, signer) = scene();
    let (_server, proxy, store) = serve(&stage);
    let now = clock::now();
    let good = signer.object(now);
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    // a member of the group without the key of the resource server, and one that calls itself a producer
    let member = Signer {
        sid: sid(Roles::PUT),
        ..signer.clone()
    };
    let mallory = SigningKey::generate(SignAlg::Es256k, &mut Rng).unwrap();
    let mallory = Signer {
        key: mallory,
        ..signer.clone()
    };
    let short = Sid::from_slice(&[Roles::PRODUCER.bits(), 9]).unwrap();
    let short = Signer {
        sid: short,
        ..signer.clone()
    };
    let resource = ResourceId::new(signer.rs, &["load"], &[]).unwrap();
    let mut unsigned = vec![0; 128];
    let len = signer
        .sender()
        .seal_response(&resource, 69, b"token123", b"21", &mut unsigned)
        .unwrap();
    unsigned.truncate(len);
    let cases = [
        ("meter/load", Vec::new(), Code::BAD_REQUEST, "empty"),
        (
            "meter/load",
            b"garbage".to_vec(),
            Code::BAD_REQUEST,
            "garbage",
        ),
        (
            "meter/load",
            good[..good.len() - 1].to_vec(),
            Code::BAD_REQUEST,
            "E_TRUNCATED",
        ),
        (
            "meter/load",
            [&good[..], &[0]].concat(),
            Code::BAD_REQUEST,
            "E_TRAILING",
        ),
        (
            "meter/load",
            flipped(good.len() - 1),
            Code::BAD_REQUEST,
            "E_SIG: ciphertext",
        ),
        (
            "meter/load",
            flipped(good.len() / 2),
            Code::BAD_REQUEST,
            "E_SIG: signature",
        ),
        ("meter/load", unsigned, Code::BAD_REQUEST, "E_SIG_REQUIRED"),
        (
            "meter/load",
            member.object(now),
            Code::BAD_REQUEST,
            "E_SIGNER",
        ),
        (
            "meter/load",
            mallory.object(now),
            Code::BAD_REQUEST,
            "E_SIG: another key",
        ),
        ("meter/load", short.object(now), Code::BAD_REQUEST, "E_KID"),
        (
            "meter/temp",
            good.clone(),
            Code::BAD_REQUEST,
            "E_SIG: another resource",
        ),
        (
            "meter/log/a",
            good.clone(),
            Code::BAD_REQUEST,
            "E_SIG: another resource",
        ),
        (
            "meter/load",
            signer.object(now.saturating_add(600)),
            Code::BAD_REQUEST,
            "E_STALE: of the future",
        ),
        (
            "meter/load",
            signer.signed(&["load"], now.saturating_sub(100), 90, 9),
            Code::BAD_REQUEST,
            "E_STALE: over",
        ),
        (
            "meter/none",
            good.clone(),
            Code::NOT_FOUND,
            "no such resource",
        ),
        ("meter", good.clone(), Code::NOT_FOUND, "no resource"),
        (
            "valve/load",
            good.clone(),
            Code::NOT_FOUND,
            "no such server",
        ),
        ("meter/load?x=1", good.clone(), Code::NOT_FOUND, "a query"),
        (
            "meter/load",
            vec![0x80; 65_536],
            Code::REQUEST_ENTITY_TOO_LARGE,
            "E_SIZE",
        ),
        (
            "meter/load",
            vec![0x80; 70_000],
            Code::REQUEST_ENTITY_TOO_LARGE,
            "too long to be assembled",
        ),
    ];
    for (path, object, expected, what) in cases {
        let call = Call::put(path, content_format::COSE_ENCRYPT0, object);
        let reply = client(proxy).request(&call).unwrap();
        assert_eq!((reply.code, reply.payload.len()), (expected, 0), "{what}");
    }
    for call in [
        Call::new(Code::PUT, "meter/load").body(content_format::OCTET_STREAM, good.clone()),
        Call::new(Code::PUT, "meter/load").body(content_format::COSE_SIGN1, good.clone()),
    ] {
        assert_eq!(
            client(proxy).request(&call).unwrap().code,
            Code::UNSUPPORTED_CONTENT_FORMAT
        );
    }
    for code in [Code::POST, Code::DELETE, Code::FETCH] {
        let call = Call::new(code, "meter/load");
        assert_eq!(
            client(proxy).request(&call).unwrap().code,
            Code::METHOD_NOT_ALLOWED
        );
    }
    assert_eq!(store.count().unwrap(), 0, "nothing of it was stored");
    assert_eq!(put(proxy, "meter/load", &good), Code::CREATED);
}

#[test]
fn every_flipped_bit_is_refused() {
    let (stage, signer) = scene();
    let (_server, proxy, store) = serve(&stage);
    let good = signer.object(clock::now());
    let mut client = client(proxy);
    for bit in 0..good.len() * 8 {
        let mut object = good.clone();
        object[bit / 8] ^= 1 << (bit % 8);
        let reply = client
            .request(&Call::put(
                "meter/load",
                content_format::COSE_ENCRYPT0,
                object,
            ))
            .unwrap();
        assert_eq!(reply.code, Code::BAD_REQUEST, "bit {bit}");
    }
    assert_eq!(store.count().unwrap(), 0);
}

#[test]
fn suites_with_long_tags_and_large_objects_are_stored_too() {
    let (stage, signer) = scene();
    let signer = Signer {
        aead: AeadAlg::AesCcm16_128_128,
        ..signer
    };
    let (_server, proxy, _) = serve(&stage);
    let object = signer.signed(&["log", "a", "b"], clock::now(), 3600, 60_000);
    assert_eq!(put(proxy, "meter/log/a/b", &object), Code::CREATED);
    assert_eq!(get(proxy, "meter/log/a/b").payload, object);
}

#[test]
fn observers_get_what_was_stored_and_nothing_else() {
    let (stage, signer) = scene();
    let (_server, proxy, _) = serve(&stage);
    let now = clock::now();
    let (first, second) = (signer.object(now), signer.object(now.saturating_add(1)));
    put(proxy, "meter/load", &first);
    let mut client = client(proxy);
    let mut observation = client.observe(&Call::get("meter/load")).unwrap();
    assert_eq!(
        observation
            .next(Duration::from_secs(5))
            .unwrap()
            .unwrap()
            .payload,
        first
    );
    assert_eq!(put(proxy, "meter/load", b"garbage"), Code::BAD_REQUEST);
    assert_eq!(put(proxy, "meter/load", &first), Code::CONFLICT);
    assert_eq!(
        put(proxy, "meter/temp", &signer.signed(&["temp"], now, 60, 9)),
        Code::CREATED
    );
    assert!(observation.next(Duration::from_secs(1)).unwrap().is_none());
    assert_eq!(put(proxy, "meter/load", &second), Code::CHANGED);
    let reply = observation.next(Duration::from_secs(5)).unwrap().unwrap();
    assert_eq!(reply.payload, second);
}

#[test]
fn an_object_ends_and_an_older_one_does_not_come_back() {
    let (stage, signer) = scene();
    let (_server, proxy, store) = serve(&stage);
    let now = clock::now();
    let long = signer.signed(&["load"], now.saturating_sub(10), 3600, 9);
    assert_eq!(
        put(proxy, "meter/load", &signer.signed(&["load"], now, 2, 9)),
        Code::CREATED
    );
    until("its end", || {
        (get(proxy, "meter/load").code == Code::NOT_FOUND).then_some(())
    });
    assert_eq!(put(proxy, "meter/load", &long), Code::CONFLICT);
    assert_eq!(store.sweep(clock::now()).unwrap(), 1);
    assert_eq!(put(proxy, "meter/load", &long), Code::CONFLICT);
    assert_eq!(
        put(proxy, "meter/load", &signer.object(clock::now())),
        Code::CREATED
    );
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let (stage, signer) = scene();
    let now = clock::now();
    let mut stored: Vec<(String, Vec<u8>)> = Vec::new();
    for round in 0..3 {
        let process = Process::start(&stage, "exec \"$@\"");
        for (path, object) in &stored {
            assert_eq!(get(process.address, path).payload, *object);
        }
        for n in 0..5 {
            let (name, iat) = (format!("{round}-{n}"), now.saturating_sub(n));
            let object = signer.signed(&["log", &name], iat, 3600, 100);
            let path = format!("meter/log/{name}");
            assert_eq!(put(process.address, &path, &object), Code::CREATED);
            stored.push((path, object));
        }
        // SIGKILL
        drop(process);
    }
    let process = Process::start(&stage, "exec \"$@\"");
    for (path, object) in &stored {
        assert_eq!(get(process.address, path).payload, *object);
        assert_eq!(
            put(process.address, path, object),
            Code::CONFLICT,
            "its iat was not forgotten"
        );
    }
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let (stage, signer) = scene();
    // no file may grow beyond 2 MiB; the signal that goes with it is ignored
    let process = Process::start(&stage, "trap '' XFSZ; ulimit -f 4096 && exec \"$@\"");
    let now = clock::now();
    let mut stored = Vec::new();
    let full = (0..200).find(|n| {
        let name = format!("{n}");
        let object = signer.signed(&["log", &name], now, 3600, 60_000);
        match put(process.address, &format!("meter/log/{name}"), &object) {
            Code::CREATED => stored.push((name, object)),
            code => assert_eq!(code, Code::SERVICE_UNAVAILABLE),
        }
        stored.len() == usize::try_from(*n).unwrap()
    });
    assert!(full.is_some() && !stored.is_empty());
    // the same process stores what fits, and still serves what it has
    let small = signer.signed(&["log", "small"], now, 3600, 100);
    assert_eq!(
        put(process.address, "meter/log/small", &small),
        Code::CREATED
    );
    stored.push(("small".into(), small));
    for (name, object) in &stored {
        let reply = get(process.address, &format!("meter/log/{name}"));
        assert_eq!(
            (reply.code, &reply.payload),
            (Code::CONTENT, object),
            "{name}"
        );
    }
    drop(process);
    let process = Process::start(&stage, "exec \"$@\"");
    for (name, object) in &stored {
        assert_eq!(
            get(process.address, &format!("meter/log/{name}")).payload,
            *object
        );
    }
    let object = signer.signed(&["log", "more"], now, 3600, 60_000);
    assert_eq!(
        put(process.address, "meter/log/more", &object),
        Code::CREATED
    );
}

/// The binary, started by a shell that runs `wrapper` with its command line as arguments.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(stage: &Stage, wrapper: &str) -> Self {
        use std::io::BufRead;
        let mut child = Command::new("/bin/sh")
            .args([
                "-c",
                wrapper,
                "sh",
                env!("CARGO_BIN_EXE_iotchain"),
                "proxy",
                "--coap",
                "127.0.0.1:0",
            ])
            .args(["--data".into(), stage.file("proxy")])
            .args(["--catalogue".into(), stage.file("catalogue.json")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("ready proxy coap=").unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
