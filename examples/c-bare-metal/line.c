#include "line.h"

#include "port.h"

#define START 0xa7u

size_t line_read(uint8_t *kind, uint8_t *payload, size_t cap)
{
    size_t len, i;

    while (port_read() != START) {
    }
    *kind = port_read();
    len = (size_t)port_read() << 8;
    len |= port_read();
    for (i = 0; i < len; i++) {
        uint8_t byte = port_read();

        if (i < cap) {
            payload[i] = byte;
        }
    }
    return len <= cap ? len : SIZE_MAX;
}

void line_answer(uint8_t kind, int32_t result, const uint8_t *payload, size_t len)
{
    uint8_t head[4];
    size_t i;

    if (result != 0) {
        len = 0;
    }
    port_write(START);
    port_write(kind | 0x80u);
    port_write((uint8_t)((len + 4) >> 8));
    port_write((uint8_t)(len + 4));
    line_put_u32(head, (uint32_t)result);
    for (i = 0; i < sizeof head; i++) {
        port_write(head[i]);
    }
    for (i = 0; i < len; i++) {
        port_write(payload[i]);
    }
}

uint64_t line_u64(const uint8_t *p)
{
    uint64_t value = 0;
    int i;

    for (i = 0; i < 8; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

void line_put_u32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}
