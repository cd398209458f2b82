//! Measures what devices run, on an emulated Cortex-M4: instructions, and bytes of stack.
//!
//! ```text
//! reset --> measure(operation) for each of the table --> "name instructions stack" by semihosting --> exit
//! ```
//!
//! The emulator runs one instruction per nanosecond (`-icount shift=0`), the system timer counts at 25 MHz: a tick is 40
//! instructions. The stack below an operation is painted before it and looked through after it.
#![no_std]

mod operations;
mod semihosting;

use core::panic::PanicInfo;
use operations::{OPERATIONS, Operation, World};

core::arch::global_asm!(
    ".section .vectors,\"a\"",
    ".word stack_top",
    ".word reset",
    ".rept 14",
    ".word fault",
    ".endr",
);

/// Paint of the stack.
const PAINT: u32 = 0xa5a5_5a5a;
/// Instructions from one tick of the system timer to the next.
const TICK: u32 = 40;
/// The system timer counts down through 24 bits.
const TIMER: u32 = 0x00ff_ffff;
const TIMER_CONTROL: *mut u32 = 0xe000_e010 as *mut u32;
const TIMER_RELOAD: *mut u32 = 0xe000_e014 as *mut u32;
const TIMER_VALUE: *mut u32 = 0xe000_e018 as *mut u32;

unsafe extern "C" {
    /// Where the stack may end; from the linker script.
    static mut stack_limit: u32;
    /// Defined only where a panic may be reached: without it, the linker refuses an operation that can panic.
    fn iotchain_on_panic() -> !;
}

#[panic_handler]
fn on_panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: a function without arguments that does not return.
    unsafe { iotchain_on_panic() }
}

#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    semihosting::exit(2)
}

#[unsafe(no_mangle)]
extern "C" fn reset() -> ! {
    // SAFETY: the registers of the timer of every Cortex-M4.
    unsafe {
        TIMER_RELOAD.write_volatile(TIMER);
        TIMER_VALUE.write_volatile(0);
        TIMER_CONTROL.write_volatile(0b101);
    }
    let Ok(mut world) = World::new() else {
        semihosting::exit(1)
    };
    for (name, operation) in OPERATIONS {
        let Some((instructions, stack)) = measure(*operation, &mut world) else {
            semihosting::print(name);
            semihosting::exit(1)
        };
        semihosting::print(name);
        semihosting::print_number(instructions);
        semihosting::print_number(stack);
        semihosting::print("\n");
    }
    semihosting::exit(0)
}

/// Instructions and bytes of stack of one operation; `None` if it failed.
#[inline(never)]
fn measure(operation: Operation, world: &mut World) -> Option<(u32, u32)> {
    let limit = &raw mut stack_limit;
    let top: *mut u32;
    // SAFETY: reads the stack pointer; what lies between the limit and it is used by nobody.
    unsafe {
        core::arch::asm!("mov {}, sp", out(reg) top);
        let mut at = limit;
        while at < top {
            at.write_volatile(PAINT);
            at = at.add(1);
        }
    }
    // SAFETY: the timer's value register.
    let begin = unsafe { TIMER_VALUE.read_volatile() };
    let is_right = operation(world);
    // SAFETY: as above.
    let end = unsafe { TIMER_VALUE.read_volatile() };
    let mut at = limit;
    // SAFETY: within the stack, which is memory.
    while at < top && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    let ticks = begin.wrapping_sub(end) & TIMER;
    is_right.then_some((ticks * TICK, (top as u32).wrapping_sub(at as u32)))
}
