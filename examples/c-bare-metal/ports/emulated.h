/* A generator for emulated boards that have none. NEVER on hardware: what comes out can be guessed. */
#ifndef EMULATED_H
#define EMULATED_H

#include "port.h"

/* Xorshift (Marsaglia, 2003), the same numbers at every start. */
static inline int32_t emulated_random(uint8_t *out, size_t len)
{
    static uint32_t state[4] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au};

    while (len-- > 0) {
        uint32_t t = state[3] ^ (state[3] << 11);

        t ^= t >> 8;
        state[3] = state[2];
        state[2] = state[1];
        state[1] = state[0];
        state[0] ^= (state[0] >> 19) ^ t;
        *out++ = (uint8_t)state[0];
    }
    return 0;
}

#endif
