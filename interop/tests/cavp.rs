//! NIST's CAVP cases of AES-CCM with our parameters, and the test cases of RFC 5869.

mod stack;

use std::collections::BTreeMap;

use iotchain::Error;
use iotchain::core::kdf::{hkdf_expand, hkdf_extract};
use iotchain::core::{AdditionalData, AeadAlg, AeadKey};
use stack::official_vectors;

/// The assignments in force at one case: those of the file, of its section and of the case itself.
type Fields = BTreeMap<String, String>;

/// The cases of a file: what is in force after each paragraph in which `mark` is assigned.
fn cases(text: &str, mark: &str) -> Vec<Fields> {
    let (mut cases, mut fields) = (Vec::new(), Fields::new());
    let text = text.replace('\r', "");
    for paragraph in text.split("\n\n") {
        let lines = paragraph.lines().filter(|line| !line.starts_with('#'));
        let assignments = lines
            .flat_map(|line| line.trim_matches(['[', ']']).split(", "))
            .filter_map(|assignment| assignment.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let assigned = Fields::from_iter(assignments);
        fields.extend(assigned.clone());
        if assigned.contains_key(mark) {
            cases.push(fields.clone());
        }
    }
    cases
}

fn bytes(fields: &Fields, name: &str) -> Vec<u8> {
    hex::decode(&fields[name]).unwrap()
}

/// A byte string of which the file names the length beside it: empty ones are written as one zero byte.
fn sized(fields: &Fields, name: &str, len: &str) -> Vec<u8> {
    let mut bytes = bytes(fields, name);
    bytes.truncate(fields[len].parse().unwrap());
    bytes
}

/// Runs a file; returns how many cases were ours, and how many had another length of nonce or tag.
fn ccm(file: &str) -> Option<(usize, usize)> {
    let text = official_vectors(&format!("ciphers/AES/CCM/{file}"))?;
    let (mut run, mut skipped) = (0, 0);
    for case in cases(&text, "Count") {
        let alg = match (&case["Nlen"][..], &case["Tlen"][..]) {
            ("13", "8") => AeadAlg::AesCcm16_64_128,
            ("13", "16") => AeadAlg::AesCcm16_128_128,
            _ => {
                skipped += 1;
                continue;
            }
        };
        let key = AeadKey::new(alg, &bytes(&case, "Key").try_into().unwrap());
        let nonce = bytes(&case, "Nonce").try_into().unwrap();
        let (aad, sealed) = (sized(&case, "Adata", "Alen"), bytes(&case, "CT"));
        let aad = AdditionalData::<4096>::of(&[&aad]).unwrap();
        let mut out = vec![0; sealed.len()];
        let opened = key.open(&nonce, aad.blocks(), &sealed, &mut out);
        // Only the decryption file says so; everywhere else the ciphertext is the right one.
        if case.get("Result").is_some_and(|result| result == "Fail") {
            assert_eq!(opened, Err(Error::Aead), "{file}: {case:?}");
        } else {
            let plaintext = sized(&case, "Payload", "Plen");
            assert_eq!(
                opened.map(|len| &out[..len]),
                Ok(&plaintext[..]),
                "{file}: {case:?}"
            );
            key.seal(&nonce, aad.blocks(), &plaintext, &mut out)
                .unwrap();
            assert_eq!(out, sealed, "{file}: {case:?}");
        }
        run += 1;
    }
    println!("{file}: {run} run, {skipped} of another nonce or tag length");
    Some((run, skipped))
}

#[test]
fn aes_128_ccm() {
    for (file, expected) in [
        ("DVPT128.rsp", (60, 180)),
        ("VADT128.rsp", (330, 0)),
        ("VNT128.rsp", (10, 60)),
        ("VPT128.rsp", (250, 0)),
        ("VTT128.rsp", (20, 50)),
    ] {
        let Some(counts) = ccm(file) else {
            return;
        };
        assert_eq!(counts, expected, "{file}");
    }
}

#[test]
fn hkdf_of_rfc_5869() {
    let Some(text) = official_vectors("KDF/rfc-5869-HKDF-SHA256.txt") else {
        return;
    };
    let cases = cases(&text, "OKM");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let prk = hkdf_extract(&bytes(&case, "salt"), &bytes(&case, "IKM"));
        assert_eq!(prk.expose()[..], bytes(&case, "PRK"));
        // Ours gives one block, which is the beginning of every longer output.
        let block = hkdf_expand::<32>(&prk, &bytes(&case, "info"));
        assert_eq!(block.expose()[..], bytes(&case, "OKM")[..32]);
    }
}
