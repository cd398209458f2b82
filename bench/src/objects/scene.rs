//! One object, the same for all peers: who seals it, for which resource, with what around the plaintext.

use crate::Outcome;
use iotchain_core::{Address, Gid, GroupKey, PublicKey, Session, Sid, SignAlg, Signer};
use iotchain_core::{SigningKey, Suite, Thumbprint};
use iotchain_oscar::Group;

pub(crate) const SESSION: Session = Session::new(7);
/// sid and boot salt.
pub(crate) const KID: [u8; 3] = [0x80, 0, 1];
pub(crate) const TOKEN: [u8; 8] = *b"8 random";
/// 2.05 Content.
pub(crate) const CONTENT: u8 = 69;
pub(crate) const RS: Address = Address::new([0xfa; 20]);
pub(crate) const PATH: [&str; 1] = ["temp"];
pub(crate) const KEY: [u8; 16] = [9; 16];
pub(crate) const GROUP: Group = Group {
    gid: Gid::new([0xa1; 4]),
    ks: Thumbprint::new([3; 32]),
    suite: Suite::DEFAULT,
    sid_len: 2,
};

/// Additional data of a raw cipher: what an object with an empty external AAD would have.
pub(crate) const RAW_AAD: [u8; 31] = [5; 31];

pub(crate) fn group_key() -> GroupKey {
    GroupKey::new(KEY)
}

pub(crate) fn sid() -> Outcome<Sid> {
    Ok(Sid::from_slice(&KID[..2])?)
}

pub(crate) fn signer() -> Outcome<SigningKey> {
    Ok(SigningKey::from_bytes(SignAlg::Es256k, &[7; 32])?)
}

pub(crate) fn directory() -> Outcome<[(Sid, Address, PublicKey); 1]> {
    Ok([(sid()?, RS, signer()?.public())])
}

/// What the other COSE libraries authenticate beside the header: as long as our own external AAD.
pub(crate) fn external_aad() -> Vec<u8> {
    let mut aad = vec![0x88, 1, 0, 0x18, CONTENT, 0x54];
    aad.extend_from_slice(RS.as_bytes());
    aad.extend_from_slice(&[0x81, 0x64]);
    aad.extend_from_slice(PATH[0].as_bytes());
    aad.extend_from_slice(&[0x80, 0x48]);
    aad.extend_from_slice(&TOKEN);
    aad.push(0x40);
    aad
}

/// gid and session as the header carries them.
pub(crate) fn kid_context() -> Vec<u8> {
    [GROUP.gid.as_bytes().as_slice(), &[SESSION.get() as u8]].concat()
}

pub(crate) fn plaintext(size: usize) -> Vec<u8> {
    (0..size).map(|place| place as u8).collect()
}
