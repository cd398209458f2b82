/* Start of a Cortex-M: vectors, memory, and the halt of an emulator. No library of the compiler is needed. */
#include "port.h"

extern uint32_t link_data_load[], link_data[], link_data_end[], link_bss_end[], link_stack_top[];
int main(void);

_Noreturn static void reset(void)
{
    const uint32_t *from = link_data_load;
    uint32_t *to = link_data;

    while (to < link_data_end) {
        *to++ = *from++;
    }
    while (to < link_bss_end) {
        *to++ = 0;
    }
#if defined(__ARM_FP)
    /* CPACR: the coprocessors of the FPU */
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
    __asm__ volatile("dsb\n isb");
#endif
    main();
    port_end();
}

/* A panic of the library traps, and a trap ends here: on a board the watchdog takes over. */
_Noreturn static void fault(void)
{
    for (;;) {
    }
}

/* ARMv6-M and later: the first stack pointer, then reset, NMI, HardFault and the others. */
struct vectors {
    uint32_t *stack;
    void (*handlers[15])(void);
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    link_stack_top,
    {reset, fault, fault, fault, fault, fault},
};

/* Semihosting, ARM IHI 0095: SYS_EXIT with ADP_Stopped_ApplicationExit. A debugger or emulator obeys. */
_Noreturn void port_end(void)
{
    register uint32_t operation __asm__("r0") = 0x18;
    register uint32_t reason __asm__("r1") = 0x20026;

    __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(reason) : "memory");
    for (;;) {
    }
}
