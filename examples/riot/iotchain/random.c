/* Randomness out of the chip. */
#ifdef MODULE_PERIPH_HWRNG

#include "iotchain_riot.h"

#include "periph/hwrng.h"

static int32_t fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    hwrng_read(out, len);
    return 0;
}

const iotchain_rng iotchain_riot_rng = { fill, NULL };

#else
typedef int iotchain_no_hwrng;
#endif
