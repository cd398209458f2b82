//! COSE keys: an accepted key encodes to the same bytes, and no signature makes verification panic.
#![no_main]

use iotchain_core::PublicKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(key) = PublicKey::parse(data) else {
        return;
    };
    let mut again = [0; PublicKey::MAX_ENCODED];
    let len = key
        .encode(&mut again)
        .expect("a key fits its longest encoding");
    assert_eq!(&again[..len], data);
    let _ = (key.thumbprint(), key.address());
    let signature = &data[..data.len().min(64)];
    assert!(
        key.verify(key.alg(), &[data], signature).is_err(),
        "a forgery"
    );
});
