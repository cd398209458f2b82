//! The published objects, sealed byte for byte and opened, and the executable attacks, each with its number.

mod world;

use iotchain_core::{Error, Kid, Piv, Result, Session, Sid, SignAlg, SigningKey, UnixTime};
use iotchain_oscar::{
    Boot, Checkpoint, Claims, Commands, Exchange, Freshness, Input, Method, Mode, Opened,
    PairContexts, PairRequest, Plaintext, ProxyCheck, Purpose, Reply, Reserve, ResourceId, Sender,
    StoredState, Uptime,
};
use serde_json::Value;
use world::{World, array, hex, texts, vectors};

/// What one receiver remembers over `pre` and the case itself.
struct Memory {
    exchange: Option<Exchange>,
    stored: StoredState,
    commands: Commands<4>,
    contexts: PairContexts<4>,
}

impl Memory {
    fn new() -> Self {
        Self {
            exchange: None,
            stored: StoredState::new(),
            commands: Commands::new(UnixTime::new(0)),
            contexts: PairContexts::new(),
        }
    }
}

/// Where an object lies before it is opened, or a plaintext before it is sealed: elsewhere, or at a place in the output
/// buffer.
const PLACES: [Option<usize>; 3] = [None, Some(0), Some(9)];

/// Bytes at a place, for whatever writes to `out`.
fn lay<'a>(bytes: &'a [u8], at: Option<usize>, out: &mut [u8]) -> Input<'a> {
    match at {
        None => Input::from(bytes),
        Some(at) => {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            Input::from(at..at + bytes.len())
        }
    }
}

/// Opens one step of a vector at its position.
fn open(
    world: &mut World,
    memory: &mut Memory,
    step: &Value,
    at: Option<usize>,
    out: &mut [u8],
) -> Result<Opened> {
    let (object, now) = (hex(&step["object"]), world.now);
    let object = lay(&object, at, out);
    let (path, query) = (texts(&step["path"]), texts(&step["query"]));
    let resource = ResourceId::new(world.rs, &path, &query)?;
    match step["position"].as_str().unwrap() {
        "response" => {
            let token = hex(&step["bind"]);
            let exchange = match &mut memory.exchange {
                Some(exchange) if exchange.token() == token => exchange,
                other => other.insert(Exchange::new(&token)?),
            };
            let freshness = Freshness::OrSigned {
                stored: &mut memory.stored,
                now,
            };
            world
                .receiver()
                .open_response(object, &resource, code(step), exchange, freshness, out)
        }
        "stored" if step["id"] == "S4-client-command-via-proxy" => {
            world
                .receiver()
                .open_command(object, &resource, &mut memory.commands, now, out)
        }
        "stored" => world
            .receiver()
            .open_stored(object, &resource, &mut memory.stored, now, out),
        "request" => {
            let bind = hex(&step["bind"]);
            let (echo, rsk) = (world.judge(&bind), world.rsk.clone());
            let mut clients = world.clients(&rsk, &mut memory.contexts, Uptime::new(0));
            let method = method(step);
            world
                .receiver()
                .open_request(object, &resource, method, echo, &mut clients, out)
                .map(|(opened, _)| opened)
        }
        "p-response" => {
            let request = PairRequest::parse(&hex(&step["request_object"]), &world.group)?;
            let sid = request.kid().sid(world.group.sid_len)?;
            let access = world.access(&sid);
            world
                .receiver()
                .open_reply(object, &resource, code(step), &request, &access, out)
        }
        other => panic!("position {other}"),
    }
}

fn code(case: &Value) -> u8 {
    u8::try_from(case["code"].as_u64().unwrap()).unwrap()
}

fn method(case: &Value) -> Method {
    Method::from_code(code(case)).unwrap()
}

fn is_answer(case: &Value) -> bool {
    case["position"] == "p-response"
}

#[test]
fn objects_open_to_the_published_plaintext() {
    let mut opened_cases = 0;
    let published = vectors("objects.json");
    let cases = published["cases"].as_array().unwrap();
    for (case, at) in cases.iter().flat_map(|case| PLACES.map(|at| (case, at))) {
        let id = case["id"].as_str().unwrap();
        let mut world = World::from_env(&case["env"]);
        let (mut memory, mut out) = (Memory::new(), [0xee; 512]);
        for step in case["pre"].as_array().into_iter().flatten() {
            open(&mut world, &mut memory, step, at, &mut out).unwrap();
        }
        let opened = open(&mut world, &mut memory, case, at, &mut out)
            .unwrap_or_else(|e| panic!("{id} at {at:?}: {e:?}"));
        assert_eq!(out[..opened.len], hex(&case["plaintext"]), "{id}");
        assert_eq!(
            opened.content_format.map(u64::from),
            case["content_format"].as_u64(),
            "{id}"
        );
        assert_eq!(
            u64::from(opened.session.get()),
            case["j"].as_u64().unwrap(),
            "{id}"
        );
        if is_answer(case) {
            let request = PairRequest::parse(&hex(&case["request_object"]), &world.group).unwrap();
            assert_eq!((opened.kid, opened.piv), (request.kid(), request.piv()));
        } else {
            assert_eq!(
                opened.kid,
                Kid::parse(&hex(&case["kid"]), world.group.sid_len).unwrap(),
                "{id}"
            );
            assert_eq!(
                u64::from(opened.piv.get()),
                case["piv"].as_u64().unwrap(),
                "{id}"
            );
        }
        assert_eq!(opened.claims, claims(case), "{id}");
        let mode = match case["mode"].as_str().unwrap() {
            "G" => Mode::Group,
            "P" => Mode::Pairwise,
            _ => Mode::Signed,
        };
        assert_eq!(opened.mode, mode, "{id}");
        let signer = opened.signer.map(|signer| hex::encode(signer.as_bytes()));
        assert_eq!(
            signer.unwrap_or_default(),
            case["signer_thumbprint"].as_str().unwrap_or_default(),
            "{id}"
        );
        opened_cases += 1;
    }
    assert_eq!(
        opened_cases,
        16 * PLACES.len(),
        "5 of mode G, 6 of mode S, 5 of mode P"
    );
}

fn claims(case: &Value) -> Option<Claims> {
    let time = |key: &str| case[key].as_u64().map(UnixTime::new);
    time("iat").map(|iat| Claims {
        iat,
        exp: time("exp"),
    })
}

/// A sender that will use exactly the PIV of the case next.
fn sender_at(world: &World, case: &Value) -> Sender {
    let kid = hex(&case["kid"]);
    let (sid, salt) = kid.split_at(world.group.sid_len);
    let session = Session::new(u32::try_from(case["j"].as_u64().unwrap()).unwrap());
    let piv = u32::try_from(case["piv"].as_u64().unwrap()).unwrap();
    let boot = if salt.is_empty() {
        let last = piv.checked_sub(1).map(|piv| Checkpoint { session, piv });
        Boot::persisted(
            Reserve {
                every: 1,
                pending: 0,
            },
            last,
        )
    } else {
        Boot::assigned(salt).unwrap()
    };
    let mut sender = Sender::new(
        world.group,
        Sid::from_slice(sid).unwrap(),
        boot,
        UnixTime::new(0),
    )
    .unwrap();
    sender
        .enter(
            session,
            &iotchain_core::GroupKey::new(world.held.keys[&session.get()]),
        )
        .unwrap();
    if let Some(checkpoint) = sender.checkpoint_due() {
        sender.checkpoint_stored(checkpoint);
    }
    if !salt.is_empty() {
        // with a boot salt PIVs start at 0 and are used up one by one; only producers are among these cases
        for _ in 0..piv {
            sender
                .seal_response(&world.temperature(), 69, &[0; 8], b"", &mut [0; 64])
                .unwrap();
        }
    }
    sender
}

/// The right to answer the request of a P response, as its server got it.
fn reply_to(case: &Value) -> Reply {
    let published = vectors("objects.json");
    let cases = published["cases"].as_array().unwrap();
    let request = cases
        .iter()
        .find(|request| request["id"] == case["request_id"]);
    let request = request.unwrap();
    let mut world = World::from_env(&request["env"]);
    let (path, bind) = (texts(&request["path"]), hex(&request["bind"]));
    let resource = ResourceId::new(world.rs, &path, &[]).unwrap();
    let (echo, rsk, mut contexts) = (
        world.judge(&bind),
        world.rsk.clone(),
        PairContexts::<4>::new(),
    );
    let mut clients = world.clients(&rsk, &mut contexts, Uptime::new(0));
    let (object, method) = (hex(&case["request_object"]), method(request));
    let opened =
        world
            .receiver()
            .open_request(&object, &resource, method, echo, &mut clients, &mut [0; 64]);
    opened.unwrap().1
}

/// The private key behind a published thumbprint.
fn signing_key(thumbprint: &Value) -> SigningKey {
    let params = vectors("params.json");
    let key = params["keys"]
        .as_object()
        .unwrap()
        .values()
        .find(|key| key["thumbprint"] == *thumbprint)
        .unwrap();
    let alg = SignAlg::from_cose(key["alg"].as_i64().unwrap()).unwrap();
    SigningKey::from_bytes(alg, &array(&key["private"])).unwrap()
}

#[test]
fn objects_seal_byte_for_byte() {
    let published = vectors("objects.json");
    let cases = published["cases"].as_array().unwrap();
    for (case, at) in cases.iter().flat_map(|case| PLACES.map(|at| (case, at))) {
        let id = case["id"].as_str().unwrap();
        let world = World::from_env(&case["env"]);
        let (path, query) = (texts(&case["path"]), texts(&case["query"]));
        let resource = ResourceId::new(world.rs, &path, &query).unwrap();
        let bytes = hex(&case["plaintext"]);
        let content_format = case["content_format"]
            .as_u64()
            .map(|format| u16::try_from(format).unwrap());
        let expected = hex(&case["object"]);
        let seal = |out: &mut [u8]| {
            let plaintext = Plaintext {
                content_format,
                bytes: lay(&bytes, at, out),
            };
            if is_answer(case) {
                return reply_to(case).seal(&resource, code(case), plaintext, out);
            }
            let mut sender = sender_at(&world, case);
            match claims(case) {
                None if case["mode"] == "P" => {
                    let access = world.access(&sender.kid().sid(world.group.sid_len)?);
                    let echo = hex(&case["bind"]);
                    sender
                        .seal_request(&resource, method(case), &echo, &access, plaintext, out)
                        .map(|(len, request)| {
                            assert_eq!(request.kid(), sender.kid());
                            assert_eq!(
                                u64::from(request.piv().get()),
                                case["piv"].as_u64().unwrap()
                            );
                            len
                        })
                }
                None => sender.seal_response(&resource, 69, &hex(&case["bind"]), plaintext, out),
                Some(claims) => {
                    let key = signing_key(&case["signer_thumbprint"]);
                    sender.seal_signed(&resource, claims, plaintext, &key, out)
                }
            }
        };
        let mut out = vec![0; expected.len()];
        assert_eq!(seal(&mut out), Ok(expected.len()), "{id} at {at:?}");
        assert_eq!(out, expected, "{id} at {at:?}");

        let mut short = vec![0xee; expected.len() - 1];
        assert_eq!(
            seal(&mut short),
            Err(Error::Buffer {
                needed: expected.len()
            }),
            "{id}"
        );
        let mut untouched = vec![0xee; expected.len() - 1];
        lay(&bytes, at, &mut untouched);
        assert_eq!(short, untouched, "{id}: nothing written");
    }
}

/// Bytes that protection adds, as documented for comparison with other protocols.
#[test]
fn overhead_is_as_published() {
    let published = vectors("objects.json");
    let rows = published["overhead"].as_array().unwrap();
    let row = |name: &str| {
        rows.iter().find(|row| row["name"] == name).unwrap()["cose"]
            .as_u64()
            .unwrap() as usize
    };
    let world = World::new();
    let claims = Claims {
        iat: world::NOW,
        exp: None,
    };
    for (salt, name) in [(&[1u8][..], "1-byte"), (&[1; 8], "8-byte")] {
        let mut sender = Sender::new(
            world.group,
            world::sid(&[0x80, 0]),
            Boot::assigned(salt).unwrap(),
            UnixTime::new(0),
        )
        .unwrap();
        sender
            .enter(world::SEVEN, &iotchain_core::GroupKey::new([7; 16]))
            .unwrap();
        let (resource, mut out) = (world.temperature(), [0; 256]);
        let g = sender
            .seal_response(&resource, 69, &[0; 8], b"21.5 C", &mut out)
            .unwrap();
        assert_eq!(g - 6, row(&format!("G response, {name} boot salt")));
        let s = sender
            .seal_signed(&resource, claims, b"21.5 C", &world::rs_key(), &mut out)
            .unwrap();
        assert_eq!(s - 6, row(&format!("S stored, iat, {name} boot salt")));
    }
}

#[test]
fn attacks_on_opening_fail_with_their_number() {
    let mut run = 0;
    let negative = vectors("negative.json");
    let cases = negative["cases"].as_array().unwrap();
    for (case, at) in cases.iter().flat_map(|case| PLACES.map(|at| (case, at))) {
        if case["op"] != "object.open" {
            continue;
        }
        let id = case["id"].as_str().unwrap();
        let mut world = World::from_env(&case["env"]);
        let mut memory = Memory::new();
        let mut out = [0xee; 4096];
        for step in case["pre"].as_array().into_iter().flatten() {
            open(&mut world, &mut memory, step, at, &mut out)
                .unwrap_or_else(|e| panic!("{id} pre: {e:?}"));
        }
        out.fill(0xee);
        let result = open(&mut world, &mut memory, case, at, &mut out);
        let number = result.map_or_else(|error| u64::from(error.number()), |_| 0);
        assert_eq!(
            number,
            case["expect"].as_u64().unwrap(),
            "{id} at {at:?}: {}",
            case["attack"]
        );
        let mut untouched = [0xee; 4096];
        lay(&hex(&case["object"]), at, &mut untouched);
        // where it lay in the same buffer, its tag was moved along
        let wiped = out.iter().take_while(|byte| **byte == 0).count();
        let behind = wiped + at.map_or(0, |_| world.group.suite.aead.tag_len());
        assert!(
            out == untouched || out[behind..] == untouched[behind..],
            "{id} at {at:?}: no plaintext left"
        );
        run += 1;
    }
    assert_eq!(run, 89 * PLACES.len(), "cases F, H, G, S and P");
}

#[test]
fn a_request_without_the_right_counts_as_seen() {
    let negative = vectors("negative.json");
    let cases = negative["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["id"] == "P08").unwrap();
    let (mut world, mut memory) = (World::from_env(&case["env"]), Memory::new());
    let mut take = || open(&mut world, &mut memory, case, None, &mut [0; 64]);
    assert_eq!(take(), Err(Error::Forbidden));
    assert_eq!(take(), Err(Error::Replay));
}

#[test]
fn attacks_on_a_proxy_fail_with_their_number() {
    let mut run = 0;
    for case in vectors("negative.json")["cases"].as_array().unwrap() {
        if case["op"] != "proxy.check" {
            continue;
        }
        let world = World::from_env(&case["env"]);
        let (path, query) = (texts(&case["path"]), texts(&case["query"]));
        let resource = ResourceId::new(world.rs, &path, &query).unwrap();
        let stored_iat = case["stored_iat"].as_u64().map(UnixTime::new);
        let result = proxy(&world).check(
            &hex(&case["object"]),
            &resource,
            Purpose::Representation,
            world.now,
            stored_iat,
        );
        let number = result.map_or_else(|error| u64::from(error.number()), |_| 0);
        assert_eq!(number, case["expect"].as_u64().unwrap(), "{}", case["id"]);
        run += 1;
    }
    assert_eq!(run, 4, "cases X");
}

#[test]
fn a_proxy_accepts_every_published_signed_object() {
    for case in vectors("objects.json")["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["mode"] == "S")
    {
        let world = World::from_env(&case["env"]);
        let path = texts(&case["path"]);
        let resource = ResourceId::new(world.rs, &path, &[]).unwrap();
        let purpose = if case["path"][0] == "lock" {
            Purpose::Command
        } else {
            Purpose::Representation
        };
        let verified = proxy(&world)
            .check(&hex(&case["object"]), &resource, purpose, world.now, None)
            .unwrap();
        assert_eq!(Some(verified.claims), claims(case));
        assert_eq!(
            u64::from(verified.session.get()),
            case["j"].as_u64().unwrap()
        );
        assert_eq!(
            verified.piv,
            Piv::new(u32::try_from(case["piv"].as_u64().unwrap()).unwrap()).unwrap()
        );
    }
}

fn proxy(
    world: &World,
) -> ProxyCheck<'_, [(Sid, iotchain_core::Address, iotchain_core::PublicKey)]> {
    ProxyCheck {
        gid: Some(world.group.gid),
        suite: world.group.suite,
        sid_len: world.group.sid_len,
        directory: world.directory.as_slice(),
        policy: world.policy,
    }
}
