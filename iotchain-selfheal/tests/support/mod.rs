//! What the tests share: vectors, a generator that says what it is told, a clock-free view of a member.
#![allow(dead_code, unreachable_pub)]

use iotchain_core::{Gid, PublicKey, Result, Session, UnixTime};
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
