//! What the tests share: vectors, a generator that says what it is told, a clock-free view of a member.
#![allow(dead_code, unreachable_pub)]

use iotchain_core::hash::sha256;
use iotchain_core::{Gid, PublicKey, Result, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_selfheal::{Authority, Policy, rsd};
use serde_json::Value;
use std::{collections::VecDeque, convert::Infallible, fs};

/// A member that owns its personal key, with room for `W` events.
pub type Member<const W: usize = 32> = rsd::Member<Vec<u8>, W>;

pub fn vectors(name: &str) -> Vec<Value> {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    serde_json::from_value(file["cases"].take()).unwrap()
}

pub fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

pub fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

pub fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

pub fn session(value: &Value) -> Session {
    Session::new(number(value))
}

pub fn time(value: &Value) -> Option<UnixTime> {
    value.as_u64().map(UnixTime::new)
}

/// The receiver of a vector: pinned key server and tolerances.
pub fn authority(env: &Value) -> Authority {
    let key = PublicKey::parse(&bytes(&env["ks_key"])).unwrap();
    assert_eq!(Some(key.alg().cose()), env["sign_alg"].as_i64());
    let authority = Authority::new(Gid::new(array(&env["gid"])), key);
    match env["max_len"].as_u64() {
        Some(len) => authority.with_max_len(len as usize),
        None => authority,
    }
}

pub fn policy(env: &Value) -> Policy {
    let or = |name: &str, default| env[name].as_u64().unwrap_or(default);
    Policy {
        skew: or("skew", 60),
        grace: or("grace", 30),
        ..Policy::DEFAULT
    }
}

pub fn member<const W: usize>(env: &Value, personal_key: Vec<u8>) -> Result<Member<W>> {
    Ok(
        Member::new(rsd::PersonalKey::parse(personal_key)?, authority(env))?
            .with_policy(policy(env)),
    )
}

/// The key of the key server: the secrets of the vectors are SHA-256(seed phrase || name).
pub fn signer(case: &Value) -> SigningKey {
    let path = format!("{}/../vectors/params.json", env!("CARGO_MANIFEST_DIR"));
    let params: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let alg = SignAlg::from_cose(case["sign_alg"].as_i64().unwrap()).unwrap();
    let name = if alg == SignAlg::Ed25519 {
        "ks-ed25519"
    } else {
        "ks"
    };
    let secret = sha256(&[
        params["seed_phrase"].as_str().unwrap().as_bytes(),
        name.as_bytes(),
    ]);
    let key = SigningKey::from_bytes(alg, &secret).unwrap();
    assert_eq!(
        key.public(),
        PublicKey::parse(&bytes(&case["ks_key"])).unwrap()
    );
    key
}

/// The registry number of a result, 0 for success.
pub fn code<T>(result: &Result<T>) -> u64 {
    result
        .as_ref()
        .err()
        .map_or(0, |error| error.number().into())
}

/// A generator that gives out known bytes, then a counter hashed into noise.
#[derive(Default)]
pub struct Told {
    bytes: VecDeque<u8>,
    state: u64,
}

impl Told {
    pub fn seed(seed: u64) -> Self {
        Self {
            bytes: VecDeque::new(),
            state: seed,
        }
    }

    pub fn say(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    pub fn is_spent(&self) -> bool {
        self.bytes.is_empty()
    }

    /// SplitMix64: uniform enough for tests.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

impl rand_core::TryRng for Told {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        Ok(self.next() as u32)
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), Infallible> {
        for byte in out {
            *byte = self.bytes.pop_front().unwrap_or_else(|| self.next() as u8);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Told {}

/// A generator that fails.
pub struct Broken;

impl rand_core::TryRng for Broken {
    type Error = std::fmt::Error;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Self::Error> {
        Err(std::fmt::Error)
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Self::Error> {
        Err(std::fmt::Error)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> std::result::Result<(), Self::Error> {
        Err(std::fmt::Error)
    }
}

impl rand_core::TryCryptoRng for Broken {}

/// The sessions among `sessions` whose key a member releases, with the keys.
pub fn keys<const W: usize>(
    member: &Member<W>,
    sessions: impl Iterator<Item = u32>,
) -> Vec<(u32, [u8; 16])> {
    sessions
        .filter_map(|j| Some((j, *member.key(Session::new(j)).ok()?.expose())))
        .collect()
}

/// A group at work: one manager, everything it published.
#[cfg(feature = "manager")]
pub mod group {
    use super::{Member, Told};
    use iotchain_core::cbor::{Reader, Writer, encoded_len};
    use iotchain_core::{Gid, Session, SignAlg, Signer, SigningKey, UnixTime};
    use iotchain_selfheal::rsd::{Announcement, GroupManager, Parameters, PersonalKey, Plan};
    use iotchain_selfheal::{Authority, Envelope};
    use std::collections::BTreeMap;

    pub const GID: Gid = Gid::new(*b"test");
    pub const START: u64 = 10_000;
    pub const DURATION: u32 = 100;

    pub struct Group {
        pub manager: GroupManager,
        pub rng: Told,
        pub key: SigningKey,
        /// Event message in force, beacon and start of every session.
        pub published: BTreeMap<u32, (Vec<u8>, Vec<u8>, UnixTime)>,
    }

    impl Group {
        pub fn new(window: u8) -> Self {
            Self::with(|parameters| parameters.window = window)
        }

        pub fn epoch(epoch: u32, first: u32) -> Self {
            let sessions = Session::new(first)..=Session::new(first + 199);
            Self::with(|parameters| {
                (parameters.epoch, parameters.first, parameters.last) =
                    (epoch, *sessions.start(), *sessions.end());
            })
        }

        pub fn with(change: impl FnOnce(&mut Parameters)) -> Self {
            let mut parameters = Parameters {
                starts: UnixTime::new(START),
                duration: DURATION,
                ..Parameters::new(GID, 1, 10, Session::new(1)..=Session::new(200))
            };
            change(&mut parameters);
            let mut rng = Told::seed(42);
            let key = SigningKey::generate(SignAlg::Es256k, &mut rng).unwrap();
            let manager = GroupManager::generate(parameters, &mut rng).unwrap();
            Self {
                manager,
                rng,
                key,
                published: BTreeMap::new(),
            }
        }

        pub fn advance(&mut self, plan: Plan) -> Announcement {
            let announced = self
                .manager
                .advance(plan, &mut self.rng, &self.key)
                .unwrap();
            let entry = (
                self.manager.event().to_vec(),
                announced.beacon.clone(),
                announced.starts,
            );
            self.published.insert(announced.session.get(), entry);
            announced
        }

        /// Goes on as planned for `n` sessions.
        pub fn run(&mut self, n: u32) {
            (0..n).for_each(|_| {
                self.advance(Plan::KEEP);
            });
        }

        pub fn event(&self, j: u32) -> &[u8] {
            &self.published[&j].0
        }

        pub fn beacon(&self, j: u32) -> &[u8] {
            &self.published[&j].1
        }

        pub fn starts(&self, j: u32) -> UnixTime {
            self.published[&j].2
        }

        pub fn authority(&self) -> Authority {
            Authority::new(GID, self.key.public())
        }

        pub fn join<const W: usize>(&mut self) -> Member<W> {
            let slot = self.manager.join().unwrap();
            self.member(slot)
        }

        pub fn member<const W: usize>(&self, slot: u32) -> Member<W> {
            let key = self.manager.personal_key(slot).unwrap().to_vec();
            Member::new(PersonalKey::parse(key).unwrap(), self.authority()).unwrap()
        }

        /// Signs a changed copy of the event of session `j` as a faulty key server would.
        pub fn forge(&self, j: u32, change: impl FnOnce(&mut Payload)) -> Vec<u8> {
            let message = self.event(j);
            let envelope = Envelope::open(&self.authority(), message).unwrap();
            let mut payload = Payload::read(envelope.payload());
            change(&mut payload);
            let session = Session::new(*payload.hist.last().unwrap());
            let encoded = payload.write();
            let mut out = vec![0; encoded.len() + 99];
            let len = Envelope::seal(&self.key, GID, session, &encoded, &mut out).unwrap();
            out.truncate(len);
            out
        }
    }

    /// The fields of an event, free to be falsified.
    pub struct Payload {
        pub numbers: Vec<u64>,
        pub nonce: Vec<u8>,
        pub anchor: Vec<u8>,
        pub kcv: Vec<u8>,
        pub hist: Vec<u32>,
        pub links: Vec<u8>,
        pub cover: Vec<Vec<u8>>,
    }

    impl Payload {
        fn read(bytes: &[u8]) -> Self {
            let mut r = Reader::new(bytes);
            assert_eq!(r.array(), Ok(13));
            let numbers = (0..7).map(|_| r.uint().unwrap()).collect();
            let mut string = || r.bytes().unwrap().to_vec();
            let (nonce, anchor, kcv) = (string(), string(), string());
            let hist = (0..r.array().unwrap()).map(|_| r.u32().unwrap()).collect();
            let links = r.bytes().unwrap().to_vec();
            let cover = (0..r.array().unwrap())
                .map(|_| r.bytes().unwrap().to_vec())
                .collect();
            Self {
                numbers,
                nonce,
                anchor,
                kcv,
                hist,
                links,
                cover,
            }
        }

        fn write(&self) -> Vec<u8> {
            let write = |w: &mut Writer<'_>| {
                w.array(13);
                self.numbers.iter().for_each(|n| {
                    w.uint(*n);
                });
                w.bytes(&self.nonce)
                    .bytes(&self.anchor)
                    .bytes(&self.kcv)
                    .array(self.hist.len() as u64);
                self.hist.iter().for_each(|j| {
                    w.uint((*j).into());
                });
                w.bytes(&self.links).array(self.cover.len() as u64);
                self.cover.iter().for_each(|cover| {
                    w.bytes(cover);
                });
            };
            let mut out = vec![0; encoded_len(write)];
            let mut writer = Writer::new(&mut out);
            write(&mut writer);
            writer.finish().unwrap();
            out
        }
    }
}
