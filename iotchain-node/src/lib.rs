//! The roles of IoTChain on a host.
