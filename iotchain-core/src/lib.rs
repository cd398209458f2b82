//! Ids, time, secrets, strict CBOR, AEAD, key schedule, signatures and the error registry of IoTChain
#![no_std]
#![forbid(unsafe_code)]
