//! Everything of a token that arrives as bytes: accepted bytes encode to themselves.
#![no_main]

use iotchain_token::{GetToken, PopSignature, Scope, TokenRef, TokenWord};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut again = [0; 256];
    if let Ok(scope) = Scope::parse(data) {
        let len = scope.encode(&mut again).expect("a scope fits");
        assert_eq!(&again[..len], data);
    }
    if let Ok(reference) = TokenRef::parse(data) {
        let len = reference.encode(&mut again).expect("a reference fits");
        assert_eq!(&again[..len], data);
    }
    if let Ok(word) = TokenWord::parse(data) {
        assert_eq!(
            word.encode().expect("a parsed word encodes").as_slice(),
            data
        );
    }
    if let Ok(answer) = GetToken::parse(data) {
        assert_eq!(answer.encode().as_slice(), data);
    }
    if let Ok(signature) = PopSignature::parse(data) {
        assert_eq!(signature.encode().as_slice(), data);
        let _ = signature.recover(&[7; 32]);
    }
});
