//! Every message of the vector files, for whoever reads CBOR.
#![allow(unreachable_pub)] // each test file includes this one

use serde_json::Value;
use std::fs;

/// A file, the fields in it that hold messages, and how many it has at least.
const PLACES: [(&str, &[&str], usize); 5] = [
    (
        "objects",
        &[
            "object",
            "protected",
            "external_aad",
            "enc_structure",
            "to_be_signed",
        ],
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
];

/// All messages, each with the name of its file.
pub fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    for (file, keys, at_least) in PLACES {
        let path = format!("{}/../vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let content = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let mut found = Vec::new();
        collect(&content, keys, &mut found);
        // a response in mode P may have the empty protected header h'', which is no item
        found.retain(|message| !message.is_empty());
        assert!(found.len() >= at_least, "{file}: {}", found.len());
        all.extend(found.into_iter().map(|message| (file, message)));
    }
    all
}

/// The byte strings in `value` under one of `keys`.
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
