//! What a catalogue answers, and what it refuses.

use super::*;
use iotchain::{SignAlg, Signer, SigningKey};

fn server(name: &str, secret: u8) -> serde_json::Value {
    let key = SigningKey::from_bytes(SignAlg::Es256k, &[secret; 32])
        .unwrap()
        .public();
    serde_json::json!({
        "name": name, "rs": crate::address::text(&key.address().unwrap()), "key": crate::cose_key::text(&key),
        "coap": "127.0.0.1:5683", "proxy": "coap://127.0.0.1:5690",
        "classes": {"0007": ["load", "log/*"], "0008": ["secret"]}
    })
}

fn catalogue() -> serde_json::Value {
    serde_json::json!({
        "chain_id": 20180, "ledger": "http://127.0.0.1:8545", "confirmations": 2,
        "contract": format!("0x{}", "11".repeat(20)), "owner": format!("0x{}", "22".repeat(20)),
        "key_server": {"coap": "127.0.0.1:5687", "coaps": "127.0.0.1:5688", "name": "key-server", "ca": "ca.pem"},
        "resource_servers": [server("meter", 1), server("valve", 2)]
    })
}

fn read(value: &serde_json::Value) -> Result<Catalogue, NodeError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalogue.json");
    std::fs::write(&path, value.to_string()).unwrap();
    Catalogue::read(&path).map(|mut catalogue| {
        assert_eq!(catalogue.key_server.ca, directory.path().join("ca.pem"));
        catalogue.key_server.ca = "ca.pem".into();
        catalogue
    })
}

#[test]
fn a_catalogue_answers_what_its_readers_ask() {
    let published = catalogue();
    let catalogue = read(&published).unwrap();
    let meter = catalogue.resource_server("meter").unwrap();
    assert_eq!(
        catalogue.resource_server(&crate::address::text(&meter.rs)),
        Some(meter)
    );
    assert_eq!(meter.class_of(&["log", "today"]), Some(Class::new(7)));
    assert_eq!(meter.class_of(&["secret"]), Some(Class::new(8)));
    assert_eq!(meter.class_of(&["nothing"]), None);
    assert_eq!(catalogue.groups().count(), 4);
    let group = catalogue.groups().nth(3).unwrap();
    assert_eq!(
        (group.server.name.as_str(), group.class.get()),
        ("valve", 8)
    );
    assert_eq!(catalogue.group(&group.name()).unwrap().server, group.server);
    let error = catalogue
        .expect_resource_server("x")
        .unwrap_err()
        .to_string();
    assert!(error.contains("meter, valve"), "{error}");
    let again: serde_json::Value = serde_json::from_str(&catalogue.to_json().unwrap()).unwrap();
    assert_eq!(again, published);
}

#[test]
fn what_is_wrong_is_named() {
    let change = |pointer: &str, value: serde_json::Value| {
        let mut changed = catalogue();
        *changed.pointer_mut(pointer).unwrap() = value;
        match read(&changed) {
            Err(NodeError::Config(text)) => text,
            other => panic!("{pointer}: {other:?}"),
        }
    };
    let cases = [
        ("/contract", "0x00".into(), "40 hex digits"),
        (
            "/contract",
            format!("0x{}", "0".repeat(40)).into(),
            "zero address",
        ),
        ("/chain_id", 0.into(), "chain_id"),
        (
            "/resource_servers/1/name",
            "meter".into(),
            "two resource servers are called `meter`",
        ),
        ("/resource_servers/1/name", "a/b".into(), "characters"),
        (
            "/resource_servers/0/rs",
            format!("0x{}", "33".repeat(20)).into(),
            "not the address of its key",
        ),
        ("/resource_servers/0/key", "a10102".into(), "COSE_Key"),
        ("/resource_servers/0/proxy", "http://x".into(), "coap://"),
        (
            "/resource_servers/0/classes",
            serde_json::json!({"7": ["load"]}),
            "four lower-case hex digits",
        ),
        (
            "/resource_servers/0/classes",
            serde_json::json!({"0007": []}),
            "no path",
        ),
        (
            "/resource_servers/0/classes",
            serde_json::json!({"0007": ["a/../b"]}),
            "path segment",
        ),
        ("/key_server", serde_json::json!({}), "missing field"),
    ];
    for (pointer, value, expected) in cases {
        let text = change(pointer, value);
        assert!(text.contains(expected), "{pointer}: {text}");
    }
    let mut twice = catalogue();
    twice["resource_servers"][1] = server("other", 1);
    assert!(
        matches!(read(&twice), Err(NodeError::Config(text)) if text.contains("share the group"))
    );
    let mut unknown = catalogue();
    unknown["extra"] = 1.into();
    assert!(
        matches!(read(&unknown), Err(NodeError::Config(text)) if text.contains("unknown field"))
    );
}
