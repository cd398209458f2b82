//! The keys of `params.json` through the C interface.
#![cfg(feature = "member")]
#![allow(missing_docs)]

mod vectors;

use iotchain::{PublicKey, SignAlg};
use iotchain_ffi::*;
use vectors::{file, hex, told};

#[test]
fn addresses_of_the_vectors() {
    let (params, mut run) = (file("params"), 0);
    for (name, key) in params["keys"].as_object().unwrap() {
        let public = PublicKey::parse(&hex(&key["cose_key"])).unwrap();
        if public.alg() == SignAlg::Ed25519 {
            // the structure has no place for such a key
            continue;
        }
        let key_of_c = iotchain_public_key {
            alg: key["alg"].as_i64().unwrap().try_into().unwrap(),
            x: *public.x(),
            y: *public.y(),
        };
        // SAFETY: every pointer is of a value that lives.
        let address = told(|address: *mut [u8; 20]| unsafe {
            iotchain_public_key_address(&key_of_c, address.cast())
        });
        match key.get("address") {
            Some(expected) => assert_eq!(address.unwrap()[..], hex(expected), "{name}"),
            None => assert_eq!(address, Err(iotchain_err::Alg), "{name}"),
        }
        run += 1;
    }
    assert_eq!(run, 6);
}
