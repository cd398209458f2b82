/* What a C compiler may call without being asked to. A C library has the same, often faster. */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    while (len-- > 0) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    unsigned char *t = to;

    while (len-- > 0) {
        *t++ = (unsigned char)byte;
    }
    return to;
}
