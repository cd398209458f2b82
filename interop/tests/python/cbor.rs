//! What we write is CBOR to cbor2, in its canonical form.

use serde_json::json;

use crate::messages::messages;
use crate::stack::{Stack, hex};

#[test]
fn messages_have_the_same_bytes_after_cbor2() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    for (file, message) in messages() {
        let again = python.bytes("cbor.again", &json!({"item": hex(&message)}));
        assert_eq!(hex::encode(again), hex::encode(&message), "{file}");
    }
}
