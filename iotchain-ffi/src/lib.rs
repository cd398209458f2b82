//! The C ABI of IoTChain
#![no_std]

