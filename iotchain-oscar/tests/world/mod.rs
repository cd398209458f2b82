//! A receiver as the vector files describe it, and a world of keys for the other tests.
#![allow(dead_code, unreachable_pub)] // each test file includes this one and uses its own part

pub mod forge;

use iotchain_core::hash::sha256;
use iotchain_core::{
    AccessKey, Address, AeadAlg, Error, Gid, GroupKey, PublicKey, Result, Secret, Session, Sid,
    SignAlg, Signer, SigningKey, Suite, Thumbprint, UnixTime,
};
use iotchain_oscar::{
    Clients, Echo, EchoRule, Failures, Group, Keys, PairContexts, Policy, Receiver, ResourceId,
    Sessions, Uptime,
};
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use std::collections::BTreeMap;
use std::convert::Infallible;

pub fn vectors(file: &str) -> Value {
    let path = format!("{}/../vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

pub fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

pub fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// Which sessions are held and which are over.
#[derive(Clone, Default)]
pub struct Held {
    pub keys: BTreeMap<u32, [u8; 16]>,
    pub expired: Vec<u32>,
}

impl Sessions for Held {
    fn key(&self, session: Session) -> Result<GroupKey> {
        self.keys
            .get(&session.get())
            .copied()
            .map(GroupKey::new)
            .ok_or(Error::Session)
    }

    fn may_open(&self, session: Session) -> Result<()> {
        if self.expired.contains(&session.get()) {
            Err(Error::SessionExpired)
        } else {
            Ok(())
        }
    }
}

/// Everything a receiver knows.
pub struct World {
    pub group: Group,
    pub rs: Address,
    pub held: Held,
    pub directory: Vec<(Sid, Address, PublicKey)>,
    pub policy: Policy,
    pub now: UnixTime,
    pub failures: Failures<8>,
    pub keys: Keys<4>,
    pub rsk: Secret<32>,
    pub valid_echo: Vec<Vec<u8>>,
    pub rule: EchoRule,
}

impl World {
    /// From the `env` of a vector.
    pub fn from_env(env: &Value) -> Self {
        let number = |key: &str| env[key].as_i64().unwrap();
        let sessions = env["sessions"].as_object().unwrap();
        let credential = |c: &Value| {
            let key = PublicKey::parse(&hex(&c["cose_key"])).unwrap();
            (
                Sid::from_slice(&hex(&c["sid"])).unwrap(),
                Address::new(array(&c["rs"])),
                key,
            )
        };
        Self {
            group: Group {
                gid: Gid::new(array(&env["gid"])),
                ks: Thumbprint::new(array(&env["ks"])),
                suite: Suite {
                    aead: AeadAlg::from_cose(number("alg")).unwrap(),
                    sign: SignAlg::from_cose(number("sign_alg")).unwrap(),
                },
                sid_len: usize::try_from(number("sid_len")).unwrap(),
            },
            rs: Address::new(array(&env["rs"])),
            held: Held {
                keys: sessions
                    .iter()
                    .map(|(j, key)| (j.parse().unwrap(), array(key)))
                    .collect(),
                expired: env["expired"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|j| j.as_u64().unwrap() as u32)
                    .collect(),
            },
            directory: env["creds"]
                .as_array()
                .unwrap()
                .iter()
                .map(credential)
                .collect(),
            policy: Policy {
                skew: env["skew"].as_u64().unwrap(),
                ..Policy::default()
            },
            now: UnixTime::new(env["now"].as_u64().unwrap()),
            failures: Failures::new(),
            keys: Keys::new(),
            rsk: Secret::new(array(&env["rsk"])),
            valid_echo: env["valid_echo"]
                .as_array()
                .unwrap()
                .iter()
                .map(hex)
                .collect(),
            rule: if env["fresh"] == true {
                EchoRule::Every
            } else {
                EchoRule::First
            },
        }
    }

    /// A world of its own: sessions 6 and 7, one producer (8000), one client that may POST and PUT (072a), one that
    /// may only GET (012b).
    pub fn new() -> Self {
        let rs = Address::new([0xfa; 20]);
        let member = |sid: [u8; 2], subject: Address, key: &SigningKey| {
            (Sid::from_slice(&sid).unwrap(), subject, key.public())
        };
        Self {
            group: Group {
                gid: Gid::new([0xa1; 4]),
                ks: Thumbprint::new([3; 32]),
                suite: Suite::DEFAULT,
                sid_len: 2,
            },
            rs,
            held: Held {
                keys: [(6, [6; 16]), (7, [7; 16])].into(),
                expired: vec![],
            },
            directory: vec![
                member([0x80, 0], rs, &rs_key()),
                member([0x07, 0x2a], CLIENT, &client_key()),
                member([0x01, 0x2b], CLIENT, &client_key()),
            ],
            policy: Policy::default(),
            now: NOW,
            failures: Failures::new(),
            keys: Keys::new(),
            rsk: Secret::new([0x55; 32]),
            valid_echo: vec![],
            rule: EchoRule::First,
        }
    }

    /// The access key of a client at the world's resource server.
    pub fn access(&self, sid: &Sid) -> AccessKey {
        AccessKey::derive(&self.rsk, self.group.gid, sid).unwrap()
    }

    /// The Echo option `value` of a request, judged by the list of valid ones; empty means absent.
    pub fn judge<'a>(&self, value: &'a [u8]) -> Echo<'a> {
        let until = Uptime::new(10);
        match value {
            [] => Echo::Absent,
            value if self.valid_echo.iter().any(|valid| valid == value) => {
                Echo::Valid { value, until }
            }
            _ => Echo::Wrong,
        }
    }

    /// The clients of the world's resource server, met at `now`.
    pub fn clients<'a, const M: usize>(
        &self,
        rsk: &'a Secret<32>,
        contexts: &'a mut PairContexts<M>,
        now: Uptime,
    ) -> Clients<'a, M> {
        Clients {
            secret: rsk,
            retired: &[],
            contexts,
            rule: self.rule,
            now,
        }
    }

    pub fn receiver(&mut self) -> Receiver<'_, Held, [(Sid, Address, PublicKey)], 8> {
        Receiver {
            group: &self.group,
            sessions: &self.held,
            directory: self.directory.as_slice(),
            policy: self.policy,
            failures: &mut self.failures,
            keys: &mut self.keys,
        }
    }

    pub fn temperature(&self) -> ResourceId<'static> {
        ResourceId::new(self.rs, &["temp"], &[]).unwrap()
    }
}

pub const NOW: UnixTime = UnixTime::new(1_767_225_600);
pub const CLIENT: Address = Address::new([0x2d; 20]);
pub const CONTENT: u8 = 69;
pub const SEVEN: Session = Session::new(7);

pub fn rs_key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[0x51; 32]).unwrap()
}

pub fn client_key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[0xc1; 32]).unwrap()
}

pub fn sid(bytes: &[u8]) -> Sid {
    Sid::from_slice(bytes).unwrap()
}

/// A generator that is different for every seed and repeatable.
pub struct Seeded {
    seed: u64,
    drawn: u64,
}

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub fn below(&mut self, n: u32) -> u32 {
        self.try_next_u32().unwrap() % n
    }

    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        Ok(self.try_next_u64()? as u32)
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        self.drawn += 1;
        let block = sha256(&[&self.seed.to_be_bytes(), &self.drawn.to_be_bytes()]);
        Ok(u64::from_be_bytes(*block.first_chunk().unwrap()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), Infallible> {
        for byte in bytes {
            *byte = self.try_next_u64()? as u8;
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}
