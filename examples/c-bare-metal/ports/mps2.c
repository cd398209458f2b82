/* Arm MPS2 with the images AN385 (Cortex-M3), AN386 (Cortex-M4): CMSDK UART 0. */
#include "emulated.h"

#define UART ((volatile uint32_t *)0x40004000u)
enum { DATA, STATE, CTRL, INTSTATUS, BAUDDIV };

void port_start(void)
{
    UART[BAUDDIV] = 16;
    UART[CTRL] = 3; /* transmit and receive */
}

uint8_t port_read(void)
{
    while ((UART[STATE] & 2u) == 0) {
    }
    return (uint8_t)UART[DATA];
}

void port_write(uint8_t byte)
{
    while ((UART[STATE] & 1u) != 0) {
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
    /* FPGA I/O, LED 0 */
    *(volatile uint32_t *)0x40028000u = on != 0;
}
