//! What the tests of the vectors share: the files, and members that C would make.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod calls;

use iotchain::core::cbor::Reader;
use iotchain::core::hash::sha256;
use iotchain::join::{JoinResponse, KeyMap, List, kdc_proof};
use iotchain::{
    Gid, PublicKey, Session, Sid, SignAlg, Signer, SigningKey, Suite, Thumbprint, UnixTime,
};
use iotchain_ffi::*;
use serde_json::Value;
use std::mem::MaybeUninit;

/// N_C and N_S of the joins that the tests make up.
pub(crate) const NONCE: &[u8] = b"a nonce.";

/// A file of vectors.
pub(crate) fn file(name: &str) -> Value {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The attacks of `negative.json` on `op`.
pub(crate) fn negative(op: &str) -> Vec<Value> {
    let mut cases = file("negative")["cases"].as_array().unwrap().clone();
    cases.retain(|case| case["op"] == op);
    cases
}

/// Whether an attack of `negative.json` on opening is found before any key is asked for.
pub(crate) fn is_malformed(case: &Value) -> bool {
    let by_form = matches!(case["expect"].as_i64(), Some(1..=20 | 22 | 32 | 43));
    let is_alone = case["pre"].as_array().is_some_and(Vec::is_empty);
    by_form && is_alone && matches!(case["position"].as_str(), Some("response" | "stored"))
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// The private key behind `public`, a secret of the file of parameters; `None` for an algorithm that this build has not.
pub(crate) fn signing_key(public: &[u8]) -> Option<SigningKey> {
    let params = file("params");
    let alg = PublicKey::parse(public).unwrap().alg();
    let named = params["keys"].as_object().unwrap().keys();
    // the key servers of the groups B and C have `ks-ed25519` and, on P-256, `ks`
    let mut names = named
        .map(|name| name.replace('_', "-"))
        .chain(["ks-ed25519".to_owned()]);
    let phrase = params["seed_phrase"].as_str().unwrap();
    SigningKey::from_bytes(alg, &[1; 32]).ok()?;
    let found = names.find_map(|name| {
        let secret = sha256(&[phrase.as_bytes(), name.as_bytes()]);
        let key = SigningKey::from_bytes(alg, &secret).ok()?;
        let mut encoded = [0; PublicKey::MAX_ENCODED];
        let len = key.public().encode(&mut encoded).unwrap();
        (encoded[..len] == *public).then_some(key)
    });
    Some(found.expect("a secret of the parameters"))
}

/// Whether the library verifies what a key server with this public key signs. If not, it says so of a signing key, and has members
/// refused at the join: it has ES256K, which spec 1.5 demands of every device, ESP256 if it is asked for, and no feature for Ed25519,
/// which it takes only from a build that has it anyway.
pub(crate) fn can_join(key_server: &[u8], personal_key: &[u8]) -> bool {
    if signing_key(key_server).is_some() {
        return true;
    }
    let key_server = PublicKey::parse(key_server).unwrap();
    let optional = match key_server.alg() {
        SignAlg::Es256k => false,
        SignAlg::Esp256 => !cfg!(feature = "esp256"),
        SignAlg::Ed25519 => true,
    };
    assert!(optional, "the library has {:?}", key_server.alg());
    let alg = key_server.alg().cose().try_into().unwrap();
    let mut key = zeroed::<iotchain_signing_key>();
    // SAFETY: every pointer is of a value that lives.
    let refused = unsafe { iotchain_signing_key_init(&mut *key, alg, [1; 32].as_ptr()) };
    assert_eq!(refused, iotchain_err::Alg);

    let own = SigningKey::from_bytes(SignAlg::Es256k, &[1; 32]).unwrap();
    let message = join_response(&own, personal_key, None);
    let unverified = JoinResponse::parse(&message).unwrap();
    let mut response = unverified
        .verify(NONCE, &own.public().thumbprint())
        .unwrap();
    response.key_map.suite.sign = key_server.alg();
    response.key_server = key_server;
    let mut out = vec![0; JoinResponse::MAX_LEN];
    let len = response.encode(&mut out).unwrap();
    let joined = Held::join(&out[..len], NONCE, &key_server.thumbprint());
    assert_eq!(joined.err(), Some(iotchain_err::Sig));
    false
}

/// A join response that gives `personal_key` to a client, signed by the key server `key`.
pub(crate) fn join_response(key: &SigningKey, personal_key: &[u8], next: Option<&[u8]>) -> Vec<u8> {
    join_response_to(&[1, 2], key, personal_key, next)
}

/// The same to a member of this sender id.
pub(crate) fn join_response_to(
    sid: &[u8],
    key: &SigningKey,
    personal_key: &[u8],
    next: Option<&[u8]>,
) -> Vec<u8> {
    let mut head = Reader::new(personal_key);
    head.array().unwrap();
    head.u32().unwrap();
    let response = JoinResponse {
        key_map: KeyMap {
            gid: Gid::from_slice(head.bytes().unwrap()).unwrap(),
            sid: Sid::from_slice(sid).unwrap(),
            suite: Suite {
                sign: key.public().alg(),
                ..Suite::DEFAULT
            },
            grace: 30,
            access_keys: None,
            server_secret: None,
            boot_salt: None,
        },
        session: Session::new(1),
        expires_at: UnixTime::new(1 << 32),
        expires_in: 1,
        creds: List::EMPTY,
        peer_roles: List::EMPTY,
        peer_identifiers: List::EMPTY,
        policies: None,
        key_server: key.public(),
        kdc_nonce: NONCE,
        kdc_proof: kdc_proof(key, NONCE, NONCE).unwrap(),
        personal_key,
        control_uri: None,
        broadcasts: List::EMPTY,
        next_personal_key: next,
    };
    let mut out = vec![0; JoinResponse::MAX_LEN];
    let len = response.encode(&mut out).unwrap();
    out.truncate(len);
    out
}

/// A member, and the storage of its personal key.
pub(crate) struct Held {
    pub(crate) member: Box<iotchain_member>,
    pub(crate) storage: Vec<u8>,
}

impl Held {
    /// Joins by a response of the key server with this thumbprint.
    pub(crate) fn join(
        response: &[u8],
        cnonce: &[u8],
        ks: &Thumbprint,
    ) -> Result<Self, iotchain_err> {
        // SAFETY: every pointer is of a value that lives.
        unsafe {
            let mut parsed = zeroed::<iotchain_join_response>();
            ok(iotchain_join_response_verify(
                &mut *parsed,
                response.as_ptr(),
                response.len(),
                cnonce.as_ptr(),
                cnonce.len(),
                ks.as_bytes().as_ptr(),
            ))?;
            let info = told(|info| iotchain_join_response_info(&*parsed, info))?;
            let mut held = Self {
                member: zeroed::<iotchain_member>(),
                storage: vec![0; info.personal_key_len],
            };
            let (storage, cap) = (held.storage.as_mut_ptr(), held.storage.len());
            ok(iotchain_member_join(
                &mut *held.member,
                &*parsed,
                storage,
                cap,
                0,
            ))?;
            iotchain_join_response_wipe(&mut *parsed);
            Ok(held)
        }
    }

    pub(crate) fn receive(
        &mut self,
        message: &[u8],
        now: u64,
    ) -> Result<iotchain_received, iotchain_err> {
        // SAFETY: every pointer is of a value that lives.
        told(|received| unsafe {
            iotchain_member_receive(
                &mut *self.member,
                message.as_ptr(),
                message.len(),
                now,
                received,
            )
        })
    }

    pub(crate) fn key(&self, session: u32) -> Result<[u8; 16], iotchain_err> {
        // SAFETY: every pointer is of a value that lives.
        told(|key: *mut [u8; 16]| unsafe {
            iotchain_member_key(&*self.member, session, key.cast())
        })
    }

    pub(crate) fn status(&self, now: u64) -> iotchain_status {
        // SAFETY: every pointer is of a value that lives.
        told(|status| unsafe { iotchain_member_status(&*self.member, now, status) }).unwrap()
    }

    pub(crate) fn mark(&self) -> iotchain_mark {
        // SAFETY: every pointer is of a value that lives.
        told(|mark| unsafe { iotchain_member_mark(&*self.member, mark) }).unwrap()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the member is one, or was never set up.
        unsafe { iotchain_member_wipe(&mut *self.member) };
        assert!(self.storage.iter().all(|byte| *byte == 0), "S_i is wiped");
    }
}

/// Storage as C has it: all zero.
pub(crate) fn zeroed<T>() -> Box<T> {
    // SAFETY: the structures of the interface are words and bytes.
    Box::new(unsafe { std::mem::zeroed() })
}

/// The result of a function as Rust likes it.
pub(crate) fn ok(result: iotchain_err) -> Result<(), iotchain_err> {
    match result {
        iotchain_err::Ok => Ok(()),
        failed => Err(failed),
    }
}

/// What a function writes on success.
pub(crate) fn told<T>(call: impl FnOnce(*mut T) -> iotchain_err) -> Result<T, iotchain_err> {
    let mut out = MaybeUninit::uninit();
    ok(call(out.as_mut_ptr()))?;
    // SAFETY: on success it is written.
    Ok(unsafe { out.assume_init() })
}
