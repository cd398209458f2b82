//! `libiotchain.a`: the functions of `iotchain-ffi`, and what happens on a panic.
#![no_std]

extern crate iotchain_ffi;

use core::panic::PanicInfo;

/// No input can cause a panic; should a fault of ours do it, the program stops at once.
#[panic_handler]
fn on_panic(_: &PanicInfo<'_>) -> ! {
    trap()
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn trap() -> ! {
    // SAFETY: an invalid instruction ends the program; nothing runs after it.
    unsafe { core::arch::asm!("ud2", options(nomem, nostack, noreturn)) }
}

#[cfg(target_arch = "arm")]
fn trap() -> ! {
    // SAFETY: an undefined instruction raises a fault; nothing runs after it.
    unsafe { core::arch::asm!("udf #0", options(nomem, nostack, noreturn)) }
}

#[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
fn trap() -> ! {
    // SAFETY: a breakpoint without a debugger stops the core; nothing runs after it.
    unsafe { core::arch::asm!("ebreak", options(nomem, nostack, noreturn)) }
}

#[cfg(target_arch = "aarch64")]
fn trap() -> ! {
    // SAFETY: a breakpoint without a debugger ends the program; nothing runs after it.
    unsafe { core::arch::asm!("brk #1", options(nomem, nostack, noreturn)) }
}

#[cfg(not(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "arm",
    target_arch = "riscv32",
    target_arch = "riscv64",
    target_arch = "aarch64"
)))]
fn trap() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
