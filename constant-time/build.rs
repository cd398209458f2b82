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

fn main() {
    println!("cargo::rerun-if-changed={VECTORS}");
    let text = fs::read_to_string(VECTORS).expect("the vectors");
    let vectors: Value = serde_json::from_str(&text).expect("JSON");
    let case = &vectors["cases"][0];
    let last = |list: &str, back: usize| {
        let list = case[list].as_array().expect("a list");
        list[list.len() - back].clone()
    };
    let out = env::var("OUT_DIR").expect("cargo sets it");
    for (name, value) in [
        ("personal_key", &case["members"][0]["personal_key"]),
        ("key_server", &case["ks_key"]),
        ("event", &last("events", 1)["message"]),
        ("beacon", &last("sessions", 1)["beacon"]),
        ("key", &last("sessions", 1)["key"]),
    ] {
        fs::write(Path::new(&out).join(name), bytes(value)).expect("a file");
    }
}
