//! One group and one resource, and the keys of an object by other people's crates.
#![allow(dead_code, unreachable_pub)] // each test file includes this one and uses its own part

pub mod event;

use ccm::Ccm;
use ccm::aead::{AeadInOut, KeyInit};
use ccm::consts::{U8, U13};
use ciborium::Value;
use hkdf::Hkdf;
use iotchain::oscar::{Failures, Group, Keys, Policy, Receiver, Sessions};
use iotchain::{
    Address, Boot, Gid, GroupKey, PublicKey, ResourceId, Result, Sender, Session, Sid, SignAlg,
    Signer, SigningKey, Suite, Thumbprint, UnixTime,
};
use sha2::Sha256;

pub const GID: [u8; 4] = [0xa1; 4];
pub const KS: [u8; 32] = [3; 32];
pub const RS: [u8; 20] = [0xfa; 20];
/// sid 8000 with the boot salt 1.
pub const KID: [u8; 3] = [0x80, 0, 1];
/// A client that may GET, POST and PUT: sid 072a with the boot salt 1.
pub const CLIENT_KID: [u8; 3] = [0x07, 0x2a, 1];
/// RSK.
pub const SERVER_SECRET: [u8; 32] = [5; 32];
pub const GROUP_KEY: [u8; 16] = [9; 16];
pub const SESSION: Session = Session::new(7);
pub const PATH: [&str; 1] = ["temp"];
pub const TOKEN: [u8; 8] = *b"8 random";
pub const CONTENT: u8 = 69;
pub const NOW: UnixTime = UnixTime::new(1_767_225_600);
pub const PLAINTEXT: &[u8] = b"21.5";

pub const GROUP: Group = Group {
    gid: Gid::new(GID),
    ks: Thumbprint::new(KS),
    suite: Suite::DEFAULT,
    sid_len: 2,
};

pub fn resource() -> ResourceId<'static> {
    ResourceId::new(Address::new(RS), &PATH, &[]).unwrap()
}

pub fn signer() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).unwrap()
}

fn sid() -> Sid {
    Sid::from_slice(&KID[..2]).unwrap()
}

/// The resource server after a boot: its next PIV is 0.
pub fn sender() -> Sender {
    sender_of(KID)
}

/// The sender of a key id after a boot.
pub fn sender_of(kid: [u8; 3]) -> Sender {
    let (sid, boot) = (Sid::from_slice(&kid[..2]), Boot::assigned(&kid[2..]));
    let mut sender = Sender::new(GROUP, sid.unwrap(), boot.unwrap(), UnixTime::new(0)).unwrap();
    sender.enter(SESSION, &GroupKey::new(GROUP_KEY)).unwrap();
    sender
}

/// A member that holds the one session.
pub struct Held;

impl Sessions for Held {
    fn key(&self, _: Session) -> Result<GroupKey> {
        Ok(GroupKey::new(GROUP_KEY))
    }

    fn may_open(&self, _: Session) -> Result<()> {
        Ok(())
    }
}

pub fn directory() -> [(Sid, Address, PublicKey); 1] {
    [(sid(), Address::new(RS), signer().public())]
}

pub fn receiver<'a>(
    directory: &'a [(Sid, Address, PublicKey)],
    (failures, keys): &'a mut (Failures<8>, Keys),
) -> Receiver<'a, Held, [(Sid, Address, PublicKey)], 8> {
    Receiver {
        group: &GROUP,
        sessions: &Held,
        directory,
        policy: Policy::default(),
        failures,
        keys,
    }
}

/// CBOR by ciborium.
pub fn cbor(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

pub fn bytes(bytes: impl AsRef<[u8]>) -> Value {
    Value::Bytes(bytes.as_ref().to_vec())
}

pub fn array(elements: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(elements.into_iter().collect())
}

/// The external AAD of an object for the resource (spec 2.2).
pub fn external_aad(mode: u8, code: u8, bind: &[u8], signer: &[u8]) -> Vec<u8> {
    let path = array(PATH.map(Value::from));
    cbor(&array([
        1.into(),
        mode.into(),
        code.into(),
        bytes(RS),
        path,
        array([]),
        bytes(bind),
        bytes(signer),
    ]))
}

/// The info of an expansion (spec 1.3).
fn info(label: &str, context: Value, len: u8) -> Vec<u8> {
    cbor(&array(["IoTC1".into(), label.into(), context, len.into()]))
}

fn expanded<const N: usize>(prk: &Hkdf<Sha256>, label: &str, context: Value) -> [u8; N] {
    let mut out = [0; N];
    prk.expand(&info(label, context, N as u8), &mut out)
        .unwrap();
    out
}

/// RK by the crate hkdf.
fn resource_key() -> [u8; 32] {
    let salt = [b"IoTC1", &GID[..], &SESSION.get().to_be_bytes(), &KS].concat();
    let session = Hkdf::<Sha256>::new(Some(&salt), &GROUP_KEY);
    let context = array([bytes(RS), array(PATH.map(Value::from))]);
    expanded(&session, "res", context)
}

/// Key and context IV of a sender.
fn content(prk: &Hkdf<Sha256>, label: &str, kid: &[u8]) -> ([u8; 16], [u8; 13]) {
    let content: [u8; 29] = expanded(prk, label, array([10.into(), bytes(kid)]));
    let (key, iv) = content.split_at(16);
    (key.try_into().unwrap(), iv.try_into().unwrap())
}

/// Key and context IV of the resource server by the crate hkdf (spec 1.3); `label` is "grp" or "sig".
pub fn content_key(label: &str) -> ([u8; 16], [u8; 13]) {
    content(&Hkdf::from_prk(&resource_key()).unwrap(), label, &KID)
}

/// Key and context IV between the client and the resource server; `label` is "p-req" or "p-rsp".
pub fn pair_key(label: &str) -> ([u8; 16], [u8; 13]) {
    let server = Hkdf::<Sha256>::from_prk(&SERVER_SECRET).unwrap();
    let context = array([bytes(GID), bytes(&CLIENT_KID[..2])]);
    let access: [u8; 32] = expanded(&server, "ak", context);
    let pair = Hkdf::new(Some(&access), &resource_key());
    content(&pair, label, &CLIENT_KID)
}

type StockCcm = Ccm<aes::Aes128, U8, U13>;

/// AES-CCM-16-64-128 by the crate ccm.
pub fn ccm_open(
    key: &[u8; 16],
    nonce: &[u8; 13],
    ciphertext: &[u8],
    aad: &[u8],
) -> std::result::Result<Vec<u8>, ()> {
    let (text, tag) = ciphertext.split_last_chunk::<8>().ok_or(())?;
    let mut buffer = text.to_vec();
    let opened = StockCcm::new(key.into()).decrypt_inout_detached(
        nonce.into(),
        aad,
        buffer.as_mut_slice().into(),
        tag.into(),
    );
    opened.map(|()| buffer).map_err(|_| ())
}

/// AES-CCM-16-64-128 by the crate ccm.
pub fn ccm_seal(key: &[u8; 16], nonce: &[u8; 13], plaintext: &[u8], aad: &[u8]) -> Vec<u8> {
    let mut buffer = plaintext.to_vec();
    let tag = StockCcm::new(key.into())
        .encrypt_inout_detached(nonce.into(), aad, buffer.as_mut_slice().into())
        .unwrap();
    buffer.extend(tag);
    buffer
}
