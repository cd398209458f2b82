//! Takes what a member receives from the first rsd vector.

use serde_json::Value;
use std::{env, fs, path::Path};

const VECTORS: &str = "../vectors/broadcast-rsd.json";

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("a string");
    let digits = (0..hex.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits"))
        .collect()
}

fn read(path: &str) -> Value {
    println!("cargo::rerun-if-changed={path}");
    let text = fs::read_to_string(path).expect("the vectors");
    serde_json::from_str(&text).expect("JSON")
}

fn main() {
    let vectors = read(VECTORS);
    let case = &vectors["cases"][0];
    let last = |list: &str, back: usize| {
        let list = case[list].as_array().expect("a list");
        list[list.len() - back].clone()
    };
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let keyserver = read("../vectors/keyserver.json");
    let mut next = bytes(&case["members"][0]["personal_key"]);
    next[7] += 1;
    fs::write(Path::new(&out).join("next_personal_key"), next).expect("a file");
    for (name, value) in [
        (
            "join_response",
            &keyserver["join_response_client_rsd"]["hex"],
        ),
        ("cnonce", &keyserver["kdc_cred_verify"]["cnonce"]),
        ("personal_key", &case["members"][0]["personal_key"]),
        ("key_server", &case["ks_key"]),
        ("event", &last("events", 1)["message"]),
        ("beacon", &last("sessions", 1)["beacon"]),
        ("key", &last("sessions", 1)["key"]),
    ] {
        fs::write(Path::new(&out).join(name), bytes(value)).expect("a file");
    }
}
