//! The interface and the code against the build output.

use super::*;

/// The interface in Rust is the interface that was compiled.
#[test]
fn interface_matches_the_build_output() {
    let artifact: serde_json::Value = serde_json::from_str(ARTIFACT).unwrap();
    let methods: Vec<_> = artifact["methods"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    for signature in [
        abi::addTokenCall::SIGNATURE,
        abi::addTokenForCall::SIGNATURE,
        abi::issueTokenCall::SIGNATURE,
        abi::deleteTokenCall::SIGNATURE,
        abi::blockClientCall::SIGNATURE,
        abi::revokeResourceCall::SIGNATURE,
        abi::setResourceCall::SIGNATURE,
        abi::setAuthorizerCall::SIGNATURE,
        abi::getTokenCall::SIGNATURE,
        abi::ownerCall::SIGNATURE,
    ] {
        assert!(
            methods.iter().any(|method| method == signature),
            "{signature}"
        );
    }
    let entries = |kind: &str| {
        let of_kind = |entry: &&serde_json::Value| entry["type"] == kind;
        artifact["abi"]
            .as_array()
            .unwrap()
            .iter()
            .filter(of_kind)
            .map(signature)
            .collect::<Vec<_>>()
    };
    assert!(!entries("error").is_empty());
    for error in entries("error") {
        let hash = alloy_primitives::keccak256(&error);
        let name = Revert::new(hash[..4].to_vec()).name();
        assert_eq!(name.map(|name| format!("{name}()")), Some(error));
    }
    let mut events = entries("event");
    events.sort();
    assert_eq!(events, abi::event_signatures());
}

fn signature(entry: &serde_json::Value) -> String {
    let inputs = entry["inputs"].as_array().unwrap();
    let types: Vec<_> = inputs
        .iter()
        .map(|input| input["type"].as_str().unwrap())
        .collect();
    format!("{}({})", entry["name"].as_str().unwrap(), types.join(","))
}

#[test]
fn pinned_hash_is_that_of_the_deployed_code() {
    let artifact: serde_json::Value = serde_json::from_str(ARTIFACT).unwrap();
    let code = alloy_primitives::hex::decode(artifact["deployed"].as_str().unwrap()).unwrap();
    assert_eq!(
        Hash::from(alloy_primitives::keccak256(code)),
        AccessToken::pinned_code_hash().unwrap()
    );
}
