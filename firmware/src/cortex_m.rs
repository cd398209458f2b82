//! A Cortex-M: how it starts, counts and calls the emulator.

use core::arch::{asm, global_asm};

global_asm!(
    ".section .start,\"a\"",
    ".word stack_top",
    ".word reset",
    ".rept 14",
    ".word fault",
    ".endr",
);

/// The system timer runs at 25 MHz: instructions from one tick to the next.
const TICK: u32 = 40;
/// It counts down through 24 bits.
const RANGE: u32 = 0x00ff_ffff;
const CONTROL: *mut u32 = 0xe000_e010 as *mut u32;
const RELOAD: *mut u32 = 0xe000_e014 as *mut u32;
const VALUE: *mut u32 = 0xe000_e018 as *mut u32;

/// Starts the clock.
pub(crate) fn start() {
    // SAFETY: the registers of the system timer, which only this module knows.
    unsafe {
        RELOAD.write_volatile(RANGE);
        VALUE.write_volatile(0);
        CONTROL.write_volatile(0b101);
    }
}

/// A moment, for [`since`].
pub(crate) fn now() -> u32 {
    // SAFETY: the value register of the system timer.
    unsafe { VALUE.read_volatile() }
}

/// Instructions since a moment: at most 671 million, in steps of 40.
pub(crate) fn since(moment: u32) -> u32 {
    (moment.wrapping_sub(now()) & RANGE) * TICK
}

pub(crate) fn stack_pointer() -> *mut u32 {
    let pointer: *mut u32;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) pointer) }
    pointer
}

/// Calls the emulator.
///
/// # Safety
/// The block at `argument` is what the operation expects.
pub(crate) unsafe fn call(operation: u32, argument: *const u8) {
    // SAFETY: the breakpoint that the emulator takes for a call; it reads the block.
    unsafe { asm!("bkpt #0xab", inlateout("r0") operation => _, in("r1") argument) }
}
