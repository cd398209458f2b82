//! End-to-end authorized access to IoT resources with no trusted authorization server
#![no_std]
#![forbid(unsafe_code)]

pub mod join;
