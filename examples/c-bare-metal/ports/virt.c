/* QEMU's RISC-V board `virt`: NS16550A. */
#include "emulated.h"

#define UART ((volatile uint8_t *)0x10000000u)
enum { DATA = 0, LINE_STATUS = 5 };

void port_start(void)
{
}

uint8_t port_read(void)
{
    while ((UART[LINE_STATUS] & 0x01u) == 0) {
    }
    return UART[DATA];
}

void port_write(uint8_t byte)
{
    while ((UART[LINE_STATUS] & 0x20u) == 0) {
    }
    UART[DATA] = byte;
}

int32_t port_random(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    return emulated_random(out, len);
}

int port_sensor(void)
{
    return 215;
}

void port_led(int on)
{
    (void)on;
}
