//! Everything we write is CBOR to ciborium too, and has one form only: decoded and encoded there, it is the same bytes.

mod messages;

use iotchain::core::cbor::check;

#[test]
fn messages_have_the_same_bytes_after_ciborium() {
    for (file, message) in messages::messages() {
        assert_eq!(check(&message), Ok(()), "{file} {}", hex::encode(&message));
        let value: ciborium::Value = ciborium::from_reader(message.as_slice()).unwrap();
        let mut again = Vec::new();
        ciborium::into_writer(&value, &mut again).unwrap();
        assert_eq!(hex::encode(again), hex::encode(&message), "{file}");
    }
}
