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

/// The system timer runs at 25 MHz: nanoseconds from one tick to the next.
const TICK: u32 = 40;
/// Nanoseconds of an instruction, as `cargo xtask firmware` tells the emulator. What runs apart is counted in pieces so
/// small that a tick must be shorter than an instruction.
const INSTRUCTION: u32 = if cfg!(iotchain_aes = "port") { 64 } else { 1 };
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

/// Instructions since a moment: at most 671 million, in steps of 40; or 10 million, one by one.
pub(crate) fn since(moment: u32) -> u32 {
    (moment.wrapping_sub(now()) & RANGE) * TICK / INSTRUCTION
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

/// Two words that count, and a stack above them, in memory of the boards that the image leaves alone.
#[cfg(iotchain_aes = "port")]
mod spare {
    pub(super) const INSTRUCTIONS: *mut u32 = 0x2100_0000 as *mut u32;
    pub(super) const CALLS: *mut u32 = 0x2100_0004 as *mut u32;
    pub(super) const STACK_TOP: u32 = 0x2101_0000;
}

/// Runs `work` on a stack of its own, and counts its instructions apart.
#[cfg(iotchain_aes = "port")]
pub(crate) fn apart(work: extern "C" fn(*mut u8, *mut u8), a: *mut u8, b: *mut u8) {
    let moment = now();
    // SAFETY: back on the stack it came from, with the registers that a call must keep.
    unsafe {
        asm!(
            "mov r4, sp",
            "mov sp, {top}",
            "blx {work}",
            "mov sp, r4",
            top = in(reg) spare::STACK_TOP,
            work = in(reg) work,
            inout("r0") a => _,
            inout("r1") b => _,
            out("r4") _,
            clobber_abi("C"),
        );
    }
    let instructions = since(moment);
    // SAFETY: memory of the board, for these two alone.
    unsafe {
        spare::INSTRUCTIONS.write_volatile(spare::INSTRUCTIONS.read_volatile() + instructions);
        spare::CALLS.write_volatile(spare::CALLS.read_volatile() + 1);
    }
}

/// Instructions and number of what ran apart since the last time somebody asked.
#[cfg(iotchain_aes = "port")]
pub(crate) fn taken_apart() -> (u32, u32) {
    // SAFETY: as above.
    unsafe {
        let counted = (
            spare::INSTRUCTIONS.read_volatile(),
            spare::CALLS.read_volatile(),
        );
        spare::INSTRUCTIONS.write_volatile(0);
        spare::CALLS.write_volatile(0);
        counted
    }
}
