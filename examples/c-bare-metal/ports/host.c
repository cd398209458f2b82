/* A board that is a process: the line is standard input and output. For sanitizers, and to try a change quickly. */
#define _DEFAULT_SOURCE /* getentropy */
#include "port.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void port_start(void)
{
}

uint8_t port_read(void)
{
    uint8_t byte;

    if (read(STDIN_FILENO, &byte, 1) != 1) {
        exit(0);
    }
    return byte;
}

void port_write(uint8_t byte)
{
    if (write(STDOUT_FILENO, &byte, 1) != 1) {
        exit(1);
    }
}

int32_t port_random(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    return getentropy(out, len);
}

int port_sensor(void)
{
    return 200 + rand() % 40;
}

void port_led(int on)
{
    fprintf(stderr, "the light is %s\n", on ? "on" : "off");
}

_Noreturn void port_end(void)
{
    exit(0);
}
