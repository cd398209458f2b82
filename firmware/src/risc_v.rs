//! A RISC-V core: how it starts, counts and calls the emulator.

use core::arch::{asm, global_asm};

global_asm!(
    ".section .start,\"ax\"",
    "la sp, stack_top",
    "la t0, trapped",
    "csrw mtvec, t0",
    "j reset",
    ".balign 4",
    "trapped: j fault",
);

/// The counter of instructions runs from the beginning.
pub(crate) fn start() {}

/// A moment, for [`since`].
pub(crate) fn now() -> u32 {
    let instructions: u32;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {}, minstret", out(reg) instructions) }
    instructions
}

/// Instructions since a moment: at most 2^32.
pub(crate) fn since(moment: u32) -> u32 {
    now().wrapping_sub(moment)
}

pub(crate) fn stack_pointer() -> *mut u32 {
    let pointer: *mut u32;
    // SAFETY: reads a register.
    unsafe { asm!("mv {}, sp", out(reg) pointer) }
    pointer
}

/// Calls the emulator.
///
/// # Safety
/// The block at `argument` is what the operation expects.
pub(crate) unsafe fn call(operation: u32, argument: *const u8) {
    // SAFETY: a breakpoint between two shifts without effect is what the emulator takes for a call; it reads the block.
    unsafe {
        asm!(
            ".option push",
            ".option norvc",
            ".balign 16",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inlateout("a0") operation => _,
            in("a1") argument,
        );
    }
}
