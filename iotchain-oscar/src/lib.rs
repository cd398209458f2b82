//! Protected CoAP objects (OSCAR): group mode for direct reads, signed mode for untrusted proxies
#![no_std]
#![forbid(unsafe_code)]
