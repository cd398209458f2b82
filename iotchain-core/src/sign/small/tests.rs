//! The small ES256K against the curve crate's own, on both sides.

use super::*;
use crate::hash::sha256;
use crate::sign::low_s::ORDER;
use crate::sign::stock;
use proptest::prelude::*;

fn small_number(value: u8) -> [u8; 32] {
    let mut number = [0; 32];
    number[31] = value;
    number
}

/// n - `value`, for a value below the last byte of n.
fn below_order(value: u8) -> [u8; 32] {
    let mut number = ORDER;
    number[31] -= value;
    number
}

/// n + 1.
fn above_order() -> [u8; 32] {
    let mut number = ORDER;
    number[31] += 1;
    number
}

/// Numbers at the edges of the range and inside it.
fn numbers() -> std::vec::Vec<[u8; 32]> {
    let mut half = ORDER;
    half.iter_mut().fold(0, |carry, byte| {
        let low = *byte & 1;
        *byte = *byte >> 1 | carry << 7;
        low
    });
    let mut above_half = half;
    above_half[31] += 1;
    std::vec![
        [0; 32],
        small_number(1),
        small_number(2),
        small_number(3),
        small_number(0x80),
        [0x55; 32],
        [0xaa; 32],
        half,
        above_half,
        below_order(2),
        below_order(1),
        ORDER,
        above_order(),
        [0xff; 32],
    ]
}

/// Both sign alike, and both accept what the other signed.
fn agree(private: &[u8; 32], message: &[&[u8]]) {
    let key = public(private);
    assert_eq!(key, stock::public(private));
    let digest = sha256(message);
    let signature = sign_digest(private, &digest);
    assert_eq!(signature, stock::sign_digest(private, &digest));
    let (Ok(key), Ok(signature)) = (key, signature) else {
        return;
    };
    let recoverable = sign_recoverable(private, &digest);
    assert_eq!(recoverable, stock::sign_recoverable(private, &digest));
    let (_, odd) = recoverable.unwrap();
    assert_eq!(both_recover(&digest, &signature, odd), Ok(key));
    assert_ne!(both_recover(&digest, &signature, !odd), Ok(key));
    assert_eq!(verify_digest(&key, &digest, &signature), Ok(()));
    assert_eq!(stock::verify_digest(&key, &digest, &signature), Ok(()));
}

fn join(r: [u8; 32], s: [u8; 32]) -> Signature {
    [r, s].as_flattened().try_into().unwrap()
}

fn both_recover(digest: &[u8; 32], signature: &Signature, odd: bool) -> Result<PublicKey> {
    let key = recover(digest, signature, odd);
    assert_eq!(key, stock::recover(digest, signature, odd));
    key
}

fn both_say(key: &PublicKey, digest: &[u8; 32], signature: &Signature) -> Result<()> {
    assert_eq!(check(key), stock::check(key));
    let verdict = verify_digest(key, digest, signature);
    assert_eq!(verdict, stock::verify_digest(key, digest, signature));
    verdict
}

#[test]
fn keys_at_the_edges() {
    for private in numbers() {
        agree(&private, &[b"sample"]);
    }
    for bad in [[0; 32], ORDER, above_order(), [0xff; 32]] {
        assert_eq!(public(&bad), Err(Error::Type));
    }
    assert!(public(&small_number(1)).is_ok());
    assert!(public(&below_order(1)).is_ok());
}

#[test]
fn a_thousand_keys_and_messages() {
    let mut private = [7; 32];
    for round in 0..1000u32 {
        private = sha256(&[&private, &round.to_be_bytes()]);
        agree(&private, &[&private[..(round % 32) as usize], b"message"]);
    }
}

#[test]
fn verification_at_the_edges() {
    let keys = [small_number(1), below_order(1), [0x55; 32]];
    for key in keys.map(|private| public(&private).unwrap()) {
        for r in numbers() {
            for s in numbers() {
                for digest in [[0; 32], small_number(1), ORDER, [0xff; 32]] {
                    let _ = both_say(&key, &digest, &join(r, s));
                }
            }
        }
    }
}

#[test]
fn recovery_at_the_edges() {
    for r in numbers() {
        for s in numbers() {
            for digest in [[0; 32], small_number(1), ORDER, [0xff; 32]] {
                for odd in [false, true] {
                    let _ = both_recover(&digest, &join(r, s), odd);
                }
            }
        }
    }
}

#[test]
fn the_key_at_infinity_is_refused() {
    // Q = r^-1 (s R - z G) = 0 when s R = z G; with R = G, whose y is even, that is s = z
    let r = *public(&small_number(1)).unwrap().x();
    let seven = small_number(7);
    assert_eq!(
        both_recover(&seven, &join(r, seven), false),
        Err(Error::Sig)
    );
    assert!(both_recover(&seven, &join(r, seven), true).is_ok());
}

#[test]
fn the_sum_at_infinity_is_refused() {
    // u1 G + u2 Q = 0 when the digest is -r d; with key 1, r = 5 and digest n - 5
    let key = public(&small_number(1)).unwrap();
    let signature = join(small_number(5), small_number(9));
    assert_eq!(both_say(&key, &below_order(5), &signature), Err(Error::Sig));
}

#[test]
fn keys_off_the_curve_and_high_s_are_refused() {
    let private = [0x55; 32];
    let key = public(&private).unwrap();
    let signature = sign_digest(&private, &sha256(&[b"sample"])).unwrap();
    let digest = sha256(&[b"sample"]);
    let [x, y] = [*key.x(), *key.y()];
    for (x, y) in [
        ([0; 32], [0; 32]),
        (x, x),
        (y, x),
        ([0xff; 32], y),
        (x, [0xff; 32]),
    ] {
        let other = PublicKey::ec2(SignAlg::Es256k, x, y);
        assert_eq!(both_say(&other, &digest, &signature), Err(Error::Sig));
    }
    let [r, s] = signature.as_chunks::<32>().0 else {
        unreachable!()
    };
    let high = parse(s).unwrap().negate().to_bytes().into();
    assert_eq!(both_say(&key, &digest, &join(*r, high)), Err(Error::Sig));
    assert_eq!(both_say(&key, &digest, &signature), Ok(()));
}

#[test]
fn digests_above_the_order_are_reduced() {
    // no message is known to hash so high: a signature over 1 is one over n + 1
    let (private, digest) = ([0x55; 32], small_number(1));
    let key = public(&private).unwrap();
    let nonce = nonce(&private, &Scalar::ONE);
    let r = Scalar::reduce(&times_generator(&nonce).to_affine().x());
    let s = nonce
        .invert()
        .unwrap()
        .mul(&r.mul(&parse(&private).unwrap()).add(&Scalar::ONE));
    let s = Scalar::conditional_select(&s, &s.negate(), s.is_high());
    let signature = join(r.to_bytes().into(), s.to_bytes().into());
    assert_eq!(both_say(&key, &digest, &signature), Ok(()));
    assert_eq!(both_say(&key, &above_order(), &signature), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_key_and_message(private: [u8; 32], message in prop::collection::vec(any::<u8>(), 0..200)) {
        agree(&private, &[&message]);
    }

    #[test]
    fn any_change_is_refused_alike(private: [u8; 32], message: [u8; 16], bit in 0usize..512) {
        prop_assume!(parse(&private).is_some());
        let key = public(&private).unwrap();
        let mut signature = sign_digest(&private, &sha256(&[&message])).unwrap();
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(both_say(&key, &sha256(&[&message]), &signature), Err(Error::Sig));
    }
}
