//! Measures what devices run, on emulated cores: instructions, and bytes of stack.
//!
//! ```text
//! reset --> measure(operation) for each of the table --> "name instructions stack blocks" by semihosting --> exit
//! ```
//!
//! The emulator runs one instruction per nanosecond (`-icount shift=0`), so that a clock counts instructions. The stack
//! below an operation is painted before it and looked through after it. With `--cfg iotchain_aes="port"` the blocks that the
//! platform encrypts are counted, and what they cost is left out.
#![no_std]

#[cfg_attr(target_arch = "arm", path = "cortex_m.rs")]
#[cfg_attr(target_arch = "riscv32", path = "risc_v.rs")]
mod machine;
mod operations;
#[cfg_attr(iotchain_aes = "port", path = "platform.rs")]
#[cfg_attr(not(iotchain_aes = "port"), path = "no_platform.rs")]
mod platform;
mod semihosting;

use core::panic::PanicInfo;
use operations::{OPERATIONS, Operation, World};
use platform::taken_apart;

/// Paint of the stack.
const PAINT: u32 = 0xa5a5_5a5a;

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
    machine::start();
    let Ok(mut world) = World::new() else {
        semihosting::exit(1)
    };
    for (name, operation) in OPERATIONS {
        let Some((instructions, stack, blocks)) = measure(*operation, &mut world) else {
            semihosting::print(name);
            semihosting::exit(1)
        };
        semihosting::print(name);
        semihosting::print_number(instructions);
        semihosting::print_number(stack);
        semihosting::print_number(blocks);
        semihosting::print("\n");
    }
    semihosting::exit(0)
}

/// Instructions and bytes of stack of one operation, and blocks that the platform encrypted; `None` if it failed.
#[inline(never)]
fn measure(operation: Operation, world: &mut World) -> Option<(u32, u32, u32)> {
    let top = machine::stack_pointer();
    let mut at = &raw mut stack_limit;
    while at < top {
        // SAFETY: what lies between the limit and the stack pointer is used by nobody.
        unsafe { at.write_volatile(PAINT) };
        at = at.wrapping_add(1);
    }
    taken_apart();
    let moment = machine::now();
    let is_right = operation(world);
    let instructions = machine::since(moment);
    let (apart, blocks) = taken_apart();
    let mut at = &raw mut stack_limit;
    // SAFETY: within the stack, which is memory.
    while at < top && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    let stack = (top as u32).wrapping_sub(at as u32);
    is_right.then_some((instructions.wrapping_sub(apart), stack, blocks))
}
