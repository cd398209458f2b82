//! Objects of every mode, by pycose and python-cwt.

use iotchain::core::AccessKey;
use iotchain::oscar::{Clients, Commands, Echo, EchoRule, Method, PairContexts, Plaintext, Uptime};
use iotchain::{
    Address, Boot, Claims, Exchange, Freshness, PublicKey, Secret, Sender, Sid, SignAlg, Signer,
    SigningKey, StoredState, UnixTime,
};
use serde_json::{Value, json};

use crate::stack::{Stack, bytes, hex};
use crate::world::{
    CONTENT, GID, GROUP, GROUP_KEY, KID, KS, NOW, PATH, PLAINTEXT, RS, SESSION, TOKEN, directory,
    receiver, resource, sender, signer,
};

/// A client that may GET, POST, PUT and FETCH, after its first boot.
const CLIENT: [u8; 2] = [0x17, 1];
const CLIENT_KID: [u8; 3] = [0x17, 1, 1];
const RSK: [u8; 32] = [0x55; 32];
const ECHO: &[u8] = b"twelve bytes";
const PUT: u8 = 3;
const CHANGED: u8 = 68;

fn world() -> Value {
    json!({
        "group_key": hex(GROUP_KEY), "gid": hex(GID), "session": SESSION.get(), "ks": hex(KS),
        "rs": hex(RS), "path": PATH, "alg": GROUP.suite.aead.cose(),
    })
}

fn client_sid() -> Sid {
    Sid::from_slice(&CLIENT).unwrap()
}

fn client_key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[8; 32]).unwrap()
}

fn client_directory() -> [(Sid, Address, PublicKey); 1] {
    let key = client_key().public();
    [(client_sid(), key.address().unwrap(), key)]
}

fn client() -> Sender {
    let boot = Boot::assigned(&CLIENT_KID[2..]).unwrap();
    let mut sender = Sender::new(GROUP, client_sid(), boot, UnixTime::new(0)).unwrap();
    let key = iotchain::GroupKey::new(GROUP_KEY);
    sender.enter(SESSION, &key).unwrap();
    sender
}

fn access() -> AccessKey {
    AccessKey::derive(&Secret::new(RSK), GROUP.gid, &client_sid()).unwrap()
}

fn cose_key(key: &PublicKey) -> Value {
    let mut out = [0; PublicKey::MAX_ENCODED];
    let len = key.encode(&mut out).unwrap();
    hex(&out[..len])
}

/// The front of a buffer that `write` fills.
fn written(write: impl FnOnce(&mut [u8]) -> usize) -> Vec<u8> {
    let mut out = vec![0; 512];
    let len = write(&mut out);
    out.truncate(len);
    out
}

#[test]
fn group_objects() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let mut sender = sender();
    let mut args = json!({"world": world(), "code": CONTENT, "token": hex(TOKEN)});
    for piv in 0..3 {
        let seal = |out: &mut [u8]| {
            sender
                .seal_response(&resource(), CONTENT, &TOKEN, PLAINTEXT, out)
                .unwrap()
        };
        let ours = written(seal);
        args["object"] = hex(&ours);
        assert_eq!(python.bytes("objects.open_group", &args), PLAINTEXT);
        python.refuses_every_flip("objects.open_group", &args, "object");

        let theirs = python.bytes(
            "objects.seal_group",
            &json!({
                "world": world(), "code": CONTENT, "token": hex(TOKEN),
                "kid": hex(KID), "piv": piv, "plaintext": hex(PLAINTEXT),
            }),
        );
        assert_eq!(
            hex::encode(&theirs),
            hex::encode(&ours),
            "the same bytes from either side"
        );
    }

    let (mut exchange, mut memory) = (Exchange::new(&TOKEN).unwrap(), Default::default());
    let (directory, mut out, object) = (directory(), [0; 64], bytes(&args["object"]));
    let opened = receiver(&directory, &mut memory)
        .open_response(
            &object,
            &resource(),
            CONTENT,
            &mut exchange,
            Freshness::Demanded,
            &mut out,
        )
        .unwrap();
    assert_eq!(&out[..opened.len], PLAINTEXT);
    args["code"] = CHANGED.into();
    python.ask("objects.open_group", &args).unwrap_err();
}

#[test]
fn pairwise_requests_and_responses() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let (resource, access) = (resource(), access());
    let mut request = None;
    let seal = |out: &mut [u8]| {
        let (len, sealed) = client()
            .seal_request(&resource, Method::Put, ECHO, &access, PLAINTEXT, out)
            .unwrap();
        request = Some(sealed);
        len
    };
    let (ours, request) = (written(seal), request.unwrap());
    let mut args = json!({
        "world": world(), "code": PUT, "echo": hex(ECHO), "access": hex(access.expose()),
    });
    let mut sealing = args.clone();
    args["object"] = hex(&ours);
    assert_eq!(python.bytes("objects.open_request", &args), PLAINTEXT);
    python.refuses_every_flip("objects.open_request", &args, "object");

    sealing["kid"] = hex(CLIENT_KID);
    sealing["piv"] = 0.into();
    sealing["plaintext"] = hex(PLAINTEXT);
    let theirs = python.bytes("objects.seal_request", &sealing);
    assert_eq!(
        hex::encode(&theirs),
        hex::encode(&ours),
        "the same bytes from either side"
    );

    let (mut contexts, mut memory) = (PairContexts::<4>::new(), Default::default());
    let (secret, now) = (Secret::new(RSK), Uptime::new(0));
    let mut clients = Clients {
        secret: &secret,
        retired: &[],
        contexts: &mut contexts,
        rule: EchoRule::Every,
        now,
    };
    let echo = Echo::Valid {
        value: ECHO,
        until: Uptime::new(10),
    };
    let (directory, mut out) = (client_directory(), [0; 64]);
    let mut receiver = receiver(&directory, &mut memory);
    let (opened, reply) = receiver
        .open_request(
            &theirs,
            &resource,
            Method::Put,
            echo,
            &mut clients,
            &mut out,
        )
        .unwrap();
    assert_eq!(&out[..opened.len], PLAINTEXT);

    let ours = written(|out| reply.seal(&resource, CHANGED, PLAINTEXT, out).unwrap());
    let mut args = json!({
        "world": world(), "code": CHANGED, "access": hex(access.expose()), "request": hex(&theirs),
    });
    let mut sealing = args.clone();
    args["object"] = hex(&ours);
    assert_eq!(python.bytes("objects.open_reply", &args), PLAINTEXT);
    python.refuses_every_flip("objects.open_reply", &args, "object");

    sealing["plaintext"] = hex(PLAINTEXT);
    let theirs = python.bytes("objects.seal_reply", &sealing);
    assert_eq!(
        hex::encode(&theirs),
        hex::encode(&ours),
        "the same bytes from either side"
    );
    let opened = receiver
        .open_reply(&theirs, &resource, CHANGED, &request, &access, &mut out)
        .unwrap();
    assert_eq!(&out[..opened.len], PLAINTEXT);
}

#[test]
fn signed_representations() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let (mut sender, key) = (sender(), signer());
    for exp in [None, Some(NOW.saturating_add(60))] {
        let claims = Claims { iat: NOW, exp };
        let seal = |out: &mut [u8]| {
            sender
                .seal_signed(&resource(), claims, PLAINTEXT, &key, out)
                .unwrap()
        };
        let ours = written(seal);
        let args = json!({
            "world": world(), "key": cose_key(&key.public()), "object": hex(&ours),
        });
        assert_eq!(python.bytes("objects.open_signed", &args), PLAINTEXT);
        python.refuses_every_flip("objects.open_signed", &args, "object");

        let theirs = python.bytes(
            "objects.seal_signed",
            &json!({
                "world": world(), "private": hex([7; 32]), "kid": hex(KID), "piv": 9,
                "iat": NOW.get(), "exp": exp.map(UnixTime::get), "plaintext": hex(PLAINTEXT),
            }),
        );
        let (mut stored, mut memory) = (StoredState::new(), Default::default());
        let (directory, mut out) = (directory(), [0; 64]);
        let opened = receiver(&directory, &mut memory)
            .open_stored(&theirs, &resource(), &mut stored, NOW, &mut out)
            .unwrap();
        assert_eq!(&out[..opened.len], PLAINTEXT);
    }
}

#[test]
fn signed_commands() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let (key, exp) = (client_key(), NOW.saturating_add(60));
    let claims = Claims {
        iat: NOW,
        exp: Some(exp),
    };
    let content = Plaintext {
        content_format: None,
        bytes: PLAINTEXT.into(),
    };
    let ours = written(|out| {
        client()
            .seal_signed(&resource(), claims, content, &key, out)
            .unwrap()
    });
    let args = json!({"world": world(), "key": cose_key(&key.public()), "object": hex(&ours)});
    assert_eq!(python.bytes("objects.open_signed", &args), PLAINTEXT);
    python.refuses_every_flip("objects.open_signed", &args, "object");
    let mut other = args.clone();
    other["key"] = cose_key(&signer().public());
    python.ask("objects.open_signed", &other).unwrap_err();

    let theirs = python.bytes(
        "objects.seal_signed",
        &json!({
            "world": world(), "private": hex([8; 32]), "kid": hex(CLIENT_KID), "piv": 1,
            "iat": NOW.get(), "exp": exp.get(), "plaintext": hex(PLAINTEXT),
        }),
    );
    let (mut commands, mut memory) = (Commands::<4>::new(UnixTime::new(0)), Default::default());
    let (directory, mut out) = (client_directory(), [0; 64]);
    let opened = receiver(&directory, &mut memory)
        .open_command(&theirs, &resource(), &mut commands, NOW, &mut out)
        .unwrap();
    assert_eq!(&out[..opened.len], PLAINTEXT);
}
