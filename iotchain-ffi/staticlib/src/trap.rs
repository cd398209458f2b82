//! The instruction on which each core stops.

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(crate) fn trap() -> ! {
    // SAFETY: an invalid instruction ends the program; nothing runs after it.
    unsafe { core::arch::asm!("ud2", options(nomem, nostack, noreturn)) }
}

#[cfg(target_arch = "arm")]
pub(crate) fn trap() -> ! {
    // SAFETY: an undefined instruction raises a fault; nothing runs after it.
    unsafe { core::arch::asm!("udf #0", options(nomem, nostack, noreturn)) }
}

#[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
pub(crate) fn trap() -> ! {
    // SAFETY: a breakpoint without a debugger stops the core; nothing runs after it.
    unsafe { core::arch::asm!("ebreak", options(nomem, nostack, noreturn)) }
}

#[cfg(target_arch = "aarch64")]
pub(crate) fn trap() -> ! {
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
pub(crate) fn trap() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
