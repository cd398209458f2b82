//! The roles of IoTChain on a host.

pub mod coap;
pub mod dtls;
pub mod runtime;
