//! Shapes of identifiers.
#![allow(missing_docs)]

use iotchain_core::{
    Address, BootSalt, Error, GroupName, Kid, KidContext, Piv, Roles, Session, Sid,
};

#[test]
fn partial_ivs() {
    for value in [0, 1, 255, 256, 65535, 65536, (1 << 23) - 1] {
        Piv::new(value)
            .unwrap()
            .with_bytes(|bytes| assert_eq!(Piv::parse(bytes).unwrap().get(), value));
    }
    Piv::ZERO.with_bytes(|bytes| assert_eq!(bytes, [0]));
    for bad in [&[][..], &[0, 1], &[0, 0], &[0x80, 0, 0], &[1, 0, 0, 0]] {
        assert_eq!(Piv::parse(bad), Err(Error::Piv), "{bad:?}");
    }
    assert_eq!(Piv::MAX.next(), None);
}

#[test]
fn kid_contexts() {
    for bad in [
        &[1, 2, 3, 4][..],
        &[1, 2, 3, 4, 0],
        &[1, 2, 3, 4, 0, 1],
        &[1, 2, 3, 4, 1, 0, 0, 0, 0],
    ] {
        assert_eq!(KidContext::parse(bad), Err(Error::Header), "{bad:?}");
    }
    let largest = KidContext::parse(&[1, 2, 3, 4, 255, 255, 255, 255]).unwrap();
    assert_eq!(largest.session, Session::new(u32::MAX));
}

#[test]
fn c10_a_boot_counter_starts_at_one() {
    assert_eq!(BootSalt::from_slice(&[0]), Err(Error::Kid));
    assert_eq!(BootSalt::counter(0), Err(Error::Kid));
    assert_eq!(BootSalt::counter(256).unwrap().as_bytes(), [1, 0]);
    assert!(BootSalt::from_slice(&[0; 8]).is_ok());
    for len in [5, 6, 7, 9] {
        assert_eq!(BootSalt::from_slice(&vec![1; len]), Err(Error::Kid));
    }
    assert_eq!(Kid::parse(&[0x80], 2), Err(Error::Kid));
    let kid = Kid::parse(&[0x80, 1, 2, 3], 3).unwrap();
    assert_eq!(kid.sid(3).unwrap(), Sid::from_slice(&[0x80, 1, 2]).unwrap());
}

#[test]
fn roles_allow_methods() {
    let roles = Roles::GET | Roles::PUT;
    assert!(
        roles.allows(1)
            && !roles.allows(2)
            && roles.allows(3)
            && !roles.allows(0)
            && !roles.allows(8)
    );
    assert!(Roles::FETCH.allows(5) && Roles::new(0x80).is_producer());
}

#[test]
fn group_names() {
    let rs = Address::new([0xfa; 20]);
    assert_eq!(GroupName::of_class(7, &rs).as_str(), "0007.fafafafa");
    assert_eq!(
        GroupName::of_class(0xbeef, &rs),
        GroupName::new("beef.fafafafa").unwrap()
    );
    for bad in ["", "a b", "ä", &"x".repeat(33)] {
        assert_eq!(GroupName::new(bad), Err(Error::Scope), "{bad}");
    }
}
