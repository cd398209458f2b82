//! Everything we write is CBOR to ciborium too, and has one form only: decoded and encoded there, it is the same bytes.

use iotchain::core::cbor::check;
use serde_json::Value;
use std::fs;

/// The byte strings in a vector file under one of `keys`.
fn collect(value: &Value, keys: &[&str], found: &mut Vec<Vec<u8>>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| collect(item, keys, found)),
        Value::Object(fields) => {
            for (key, field) in fields {
                match field.as_str() {
                    Some(text) if keys.contains(&key.as_str()) => found.extend(hex::decode(text)),
                    _ => collect(field, keys, found),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn messages_have_the_same_bytes_after_ciborium() {
    for (file, keys, at_least) in [
        (
            "objects",
            &[
                "object",
                "protected",
                "external_aad",
                "enc_structure",
                "to_be_signed",
            ][..],
            60,
        ),
        (
            "broadcast-rsd",
            &["message", "payload", "beacon", "personal_key"],
            80,
        ),
        ("keyserver", &["hex", "pop_input"], 10),
        ("pop", &["pop_input", "scope"], 4),
        ("params", &["cose_key"], 5),
    ] {
        let path = format!("{}/../vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let content = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let mut messages = Vec::new();
        collect(&content, keys, &mut messages);
        // a response in mode P may have the empty protected header h'', which is no item
        messages.retain(|message| !message.is_empty());
        assert!(messages.len() >= at_least, "{file}: {}", messages.len());
        for message in messages {
            assert_eq!(check(&message), Ok(()), "{file} {}", hex::encode(&message));
            let value: ciborium::Value = ciborium::from_reader(message.as_slice()).unwrap();
            let mut again = Vec::new();
            ciborium::into_writer(&value, &mut again).unwrap();
            assert_eq!(hex::encode(again), hex::encode(&message), "{file}");
        }
    }
}
