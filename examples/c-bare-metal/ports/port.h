/* What a board has to provide. One file per board implements it; the loop in ../board.c knows nothing else of the hardware. */
#ifndef PORT_H
#define PORT_H

#include <stddef.h>
#include <stdint.h>

/* Readies clocks, UART and generator. */
void port_start(void);

/* Waits for the next byte of the line. */
uint8_t port_read(void);

/* Sends a byte. */
void port_write(uint8_t byte);

/* Fills `out` with random bytes fit for keys and returns 0, the contract of iotchain_rng. */
int32_t port_random(void *ctx, uint8_t *out, size_t len);

/* The reading of a thermometer in tenths of a degree. */
int port_sensor(void);

/* Switches the actuator. */
void port_led(int on);

/* Ends: an emulator exits, hardware waits for a reset. */
_Noreturn void port_end(void);

#endif
