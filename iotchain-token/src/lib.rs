//! Ledger tokens: the token word, its validation, and the challenge that proves who holds it
#![no_std]
#![forbid(unsafe_code)]
