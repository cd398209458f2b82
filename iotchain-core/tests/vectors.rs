//! Known answers of `vectors/`: key schedule, keys and thumbprints, error registry.
#![allow(missing_docs)]

use iotchain_core::kdf::{Direction, SenderUse};
use iotchain_core::{
    AccessKey, Address, AeadAlg, Error, Gid, GroupKey, Kid, KidContext, Piv, PublicKey, Secret,
    Session, SessionSecret, SignAlg, Signer, SigningKey, Thumbprint,
};
use serde_json::Value;

fn load(name: &str) -> Value {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).expect(&path)).expect(&path)
}

fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("hex text")).expect("hex")
}

fn fixed<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().expect("length")
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .expect("array")
        .iter()
        .map(|v| v.as_str().expect("text"))
        .collect()
}

#[test]
fn key_schedule() {
    let params = load("params");
    let gid = Gid::new(fixed(&params["gid"]));
    let ks = Thumbprint::new(fixed(&params["ks"]));
    let kdf = load("kdf");
    let cases = kdf["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let session = Session::new(u32::try_from(case["j"].as_u64().unwrap()).unwrap());
        let secret = SessionSecret::derive(&GroupKey::new(fixed(&case["K_j"])), gid, session, &ks);
        assert_eq!(secret.expose()[..], hex(&case["PRK_j"]));
        KidContext { gid, session }
            .with_bytes(|bytes| assert_eq!(bytes, hex(&case["kid_context"])));
        assert_eq!(
            KidContext::parse(&hex(&case["kid_context"])).unwrap(),
            KidContext { gid, session }
        );

        let resource = secret
            .resource(Address::new(fixed(&case["rs"])), &strings(&case["path"]))
            .unwrap();
        assert_eq!(resource.expose()[..], hex(&case["RK"]));
        for sender in case["senders"].as_array().unwrap() {
            let alg = AeadAlg::from_cose(sender["alg"].as_i64().unwrap()).unwrap();
            let purpose = match sender["label"].as_str().unwrap() {
                "grp" => SenderUse::Group,
                "sig" => SenderUse::Signed,
                other => panic!("label {other}"),
            };
            let kid = Kid::parse(&hex(&sender["kid"]), 2).unwrap();
            let content = resource.sender(purpose, alg, &kid).unwrap();
            same_key(&content, alg, &fixed(&sender["key"]), &fixed(&sender["iv"]));
        }
        let pair = &case["pair"];
        let kid = Kid::parse(&hex(&pair["kid"]), 2).unwrap();
        let access =
            AccessKey::derive(&Secret::new(fixed(&pair["rsk"])), gid, &kid.sid(2).unwrap())
                .unwrap();
        assert_eq!(access.expose()[..], hex(&pair["AK"]));
        let pprk = resource.pair(&access);
        assert_eq!(pprk.expose()[..], hex(&pair["PPRK"]));
        let alg = AeadAlg::from_cose(pair["alg"].as_i64().unwrap()).unwrap();
        for (direction, key, iv) in [
            (Direction::Request, "req_key", "req_iv"),
            (Direction::Response, "rsp_key", "rsp_iv"),
        ] {
            same_key(
                &pprk.direction(direction, alg, &kid).unwrap(),
                alg,
                &fixed(&pair[key]),
                &fixed(&pair[iv]),
            );
        }
    }
}

/// The AES key is not exposed: it is the right one if it seals the same bytes. The IV shows in the nonce of PIV 0.
fn same_key(content: &iotchain_core::ContentKey, alg: AeadAlg, key: &[u8; 16], iv: &[u8; 13]) {
    assert_eq!(content.nonce(Piv::ZERO), *iv);
    let reference = iotchain_core::AeadKey::new(alg, key);
    let (mut a, mut b) = ([0; 24], [0; 24]);
    content
        .key()
        .seal(iv, iotchain_core::Blocks::NONE, b"probe", &mut a)
        .unwrap();
    reference
        .seal(iv, iotchain_core::Blocks::NONE, b"probe", &mut b)
        .unwrap();
    assert_eq!(a, b);
}

#[test]
fn nonces() {
    let kdf = load("kdf");
    let secret = SessionSecret::derive(
        &GroupKey::new([0; 16]),
        Gid::new([0; 4]),
        Session::new(1),
        &Thumbprint::new([0; 32]),
    );
    let resource = secret.resource(Address::ZERO, &[]).unwrap();
    let kid = Kid::parse(&[0x80, 0], 2).unwrap();
    let content = resource
        .sender(SenderUse::Group, AeadAlg::AesCcm16_64_128, &kid)
        .unwrap();
    let base = content.nonce(Piv::ZERO);
    for case in kdf["cases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|case| case["nonces"].as_array().unwrap())
    {
        // the published nonce differs from its IV exactly by the Partial IV, and so must ours
        let (iv, nonce): ([u8; 13], [u8; 13]) = (fixed(&case["iv"]), fixed(&case["nonce"]));
        let ours = content.nonce(Piv::parse(&hex(&case["piv"])).unwrap());
        for i in 0..13 {
            assert_eq!(ours[i] ^ base[i], nonce[i] ^ iv[i]);
        }
    }
}

#[test]
fn keys_thumbprints_addresses() {
    let params = load("params");
    for (name, key) in params["keys"].as_object().unwrap() {
        let alg = SignAlg::from_cose(key["alg"].as_i64().unwrap()).unwrap();
        let ours = SigningKey::from_bytes(alg, &fixed(&key["private"]));
        #[cfg(not(all(feature = "esp256", feature = "ed25519")))]
        if alg != SignAlg::Es256k && ours.is_err() {
            continue;
        }
        let public = ours.expect(name).public();
        let mut encoded = [0; PublicKey::MAX_ENCODED];
        let len = public.encode(&mut encoded).unwrap();
        assert_eq!(encoded[..len], hex(&key["cose_key"]), "{name}");
        assert_eq!(PublicKey::parse(&encoded[..len]).unwrap(), public);
        assert_eq!(
            public.thumbprint().as_bytes()[..],
            hex(&key["thumbprint"]),
            "{name}"
        );
        #[cfg(feature = "keccak")]
        assert_eq!(
            public.address().map(|a| a.as_bytes().to_vec()),
            key.get("address").filter(|a| a.is_string()).map(hex),
            "{name}"
        );
    }
}

#[test]
fn error_registry() {
    let errors = load("errors");
    let codes = errors["codes"].as_object().unwrap();
    assert!(codes.len() > 60);
    for (name, entry) in codes {
        let number = u16::try_from(entry["number"].as_u64().unwrap()).unwrap();
        let error = Error::from_number(number).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(error.number(), number);
        assert_eq!(error.name(), format!("E_{name}"));
        assert_eq!(
            error.group_comm().map(i64::from),
            entry["groupcomm"].as_i64(),
            "{name}"
        );
        // "5.03+Max-Age" and "4.01+Echo" name an option beside the code
        let code = entry["coap"].as_str().map(|text| {
            let (class, detail) = text.split('+').next().unwrap().split_once('.').unwrap();
            class.parse::<u8>().unwrap() << 5 | detail.parse::<u8>().unwrap()
        });
        assert_eq!(error.coap(), code, "{name}");
    }
    assert_eq!(Error::from_number(0), None);
    assert_eq!(Error::from_number(12), None);
}

#[test]
fn es256k_refuses_high_s_and_foreign_keys() {
    let key = SigningKey::from_bytes(SignAlg::Es256k, &[7; 32]).unwrap();
    let message: [&[u8]; 2] = [b"two ", b"parts"];
    let signature = key.sign(&message).unwrap();
    key.public()
        .verify(SignAlg::Es256k, &[b"two parts"], &signature)
        .unwrap();

    // s' = n - s verifies in plain ECDSA and must not here
    const ORDER: [u64; 4] = [
        0xbfd2_5e8c_d036_4141,
        0xbaae_dce6_af48_a03b,
        0xffff_ffff_ffff_fffe,
        u64::MAX,
    ];
    let mut twin = signature;
    let mut borrow = false;
    for (limb, order) in ORDER.iter().enumerate() {
        let at = 64 - 8 * (limb + 1);
        let s = u64::from_be_bytes(signature[at..at + 8].try_into().unwrap());
        let (d, b1) = order.overflowing_sub(s);
        let (d, b2) = d.overflowing_sub(u64::from(borrow));
        borrow = b1 | b2;
        twin[at..at + 8].copy_from_slice(&d.to_be_bytes());
    }
    assert_eq!(
        key.public().verify(SignAlg::Es256k, &message, &twin),
        Err(Error::Sig)
    );
    assert_eq!(
        key.public().verify(SignAlg::Esp256, &message, &signature),
        Err(Error::Sig)
    );
    assert_eq!(
        key.public()
            .verify(SignAlg::Es256k, &message, &signature[..63]),
        Err(Error::Sig)
    );
    assert_eq!(
        PublicKey::ec2(SignAlg::Es256k, [1; 32], [1; 32]).verify(
            SignAlg::Es256k,
            &message,
            &signature
        ),
        Err(Error::Sig)
    );
    for bit in 0..512 {
        let mut bad = signature;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            key.public().verify(SignAlg::Es256k, &message, &bad),
            Err(Error::Sig)
        );
    }
}

#[cfg(all(feature = "es256k", feature = "esp256", feature = "ed25519"))]
#[test]
fn a_digest_is_verified_as_its_message() {
    for (alg, other) in [
        (SignAlg::Es256k, SignAlg::Esp256),
        (SignAlg::Esp256, SignAlg::Es256k),
    ] {
        let key = SigningKey::from_bytes(alg, &[7; 32]).unwrap().public();
        let signature = SigningKey::from_bytes(alg, &[7; 32])
            .unwrap()
            .sign(&[b"two ", b"parts"])
            .unwrap();
        let digest = iotchain_core::hash::sha256(&[b"two parts"]);
        key.verify_digest(&digest, &signature).unwrap();
        for bit in [0, 255] {
            let mut bad = digest;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.verify_digest(&bad, &signature), Err(Error::Sig));
        }
        let other = SigningKey::from_bytes(other, &[7; 32]).unwrap().public();
        assert_eq!(other.verify_digest(&digest, &signature), Err(Error::Sig));
    }
    let key = SigningKey::from_bytes(SignAlg::Ed25519, &[7; 32]).unwrap();
    let refused = key.public().verify_digest(&[0; 32], &[0; 64]);
    assert_eq!(refused, Err(Error::Alg));
}
