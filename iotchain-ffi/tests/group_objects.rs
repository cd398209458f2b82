//! `objects-of-groups.json` through the C interface: members of the groups of `broadcast-rsd.json` open every object, and senders whose
//! counters stand where they stood seal it again, byte for byte. What needs no session key runs over `objects.json` as well.
#![cfg(feature = "server")]
#![allow(missing_docs)]

mod vectors;

use iotchain::join::{Ccs, JoinResponse, List};
use iotchain::token::AccountId;
use iotchain::{Address, PublicKey, Roles, Sid, Signer, SigningKey};
use iotchain_ffi::*;
use serde_json::Value;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use vectors::calls::{Place, Resource, stored, written};
use vectors::{
    Held, NONCE, can_join, file, hex, is_malformed, join_response, negative, ok, signing_key, told,
    zeroed,
};

const SID_LEN: usize = 2;
/// The largest object of the files, with room to spare.
const ROOM: usize = 512;

/// Cases that nobody seals or checks through C: it has neither signing keys nor proxies for Ed25519. In a build that has the algorithm
/// anyway, members open them; which groups can be joined, [`can_join`] tells.
const ED25519: [&str; 1] = ["S5-stored-ed25519"];

/// Bytes that a test says are random.
unsafe extern "C" fn scripted(bytes: *mut c_void, out: *mut u8, len: usize) -> i32 {
    // SAFETY: `bytes` is a vector that lives, `out` the contract of a source of randomness.
    unsafe {
        let bytes = &*bytes.cast::<Vec<u8>>();
        assert_eq!(bytes.len(), len);
        out.copy_from_nonoverlapping(bytes.as_ptr(), len);
    }
    0
}

fn scripted_rng(bytes: &mut Vec<u8>) -> iotchain_rng {
    iotchain_rng {
        fill: Some(scripted),
        ctx: (&raw mut *bytes).cast(),
    }
}

fn int<T: TryFrom<i64>>(value: &Value) -> T {
    let number = value.as_i64().and_then(|number| T::try_from(number).ok());
    number.unwrap_or_else(|| panic!("no number: {value}"))
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    let texts = value.as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap()).collect()
}

/// As C has what a case may leave out.
fn content_format(case: &Value) -> i32 {
    match &case["content_format"] {
        Value::Null => IOTCHAIN_NO_CONTENT_FORMAT,
        format => int(format),
    }
}

fn time(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn resource(step: &Value, rs: &Value) -> Resource {
    Resource::new(array(rs), &texts(&step["path"]), &texts(&step["query"]))
}

/// A case and its group.
struct Case {
    case: Value,
    group: Value,
    /// The slot of each sid.
    slots: Value,
}

fn cases() -> Vec<Case> {
    let published = file("objects-of-groups");
    let groups = file("broadcast-rsd");
    let named = |list: &Value, name: &Value| {
        let list = list.as_array().unwrap().iter();
        list.clone()
            .find(|item| item["name"] == *name)
            .unwrap()
            .clone()
    };
    let cases = published["cases"].as_array().unwrap().iter();
    cases
        .map(|case| Case {
            case: case.clone(),
            group: named(&groups["cases"], &case["group"]),
            slots: named(&published["groups"], &case["group"])["slots"].clone(),
        })
        .collect()
}

impl Case {
    fn name(&self) -> &str {
        self.case["id"].as_str().unwrap()
    }

    fn env(&self) -> &Value {
        &self.case["env"]
    }

    fn now(&self) -> u64 {
        time(&self.env()["now"])
    }

    /// Whether a member can join the group.
    fn is_supported(&self) -> bool {
        let own = &self.group["members"][0]["personal_key"];
        can_join(&hex(&self.group["ks_key"]), &hex(own))
    }

    /// Key id and Partial IV: those of the case, or of the request that it answers.
    fn sender(&self) -> (Vec<u8>, u32) {
        match request_of(&self.case) {
            Some(request) => {
                let cases = cases();
                let mut cases = cases.iter();
                let asked = cases.find(|case| hex(&case.case["object"]) == request);
                asked.unwrap().sender()
            }
            None => (hex(&self.case["kid"]), int(&self.case["piv"])),
        }
    }

    /// A member under this sid after the broadcasts of the sessions of the case, up to `last`.
    fn member(&self, sid: &[u8], last: u64) -> Held {
        let key = signing_key(&hex(&self.group["ks_key"])).unwrap();
        let ks = key.public().thumbprint();
        let slot = &self.slots[hex::encode(sid)];
        let members = self.group["members"].as_array().unwrap();
        let own = members.iter().find(|member| member["slot"] == *slot);
        let message = join_response(&key, &hex(&own.unwrap()["personal_key"]), None);
        let mut response = JoinResponse::parse(&message)
            .unwrap()
            .verify(NONCE, &ks)
            .unwrap();
        let peers = self.env()["creds"].as_array().unwrap();
        let sids: Vec<Sid> = peers
            .iter()
            .map(|peer| Sid::from_slice(&hex(&peer["sid"])).unwrap())
            .collect();
        let creds: Vec<Ccs> = peers
            .iter()
            .map(|peer| Ccs {
                subject: Some(AccountId {
                    chain: 1,
                    address: Address::new(array(&peer["rs"])),
                }),
                key: PublicKey::parse(&hex(&peer["cose_key"])).unwrap(),
            })
            .collect();
        let roles: Vec<Roles> = sids.iter().map(Sid::roles).collect();
        response.key_map.sid = Sid::from_slice(sid).unwrap();
        response.key_map.suite.aead =
            iotchain::AeadAlg::from_cose(int(&self.env()["alg"])).unwrap();
        response.creds = List::new(&creds);
        response.peer_roles = List::new(&roles);
        response.peer_identifiers = List::new(&sids);
        let mut out = vec![0; JoinResponse::MAX_LEN];
        let len = response.encode(&mut out).unwrap();
        let mut member = Held::join(&out[..len], NONCE, &ks).unwrap();
        for row in self.group["sessions"].as_array().unwrap() {
            let (j, begin) = (&row["session"], time(&row["nbf"]));
            let key = &self.env()["sessions"][j.to_string()];
            if key.is_null() || time(j) > last {
                continue;
            }
            let mut events = self.group["events"].as_array().unwrap().iter();
            let event = events.find(|event| event["event"] == row["event"]).unwrap();
            for message in [&event["message"], &row["beacon"]] {
                member.receive(&hex(message), begin).unwrap();
            }
            assert_eq!(member.key(int(j)), Ok(array(key)), "{}", self.name());
        }
        member
    }

    /// A sender under the key id of the case whose next Partial IV is that of the case, in the session of the case, and the member
    /// that it seals for.
    fn sealing(&self) -> (Held, Box<iotchain_sender>) {
        let (kid, piv) = self.sender();
        let (j, newest) = (time(&self.case["j"]), self.newest());
        let member = self.member(&kid[..SID_LEN], j);
        let now = if j == newest {
            self.now()
        } else {
            time(&self.case["iat"])
        };
        let mut sender = zeroed::<iotchain_sender>();
        let (at, of) = (&raw mut *sender, &raw const *member.member);
        let mut salt = kid[SID_LEN..].to_vec();
        // SAFETY: every pointer is of a value that lives.
        unsafe {
            ok(match salt.len() {
                0 => {
                    let reserve = iotchain_reserve {
                        every: 1,
                        pending: 0,
                    };
                    let last = iotchain_checkpoint {
                        session: if piv == 0 { 0 } else { int(&self.case["j"]) },
                        piv: piv.saturating_sub(1),
                    };
                    iotchain_sender_init_persisted(at, of, reserve, &last, 0)
                }
                8 => iotchain_sender_init_random(at, of, &scripted_rng(&mut salt), 0),
                _ => {
                    let shifted = |number, byte: &u8| number << 8 | u32::from(*byte);
                    let boot = salt.iter().fold(0, shifted);
                    iotchain_sender_init_counted(at, of, boot, boot, 0)
                }
            })
            .unwrap();
            let entered = told(|session| iotchain_sender_enter(at, of, now, session));
            assert_eq!(entered.map(u64::from), Ok(j), "{}", self.name());
            let due: iotchain_checkpoint =
                told(|due| iotchain_sender_checkpoint_due(at, due)).unwrap();
            ok(iotchain_sender_checkpoint_stored(at, &due)).unwrap();
            let spent = if salt.is_empty() { 0 } else { piv };
            let elsewhere = Resource::new([0; 20], &[], &[]);
            for _ in 0..spent {
                let (token, mut out, mut len) = ([7; 8], [0; ROOM], 0);
                ok(iotchain_sender_seal_response(
                    at,
                    &elsewhere.c,
                    69,
                    token.as_ptr(),
                    token.len(),
                    IOTCHAIN_NO_CONTENT_FORMAT,
                    null(),
                    0,
                    out.as_mut_ptr(),
                    out.len(),
                    &mut len,
                ))
                .unwrap();
            }
        }
        (member, sender)
    }

    fn newest(&self) -> u64 {
        let sessions = self.env()["sessions"].as_object().unwrap().keys();
        sessions.map(|j| j.parse().unwrap()).max().unwrap()
    }

    /// Seals the object again.
    fn sealed(&self) -> Result<Vec<u8>, iotchain_err> {
        let case = &self.case;
        let resource = resource(case, &case["rs"]);
        let (code, format, bind) = (int(&case["code"]), content_format(case), hex(&case["bind"]));
        if case["position"] == "p-response" {
            return self.answered(&resource, code, format);
        }
        let (_member, mut sender) = self.sealing();
        let sender = &raw mut *sender;
        written(
            Place::Apart,
            &hex(&case["plaintext"]),
            ROOM,
            |bytes, out, len| {
                // SAFETY: every pointer is of a value that lives.
                unsafe {
                    match case["position"].as_str().unwrap() {
                        "response" => iotchain_sender_seal_response(
                            sender,
                            &resource.c,
                            code,
                            bind.as_ptr(),
                            bind.len(),
                            format,
                            bytes.0,
                            bytes.1,
                            out.0,
                            out.1,
                            len,
                        ),
                        "request" => iotchain_sender_seal_request(
                            sender,
                            &resource.c,
                            code,
                            bind.as_ptr(),
                            bind.len(),
                            hex(&case["access_key"]).as_ptr(),
                            format,
                            bytes.0,
                            bytes.1,
                            out.0,
                            out.1,
                            len,
                            &mut *zeroed::<iotchain_pair_request>(),
                        ),
                        _ => {
                            let mut key = zeroed::<iotchain_signing_key>();
                            let private = signing_key_of(&case["signer_thumbprint"]);
                            let alg = int(&case["sign_alg"]);
                            let held = iotchain_signing_key_init(
                                &mut *key,
                                alg,
                                private.expose().as_ptr(),
                            );
                            assert_eq!(held, iotchain_err::Ok);
                            let signer = told(|signer| iotchain_signing_key_signer(&*key, signer));
                            let sealed = signer.map(|signer| {
                                iotchain_sender_seal_signed(
                                    sender,
                                    &resource.c,
                                    time(&case["iat"]),
                                    time(&case["exp"]),
                                    format,
                                    bytes.0,
                                    bytes.1,
                                    &signer,
                                    out.0,
                                    out.1,
                                    len,
                                )
                            });
                            iotchain_signing_key_wipe(&mut *key);
                            sealed.unwrap_or_else(|refused| refused)
                        }
                    }
                }
            },
        )
    }

    /// The answer of a server that opened the request.
    fn answered(
        &self,
        resource: &Resource,
        code: u8,
        format: i32,
    ) -> Result<Vec<u8>, iotchain_err> {
        let cases = cases();
        let asked = cases
            .iter()
            .find(|case| case.case["id"] == self.case["request_id"]);
        let asked = &asked.unwrap().case;
        assert_eq!(asked["object"], self.case["request_object"]);
        let mut server = Server::new(self);
        let mut reply = zeroed::<iotchain_reply>();
        server.request(self, asked, &mut reply)?;
        written(
            Place::Apart,
            &hex(&self.case["plaintext"]),
            ROOM,
            // SAFETY: every pointer is of a value that lives.
            |bytes, out, len| unsafe {
                iotchain_reply_seal(
                    &mut *reply,
                    &resource.c,
                    code,
                    format,
                    bytes.0,
                    bytes.1,
                    out.0,
                    out.1,
                    len,
                )
            },
        )
    }

    /// Opens the object where the case says that it arrives.
    fn opened(&self) -> Result<(Vec<u8>, iotchain_opened), iotchain_err> {
        let (case, (kid, _)) = (&self.case, self.sender());
        if case["position"] == "request" {
            let mut server = Server::new(self);
            for step in case["pre"].as_array().into_iter().flatten() {
                server.request(self, step, &mut zeroed())?;
            }
            return server.request(self, case, &mut zeroed());
        }
        // a producer's objects go to a client, what a client signed goes to the server
        let is_command = case["position"] == "stored" && kid[0] & 0x80 == 0;
        let sid = match case["position"].as_str().unwrap() {
            "p-response" => kid[..SID_LEN].to_vec(),
            _ if is_command => SERVER.to_vec(),
            _ => CLIENT.to_vec(),
        };
        let mut member = self.member(&sid, self.newest());
        let (mut asked, mut memory) = (zeroed::<iotchain_exchange>(), stored());
        if case["position"] == "response" {
            let token = hex(&case["bind"]);
            // SAFETY: every pointer is of a value that lives.
            ok(unsafe { iotchain_exchange_init(&mut *asked, token.as_ptr(), token.len()) })?;
        }
        let mut open = |step: &Value| {
            self.open_at(
                &mut member.member,
                &mut asked,
                &mut memory,
                is_command,
                step,
            )
        };
        for step in case["pre"].as_array().into_iter().flatten() {
            open(step)?;
        }
        open(case)
    }

    /// Opens what is no request.
    fn open_at(
        &self,
        member: &mut iotchain_member,
        asked: &mut iotchain_exchange,
        memory: &mut iotchain_stored,
        is_command: bool,
        step: &Value,
    ) -> Result<(Vec<u8>, iotchain_opened), iotchain_err> {
        let (member, now) = (&raw mut *member, self.now());
        let resource = resource(step, &self.env()["rs"]);
        let mut opened = zeroed::<iotchain_opened>();
        let told = &raw mut *opened;
        let text = written(
            Place::Apart,
            &hex(&step["object"]),
            0,
            |object, out, len| {
                // SAFETY: every pointer is of a value that lives.
                unsafe {
                    match step["position"].as_str().unwrap() {
                        "response" => iotchain_member_open_response(
                            member,
                            &resource.c,
                            int(&step["code"]),
                            asked,
                            null_mut(),
                            now,
                            object.0,
                            object.1,
                            out.0,
                            out.1,
                            len,
                            told,
                        ),
                        "p-response" => {
                            let mut request = zeroed::<iotchain_pair_request>();
                            let sent = request_of(step).unwrap();
                            let (at, sent_len) = (sent.as_ptr(), sent.len());
                            let parsed =
                                iotchain_pair_request_parse(&mut *request, member, at, sent_len);
                            assert_eq!(parsed, iotchain_err::Ok);
                            iotchain_member_open_reply(
                                member,
                                &resource.c,
                                int(&step["code"]),
                                &*request,
                                hex(&self.case["access_key"]).as_ptr(),
                                now,
                                object.0,
                                object.1,
                                out.0,
                                out.1,
                                len,
                                told,
                            )
                        }
                        _ if is_command => {
                            let mut commands = zeroed::<iotchain_commands>();
                            ok(iotchain_commands_init(&mut *commands, 0)).unwrap();
                            iotchain_member_open_command(
                                member,
                                &resource.c,
                                &mut *commands,
                                now,
                                object.0,
                                object.1,
                                out.0,
                                out.1,
                                len,
                                told,
                            )
                        }
                        _ => iotchain_member_open_stored(
                            member,
                            &resource.c,
                            memory,
                            now,
                            object.0,
                            object.1,
                            out.0,
                            out.1,
                            len,
                            told,
                        ),
                    }
                }
            },
        )?;
        Ok((text, *opened))
    }

    fn check_opened(&self) {
        let (case, name) = (&self.case, self.name());
        let (text, opened) = self
            .opened()
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(hex::encode(text), case["plaintext"], "{name}");
        let (kid, piv) = self.sender();
        assert_eq!(
            opened.origin.kid[..opened.origin.kid_len.into()],
            kid,
            "{name}"
        );
        assert_eq!(opened.origin.piv, piv, "{name}");
        assert_eq!(opened.origin.session, int::<u32>(&case["j"]), "{name}");
        assert_eq!(opened.content_format, content_format(case), "{name}");
        let mode = match case["mode"].as_str().unwrap() {
            "G" => IOTCHAIN_MODE_GROUP,
            "P" => IOTCHAIN_MODE_PAIRWISE,
            _ => IOTCHAIN_MODE_SIGNED,
        };
        assert_eq!(opened.mode, mode, "{name}");
        assert_eq!(
            (opened.iat, opened.exp),
            (time(&case["iat"]), time(&case["exp"])),
            "{name}"
        );
        let signer = case["signer_thumbprint"]
            .as_str()
            .filter(|text| !text.is_empty());
        let signer = signer.map_or([0; 32], |text| array(&text.into()));
        assert_eq!(opened.signer, signer, "{name}");
    }
}

const SERVER: [u8; SID_LEN] = [0x80, 0];
/// 072a.
const CLIENT: [u8; SID_LEN] = [7, 42];

fn request_of(case: &Value) -> Option<Vec<u8>> {
    let request = case.get("request_object")?;
    Some(hex(request))
}

/// The private key with a thumbprint of the file of parameters.
fn signing_key_of(thumbprint: &Value) -> SigningKey {
    let params = file("params");
    let mut keys = params["keys"].as_object().unwrap().values();
    let key = keys.find(|key| key["thumbprint"] == *thumbprint).unwrap();
    signing_key(&hex(&key["cose_key"])).unwrap()
}

/// The resource server of a case, and the clients that it knows.
struct Server {
    member: Held,
    clients: Box<iotchain_clients>,
    endpoint: Vec<u8>,
    uptime: u32,
}

impl Server {
    fn new(case: &Case) -> Self {
        let (env, mut clients) = (case.env(), zeroed::<iotchain_clients>());
        let (mut key, secret) = (hex(&env["echo"]["key"]), hex(&env["rsk"]));
        let endpoint = hex(&env["echo"]["endpoint"]);
        let uptime = int(&env["echo"]["uptime"]);
        // SAFETY: every pointer is of a value that lives.
        unsafe {
            let random = scripted_rng(&mut key);
            ok(iotchain_clients_init(
                &mut *clients,
                secret.as_ptr(),
                &random,
                0,
            ))
            .unwrap();
            let issued = told(|echo: *mut [u8; IOTCHAIN_ECHO]| {
                let (at, len) = (endpoint.as_ptr(), endpoint.len());
                iotchain_clients_challenge(&*clients, at, len, uptime, echo.cast())
            });
            assert_eq!(hex::encode(issued.unwrap()), env["valid_echo"][0]);
        }
        Self {
            member: case.member(&SERVER, case.newest()),
            clients,
            endpoint,
            uptime,
        }
    }

    /// Opens a request, a case or a step before it.
    fn request(
        &mut self,
        case: &Case,
        step: &Value,
        reply: &mut iotchain_reply,
    ) -> Result<(Vec<u8>, iotchain_opened), iotchain_err> {
        let echo = hex(&step["bind"]);
        let resource = resource(step, &case.env()["rs"]);
        let request = iotchain_request {
            method: int(&step["code"]),
            every_echo: case.env()["fresh"].as_bool().unwrap().into(),
            echo: if echo.is_empty() {
                null()
            } else {
                echo.as_ptr()
            },
            echo_len: echo.len(),
            endpoint: self.endpoint.as_ptr(),
            endpoint_len: self.endpoint.len(),
            uptime: self.uptime,
            now: case.now(),
        };
        let mut opened = zeroed::<iotchain_opened>();
        let text = written(
            Place::Apart,
            &hex(&step["object"]),
            0,
            |object, out, len| {
                // SAFETY: every pointer is of a value that lives.
                unsafe {
                    iotchain_member_open_request(
                        &mut *self.member.member,
                        &resource.c,
                        &mut *self.clients,
                        &request,
                        object.0,
                        object.1,
                        out.0,
                        out.1,
                        len,
                        &mut *opened,
                        reply,
                    )
                }
            },
        )?;
        Ok((text, *opened))
    }
}

#[test]
fn members_open_every_object() {
    let mut run = 0;
    for case in cases().iter().filter(|case| case.is_supported()) {
        case.check_opened();
        run += 1;
    }
    assert!(run >= 13, "the cases of ES256K at least");
}

/// An attack of `negative.json` with published objects, which those of the groups stand for. `None` if it needs an object of its
/// own.
fn attack(attack: &Value, published: &Value, cases: &[Case]) -> Option<Case> {
    let published = published.as_array().unwrap();
    let like = |object: &Value| {
        let found = published
            .iter()
            .position(|case| case["object"] == *object)?;
        cases
            .iter()
            .find(|case| case.case["id"] == published[found]["id"])
    };
    let echo = file("params")["echo"].clone();
    let moved = |step: &Value, env: &Value| {
        let mut moved = step.clone();
        moved["object"] = like(&step["object"])?.case["object"].clone();
        if step["bind"] == echo {
            moved["bind"] = env["valid_echo"][0].clone();
        }
        if let Some(request) = step.get("request_object") {
            moved["request_object"] = like(request)?.case["object"].clone();
        }
        Some(moved)
    };
    let base = like(&attack["object"])?;
    if base.env()["sign_alg"] != attack["env"]["sign_alg"] {
        return None;
    }
    let mut env = base.env().clone();
    for field in ["rs", "creds", "fresh"] {
        env[field] = attack["env"][field].clone();
    }
    let mut case = base.case.clone();
    for (field, value) in moved(attack, &env)?.as_object().unwrap() {
        case[field] = value.clone();
    }
    let pre = attack["pre"].as_array().unwrap().iter();
    let pre = pre
        .map(|step| moved(step, &env))
        .collect::<Option<Vec<_>>>()?;
    (case["env"], case["pre"]) = (env, pre.into());
    // what the client would open the answer with
    if let Some(request) = case.get("request_object") {
        let asked = cases.iter().find(|case| case.case["object"] == *request);
        case["access_key"] = asked?.case["access_key"].clone();
    }
    Some(Case {
        case,
        group: base.group.clone(),
        slots: base.slots.clone(),
    })
}

/// Attacks that need objects of their own, sealed or edited under the session keys of `objects.json`, which no member can hold: they
/// run through the crates only (`cargo xtask vectors`).
const OBJECTS_OF_THEIR_OWN: [&str; 41] = [
    "H05", "H06", "H08", "H09", "H10", "H11", "H12", "H13", "H14", "H16", "G01", "G08", "G10",
    "G11", "G12", "G13", "G14", "G15", "S02", "S03", "S04", "S05", "S06", "S07", "S09", "S10",
    "S11", "S12", "S13", "S16", "S20", "P01", "P02", "P04", "P07", "P08", "P09", "P10", "P11",
    "P12", "P13",
];

#[test]
fn attacks_with_published_objects() {
    let (published, cases) = (file("objects")["cases"].clone(), cases());
    let mut left_out = Vec::new();
    for case in negative("object.open") {
        let id = case["id"].as_str().unwrap();
        if is_malformed(&case) {
            continue;
        }
        let Some(attack) = attack(&case, &published, &cases) else {
            left_out.push(id.to_owned());
            continue;
        };
        let result = attack.opened().map(|_| ());
        let number = result.err().map_or(0, |error| -(error as i64));
        assert_eq!(case["expect"], number, "{id}");
    }
    assert_eq!(left_out, OBJECTS_OF_THEIR_OWN);
}

#[test]
fn senders_seal_every_object_again() {
    for case in cases().iter().filter(|case| case.is_supported()) {
        let (sealed, name) = (case.sealed(), case.name());
        if ED25519.contains(&name) {
            assert_eq!(sealed, Err(iotchain_err::Alg), "{name}");
        } else {
            let expected = case.case["object"].as_str().unwrap();
            assert_eq!(hex::encode(sealed.unwrap()), expected, "{name}");
        }
    }
}

/// The cases of both files: what follows needs no session key.
fn all_cases() -> Vec<Value> {
    let files = ["objects", "objects-of-groups"].map(|name| file(name)["cases"].clone());
    let cases = files.iter().flat_map(|cases| cases.as_array().unwrap());
    cases.cloned().collect()
}

/// A proxy that knows the senders of a case.
fn proxy(case: &Value) -> Result<Box<iotchain_proxy>, iotchain_err> {
    let (env, mut proxy) = (&case["env"], zeroed::<iotchain_proxy>());
    let gid = hex(&env["gid"]);
    let group = iotchain_proxy_group {
        gid: gid.as_ptr(),
        aead: int(&env["alg"]),
        sign: int(&env["sign_alg"]),
        sid_len: int(&env["sid_len"]),
    };
    // SAFETY: every pointer is of a value that lives.
    unsafe { ok(iotchain_proxy_init(&mut *proxy, &group, null()))? };
    for peer in env["creds"].as_array().unwrap() {
        let key = PublicKey::parse(&hex(&peer["cose_key"])).unwrap();
        let key = iotchain_public_key {
            alg: key.alg().cose() as i32,
            x: *key.x(),
            y: *key.y(),
        };
        let (sid, subject) = (hex(&peer["sid"]), hex(&peer["rs"]));
        // SAFETY: every pointer is of a value that lives.
        unsafe {
            ok(iotchain_proxy_learn(
                &mut *proxy,
                sid.as_ptr(),
                sid.len(),
                subject.as_ptr(),
                &key,
            ))?;
        }
    }
    Ok(proxy)
}

fn checked(
    proxy: &iotchain_proxy,
    case: &Value,
    purpose: i32,
) -> Result<iotchain_verified, iotchain_err> {
    let (object, resource) = (hex(&case["object"]), resource(case, &case["env"]["rs"]));
    let stored_iat = time(&case["stored_iat"]);
    // SAFETY: every pointer is of a value that lives.
    told(|verified| unsafe {
        iotchain_proxy_check(
            proxy,
            object.as_ptr(),
            object.len(),
            &resource.c,
            purpose,
            time(&case["env"]["now"]),
            stored_iat,
            verified,
        )
    })
}

#[test]
fn proxies_check_every_signed_object() {
    for case in all_cases() {
        let name = case["id"].as_str().unwrap();
        if case["mode"] != "S" {
            continue;
        }
        let proxy = proxy(&case);
        if ED25519.contains(&name) {
            assert_eq!(proxy.err(), Some(iotchain_err::Alg), "{name}");
            continue;
        }
        let purpose = match hex(&case["kid"])[0] & 0x80 {
            0 => IOTCHAIN_COMMAND,
            _ => IOTCHAIN_REPRESENTATION,
        };
        let verified = checked(&proxy.unwrap(), &case, purpose);
        if case["sign_alg"] == IOTCHAIN_ESP256 && !cfg!(feature = "esp256") {
            // nothing of an algorithm that was left out verifies, unless another crate of the build asks for it
            assert!(matches!(verified, Ok(_) | Err(iotchain_err::Sig)), "{name}");
            continue;
        }
        let verified = verified.unwrap();
        assert_eq!(
            (verified.iat, verified.exp),
            (time(&case["iat"]), time(&case["exp"]))
        );
        assert_eq!(verified.origin.session, int::<u32>(&case["j"]), "{name}");
        assert_eq!(verified.origin.piv, int::<u32>(&case["piv"]), "{name}");
    }
    let attacks = negative("proxy.check");
    for case in &attacks {
        let verified = checked(&proxy(case).unwrap(), case, IOTCHAIN_REPRESENTATION);
        let number = verified.err().map_or(0, |error| -(error as i64));
        assert_eq!(case["expect"], number, "{}", case["id"]);
    }
    assert_eq!(attacks.len(), 4);
}

fn expanded(alg: i32, form: &[u8]) -> Result<Vec<u8>, iotchain_err> {
    // SAFETY: every pointer is of a value that lives.
    written(Place::Apart, form, ROOM, |form, out, len| unsafe {
        iotchain_object_expand(alg, form.0, form.1, out.0, out.1, len)
    })
}

#[test]
fn every_object_in_its_compact_form() {
    for case in all_cases() {
        let (object, alg) = (hex(&case["object"]), int(&case["alg"]));
        // SAFETY: every pointer is of a value that lives.
        let form = written(Place::Apart, &object, ROOM, |object, out, len| unsafe {
            iotchain_object_compact(alg, object.0, object.1, out.0, out.1, len)
        })
        .unwrap();
        assert_eq!(hex::encode(&form), case["compact"], "{}", case["id"]);
        assert_eq!(expanded(alg, &form), Ok(object), "{}", case["id"]);
    }
    let attacks = negative("compact.expand");
    for case in &attacks {
        let result = expanded(int(&case["alg"]), &hex(&case["compact"]));
        let number = result.err().map_or(0, |error| -(error as i64));
        assert_eq!(case["expect"], number, "{}", case["id"]);
    }
    assert_eq!(attacks.len(), 4);
}
