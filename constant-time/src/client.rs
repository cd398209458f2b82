//! What a program says to valgrind's memcheck that it runs in (`valgrind.h` and `memcheck.h`, x86-64).

/// `VG_USERREQ_TOOL_BASE('M', 'C')`.
const MEMCHECK: u64 = (b'M' as u64) << 24 | (b'C' as u64) << 16;
const MAKE_MEM_UNDEFINED: u64 = MEMCHECK + 1;
const MAKE_MEM_DEFINED: u64 = MEMCHECK + 2;

/// From here on, no jump and no address may depend on these bytes.
pub(crate) fn secret(bytes: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, bytes);
}

/// From here on, anyone may know these bytes.
pub(crate) fn publish(bytes: &mut [u8]) {
    request(MAKE_MEM_DEFINED, bytes);
}

fn request(request: u64, bytes: &mut [u8]) {
    let block = [
        request,
        bytes.as_mut_ptr() as u64,
        bytes.len() as u64,
        0,
        0,
        0,
    ];
    // SAFETY: rotations that add up to nothing and an exchange of a register with itself; valgrind takes them for a
    // call with the block at rax, and changes nothing but rdx and which bytes it holds for defined.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") block.as_ptr(),
            inout("rdx") 0u64 => _,
        );
    }
}
