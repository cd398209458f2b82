//! The compact form: the published ones byte for byte, and nothing that is accepted without being reproduced.

mod world;

use iotchain_core::{AeadAlg, Error, GroupKey, Result, UnixTime};
use iotchain_oscar::{Boot, Claims, Sender, compact, expand};
use proptest::prelude::*;
use world::{CONTENT, NOW, SEVEN, World, hex, rs_key, sid, vectors};

const ALG: AeadAlg = AeadAlg::AesCcm16_64_128;

fn compacted(object: &[u8], alg: AeadAlg) -> Result<Vec<u8>> {
    let mut out = vec![0; object.len() + 1];
    let len = compact(object, alg, &mut out)?;
    out.truncate(len);
    Ok(out)
}

fn expanded(bytes: &[u8], alg: AeadAlg) -> Result<Vec<u8>> {
    let mut out = vec![0; bytes.len() + 64];
    let len = expand(bytes, alg, &mut out)?;
    out.truncate(len);
    Ok(out)
}

#[test]
fn the_published_objects_in_both_forms() {
    let mut seen = 0;
    for case in vectors("objects.json")["cases"].as_array().unwrap() {
        let alg = AeadAlg::from_cose(case["alg"].as_i64().unwrap()).unwrap();
        let (object, short) = (hex(&case["object"]), hex(&case["compact"]));
        assert_eq!(
            compacted(&object, alg).as_ref(),
            Ok(&short),
            "{}",
            case["id"]
        );
        assert_eq!(
            expanded(&short, alg).as_ref(),
            Ok(&object),
            "{}",
            case["id"]
        );
        for (len, result) in [
            (
                short.len(),
                compact(&object, alg, &mut vec![0xee; short.len() - 1]),
            ),
            (
                object.len(),
                expand(&short, alg, &mut vec![0xee; object.len() - 1]),
            ),
        ] {
            assert_eq!(result, Err(Error::Buffer { needed: len }));
        }
        seen += 1;
    }
    assert_eq!(seen, 16);
}

#[test]
fn what_does_not_expand_says_why() {
    let mut run = 0;
    for case in vectors("negative.json")["cases"].as_array().unwrap() {
        if case["op"] == "compact.expand" {
            let result = expanded(&hex(&case["compact"]), ALG);
            let number = result.map_or_else(|error| u64::from(error.number()), |_| 0);
            assert_eq!(number, case["expect"].as_u64().unwrap(), "{}", case["id"]);
            run += 1;
        }
    }
    assert_eq!(run, 4, "cases C");
    // a response of mode P with one flag too many, each
    for flag in [1 << 2, 1 << 3, 1 << 5, 1 << 6] {
        assert_eq!(
            expanded(&[&[flag][..], &[0; 99]].concat(), ALG),
            Err(Error::Header)
        );
    }
}

/// One S object that says `claims`, in the COSE form.
fn signed(claims: Claims) -> Vec<u8> {
    let world = World::new();
    let boot = Boot::assigned(&[1]).unwrap();
    let mut sender = Sender::new(world.group, sid(&[0x80, 0]), boot, UnixTime::new(0)).unwrap();
    sender.enter(SEVEN, &GroupKey::new([7; 16])).unwrap();
    let mut out = [0; 256];
    let len = sender.seal_signed(&world.temperature(), claims, b"21.5", &rs_key(), &mut out);
    out[..len.unwrap()].to_vec()
}

#[test]
fn what_cannot_be_expressed_is_refused() {
    let last = UnixTime::new(u64::from(u32::MAX));
    let fits = signed(Claims {
        iat: NOW,
        exp: Some(last),
    });
    assert_eq!(
        expanded(&compacted(&fits, ALG).unwrap(), ALG).as_ref(),
        Ok(&fits)
    );
    let late = last.saturating_add(1);
    for claims in [
        Claims {
            iat: NOW,
            exp: Some(late),
        },
        Claims {
            iat: late,
            exp: None,
        },
    ] {
        assert_eq!(compacted(&signed(claims), ALG), Err(Error::Type));
    }
    assert_eq!(compacted(&fits, AeadAlg::AesCcm16_128_128), Err(Error::Alg));
}

#[test]
fn every_truncated_head_and_object_is_refused() {
    let object = signed(Claims {
        iat: NOW,
        exp: None,
    });
    for cut in 0..object.len() {
        assert_eq!(compacted(&object[..cut], ALG), Err(Error::Truncated));
    }
    let short = compacted(&object, ALG).unwrap();
    // the ciphertext goes to the end: only the head can be cut
    let head = short.len() - (4 + 8);
    for cut in 0..head {
        assert_eq!(expanded(&short[..cut], ALG), Err(Error::Truncated));
    }
    assert!(expanded(&short[..head], ALG).is_ok());
}

#[test]
fn a_flipped_bit_of_the_compact_form_is_refused_in_the_end() {
    let mut world = World::new();
    let resource = world.temperature();
    let short = compacted(
        &signed(Claims {
            iat: NOW,
            exp: None,
        }),
        ALG,
    )
    .unwrap();
    for bit in 0..short.len() * 8 {
        let mut flipped = short.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = expanded(&flipped, ALG).and_then(|object| {
            let mut stored = iotchain_oscar::StoredState::new();
            world
                .receiver()
                .open_stored(&object, &resource, &mut stored, NOW, &mut [0; 256])
        });
        assert!(opened.is_err(), "bit {bit}");
    }
}

#[test]
fn a_g_object_keeps_its_bytes_through_the_compact_form() {
    let world = World::new();
    let boot = Boot::assigned(&[1]).unwrap();
    let mut sender = Sender::new(world.group, sid(&[0x80, 0]), boot, UnixTime::new(0)).unwrap();
    sender.enter(SEVEN, &GroupKey::new([7; 16])).unwrap();
    for _ in 0..300 {
        let mut out = [0; 128];
        let len = sender
            .seal_response(
                &world.temperature(),
                CONTENT,
                b"unguess.",
                b"21.5",
                &mut out,
            )
            .unwrap();
        let short = compacted(&out[..len], ALG).unwrap();
        assert_eq!(expanded(&short, ALG).as_deref(), Ok(&out[..len]));
    }
}

proptest! {
    /// Whatever expands is reproduced by compacting, unless it is no object at all.
    #[test]
    fn what_expands_compacts_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        if let Ok(object) = expanded(&bytes, ALG)
            && let Ok(short) = compacted(&object, ALG)
        {
            prop_assert_eq!(short, bytes);
        }
    }
}
