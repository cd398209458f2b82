/* A generator for emulated boards that have none. NEVER on hardware: what comes out can be guessed. */
#ifndef EMULATED_H
#define EMULATED_H

#include "port.h"

/* SplitMix64 (Steele et al., 2014), the same numbers at every start. */
static inline int32_t emulated_random(uint8_t *out, size_t len)
{
    static uint64_t state = 0x6a09e667f3bcc908u;

    while (len > 0) {
        uint64_t z = state += 0x9e3779b97f4a7c15u;
        size_t i;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        for (i = 0; i < 8 && len > 0; i++, len--) {
            *out++ = (uint8_t)(z >> (8 * i));
        }
    }
    return 0;
}

#endif
