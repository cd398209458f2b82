//! Known answers as JSON, and a predictable source of randomness.
#![allow(missing_docs, dead_code, unreachable_pub)]

use iotchain_core::{Address, Error, GroupName, PublicKey, Roles, UnixTime};
use iotchain_token::{AccountId, Class, CwtIssuer, Policy, Publication, Query, Scope, TokenRef};
use serde_json::Value;

pub fn vectors(name: &str) -> Value {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The cases of one operation in `negative.json`.
pub fn negative(op: &str) -> Vec<Value> {
    let all = vectors("negative");
    let cases: Vec<Value> = all["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["op"] == op)
        .cloned()
        .collect();
    assert!(!cases.is_empty(), "no case for {op}");
    cases
}

pub fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

pub fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

pub fn address(value: &Value) -> Address {
    Address::new(array(value))
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

pub fn time(value: &Value) -> UnixTime {
    UnixTime::new(number(value))
}

pub fn token(value: &Value) -> TokenRef {
    TokenRef {
        chain: number(&value["chain"]),
        contract: address(&value["contract"]),
        client: address(&value["client"]),
    }
}

pub fn query(value: &Value) -> Query {
    Query {
        token: token(value),
        rs: address(&value["rs"]),
        scope: Scope {
            group: GroupName::new(value["gname"].as_str().unwrap()).unwrap(),
            roles: Roles::new(number(&value["roles"]).try_into().unwrap()),
        },
    }
}

pub fn policy(env: &Value) -> Policy {
    Policy {
        max_head_age: number(&env["max_head_age"]),
        confirmations: number(&env["confirmations"]).try_into().unwrap(),
        ..cwt_policy(env)
    }
}

/// The limits that apply to a CWT.
pub fn cwt_policy(env: &Value) -> Policy {
    Policy {
        leeway: number(&env["leeway"]),
        max_life: number(&env["max_life"]),
        ..Policy::default()
    }
}

/// The issuers that the owner of `rs` trusts.
pub fn issuers(env: &Value, rs: Address) -> Vec<CwtIssuer> {
    let of_one = |issuer: &Value| CwtIssuer {
        account: AccountId::parse(issuer["iss"].as_str().unwrap()).unwrap(),
        rs,
        id: address(&issuer["id"]),
        key: PublicKey::parse(&hex(&issuer["cose_key"])).unwrap(),
    };
    let issuers = env["issuers"].as_array().unwrap();
    issuers.iter().map(of_one).collect()
}

pub fn classes(env: &Value) -> Vec<Class> {
    let number = |class: &Value| Class::new(class.as_u64().unwrap().try_into().unwrap());
    env["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(number)
        .collect()
}

pub fn published<'a>(env: &Value, classes: &'a [Class]) -> Vec<Publication<'a>> {
    let issuers = env["issuers"].as_array().unwrap();
    let of_one = |issuer: &Value| {
        let (chain, contract) = (number(&issuer["chain"]), address(&issuer["contract"]));
        let servers = issuer["rs"].as_array().unwrap().clone();
        servers.into_iter().map(move |rs| Publication {
            chain,
            contract,
            rs: address(&rs),
            classes,
        })
    };
    issuers.iter().flat_map(of_one).collect()
}

pub fn outcome<T>(result: Result<T, Error>) -> u64 {
    result.map_or_else(|error| error.number().into(), |_| 0)
}

/// Runs cases, each of which must give exactly its number.
pub fn expect_all(cases: &[Value], run: impl Fn(&Value) -> u64) {
    for case in cases {
        assert_eq!(
            run(case),
            number(&case["expect"]),
            "{} {}",
            case["id"],
            case["attack"]
        );
    }
}

/// The good cases of one operation in `token.json`.
pub fn positive(op: &str) -> Vec<Value> {
    let cases = vectors("token")["positive"].as_array().unwrap().clone();
    let cases: Vec<Value> = cases.into_iter().filter(|case| case["op"] == op).collect();
    assert!(!cases.is_empty());
    cases
}

/// Counts up; every draw differs.
pub struct Counter(pub u64);

impl rand_core::TryRng for Counter {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 += 1;
        Ok(self.0)
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.0 += 1;
        let seed = self.0.to_be_bytes();
        out.iter_mut()
            .zip(seed.iter().cycle())
            .for_each(|(slot, byte)| *slot = *byte);
        Ok(())
    }
}
impl rand_core::TryCryptoRng for Counter {}

/// Has nothing left to give.
pub struct Broken;

#[derive(Debug)]
pub struct Exhausted;

impl core::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("exhausted")
    }
}
impl core::error::Error for Exhausted {}

impl rand_core::TryRng for Broken {
    type Error = Exhausted;
    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        Err(Exhausted)
    }
    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        Err(Exhausted)
    }
    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Exhausted> {
        Err(Exhausted)
    }
}
impl rand_core::TryCryptoRng for Broken {}
