//! Header and library must be of one version.

/// Version of the interface that this header describes. It changes whenever a program compiled against an older header
/// could misbehave.
pub const IOTCHAIN_ABI_VERSION: u32 = 1;

/// Version of the interface of the library that is linked. Compare it with `IOTCHAIN_ABI_VERSION` once at start-up: a
/// difference means that header and library are of different releases.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_abi_version() -> u32 {
    IOTCHAIN_ABI_VERSION
}
