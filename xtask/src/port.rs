//! The hooks of the platform (`iotchain-port`): the tests of the device crates once more, with AES and ES256K behind the hooks.

use crate::dist::PORTS;
use crate::run::{Outcome, cargo, run, target_dir};
use crate::target::HOST;

/// The crates whose results must be the same.
const CRATES: &str = "-p iotchain-core -p iotchain-selfheal -p iotchain-oscar -p iotchain-token -p iotchain -p iotchain-ffi";

/// Builds the platform in software as a library of its own, and runs the tests with it.
pub(crate) fn port() -> Outcome {
    let place = target_dir("port");
    run(cargo("build --locked -p iotchain-port-software").env("CARGO_TARGET_DIR", &place))?;
    let folder = place.join("debug");
    let folder = folder.display();
    // for an explicit target, so that build scripts stay without hooks
    let arguments = format!("test --locked --lib --tests --target {HOST} {CRATES}");
    let flags = format!(
        "{PORTS} -Clink-arg={folder}/libiotchain_port_software.so -Clink-arg=-Wl,-rpath,{folder}"
    );
    run(cargo(&arguments)
        .env("CARGO_TARGET_DIR", &place)
        .env("RUSTFLAGS", flags))
}
