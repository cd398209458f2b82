//! `objects-of-groups.json`, which Python made of `objects.json`.

use serde_json::{Value, json};

use crate::stack::Stack;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");

fn text(name: &str) -> String {
    std::fs::read_to_string(format!("{VECTORS}/{name}.json")).unwrap()
}

#[test]
fn the_file_is_what_python_makes() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let made = python.ask("regroup.file", &json!({"vectors": VECTORS}));
    assert!(
        made.unwrap() == text("objects-of-groups"),
        "run interop/python/regroup.py again"
    );
}

/// What makes that file makes `objects.json` as well, of its own inputs: every value, the signatures too.
#[test]
fn python_seals_the_published_objects_byte_for_byte() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let published: Value = serde_json::from_str(&text("objects")).unwrap();
    let made = python.ask("regroup.again", &json!({"vectors": VECTORS}));
    assert_eq!(made.unwrap(), published["cases"]);
}
