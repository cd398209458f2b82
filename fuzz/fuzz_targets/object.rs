//! Objects at every position where one may arrive: nothing that nobody sealed is ever opened.
//!
//! The first byte of the input chooses between the rest as it is, as a patch of a genuine object, and as a
//! compact form.
#![no_main]

use std::sync::OnceLock;

use iotchain_core::{
    AccessKey, Address, Error, Gid, GroupKey, PublicKey, Result, Secret, Session, Sid, SignAlg,
    Signer, SigningKey, Suite, Thumbprint, UnixTime,
};
use iotchain_fuzz::patched;
use iotchain_oscar::{
    Boot, Claims, Clients, Commands, Echo, EchoRule, Exchange, Failures, Freshness, Group, Keys,
    Method, PairContexts, PairRequest, Policy, ProxyCheck, Purpose, Receiver, ResourceId, Sender,
    Sessions, StoredState, Uptime, compact, expand,
};
use libfuzzer_sys::fuzz_target;

const SESSION: Session = Session::new(7);
const KEY: [u8; 16] = [9; 16];
const CONTENT: u8 = 69;
const TOKEN: &[u8] = b"8 random";
const RS: Address = Address::new([0xfa; 20]);
const NOW: UnixTime = UnixTime::new(1_767_225_600);

struct Held;

impl Sessions for Held {
    fn key(&self, session: Session) -> Result<GroupKey> {
        if session == SESSION {
            Ok(GroupKey::new(KEY))
        } else {
            Err(Error::Session)
        }
    }

    fn may_open(&self, _: Session) -> Result<()> {
        Ok(())
    }
}

/// The client of the one P request, and the Echo that it carries.
const CLIENT: [u8; 2] = [0x07, 0x2a];
const ECHO: Echo<'_> = Echo::Valid {
    value: b"echo",
    until: Uptime::new(10),
};
const SECRET: [u8; 32] = [5; 32];
const CHANGED: u8 = 68;

/// A group, and genuine objects: a G response, an S object, a P request and its response.
struct Story {
    group: Group,
    directory: [(Sid, Address, PublicKey); 1],
    request: PairRequest,
    access: AccessKey,
    objects: [Vec<u8>; 4],
}

fn story() -> &'static Story {
    static STORY: OnceLock<Story> = OnceLock::new();
    STORY.get_or_init(|| tell().expect("the story of a resource"))
}

fn tell() -> Result<Story> {
    let group = Group {
        gid: Gid::new([0xa1; 4]),
        ks: Thumbprint::new([3; 32]),
        suite: Suite::DEFAULT,
        sid_len: 2,
    };
    let context = |sid: &Sid| -> Result<Sender> {
        let mut sender = Sender::new(group, *sid, Boot::assigned(&[1])?, UnixTime::new(0))?;
        sender.enter(SESSION, &GroupKey::new(KEY))?;
        Ok(sender)
    };
    let (sid, client) = (Sid::from_slice(&[0x80, 0])?, Sid::from_slice(&CLIENT)?);
    let signing_key = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32])?;
    let directory = [(sid, RS, signing_key.public())];
    let resource = ResourceId::new(RS, &["temp"], &[])?;
    let mut sender = context(&sid)?;
    let mut out = [0; 256];
    let len = sender.seal_response(&resource, CONTENT, TOKEN, b"21.5", &mut out)?;
    let direct = out[..len].to_vec();
    let claims = Claims {
        iat: NOW,
        exp: Some(NOW.saturating_add(3600)),
    };
    let len = sender.seal_signed(&resource, claims, b"21.5", &signing_key, &mut out)?;
    let stored = out[..len].to_vec();

    let access = AccessKey::derive(&Secret::new(SECRET), group.gid, &client)?;
    let (len, request) = context(&client)?.seal_request(
        &resource,
        Method::Put,
        b"echo",
        &access,
        b"22",
        &mut out,
    )?;
    let asked = out[..len].to_vec();
    let mut memory = (Failures::<8>::new(), Keys::<4>::new());
    let (_, reply) = receiver(&group, &directory, &mut memory).open_request(
        &asked,
        &resource,
        Method::Put,
        ECHO,
        &mut clients(&Secret::new(SECRET), &mut PairContexts::<4>::new()),
        &mut out,
    )?;
    let len = reply.seal(&resource, CHANGED, b"done", &mut out)?;
    let answer = out[..len].to_vec();
    Ok(Story {
        group,
        directory,
        request,
        access,
        objects: [direct, stored, asked, answer],
    })
}

fn receiver<'a>(
    group: &'a Group,
    directory: &'a [(Sid, Address, PublicKey)],
    (failures, keys): &'a mut (Failures<8>, Keys<4>),
) -> Receiver<'a, Held, [(Sid, Address, PublicKey)], 8, 4> {
    Receiver {
        group,
        sessions: &Held,
        directory,
        policy: Policy::default(),
        failures,
        keys,
    }
}

fn clients<'a>(secret: &'a Secret<32>, contexts: &'a mut PairContexts<4>) -> Clients<'a, 4> {
    Clients {
        secret,
        retired: &[],
        contexts,
        rule: EchoRule::First,
        now: Uptime::new(0),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = data.split_first() else {
        return;
    };
    let story = story();
    let object = match how % 6 {
        0 => rest.to_vec(),
        5 => match expanded(rest) {
            Some(object) => object,
            None => return,
        },
        genuine => patched(&story.objects[usize::from(genuine) - 1], rest),
    };
    let accepted = accept(story, &object).expect("a resource and a Token");
    assert!(
        !accepted || story.objects.contains(&object),
        "opened what nobody sealed"
    );
});

/// The COSE form of a compact one, which compacts to the same bytes again if it is an object at all.
fn expanded(bytes: &[u8]) -> Option<Vec<u8>> {
    let alg = Suite::DEFAULT.aead;
    let mut object = vec![0; bytes.len() + 64];
    let len = expand(bytes, alg, &mut object).ok()?;
    object.truncate(len);
    let mut again = vec![0; bytes.len()];
    if let Ok(len) = compact(&object, alg, &mut again) {
        assert_eq!(&again[..len], bytes, "one object, one compact form");
    }
    Some(object)
}

/// Offers the object at every position; whether any of them took it.
fn accept(story: &Story, object: &[u8]) -> Result<bool> {
    let (group, directory) = (&story.group, story.directory.as_slice());
    let resource = ResourceId::new(RS, &["temp"], &[])?;
    let mut memory = (Failures::new(), Keys::new());
    let mut receiver = receiver(group, directory, &mut memory);
    let mut out = [0; 256];

    let (mut exchange, mut stored, mut commands) = (
        Exchange::new(TOKEN)?,
        StoredState::new(),
        Commands::<4>::new(NOW),
    );
    let demanded = Freshness::Demanded;
    let direct = receiver
        .open_response(
            object,
            &resource,
            CONTENT,
            &mut exchange,
            demanded,
            &mut out,
        )
        .is_ok();
    let signed = receiver
        .open_stored(object, &resource, &mut stored, NOW, &mut out)
        .is_ok();
    let command = receiver
        .open_command(object, &resource, &mut commands, NOW, &mut out)
        .is_ok();
    let secret = Secret::new(SECRET);
    let mut contexts = PairContexts::new();
    let asked = receiver
        .open_request(
            object,
            &resource,
            Method::Put,
            ECHO,
            &mut clients(&secret, &mut contexts),
            &mut out,
        )
        .is_ok();
    assert_eq!(
        asked,
        contexts != PairContexts::new(),
        "only a request that was opened leaves a trace"
    );
    let answered = receiver
        .open_reply(
            object,
            &resource,
            CHANGED,
            &story.request,
            &story.access,
            &mut out,
        )
        .is_ok();
    let proxy = ProxyCheck {
        gid: Some(group.gid),
        suite: group.suite,
        sid_len: group.sid_len,
        directory,
        policy: Policy::default(),
    };
    let stored = proxy
        .check(object, &resource, Purpose::Representation, NOW, None)
        .is_ok();
    assert!(!command, "a producer gives no commands");
    assert_eq!(
        signed, stored,
        "a member and a proxy judge a signed object alike"
    );
    Ok(direct || signed || asked || answered)
}
