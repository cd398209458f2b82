//! Objects at every position where one may arrive: nothing that nobody sealed is ever opened.
//!
//! The first byte of the input chooses between the rest as it is and the rest as a patch of a genuine object.
#![no_main]

use std::sync::OnceLock;

use iotchain_core::{
    Address, Error, Gid, GroupKey, PublicKey, Result, Session, Sid, SignAlg, Signer, SigningKey,
    Suite, Thumbprint, UnixTime,
};
use iotchain_fuzz::patched;
use iotchain_oscar::{
    Boot, Claims, Commands, Exchange, Failures, Freshness, Group, Keys, Policy, ProxyCheck, Purpose,
    Receiver, ResourceId, Sender, Sessions, StoredState,
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

/// A group, and one genuine object in each mode.
struct Story {
    group: Group,
    directory: [(Sid, Address, PublicKey); 1],
    objects: [Vec<u8>; 2],
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
    let sid = Sid::from_slice(&[0x80, 0])?;
    let signing_key = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32])?;
    let resource = ResourceId::new(RS, &["temp"], &[])?;
    let mut sender = Sender::new(group, sid, Boot::assigned(&[1])?, UnixTime::new(0))?;
    sender.enter(SESSION, &GroupKey::new(KEY))?;
    let mut out = [0; 256];
    let len = sender.seal_response(
        &resource,
        CONTENT,
        Exchange::new(TOKEN)?.token(),
        b"21.5",
        &mut out,
    )?;
    let direct = out[..len].to_vec();
    let claims = Claims {
        iat: NOW,
        exp: Some(NOW.saturating_add(3600)),
    };
    let len = sender.seal_signed(&resource, claims, b"21.5", &signing_key, &mut out)?;
    let stored = out[..len].to_vec();
    Ok(Story {
        group,
        directory: [(sid, RS, signing_key.public())],
        objects: [direct, stored],
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = data.split_first() else {
        return;
    };
    let story = story();
    let object = match how % 3 {
        0 => rest.to_vec(),
        1 => patched(&story.objects[0], rest),
        _ => patched(&story.objects[1], rest),
    };
    let accepted = accept(story, &object).expect("a resource and a Token");
    assert!(
        !accepted || story.objects.contains(&object),
        "opened what nobody sealed"
    );
});

/// Offers the object at every position; whether any of them took it.
fn accept(story: &Story, object: &[u8]) -> Result<bool> {
    let (group, directory) = (&story.group, story.directory.as_slice());
    let resource = ResourceId::new(RS, &["temp"], &[])?;
    let policy = Policy::default();
    let mut failures = Failures::<8>::new();
    let mut receiver = Receiver {
        group,
        sessions: &Held,
        directory,
        policy,
        failures: &mut failures,
        keys: &mut Keys::<4>::new(),
    };
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
    let proxy = ProxyCheck {
        gid: Some(group.gid),
        suite: group.suite,
        sid_len: group.sid_len,
        directory,
        policy,
    };
    let stored = proxy
        .check(object, &resource, Purpose::Representation, NOW, None)
        .is_ok();
    assert!(!command, "a producer gives no commands");
    assert_eq!(
        signed, stored,
        "a member and a proxy judge a signed object alike"
    );
    Ok(direct || signed)
}
