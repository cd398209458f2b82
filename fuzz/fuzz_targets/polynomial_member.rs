//! A member of the scheme polynomial under fire: a refused message changes nothing, so the genuine one that follows still
//! works.
//!
//! The first byte of the input says how the rest arrives: as it is, as a payload under a right signature (a key
//! server gone bad), or as a patch of the genuine payload.
#![no_main]

use std::sync::OnceLock;

use iotchain_core::{Gid, Session, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_fuzz::{Counter, patched};
use iotchain_selfheal::polynomial::{GroupManager, Member, Parameters, PersonalKey, Plan};
use iotchain_selfheal::{Authority, Envelope};
use libfuzzer_sys::fuzz_target;

type Bytes = Vec<u8>;

/// A group of which a member has seen all but the last message.
struct Story {
    signer: SigningKey,
    gid: Gid,
    member: Member<Bytes, 4>,
    message: Bytes,
    payload: Bytes,
    key: [u8; 16],
}

const LAST_SEEN: u32 = 5;

fn story() -> &'static Story {
    static STORY: OnceLock<Story> = OnceLock::new();
    STORY.get_or_init(|| tell().expect("the story of a group"))
}

fn tell() -> iotchain_core::Result<Story> {
    let signer = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32])?;
    let gid = Gid::new([0xa1; 4]);
    let parameters = Parameters {
        degree: 3,
        window: 2,
        ..Parameters::new(gid, 1, Session::new(1))
    };
    let mut manager = GroupManager::generate(parameters, &mut Counter::default())?;
    for id in [1, 2] {
        manager.join(id, Session::new(1)..=Session::new(9))?;
    }
    let authority = Authority::new(gid, signer.public());
    let personal_key = PersonalKey::parse(manager.personal_key(1)?.to_vec())?;
    let mut member = Member::new(personal_key, authority)?;
    for _ in 1..=LAST_SEEN {
        let announcement = manager.advance(Plan::KEEP, &signer)?;
        member.receive(&announcement.message, Some(UnixTime::MAX))?;
    }
    manager.revoke(2)?;
    let message = manager.advance(Plan::KEEP, &signer)?.message;
    let key = *manager.group_key(Session::new(LAST_SEEN + 1))?.expose();
    let payload = Envelope::open(&authority, &message)?.payload().to_vec();
    Ok(Story {
        signer,
        gid,
        member,
        message,
        payload,
        key,
    })
}

fuzz_target!(|data: &[u8]| {
    // as a personal key
    if let Ok(key) = PersonalKey::parse(data) {
        assert_eq!(key.as_bytes(), data);
    }
    let Some((how, rest)) = data.split_first() else {
        return;
    };
    let story = story();
    let now = Some(UnixTime::MAX);
    let signed = |payload: &[u8]| {
        let mut out = vec![0; payload.len() + 256];
        let session = Session::new(LAST_SEEN + 1);
        let len = Envelope::seal(&story.signer, story.gid, session, payload, &mut out).unwrap_or(0);
        out.truncate(len);
        out
    };
    let message = match how % 3 {
        0 => rest.to_vec(),
        1 => signed(rest),
        _ => signed(&patched(&story.payload, rest)),
    };

    let mut member = story.member.clone();
    if member.receive(&message, now).is_ok() {
        return;
    }
    assert_eq!(member.high_water(), story.member.high_water());
    for session in 1..=LAST_SEEN {
        let session = Session::new(session);
        let (before, after) = (story.member.key(session), member.key(session));
        assert_eq!(
            before.map(|key| *key.expose()),
            after.map(|key| *key.expose())
        );
    }
    member
        .receive(&story.message, now)
        .expect("the genuine message");
    let key = member.key(Session::new(LAST_SEEN + 1)).expect("its key");
    assert_eq!(*key.expose(), story.key);
});
