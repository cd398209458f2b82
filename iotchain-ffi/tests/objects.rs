//! Objects through the C interface: a resource server, a client and a proxy that talk through memory, in all modes, with objects
//! in buffers of their own and in the buffer of the message.
#![cfg(feature = "server")]
#![allow(missing_docs)]

mod vectors;

use iotchain::core::AccessKey;
use iotchain::join::{Ccs, JoinResponse, List};
use iotchain::token::AccountId;
use iotchain::{Address, Roles, Secret, Sid, SignAlg, Signer, SigningKey};
use iotchain_ffi::*;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use vectors::calls::{PLACES, Place, Resource, exchange, stored, written};
use vectors::{Held, NONCE, file, hex, is_malformed, join_response, ok, signing_key, told, zeroed};

const SERVER: [u8; 2] = [0x80, 0];
/// GET, POST, PUT.
const CLIENT: [u8; 2] = [7, 42];
const RS: [u8; 20] = [0xfa; 20];
const RSK: [u8; 32] = [0x51; 32];
const TOKEN: [u8; 8] = *b"8 random";
const TEXT: &[u8] = b"21.5 C";
const CONTENT: u8 = 69;
const PUT: u8 = 3;

unsafe extern "C" fn fill(next: *mut c_void, out: *mut u8, len: usize) -> i32 {
    // SAFETY: `out` is the contract; `next` is the counter of `World`.
    unsafe {
        let next = next.cast::<u8>();
        *next = (*next).wrapping_add(1);
        out.write_bytes(*next, len);
    }
    0
}

struct World {
    server: Held,
    client: Held,
    server_key: SigningKey,
    client_key: SigningKey,
    sender: Box<iotchain_sender>,
    client_sender: Box<iotchain_sender>,
    access: [u8; 32],
    now: u64,
    temperature: Resource,
}

impl World {
    /// Server and client at the beginning of the first session that has an event.
    fn new() -> Self {
        let cases = file("broadcast-rsd");
        let mut cases = cases["cases"].as_array().unwrap().iter();
        let (case, key) = cases
            .find_map(|case| Some((case, signing_key(&hex(&case["ks_key"]))?)))
            .unwrap();
        let signer = |byte| SigningKey::from_bytes(SignAlg::Es256k, &[byte; 32]).unwrap();
        let (server_key, client_key) = (signer(7), signer(9));
        let event = &case["events"][0];
        let now = event["nbf"].as_u64().unwrap() + 1;
        let creds = [&server_key, &client_key].map(|key| Ccs {
            subject: Some(AccountId {
                chain: 1,
                address: Address::new(if key.public() == server_key.public() {
                    RS
                } else {
                    [1; 20]
                }),
            }),
            key: key.public(),
        });
        let sids = [SERVER, CLIENT].map(|sid| Sid::from_slice(&sid).unwrap());
        let roles = [Roles::PRODUCER, Roles::new(CLIENT[0])];
        let ks = key.public().thumbprint();
        let mut gid = None;
        let [mut server, mut client] = [0, 1].map(|member| {
            let message = join_response(&key, &hex(&case["members"][member]["personal_key"]), None);
            let unverified = JoinResponse::parse(&message).unwrap();
            let mut response = unverified.verify(NONCE, &ks).unwrap();
            gid = Some(response.key_map.gid);
            response.key_map.sid = sids[member];
            response.creds = List::new(&creds);
            response.peer_roles = List::new(&roles);
            response.peer_identifiers = List::new(&sids);
            let mut out = vec![0; JoinResponse::MAX_LEN];
            let len = response.encode(&mut out).unwrap();
            Held::join(&out[..len], NONCE, &ks).unwrap()
        });
        for member in [&mut server, &mut client] {
            member.receive(&hex(&event["message"]), now).unwrap();
        }
        let access = AccessKey::derive(&Secret::new(RSK), gid.unwrap(), &sids[1]).unwrap();
        let mut world = Self {
            server,
            client,
            server_key,
            client_key,
            sender: zeroed(),
            client_sender: zeroed(),
            access: *access.expose(),
            now,
            temperature: Resource::new(RS, &["temp"], &[]),
        };
        world.boot(1);
        world
    }

    /// Both senders as after the boot of this number.
    fn boot(&mut self, number: u32) {
        for (sender, member) in [
            (&mut self.sender, &self.server),
            (&mut self.client_sender, &self.client),
        ] {
            // SAFETY: every pointer is of a value that lives.
            unsafe {
                ok(iotchain_sender_init_counted(
                    &mut **sender,
                    &*member.member,
                    number,
                    number,
                    0,
                ))
                .unwrap();
                let entered = told(|session| {
                    iotchain_sender_enter(&mut **sender, &*member.member, self.now, session)
                });
                assert_eq!(entered, Ok(10));
            }
        }
    }

    fn response(
        &mut self,
        place: Place,
        token: &[u8],
        text: &[u8],
    ) -> Result<Vec<u8>, iotchain_err> {
        written(
            place,
            text,
            text.len() + IOTCHAIN_GROUP_OVERHEAD,
            |bytes, out, len| {
                // SAFETY: every pointer is of a value that lives.
                unsafe {
                    iotchain_sender_seal_response(
                        &mut *self.sender,
                        &self.temperature.c,
                        CONTENT,
                        token.as_ptr(),
                        token.len(),
                        0,
                        bytes.0,
                        bytes.1,
                        out.0,
                        out.1,
                        len,
                    )
                }
            },
        )
    }

    fn open_response(
        &mut self,
        place: Place,
        object: &[u8],
        exchange: &mut iotchain_exchange,
        stored: *mut iotchain_stored,
    ) -> Result<(Vec<u8>, iotchain_opened), iotchain_err> {
        let mut opened = zeroed::<iotchain_opened>();
        let text = written(place, object, 0, |object, out, len| {
            // SAFETY: every pointer is of a value that lives.
            unsafe {
                iotchain_member_open_response(
                    &mut *self.client.member,
                    &self.temperature.c,
                    CONTENT,
                    exchange,
                    stored,
                    self.now,
                    object.0,
                    object.1,
                    out.0,
                    out.1,
                    len,
                    &mut *opened,
                )
            }
        })?;
        Ok((text, *opened))
    }

    fn signed(
        &mut self,
        by_server: bool,
        (iat, exp): (u64, u64),
        place: Place,
        text: &[u8],
    ) -> Result<Vec<u8>, iotchain_err> {
        let (sender, key) = if by_server {
            (&mut self.sender, &self.server_key)
        } else {
            (&mut self.client_sender, &self.client_key)
        };
        let mut held = zeroed::<iotchain_signing_key>();
        // SAFETY: every pointer is of a value that lives.
        unsafe {
            let bytes = key.expose().as_ptr();
            ok(iotchain_signing_key_init(
                &mut *held,
                IOTCHAIN_ES256K,
                bytes,
            ))
            .unwrap();
            let signer = told(|signer| iotchain_signing_key_signer(&*held, signer)).unwrap();
            let sealed = written(
                place,
                text,
                text.len() + IOTCHAIN_SIGNED_OVERHEAD,
                |bytes, out, len| {
                    iotchain_sender_seal_signed(
                        &mut **sender,
                        &self.temperature.c,
                        iat,
                        exp,
                        IOTCHAIN_NO_CONTENT_FORMAT,
                        bytes.0,
                        bytes.1,
                        &signer,
                        out.0,
                        out.1,
                        len,
                    )
                },
            );
            iotchain_signing_key_wipe(&mut *held);
            sealed
        }
    }

    fn open_stored(
        &mut self,
        place: Place,
        object: &[u8],
        stored: &mut iotchain_stored,
    ) -> Result<(Vec<u8>, iotchain_opened), iotchain_err> {
        let mut opened = zeroed::<iotchain_opened>();
        let text = written(place, object, 0, |object, out, len| {
            // SAFETY: every pointer is of a value that lives.
            unsafe {
                iotchain_member_open_stored(
                    &mut *self.client.member,
                    &self.temperature.c,
                    stored,
                    self.now,
                    object.0,
                    object.1,
                    out.0,
                    out.1,
                    len,
                    &mut *opened,
                )
            }
        })?;
        Ok((text, *opened))
    }

    fn request(
        &mut self,
        place: Place,
        method: u8,
        echo: &[u8],
        sent: &mut iotchain_pair_request,
    ) -> Result<Vec<u8>, iotchain_err> {
        written(
            place,
            TEXT,
            TEXT.len() + IOTCHAIN_GROUP_OVERHEAD,
            |bytes, out, len| {
                // SAFETY: every pointer is of a value that lives.
                unsafe {
                    iotchain_sender_seal_request(
                        &mut *self.client_sender,
                        &self.temperature.c,
                        method,
                        echo.as_ptr(),
                        echo.len(),
                        self.access.as_ptr(),
                        50,
                        bytes.0,
                        bytes.1,
                        out.0,
                        out.1,
                        len,
                        sent,
                    )
                }
            },
        )
    }

    fn open_request(
        &mut self,
        place: Place,
        (method, echo): (u8, Option<&[u8]>),
        object: &[u8],
        clients: &mut iotchain_clients,
        reply: &mut iotchain_reply,
    ) -> Result<Vec<u8>, iotchain_err> {
        let request = iotchain_request {
            method,
            every_echo: 0,
            echo: echo.map_or(null(), <[u8]>::as_ptr),
            echo_len: echo.map_or(0, <[u8]>::len),
            endpoint: TOKEN.as_ptr(),
            endpoint_len: TOKEN.len(),
            uptime: 100,
            now: self.now,
        };
        written(place, object, 0, |object, out, len| {
            // SAFETY: every pointer is of a value that lives.
            unsafe {
                iotchain_member_open_request(
                    &mut *self.server.member,
                    &self.temperature.c,
                    clients,
                    &request,
                    object.0,
                    object.1,
                    out.0,
                    out.1,
                    len,
                    null_mut(),
                    reply,
                )
            }
        })
    }

    fn open_command(
        &mut self,
        place: Place,
        object: &[u8],
        commands: &mut iotchain_commands,
    ) -> Result<Vec<u8>, iotchain_err> {
        written(place, object, 0, |object, out, len| {
            // SAFETY: every pointer is of a value that lives.
            unsafe {
                iotchain_member_open_command(
                    &mut *self.server.member,
                    &self.temperature.c,
                    commands,
                    self.now,
                    object.0,
                    object.1,
                    out.0,
                    out.1,
                    len,
                    null_mut(),
                )
            }
        })
    }

    /// A proxy that knows both senders.
    fn proxy(&self) -> Box<iotchain_proxy> {
        let group = iotchain_proxy_group {
            gid: null(),
            aead: IOTCHAIN_AES_CCM_16_64_128,
            sign: IOTCHAIN_ES256K,
            sid_len: 2,
        };
        let mut proxy = zeroed::<iotchain_proxy>();
        // SAFETY: every pointer is of a value that lives.
        unsafe {
            ok(iotchain_proxy_init(&mut *proxy, &group, null())).unwrap();
            for (sid, subject, key) in [
                (SERVER, RS, &self.server_key),
                (CLIENT, [1; 20], &self.client_key),
            ] {
                let public = key.public();
                let key = iotchain_public_key {
                    alg: IOTCHAIN_ES256K,
                    x: *public.x(),
                    y: *public.y(),
                };
                ok(iotchain_proxy_learn(
                    &mut *proxy,
                    sid.as_ptr(),
                    2,
                    subject.as_ptr(),
                    &key,
                ))
                .unwrap();
            }
        }
        proxy
    }
}

#[test]
fn responses_for_the_group() {
    let mut world = World::new();
    for (number, place) in PLACES.into_iter().enumerate() {
        let object = world.response(place, &TOKEN, TEXT).unwrap();
        let mut asked = exchange(&TOKEN);
        let (text, opened) = world
            .open_response(place, &object, &mut asked, null_mut())
            .unwrap();
        assert_eq!((&text[..], opened.content_format), (TEXT, 0), "{place:?}");
        assert_eq!((opened.mode, opened.iat), (IOTCHAIN_MODE_GROUP, 0));
        assert_eq!(
            (opened.origin.session, opened.origin.piv as usize),
            (10, number)
        );
        assert_eq!(
            opened.origin.kid[..opened.origin.kid_len.into()],
            [0x80, 0, 1]
        );
        let mut open = |object: &[u8], asked: &mut iotchain_exchange| {
            world
                .open_response(place, object, asked, null_mut())
                .map(|_| ())
                .unwrap_err()
        };
        assert_eq!(open(&object, &mut asked), iotchain_err::Replay);
        assert_eq!(
            open(&object, &mut exchange(b"another!")),
            iotchain_err::Aead
        );
        let mut flipped = object.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(open(&flipped, &mut exchange(&TOKEN)), iotchain_err::Aead);
        assert_eq!(
            open(&object[1..], &mut exchange(&TOKEN)),
            iotchain_err::Trailing
        );
        assert_eq!(
            world.response(place, b"abc", TEXT),
            Err(iotchain_err::Binding)
        );
    }
}

#[test]
fn buffers_may_overlap_wholly_or_not_at_all() {
    let mut world = World::new();
    let mut buffer = [7u8; 100];
    let mut len = 0;
    let mut seal = |at: usize, count: usize, cap: usize, len: &mut usize| {
        let base = buffer.as_mut_ptr();
        // SAFETY: all stays inside of `buffer`.
        unsafe {
            iotchain_sender_seal_response(
                &mut *world.sender,
                &world.temperature.c,
                CONTENT,
                TOKEN.as_ptr(),
                TOKEN.len(),
                0,
                base.wrapping_add(at),
                count,
                base.wrapping_add(10),
                cap,
                len,
            )
        }
    };
    assert_eq!(seal(60, 10, 55, &mut len), iotchain_err::Buffer);
    assert_eq!(len, 60, "enough to hold the plaintext where it is");
    assert_eq!(seal(5, 10, 80, &mut len), iotchain_err::NullArgument);
    assert_eq!(seal(0, 10, 80, &mut len), iotchain_err::Ok);
    assert_eq!(seal(80, 10, 80, &mut len), iotchain_err::Ok);
    assert_eq!(seal(90, 10, 80, &mut len), iotchain_err::Ok);
    assert_eq!(seal(0, 10, 20, &mut len), iotchain_err::Buffer);
    assert!(len > 30);
    assert_eq!(buffer[..10], [7; 10]);
}

#[test]
fn signed_objects_over_a_proxy() {
    let mut world = World::new();
    let (proxy, now) = (world.proxy(), world.now);
    let (mut memory, mut last_iat) = (stored(), 0);
    for (number, place) in PLACES.into_iter().enumerate() {
        let iat = now + number as u64;
        let object = world.signed(true, (iat, iat + 60), place, TEXT).unwrap();
        let check = |object: &[u8], stored_iat| {
            // SAFETY: every pointer is of a value that lives.
            told(|verified| unsafe {
                iotchain_proxy_check(
                    &*proxy,
                    object.as_ptr(),
                    object.len(),
                    &world.temperature.c,
                    IOTCHAIN_REPRESENTATION,
                    now,
                    stored_iat,
                    verified,
                )
            })
            .map(|verified: iotchain_verified| (verified.iat, verified.exp, verified.origin.piv))
        };
        assert_eq!(check(&object, last_iat), Ok((iat, iat + 60, number as u32)));
        assert_eq!(check(&object, iat), Err(iotchain_err::Rollback));
        let mut flipped = object.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(check(&flipped, 0), Err(iotchain_err::Sig));
        assert_eq!(
            world.open_stored(place, &flipped, &mut memory).map(|_| ()),
            Err(iotchain_err::Aead)
        );
        let at = object
            .windows(4)
            .position(|four| four == [0xa1, 12, 0x58, 64])
            .unwrap()
            + 4;
        let mut forged = object.clone();
        forged[at + 40] ^= 1;
        assert_eq!(
            world.open_stored(place, &forged, &mut memory).map(|_| ()),
            Err(iotchain_err::Sig)
        );
        let (text, opened) = world.open_stored(place, &object, &mut memory).unwrap();
        assert_eq!((&text[..], opened.mode), (TEXT, IOTCHAIN_MODE_SIGNED));
        assert_eq!((opened.iat, opened.exp), (iat, iat + 60));
        assert_eq!(
            opened.signer,
            *world.server_key.public().thumbprint().as_bytes()
        );
        assert_eq!(opened.content_format, IOTCHAIN_NO_CONTENT_FORMAT);
        // a signed object answers a GET only where it may
        let mut asked = exchange(&TOKEN);
        let demanded = world.open_response(place, &object, &mut asked, null_mut());
        assert_eq!(demanded.map(|_| ()), Err(iotchain_err::Mode));
        let answered = world
            .open_response(place, &object, &mut asked, &mut *memory)
            .unwrap();
        assert_eq!(answered.0, TEXT);
        last_iat = iat;
    }
    // a boot of the client: what it exported keeps older objects out
    // SAFETY: every pointer is of a value that lives.
    unsafe {
        let mut flash = [0; IOTCHAIN_MAX_STORED];
        let len =
            told(|len| iotchain_stored_export(&*memory, flash.as_mut_ptr(), flash.len(), len));
        let mut again = zeroed::<iotchain_stored>();
        let member = &*world.client.member;
        ok(iotchain_stored_import(
            &mut *again,
            member,
            flash.as_ptr(),
            len.unwrap(),
        ))
        .unwrap();
        assert_eq!(told(|iat| iotchain_stored_iat(&*again, iat)), Ok(last_iat));
        world.boot(2);
        let older = world.signed(true, (now, 0), Place::Apart, TEXT).unwrap();
        let refused = world.open_stored(Place::Apart, &older, &mut again);
        assert_eq!(refused.map(|_| ()), Err(iotchain_err::Rollback));
    }
}

#[test]
fn who_signs_two_things_is_caught() {
    let mut world = World::new();
    let proxy = world.proxy();
    let first = world
        .signed(true, (world.now, 0), Place::Apart, b"open")
        .unwrap();
    world.boot(1);
    let second = world
        .signed(true, (world.now, 0), Place::Apart, b"shut")
        .unwrap();
    let judge = |second: &[u8]| {
        let mut origin = zeroed::<iotchain_origin>();
        // SAFETY: every pointer is of a value that lives.
        told(|found| unsafe {
            iotchain_proxy_contradiction(
                &*proxy,
                first.as_ptr(),
                first.len(),
                second.as_ptr(),
                second.len(),
                &world.temperature.c,
                IOTCHAIN_REPRESENTATION,
                found,
                &mut *origin,
            )
        })
        .map(|found: i32| (found, origin.session))
    };
    assert_eq!(judge(&first), Ok((0, 0)));
    assert_eq!(judge(&second), Ok((1, 10)));
    let mut memory = stored();
    world
        .open_stored(Place::Apart, &first, &mut memory)
        .unwrap();
    assert_eq!(
        world
            .open_stored(Place::Apart, &second, &mut memory)
            .map(|_| ()),
        Err(iotchain_err::Equivocation)
    );
}

#[test]
fn requests_of_one_client() {
    let mut world = World::new();
    let (mut next, mut clients) = (0u8, zeroed::<iotchain_clients>());
    let random = iotchain_rng {
        fill: Some(fill),
        ctx: (&raw mut next).cast(),
    };
    let (mut sent, mut reply) = (
        zeroed::<iotchain_pair_request>(),
        zeroed::<iotchain_reply>(),
    );
    for place in PLACES {
        // the server booted: the client is unknown to it
        // SAFETY: every pointer is of a value that lives.
        ok(unsafe { iotchain_clients_init(&mut *clients, RSK.as_ptr(), &random, 0) }).unwrap();
        // SAFETY: every pointer is of a value that lives.
        let echo: [u8; IOTCHAIN_ECHO] = told(|echo: *mut [u8; IOTCHAIN_ECHO]| unsafe {
            iotchain_clients_challenge(&*clients, TOKEN.as_ptr(), TOKEN.len(), 95, echo.cast())
        })
        .unwrap();
        let first = world.request(place, PUT, &[], &mut sent).unwrap();
        let unknown = world.open_request(place, (PUT, None), &first, &mut clients, &mut reply);
        assert_eq!(unknown, Err(iotchain_err::Echo));
        let again = world.request(place, PUT, &echo, &mut sent).unwrap();
        let asked = (PUT, Some(&echo[..]));
        let wrong = (PUT, Some(&echo[1..]));
        let mut refused = |asked, object: &[u8]| {
            world
                .open_request(place, asked, object, &mut clients, &mut reply)
                .unwrap_err()
        };
        assert_eq!(refused(wrong, &again), iotchain_err::Echo);
        assert_eq!(refused((1, asked.1), &again), iotchain_err::Mode);
        assert_eq!(refused((2, asked.1), &again), iotchain_err::Aead);
        let text = world
            .open_request(place, asked, &again, &mut clients, &mut reply)
            .unwrap();
        assert_eq!(text, TEXT);
        let replayed = world.open_request(place, asked, &again, &mut clients, &mut zeroed());
        assert_eq!(replayed, Err(iotchain_err::Replay));

        let mut answer = |room: usize| {
            let mut out = vec![0; room];
            // SAFETY: every pointer is of a value that lives.
            let len = told(|len| unsafe {
                iotchain_reply_seal(
                    &mut *reply,
                    &world.temperature.c,
                    68,
                    IOTCHAIN_NO_CONTENT_FORMAT,
                    TEXT.as_ptr(),
                    TEXT.len(),
                    out.as_mut_ptr(),
                    room,
                    len,
                )
            })?;
            out.truncate(len);
            Ok(out)
        };
        assert_eq!(
            answer(5),
            Err(iotchain_err::Buffer),
            "the right is still there"
        );
        let answered = answer(TEXT.len() + IOTCHAIN_REPLY_OVERHEAD).unwrap();
        assert_eq!(answer(100), Err(iotchain_err::NotReady), "one answer only");

        // the client may have slept since
        let mut woken = zeroed::<iotchain_pair_request>();
        let member = &mut *world.client.member;
        // SAFETY: every pointer is of a value that lives.
        unsafe {
            ok(iotchain_pair_request_parse(
                &mut *woken,
                member,
                again.as_ptr(),
                again.len(),
            ))
            .unwrap();
            let [one, two] = [&sent, &woken].map(|request| {
                told(|origin| iotchain_pair_request_origin(&**request, origin)).unwrap()
            });
            assert_eq!(
                (one.piv, one.kid, one.session),
                (two.piv, two.kid, two.session)
            );
            for (access, expected) in [
                (RSK, Err(iotchain_err::Aead)),
                (world.access, Ok(TEXT.to_vec())),
            ] {
                let text = written(place, &answered, 0, |object, out, len| {
                    iotchain_member_open_reply(
                        member,
                        &world.temperature.c,
                        68,
                        &*woken,
                        access.as_ptr(),
                        world.now,
                        object.0,
                        object.1,
                        out.0,
                        out.1,
                        len,
                        null_mut(),
                    )
                });
                assert_eq!(text, expected);
            }
        }
    }
    assert_eq!(
        world.request(Place::Apart, 5, &[], &mut sent),
        Err(iotchain_err::Forbidden)
    );
    assert_eq!(
        world.request(Place::Apart, 1, &[], &mut sent),
        Err(iotchain_err::Mode)
    );
    // a client that was retired
    // SAFETY: every pointer is of a value that lives.
    ok(unsafe { iotchain_clients_retire(&mut *clients, CLIENT.as_ptr(), 2) }).unwrap();
    let object = world.request(Place::Apart, PUT, &[], &mut sent).unwrap();
    let retired = world.open_request(Place::Apart, (PUT, None), &object, &mut clients, &mut reply);
    assert_eq!(retired, Err(iotchain_err::Signer));
}

#[test]
fn commands_for_a_server_that_sleeps() {
    let mut world = World::new();
    let now = world.now;
    let mut commands = zeroed::<iotchain_commands>();
    // SAFETY: every pointer is of a value that lives.
    ok(unsafe { iotchain_commands_init(&mut *commands, now - 10) }).unwrap();
    assert_eq!(
        world.signed(false, (now, 0), Place::Apart, TEXT),
        Err(iotchain_err::Header)
    );
    for place in PLACES {
        let command = world.signed(false, (now, now + 30), place, TEXT).unwrap();
        let mut memory = stored();
        let misread = world.open_stored(place, &command, &mut memory).map(|_| ());
        assert_eq!(
            misread,
            Err(iotchain_err::Signer),
            "a command is no representation"
        );
        assert_eq!(
            world.open_command(place, &command, &mut commands),
            Ok(TEXT.to_vec())
        );
        let twice = world.open_command(place, &command, &mut commands);
        assert_eq!(twice, Err(iotchain_err::Replay));
    }
    for _ in PLACES.len()..IOTCHAIN_COMMANDS {
        let command = world
            .signed(false, (now, now + 30), Place::Apart, TEXT)
            .unwrap();
        world
            .open_command(Place::Apart, &command, &mut commands)
            .unwrap();
    }
    let command = world
        .signed(false, (now, now + 30), Place::Apart, TEXT)
        .unwrap();
    let full = world.open_command(Place::Apart, &command, &mut commands);
    assert_eq!(full, Err(iotchain_err::Capacity));
}

#[test]
fn a_sender_of_every_boot() {
    let mut world = World::new();
    let (mut next, now) = (0u8, world.now);
    let random = iotchain_rng {
        fill: Some(fill),
        ctx: (&raw mut next).cast(),
    };
    let (sender, member) = (&raw mut *world.sender, &raw const *world.server.member);
    // SAFETY: every pointer is of a value that lives.
    unsafe {
        let kid = || {
            let origin: iotchain_origin =
                told(|origin| iotchain_sender_origin(sender, origin)).unwrap();
            origin.kid[..origin.kid_len.into()].to_vec()
        };
        ok(iotchain_sender_init_random(sender, member, &random, 0)).unwrap();
        assert_eq!(kid(), [&SERVER[..], &[1; 8]].concat());
        ok(iotchain_sender_init_assigned(
            sender,
            member,
            [9u8].as_ptr(),
            1,
            0,
        ))
        .unwrap();
        assert_eq!(kid(), [0x80, 0, 9]);
        assert_eq!(
            iotchain_sender_init_assigned(sender, member, null(), 0, 0),
            iotchain_err::Kid
        );
        assert_eq!(
            iotchain_sender_init_counted(sender, member, 5, 6, 0),
            iotchain_err::Kid
        );
        assert_eq!(
            iotchain_sender_init_counted(sender, member, 0, 0, 0),
            iotchain_err::Kid
        );
        ok(iotchain_sender_init_counted(sender, member, 258, 258, 0)).unwrap();
        assert_eq!(kid(), [0x80, 0, 1, 2]);
        assert_eq!(
            world.response(Place::Apart, &TOKEN, TEXT),
            Err(iotchain_err::Session)
        );
        assert_eq!(
            iotchain_sender_enter(sender, member, 1, null_mut()),
            iotchain_err::SessionExpired
        );

        let reserve = iotchain_reserve {
            every: 2,
            pending: 1,
        };
        ok(iotchain_sender_init_persisted(
            sender,
            member,
            reserve,
            null(),
            0,
        ))
        .unwrap();
        ok(iotchain_sender_enter(sender, member, now, null_mut())).unwrap();
        assert_eq!(
            world.response(Place::Apart, &TOKEN, TEXT),
            Err(iotchain_err::SeqExhausted)
        );
        let due = || -> iotchain_checkpoint {
            told(|due| iotchain_sender_checkpoint_due(sender, due)).unwrap()
        };
        let first = due();
        assert_eq!((first.session, first.piv), (10, 0));
        ok(iotchain_sender_checkpoint_stored(sender, &first)).unwrap();
        assert_eq!(due().session, 0, "nothing to store");
        for _ in 0..3 {
            world.response(Place::Apart, &TOKEN, TEXT).unwrap();
        }
        assert_eq!((due().session, due().piv), (10, 3));
        assert_eq!(
            world.response(Place::Apart, &TOKEN, TEXT),
            Err(iotchain_err::SeqExhausted)
        );
        // a boot goes on behind all that may have been sealed
        ok(iotchain_sender_init_persisted(
            sender, member, reserve, &first, 0,
        ))
        .unwrap();
        ok(iotchain_sender_enter(sender, member, now, null_mut())).unwrap();
        assert_eq!(due().piv, 3);

        ok(iotchain_sender_init_counted(sender, member, 7, 7, 0)).unwrap();
        ok(iotchain_sender_enter(sender, member, now, null_mut())).unwrap();
        assert_eq!(
            iotchain_sender_set_max_object(sender, 65_536),
            iotchain_err::Size
        );
        ok(iotchain_sender_set_max_object(sender, 20)).unwrap();
        assert_eq!(
            world.response(Place::Apart, &TOKEN, TEXT),
            Err(iotchain_err::Size)
        );
        iotchain_sender_wipe(sender);
        assert_eq!(
            world.response(Place::Apart, &TOKEN, TEXT),
            Err(iotchain_err::NotReady)
        );
    }
}

/// What is wrong before any key is asked for has its number through C, too.
#[test]
fn malformed_objects_of_the_vectors() {
    let mut world = World::new();
    let mut run = 0;
    for case in file("negative")["cases"].as_array().unwrap() {
        let expected = case["expect"].as_i64().unwrap();
        if case["op"] != "object.open" || !is_malformed(case) {
            continue;
        }
        let object = hex(&case["object"]);
        let result = match case["position"].as_str().unwrap() {
            "response" => world
                .open_response(Place::Apart, &object, &mut exchange(&TOKEN), null_mut())
                .map(|_| ()),
            _ => world
                .open_stored(Place::Apart, &object, &mut stored())
                .map(|_| ()),
        };
        assert_eq!(result.unwrap_err() as i64, -expected, "{}", case["id"]);
        run += 1;
    }
    assert_eq!(run, 29, "cases of form");
}
