//! Group keys that heal: session broadcasts from which members recover keys they missed
#![no_std]
#![forbid(unsafe_code)]
