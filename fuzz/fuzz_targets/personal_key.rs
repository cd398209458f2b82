//! Personal keys: accepted bytes are kept as they came, and a member made of them fails closed.
#![no_main]

use iotchain_core::{Session, SignAlg, Signer, SigningKey};
use iotchain_selfheal::rsd::{Member, PersonalKey};
use iotchain_selfheal::{Authority, polynomial};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(key) = polynomial::PersonalKey::parse(data) {
        assert_eq!(key.as_bytes(), data);
    }
    let Ok(key) = PersonalKey::parse(data) else {
        return;
    };
    assert_eq!(key.as_bytes(), data);
    let (last, join) = (key.last(), key.join());
    let signer = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).expect("a scalar");
    let authority = Authority::new(key.gid(), signer.public());
    let member: Member<&[u8], 4> = Member::new(key, authority).expect("the gid is its own");
    if let Some(beyond) = last.next() {
        assert!(member.key(beyond).is_err(), "a session after the last");
    }
    let _ = (member.key(join), member.key(Session::new(1)));
});
