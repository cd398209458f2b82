/* Start of a RISC-V core in machine mode, and the halt of QEMU's board `virt`. */
#include "port.h"

extern uint32_t link_data_load[], link_data[], link_data_end[], link_bss_end[];
int main(void);
_Noreturn void riscv_main(void);

__asm__(".section .vectors, \"ax\"\n"
        ".global link_entry\n"
        "link_entry:\n"
        ".option push\n"
        ".option norelax\n"
        "    la gp, __global_pointer$\n"
        ".option pop\n"
        "    la sp, link_stack_top\n"
        "    la t0, riscv_fault\n"
        "    csrw mtvec, t0\n"
        "    j riscv_main\n"
        ".balign 4\n"
        "riscv_fault:\n"
        "    j riscv_fault\n"
        ".text\n");

_Noreturn void riscv_main(void)
{
    const uint32_t *from = link_data_load;
    uint32_t *to = link_data;

    while (to < link_data_end) {
        *to++ = *from++;
    }
    while (to < link_bss_end) {
        *to++ = 0;
    }
    main();
    port_end();
}

/* The test finisher of QEMU: 0x5555 is success. */
_Noreturn void port_end(void)
{
    *(volatile uint32_t *)0x100000u = 0x5555u;
    for (;;) {
    }
}
