//! What a program says to the emulator it runs in (Arm semihosting, 2.0; RISC-V has the same
//! calls).

use crate::machine;

/// Prints a text that ends with a zero byte.
const WRITE0: u32 = 0x04;
const EXIT_EXTENDED: u32 = 0x20;
/// The reason of an orderly exit.
const APPLICATION_EXIT: u32 = 0x2_0026;

fn call(operation: u32, argument: *const u8) {
    // SAFETY: each operation below gets the block that it expects.
    unsafe { machine::call(operation, argument) }
}

pub(crate) fn print(text: &str) {
    for byte in text.bytes() {
        call(WRITE0, [byte, 0].as_ptr());
    }
}

/// A blank and the number in decimal.
pub(crate) fn print_number(number: u32) {
    let mut divisor = 1_000_000_000;
    while divisor > number.max(1) {
        divisor /= 10;
    }
    print(" ");
    while divisor != 0 {
        call(WRITE0, [b'0' + (number / divisor % 10) as u8, 0].as_ptr());
        divisor /= 10;
    }
}

pub(crate) fn exit(code: u32) -> ! {
    let block = [APPLICATION_EXIT, code];
    call(EXIT_EXTENDED, block.as_ptr().cast());
    loop {
        core::hint::spin_loop();
    }
}
