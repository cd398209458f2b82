//! Our CCM, HMAC and HKDF against the stock crates.
#![allow(missing_docs)]

use ccm::aead::{AeadInOut, KeyInit};
use ccm::consts::{U8, U13, U16};
use hmac::Mac;
use iotchain_core::hash::hmac_sha256;
use iotchain_core::kdf::{hkdf_expand, hkdf_extract};
use iotchain_core::lockstep::{Sealed, open_pair};
use iotchain_core::{AdditionalData, AeadAlg, AeadKey, Blocks, Error, Secret};
use proptest::prelude::*;

fn stock_ccm(
    alg: AeadAlg,
    key: &[u8; 16],
    nonce: &[u8; 13],
    aad: &[u8],
    plaintext: &[u8],
) -> Vec<u8> {
    let mut buffer = plaintext.to_vec();
    let tag = match alg {
        AeadAlg::AesCcm16_64_128 => ccm::Ccm::<aes::Aes128, U8, U13>::new(key.into())
            .encrypt_inout_detached(nonce.into(), aad, buffer.as_mut_slice().into())
            .unwrap()
            .to_vec(),
        AeadAlg::AesCcm16_128_128 => ccm::Ccm::<aes::Aes128, U16, U13>::new(key.into())
            .encrypt_inout_detached(nonce.into(), aad, buffer.as_mut_slice().into())
            .unwrap()
            .to_vec(),
    };
    buffer.extend(tag);
    buffer
}

/// Room for the additional data of every test.
fn aad(parts: &[&[u8]]) -> AdditionalData<20> {
    AdditionalData::of(parts).unwrap()
}

const ALGS: [AeadAlg; 2] = [AeadAlg::AesCcm16_64_128, AeadAlg::AesCcm16_128_128];

#[test]
fn ccm_every_length_around_the_blocks() {
    let (key, nonce) = ([9; 16], [5; 13]);
    let text: Vec<u8> = (0..=255).collect();
    for alg in ALGS {
        for aad_len in 0..=50 {
            for len in [0, 1, 15, 16, 17, 31, 32, 33, 64, 100] {
                let mut out = vec![0; len + alg.tag_len()];
                // split the additional data at every place: parts are only a way of handing it over
                let cut = len.min(aad_len);
                let aad = aad(&[&text[..cut], &[], &text[cut..aad_len]]);
                AeadKey::new(alg, &key)
                    .seal(&nonce, aad.blocks(), &text[..len], &mut out)
                    .unwrap();
                assert_eq!(
                    out,
                    stock_ccm(alg, &key, &nonce, &text[..aad_len], &text[..len]),
                    "{alg:?} {aad_len} {len}"
                );
            }
        }
    }
}

#[test]
fn ccm_limits() {
    let key = AeadKey::new(AeadAlg::AesCcm16_64_128, &[1; 16]);
    let largest = vec![3; 65535];
    let mut out = vec![0; 65543];
    let x = aad(&[b"x"]);
    assert_eq!(
        key.seal(&[0; 13], x.blocks(), &largest, &mut out),
        Ok(65543)
    );
    assert_eq!(
        out,
        stock_ccm(AeadAlg::AesCcm16_64_128, &[1; 16], &[0; 13], b"x", &largest)
    );
    let mut too_long = vec![0; 65544];
    assert_eq!(
        key.seal(&[0; 13], Blocks::NONE, &[0; 65536], &mut too_long),
        Err(Error::Size)
    );
    let mut short = [0xee; 11];
    assert_eq!(
        key.seal(&[0; 13], Blocks::NONE, b"abcd", &mut short),
        Err(Error::Buffer { needed: 12 })
    );
    assert_eq!(short, [0xee; 11]);
    assert_eq!(
        key.open(&[0; 13], Blocks::NONE, &[0; 7], &mut short),
        Err(Error::Aead)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn ccm_agrees_and_refuses_any_change(
        key: [u8; 16], nonce: [u8; 13], wide: bool, aad in prop::collection::vec(any::<u8>(), 0..300),
        text in prop::collection::vec(any::<u8>(), 0..300), flip: prop::sample::Index,
    ) {
        let alg = ALGS[usize::from(wide)];
        let (ours, data) = (AeadKey::new(alg, &key), self::aad(&[&aad]));
        let mut sealed = vec![0; text.len() + alg.tag_len()];
        ours.seal(&nonce, data.blocks(), &text, &mut sealed).unwrap();
        prop_assert_eq!(&sealed, &stock_ccm(alg, &key, &nonce, &aad, &text));
        let mut opened = vec![0; text.len()];
        prop_assert_eq!(ours.open(&nonce, data.blocks(), &sealed, &mut opened), Ok(text.len()));
        prop_assert_eq!(&opened, &text);
        let bit = flip.index(sealed.len() * 8);
        sealed[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(ours.open(&nonce, data.blocks(), &sealed, &mut opened), Err(Error::Aead));
        prop_assert!(opened.iter().all(|b| *b == 0), "plaintext left behind");
    }

    #[test]
    fn hmac_and_hkdf_agree(key in prop::collection::vec(any::<u8>(), 0..200), message in prop::collection::vec(any::<u8>(), 0..200), info in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut stock = <hmac::Hmac<sha2::Sha256> as KeyInit>::new_from_slice(&key).unwrap();
        stock.update(&message);
        let cut = message.len() / 2;
        prop_assert_eq!(hmac_sha256(&key, &[&message[..cut], &message[cut..]]), <[u8; 32]>::from(stock.finalize().into_bytes()));

        let (prk, stock) = hkdf::Hkdf::<sha2::Sha256>::extract(Some(&key), &message);
        prop_assert_eq!(*hkdf_extract(&key, &message).expose(), <[u8; 32]>::from(prk));
        let mut okm = [0; 29];
        stock.expand(&info, &mut okm).unwrap();
        let ours: Secret<29> = hkdf_expand(&Secret::new(prk.into()), &info);
        prop_assert_eq!(*ours.expose(), okm);
    }
}

#[test]
fn protected_headers_above_64_bytes_are_refused() {
    let structure = |len: usize| {
        iotchain_core::sign::sig_structure(&vec![0; len], b"aad", b"payload", |parts| {
            Ok(parts.concat().len())
        })
    };
    assert!(structure(64).is_ok());
    assert_eq!(structure(65), Err(Error::Size));
}

/// One of a pair: its own key, algorithm and lengths; some with a flipped bit, with too little room or cut short.
#[derive(Clone, Debug)]
struct Half {
    key: [u8; 16],
    alg: AeadAlg,
    aad: Vec<u8>,
    ciphertext: Vec<u8>,
    room: usize,
}

fn half() -> impl Strategy<Value = Half> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..100);
    let flip = prop::option::of(any::<prop::sample::Index>());
    let cut = prop::option::weighted(0.1, 0..20usize);
    let short = prop::option::weighted(0.1, 1..5usize);
    (
        any::<[u8; 16]>(),
        prop::sample::select(&ALGS[..]),
        bytes(),
        bytes(),
        flip,
        cut,
        short,
    )
        .prop_map(|(key, alg, aad, text, flip, cut, short)| {
            let mut ciphertext = stock_ccm(alg, &key, &NONCE, &aad, &text);
            if let Some(bit) = flip.map(|flip| flip.index(ciphertext.len() * 8)) {
                ciphertext[bit / 8] ^= 1 << (bit % 8);
            }
            ciphertext.truncate(cut.unwrap_or(usize::MAX));
            let room = (text.len() + 3).saturating_sub(short.unwrap_or(0));
            Half {
                key,
                alg,
                aad,
                ciphertext,
                room,
            }
        })
}

const NONCE: [u8; 13] = [3; 13];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_pair_gives_what_each_gives_alone(halves in [half(), half()]) {
        let keys = halves.each_ref().map(|half| AeadKey::new(half.alg, &half.key));
        let mut alone = halves.each_ref().map(|half| vec![0xee; half.room]);
        let data = halves.each_ref().map(|half| aad(&[&half.aad]));
        let aads = data.each_ref().map(AdditionalData::blocks);
        let mut expected = Vec::new();
        for (((half, key), aad), out) in halves.iter().zip(&keys).zip(aads).zip(&mut alone) {
            expected.push(key.open(&NONCE, aad, &half.ciphertext, out));
        }
        let mut together = halves.each_ref().map(|half| vec![0xee; half.room]);
        let [a, b] = &mut together;
        let [x, y] = &halves;
        let results = open_pair([
            Sealed { key: &keys[0], nonce: &NONCE, aad: aads[0], ciphertext: &x.ciphertext, out: a },
            Sealed { key: &keys[1], nonce: &NONCE, aad: aads[1], ciphertext: &y.ciphertext, out: b },
        ]);
        prop_assert_eq!(&results[..], &expected);
        prop_assert_eq!(together, alone);
    }
}
