//! `libiotchain.a`: the functions of `iotchain-ffi`, and what happens on a panic.
//!
//! No input can cause a panic. Should a fault of ours do it, the program stops at once, or, with the feature
//! `panic-extern`, as the program says.
#![no_std]

extern crate iotchain_ffi;

#[cfg(not(feature = "panic-extern"))]
mod trap;

use core::panic::PanicInfo;

#[cfg(not(feature = "panic-extern"))]
use trap::trap as stop;

#[panic_handler]
fn on_panic(_: &PanicInfo<'_>) -> ! {
    stop()
}

/// A function of the library that links without what this calls has no way to a panic.
#[cfg(feature = "panic-extern")]
fn stop() -> ! {
    unsafe extern "C" {
        fn iotchain_on_panic() -> !;
    }
    // SAFETY: the program defines it, without arguments and without a return.
    unsafe { iotchain_on_panic() }
}
