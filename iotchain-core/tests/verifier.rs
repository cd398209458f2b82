//! A verifier of the platform decides on the arithmetic, and on nothing else.
#![cfg(feature = "es256k")]

use iotchain_core::sign::{Software, Verifier};
use iotchain_core::{Error, PublicKey, Result, SignAlg, Signature, Signer, SigningKey};

/// Finds everything right.
struct Credulous;

impl Verifier for Credulous {
    fn verify(&self, _: &PublicKey, _: &[&[u8]], _: &Signature) -> Result<()> {
        Ok(())
    }
}

/// Half the order of secp256k1.
const HALF: &str = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";

fn with_s(s: &[u8]) -> Signature {
    [&[1; 32], s].concat().try_into().unwrap()
}

#[test]
fn the_form_of_a_signature_is_not_the_verifiers_business() {
    let key = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32])
        .unwrap()
        .public();
    let verify = |alg, signature: &[u8]| key.verify_by(&Credulous, alg, &[b"m"], signature);
    let half = hex::decode(HALF).unwrap();
    assert_eq!(verify(SignAlg::Es256k, &with_s(&half)), Ok(()));
    let mut above = half;
    *above.last_mut().unwrap() += 1;
    assert_eq!(verify(SignAlg::Es256k, &with_s(&above)), Err(Error::Sig));
    assert_eq!(
        verify(SignAlg::Es256k, &with_s(&[0xff; 32])),
        Err(Error::Sig)
    );
    assert_eq!(verify(SignAlg::Esp256, &[1; 64]), Err(Error::Sig));
    for len in [0, 63, 65] {
        assert_eq!(verify(SignAlg::Es256k, &vec![1; len]), Err(Error::Sig));
    }
    // over P-256 both halves are right
    let p256 = PublicKey::ec2(SignAlg::Esp256, [1; 32], [2; 32]);
    let high = with_s(&[0xff; 32]);
    assert_eq!(
        p256.verify_by(&Credulous, SignAlg::Esp256, &[], &high),
        Ok(())
    );
}

#[test]
fn software_agrees_with_the_key_itself() {
    let signing = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).unwrap();
    let (key, signature) = (signing.public(), signing.sign(&[b"message"]).unwrap());
    for (message, expected) in [(b"message", Ok(())), (b"massage", Err(Error::Sig))] {
        let alg = SignAlg::Es256k;
        assert_eq!(key.verify(alg, &[message], &signature), expected);
        assert_eq!(
            key.verify_by(&Software, alg, &[message], &signature),
            expected
        );
    }
}
