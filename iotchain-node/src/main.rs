//! The `iotchain` command.
fn main() {}
