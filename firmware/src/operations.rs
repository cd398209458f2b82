//! What is measured: each operation a function that the linker can take alone.

use core::convert::Infallible;
use core::hint::black_box;
use iotchain::Membership;
use iotchain::join::JoinResponse;
use iotchain_core::kdf::{SenderUse, hkdf_expand, hkdf_extract};
use iotchain_core::{
    AccessKey, AdditionalData, Address, AeadAlg, AeadKey, BootSalt, Error, Gid, GroupKey, Kid,
    PublicKey, Result, Secret, Session, SessionSecret, Sid, SignAlg, Signature, Signer, SigningKey,
    Suite, Thumbprint, UnixTime,
};
use iotchain_oscar::{
    Boot, Clients, EchoKey, EchoRule, Exchange, Failures, Freshness, Group, Keys, Method,
    PairContexts, Policy, Receiver, Reply, ResourceId, Sender, Sessions, Uptime,
};
use iotchain_selfheal::Authority;
use iotchain_selfheal::broadcast::DEFAULT_MAX_LEN;
use iotchain_selfheal::rsd::{HighWater, Member, PersonalKey};
use rand_core::{TryCryptoRng, TryRng};

/// An operation: whether it did what it should.
pub(crate) type Operation = extern "C" fn(&mut World) -> bool;

/// The operations in their order: a member follows an event before a session. The first object of a session derives
/// its key, the second has it at hand.
pub(crate) const OPERATIONS: &[(&str, Operation)] = &[
    ("ccm_seal", ccm_seal),
    ("ccm_open", ccm_open),
    ("hkdf", hkdf),
    ("content_key", content_key),
    ("rsd_event", rsd_event),
    ("rsd_session", rsd_session),
    ("join", join),
    ("renew", renew),
    ("prepare", prepare),
    ("wake", wake),
    ("object_seal_first", object_seal_first),
    ("object_seal", object_seal),
    ("object_open_first", object_open_first),
    ("object_open", object_open),
    ("request_open", request_open),
    ("reply_seal", reply_seal),
    ("es256k_sign", es256k_sign),
    ("es256k_verify", es256k_verify),
    ("es256k_public", es256k_public),
];

const PERSONAL_KEY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/personal_key"));
const KEY_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/key_server"));
const EVENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/event"));
const BEACON: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/beacon"));
const JOIN_RESPONSE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/join_response"));
const CNONCE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cnonce"));
const NEXT_PERSONAL_KEY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/next_personal_key"));
const KEY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/key"));

const STATE_KEY: [u8; 16] = [5; 16];
const STATE_LEN: usize = Member::<&[u8], 16>::MAX_STATE_LEN;
const GID: Gid = Gid::new([0xa1, 0xb2, 0xc3, 0xd4]);
/// The last session of the vector.
const SESSION: Session = Session::new(26);
const CONTENT: u8 = 69;
const CHANGED: u8 = 68;
/// The client's, of all methods.
const CLIENT: [u8; 2] = [0x07, 0x2a];
const ENDPOINT: [u8; 18] = [0xc0; 18];
const UPTIME: Uptime = Uptime::new(100);
const TOKEN: &[u8] = b"8 random";
const TEXT: [u8; 64] = [0x5a; 64];
const AAD: [u8; 32] = [0xad; 32];
const NONCE: [u8; 13] = [0x0e; 13];

/// A member that holds one session.
struct Held(GroupKey);

impl Sessions for Held {
    fn key(&self, session: Session) -> Result<GroupKey> {
        match session {
            SESSION => Ok(self.0.clone()),
            _ => Err(Error::Session),
        }
    }

    fn may_open(&self, _: Session) -> Result<()> {
        Ok(())
    }
}

/// What a member opens with.
struct Receiving {
    group: Group,
    held: Held,
    directory: [(Sid, Address, PublicKey); 1],
    failures: Failures<8>,
    keys: Keys<4>,
}

impl Receiving {
    fn receiver(&mut self) -> Receiver<'_, Held, [(Sid, Address, PublicKey)]> {
        Receiver {
            group: &self.group,
            sessions: &self.held,
            directory: &self.directory[..],
            policy: Policy::default(),
            failures: &mut self.failures,
            keys: &mut self.keys,
        }
    }
}

/// What stands for a random source here.
struct Zeros;

impl TryRng for Zeros {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Infallible> {
        out.fill(0);
        Ok(())
    }
}

impl TryCryptoRng for Zeros {}

/// Everything that the operations work on; not part of what is measured.
pub(crate) struct World {
    ccm_key: [u8; 16],
    aad: AdditionalData<3>,
    sealed: [u8; 72],
    session: SessionSecret,
    kid: Kid,
    rs: Address,
    member: Member<&'static [u8], 16>,
    woken: Member<&'static [u8], 16>,
    membership: Membership<&'static [u8], 16, 4>,
    state: [u8; STATE_LEN],
    state_len: usize,
    sender: Sender,
    receiving: Receiving,
    object: [u8; 128],
    object_len: usize,
    server_secret: Secret<32>,
    echo_key: EchoKey,
    echo: [u8; EchoKey::LEN],
    contexts: PairContexts<8>,
    request: [u8; 128],
    request_len: usize,
    reply: Option<Reply>,
    signing_key: SigningKey,
    public: PublicKey,
    signature: Signature,
}

impl World {
    pub(crate) fn new() -> Result<Self> {
        let ks = Thumbprint::new([3; 32]);
        let group_key = GroupKey::new([9; 16]);
        let sid = Sid::from_slice(&[0x80, 0])?;
        let rs = Address::new([0xfa; 20]);
        let signing_key = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32])?;
        let public = signing_key.public();
        let group = Group {
            gid: GID,
            ks,
            suite: Suite::DEFAULT,
            sid_len: 2,
        };
        let mut sender = Sender::new(group, sid, Boot::assigned(&[1])?, UnixTime::new(0))?;
        sender.enter(SESSION, &group_key)?;
        let server_secret = Secret::new([0x5e; 32]);
        let echo_key = EchoKey::random(&mut Zeros)?;
        let echo = echo_key.issue(&ENDPOINT, UPTIME);
        let mut request = [0; 128];
        let (request_len, _) = {
            let sid = Sid::from_slice(&CLIENT)?;
            let mut client = Sender::new(group, sid, Boot::assigned(&[1])?, UnixTime::new(0))?;
            client.enter(SESSION, &group_key)?;
            let access = AccessKey::derive(&server_secret, GID, &sid)?;
            let resource = ResourceId::new(rs, &["temp"], &[])?;
            let text = &TEXT[..];
            client.seal_request(&resource, Method::Put, &echo, &access, text, &mut request)?
        };
        let authority = Authority::new(GID, PublicKey::parse(KEY_SERVER)?);
        let mut member = Member::<_, 16>::new(PersonalKey::parse(PERSONAL_KEY)?, authority)?;
        let mut state = [0; STATE_LEN];
        member.receive(EVENT, None)?;
        let state_len = member.seal_state(&Secret::new(STATE_KEY), &mut Zeros, &mut state)?;
        Ok(Self {
            ccm_key: [0xc0; 16],
            aad: AdditionalData::of(&[&AAD])?,
            sealed: [0; 72],
            session: SessionSecret::derive(&group_key, GID, SESSION, &ks),
            kid: Kid::new(&sid, &BootSalt::NONE),
            rs,
            member: Member::new(PersonalKey::parse(PERSONAL_KEY)?, authority)?,
            woken: Member::VACANT,
            membership: Membership::VACANT,
            state,
            state_len,
            sender,
            receiving: Receiving {
                group,
                held: Held(group_key),
                directory: [(sid, rs, public)],
                failures: Failures::new(),
                keys: Keys::new(),
            },
            object: [0; 128],
            object_len: 0,
            server_secret,
            echo_key,
            echo,
            contexts: PairContexts::new(),
            request,
            request_len,
            reply: None,
            signing_key,
            public,
            signature: [0; 64],
        })
    }
}

/// AES-CCM of 64 bytes with 32 of additional data, key schedule included.
#[unsafe(no_mangle)]
extern "C" fn ccm_seal(world: &mut World) -> bool {
    let key = AeadKey::new(AeadAlg::AesCcm16_64_128, &world.ccm_key);
    key.seal(&NONCE, world.aad.blocks(), &TEXT, &mut world.sealed) == Ok(72)
}

#[unsafe(no_mangle)]
extern "C" fn ccm_open(world: &mut World) -> bool {
    let key = AeadKey::new(AeadAlg::AesCcm16_64_128, &world.ccm_key);
    key.open_in_place(&NONCE, world.aad.blocks(), &mut world.sealed) == Ok(64)
}

/// Extract and Expand to 32 bytes with an info of 32.
#[unsafe(no_mangle)]
extern "C" fn hkdf(world: &mut World) -> bool {
    let prk = hkdf_extract(&AAD, &world.ccm_key);
    let okm: Secret<32> = hkdf_expand(&prk, &AAD);
    black_box(okm.expose());
    true
}

/// From the secret of a session to the key of one sender at one resource.
#[unsafe(no_mangle)]
extern "C" fn content_key(world: &mut World) -> bool {
    let key = world
        .session
        .resource(world.rs, &["temp"])
        .and_then(|resource| {
            resource.sender(SenderUse::Group, AeadAlg::AesCcm16_64_128, &world.kid)
        });
    black_box(&key).is_ok()
}

/// An event message: one signature, and the state of its chain.
#[unsafe(no_mangle)]
extern "C" fn rsd_event(world: &mut World) -> bool {
    world.member.receive(EVENT, None).is_ok()
}

/// A session without an event: its beacon, and its key.
#[unsafe(no_mangle)]
extern "C" fn rsd_session(world: &mut World) -> bool {
    let received = world.member.receive(BEACON, None).is_ok();
    let key = world.member.key(SESSION);
    let expected = KEY.first_chunk().copied().map(GroupKey::new);
    matches!((key, expected), (Ok(key), Some(expected)) if received && key.ct_eq(&expected))
}

/// The answer of the key server, read and verified.
fn with_response(then: impl FnOnce(&JoinResponse<'static>) -> Result<()>) -> Result<()> {
    let key_server = PublicKey::parse(KEY_SERVER)?.thumbprint();
    match &JoinResponse::parse(JOIN_RESPONSE) {
        Ok(response) => then(response.verified(CNONCE, &key_server)?),
        Err(error) => Err(*error),
    }
}

/// A membership, made where it lies.
#[unsafe(no_mangle)]
extern "C" fn join(world: &mut World) -> bool {
    let membership = &mut world.membership;
    with_response(|response| membership.join(response, response.personal_key, DEFAULT_MAX_LEN))
        .is_ok()
}

/// The same member's material again.
#[unsafe(no_mangle)]
extern "C" fn renew(world: &mut World) -> bool {
    let membership = &mut world.membership;
    with_response(|response| {
        membership
            .renew(response, |_| response.personal_key)
            .map(|_| ())
    })
    .is_ok()
}

/// The personal key of the next epoch.
#[unsafe(no_mangle)]
extern "C" fn prepare(world: &mut World) -> bool {
    world.membership.prepare(NEXT_PERSONAL_KEY).is_ok()
}

/// A member that held the window of the event, after a deep sleep.
#[unsafe(no_mangle)]
extern "C" fn wake(world: &mut World) -> bool {
    let sealed = world.state.get_mut(..world.state_len).unwrap_or_default();
    let (authority, key) = (world.member.authority(), Secret::new(STATE_KEY));
    let oldest = HighWater {
        epoch: 2,
        event: 0,
        session: Session::new(0),
    };
    PersonalKey::parse(PERSONAL_KEY)
        .and_then(|personal_key| {
            let woken = &mut world.woken;
            woken.wake(personal_key, authority, &key, sealed, oldest)
        })
        .is_ok()
}

fn seal(world: &mut World) -> bool {
    let sealed = ResourceId::new(world.rs, &["temp"], &[]).and_then(|resource| {
        let exchange = Exchange::new(TOKEN)?;
        let out = &mut world.object;
        world
            .sender
            .seal_response(&resource, CONTENT, exchange.token(), &TEXT[..], out)
    });
    world.object_len = sealed.unwrap_or(0);
    sealed.is_ok()
}

#[unsafe(no_mangle)]
extern "C" fn object_seal_first(world: &mut World) -> bool {
    seal(world)
}

/// Mode G: 64 bytes in answer to a GET.
#[unsafe(no_mangle)]
extern "C" fn object_seal(world: &mut World) -> bool {
    seal(world)
}

fn open(world: &mut World) -> bool {
    let object = world.object.get(..world.object_len).unwrap_or_default();
    let out = &mut world.sealed;
    let opened = ResourceId::new(world.rs, &["temp"], &[]).and_then(|resource| {
        let mut exchange = Exchange::new(TOKEN)?;
        world.receiving.receiver().open_response(
            object,
            &resource,
            CONTENT,
            &mut exchange,
            Freshness::Demanded,
            out,
        )
    });
    opened.is_ok_and(|opened| opened.len == TEXT.len())
}

#[unsafe(no_mangle)]
extern "C" fn object_open_first(world: &mut World) -> bool {
    open(world)
}

#[unsafe(no_mangle)]
extern "C" fn object_open(world: &mut World) -> bool {
    open(world)
}

/// Mode P: a PUT of 64 bytes by a client that answers the challenge.
#[unsafe(no_mangle)]
extern "C" fn request_open(world: &mut World) -> bool {
    let echo = world.echo_key.judge(Some(&world.echo), &ENDPOINT, UPTIME);
    let mut clients = Clients {
        secret: &world.server_secret,
        retired: &[],
        contexts: &mut world.contexts,
        rule: EchoRule::First,
        now: UPTIME,
    };
    let object = world.request.get(..world.request_len).unwrap_or_default();
    let out = &mut world.sealed;
    let opened = ResourceId::new(world.rs, &["temp"], &[]).and_then(|resource| {
        let mut receiver = world.receiving.receiver();
        receiver.open_request(object, &resource, Method::Put, echo, &mut clients, out)
    });
    let Ok((opened, reply)) = opened else {
        return false;
    };
    world.reply = Some(reply);
    opened.len == TEXT.len()
}

/// The response to it, 64 bytes.
#[unsafe(no_mangle)]
extern "C" fn reply_seal(world: &mut World) -> bool {
    let Some(reply) = world.reply.take() else {
        return false;
    };
    let resource = ResourceId::new(world.rs, &["temp"], &[]);
    resource
        .and_then(|resource| reply.seal(&resource, CHANGED, &TEXT[..], &mut world.object))
        .is_ok()
}

#[unsafe(no_mangle)]
extern "C" fn es256k_sign(world: &mut World) -> bool {
    match world.signing_key.sign(&[&TEXT]) {
        Ok(signature) => {
            world.signature = signature;
            true
        }
        Err(_) => false,
    }
}

#[unsafe(no_mangle)]
extern "C" fn es256k_verify(world: &mut World) -> bool {
    world
        .public
        .verify(SignAlg::Es256k, &[&TEXT], &world.signature)
        == Ok(())
}

/// The public key of a private one.
#[unsafe(no_mangle)]
extern "C" fn es256k_public(world: &mut World) -> bool {
    SigningKey::from_bytes(SignAlg::Es256k, world.signing_key.expose())
        .is_ok_and(|key| key.public() == world.public)
}
